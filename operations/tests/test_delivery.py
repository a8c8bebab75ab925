"""Messages go out by the channels that are configured, again after a failure, and honestly after a crash."""

import datetime as dt
import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
import time
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller
from django.db import connection
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from accounts.roles import Role
from operations import delivery
from operations.delivery import deliver, deliver_due, due_messages
from runs.alarms import end_alarm, raise_alarm
from runs.models import Alarm, Outbox
from tests.stack.stack import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


class Receiver(ThreadingHTTPServer):
    """Takes what is posted; answers with `status` after `pause` seconds."""

    daemon_threads = True

    def __init__(self):
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.pause = 0.0
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        time.sleep(self.server.pause)
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *arguments):
        """Quiet."""


@pytest.fixture
def receiver():
    server = Receiver()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def organisation(settings):
    settings.LANGUAGE_CODE = "en"
    return Organisation.objects.create(name="Chain <b>&")


@pytest.fixture
def webhook(settings, receiver):
    settings.ALARM_CHANNELS = ["webhook"]
    settings.ALARM_WEBHOOK_URL = f"{receiver.url}/hook?token=hidden"
    settings.ALARM_WEBHOOK_SECRET = "shared secret"
    return receiver


def alarm(organisation):
    raise_alarm(organisation, "disk_nearly_full", "disk", params={"free": "0.3"})


def test_a_webhook_gets_signed_json_with_an_identity(organisation, webhook):
    alarm(organisation)
    assert deliver_due() == 1
    (_path, headers, body) = webhook.got[0]
    assert headers["X-Signature-SHA256"] == hmac.new(b"shared secret", body, hashlib.sha256).hexdigest()
    said = json.loads(body)
    assert (said["code"], said["event"], headers["Idempotency-Key"]) == ("disk_nearly_full", "began", said["id"])
    assert "0.3 GB" in said["text"]
    assert deliver_due() == 0
    end_alarm(organisation, "disk")
    assert deliver_due() == 1
    assert json.loads(webhook.got[1][2])["text"].startswith("Over: ")


def test_telegram_gets_plain_text(organisation, settings, receiver):
    settings.ALARM_CHANNELS = ["telegram"]
    settings.ALARM_TELEGRAM_API, settings.ALARM_TELEGRAM_TOKEN = receiver.url, "123:abc"
    settings.ALARM_TELEGRAM_CHAT = "-1001"
    alarm(organisation)
    assert deliver_due() == 1
    path, _headers, body = receiver.got[0]
    assert path == "/bot123:abc/sendMessage"
    said = json.loads(body)
    assert (said["chat_id"], said["text"].splitlines()[0].startswith("Chain <b>&: Only 0.3 GB")) == ("-1001", True)
    assert "parse_mode" not in said


class Mailbox:
    """The handler of a real SMTP server."""

    def __init__(self):
        self.mails = []
        self.refuse = False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.ALARM_CHANNELS = ["email"]
    yield box
    controller.stop()


def test_a_mail_goes_to_the_administrators_of_the_chain(organisation, mailbox):
    for name, role, whole in (
        ("anna", "administrator", True),
        ("boris", "manager", True),
        ("vera", "administrator", False),
    ):
        user = User.objects.create_user(name, email=f"{name}@chain.test")
        Membership.objects.create(user=user, organisation=organisation, role=Role(role), all_departments=whole)
    alarm(organisation)
    assert deliver_due() == 1
    (to, mail) = mailbox.mails[0]
    assert to == ["anna@chain.test"]
    assert mail["Message-ID"].startswith(f"<salesforecast-{Outbox.objects.get().alarm_id}-began@")
    assert "0.3 GB" in mail.get_content()


def test_without_any_address_the_message_waits_and_says_why(organisation, mailbox):
    alarm(organisation)
    assert deliver_due() == 0
    assert "ALARM_EMAILS" in Outbox.objects.get().error


@pytest.mark.parametrize("status", [500, 302, 404])
def test_a_refused_message_is_sent_again_later_and_names_no_secret(organisation, webhook, status):
    webhook.status = status
    alarm(organisation)
    assert deliver_due() == 0
    message = Outbox.objects.get()
    assert (message.status, message.error) == ("waiting", f"HTTP {status}")
    assert message.not_before > timezone.now() + dt.timedelta(seconds=50)
    assert len(webhook.got) == 1
    webhook.status = 200
    Outbox.objects.update(not_before=timezone.now())
    assert deliver_due() == 1


def test_a_dead_receiver_is_given_up_after_a_day(organisation, webhook, settings):
    settings.ALARM_WEBHOOK_URL = "http://127.0.0.1:9/hook?token=hidden"
    alarm(organisation)
    deliver_due()
    message = Outbox.objects.get()
    assert (message.status, "hidden" in message.error) == ("waiting", False)
    Outbox.objects.update(created_at=timezone.now() - dt.timedelta(hours=25), not_before=timezone.now())
    deliver_due()
    assert Outbox.objects.get().status == "failed"


def test_a_message_whose_sender_died_is_sent_again_and_says_so(organisation, webhook):
    alarm(organisation)
    Outbox.objects.update(status="sending", attempts=1, lease_until=timezone.now() + dt.timedelta(seconds=30))
    assert deliver_due() == 0
    Outbox.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert deliver_due() == 1
    assert "had this message before" in json.loads(webhook.got[0][2])["text"]


def test_of_two_senders_one_sends(organisation, webhook):
    alarm(organisation)
    first, second = Outbox.objects.get(), Outbox.objects.get()
    assert deliver(first)
    assert not deliver(second)
    assert len(webhook.got) == 1


def test_eight_senders_at_once_send_each_message_once(organisation, webhook):
    for number in range(10):
        raise_alarm(organisation, "beat_silent", f"beat {number}")
    webhook.pause = 0.02

    def send() -> None:
        while due_messages().exists():
            deliver_due()
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(json.loads(body)["key"] for _, _, body in webhook.got) == [f"beat {n}" for n in range(10)]
    assert not Outbox.objects.exclude(status="sent", attempts=1).exists()


SENDER = "import django; django.setup(); import operations.delivery; operations.delivery.deliver_due()"


def database_of_the_test() -> dict[str, str]:
    """The environment in which another process works on this very database."""
    if connection.vendor == "sqlite":
        return {"DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}"}
    known = connection.get_connection_params()
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    return {"DATABASE_URL": f"postgres:///{connection.settings_dict['NAME']}"} | {
        name: str(known[key]) for name, key in names.items() if known.get(key)
    }


def test_a_sender_killed_between_claim_and_answer_loses_nothing(organisation, webhook):
    alarm(organisation)
    webhook.pause = 60
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "salesforecast.settings",
            "DEBUG": "yes",
            **database_of_the_test(),
            "ALARM_WEBHOOK_URL": webhook.url,
        },
    )
    while not webhook.got and sender.poll() is None:
        time.sleep(0.05)
    sender.kill()
    sender.wait()
    assert Outbox.objects.get().status == "sending"
    webhook.pause = 0
    assert deliver_due() == 0  # its lease stands: it might be alive
    Outbox.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    assert deliver_due() == 1
    first, second = (json.loads(body) for _, _, body in webhook.got)
    assert first["id"] == second["id"]
    assert "had this message before" not in first["text"]
    assert "had this message before" in second["text"]


def test_an_answer_that_never_comes_may_have_been_a_delivery(organisation, webhook, monkeypatch):
    monkeypatch.setattr(delivery, "TIMEOUT", (0.2, 0.2))
    alarm(organisation)
    webhook.pause = 1
    assert deliver_due() == 0
    assert (Outbox.objects.get().error, Outbox.objects.get().may_have_gone) == ("ReadTimeout", True)
    webhook.pause = 0
    Outbox.objects.update(not_before=timezone.now())
    assert deliver_due() == 1
    assert "had this message before" in json.loads(webhook.got[1][2])["text"]


def test_a_receiver_that_drips_its_answer_holds_nobody_up_for_ever(organisation, webhook, monkeypatch):
    monkeypatch.setattr(delivery, "DEADLINE", 0.2)
    alarm(organisation)
    webhook.pause = 1
    assert deliver_due() == 0
    assert (Outbox.objects.get().error, Outbox.objects.get().may_have_gone) == ("no answer in time", True)


def test_a_receiver_that_was_never_reached_has_had_nothing(organisation, webhook, settings):
    settings.ALARM_WEBHOOK_URL = f"http://127.0.0.1:{free_port()}"
    alarm(organisation)
    assert deliver_due() == 0
    assert (Outbox.objects.get().error, Outbox.objects.get().may_have_gone) == ("ConnectionError", False)


def test_attempts_come_less_and_less_often_and_end_after_a_day(organisation, webhook):
    webhook.status = 404
    alarm(organisation)
    pauses = []
    for _ in range(6):
        deliver_due()
        pauses.append((Outbox.objects.get().not_before - timezone.now()).total_seconds())
        Outbox.objects.update(not_before=timezone.now())
    assert [round(pause / 60) for pause in pauses] == [1, 5, 15, 60, 60, 60]


def test_a_message_that_kills_every_sender_is_given_up_too(organisation, webhook):
    alarm(organisation)
    yesterday, lapsed = (timezone.now() - dt.timedelta(hours=hours) for hours in (25, 1))
    Outbox.objects.update(status="sending", attempts=99, lease_until=lapsed, created_at=yesterday)
    assert deliver_due() == 0
    assert (Outbox.objects.get().status, webhook.got) == ("failed", [])


def test_the_end_is_told_after_the_beginning(organisation, webhook):
    webhook.status = 404
    alarm(organisation)
    deliver_due()
    end_alarm(organisation, "disk")
    webhook.status = 200
    assert deliver_due() == 0
    Outbox.objects.update(not_before=timezone.now())
    assert [deliver_due(), deliver_due()] == [1, 1]
    assert [json.loads(body)["event"] for _, _, body in webhook.got[1:]] == ["began", "ended"]


def test_a_channel_that_fails_does_not_hold_up_the_others(organisation, webhook, mailbox, settings):
    settings.ALARM_CHANNELS = ["webhook", "email"]
    settings.ALARM_EMAILS = ["night@chain.test"]
    webhook.status = 404
    for key in ("a", "b"):
        raise_alarm(organisation, "beat_silent", key)
    assert deliver_due() == 2
    assert (len(mailbox.mails), len(webhook.got)) == (2, 1)


def test_a_bug_in_one_channel_is_a_failed_attempt_and_no_more(organisation, webhook, monkeypatch, caplog):
    def broken(message, text):
        raise ZeroDivisionError("123:abc")

    monkeypatch.setitem(delivery.CHANNELS, "webhook", broken)
    alarm(organisation)
    assert deliver_due() == 0
    assert (Outbox.objects.get().status, Outbox.objects.get().error) == ("waiting", "ZeroDivisionError")
    assert "123:abc" not in caplog.text


def test_a_mail_server_that_refuses_the_recipients_has_sent_nothing(organisation, mailbox, settings):
    settings.ALARM_EMAILS = ["nobody@chain.test"]
    mailbox.refuse = True
    alarm(organisation)
    assert deliver_due() == 0
    message = Outbox.objects.get()
    assert (message.error, message.may_have_gone) == ("SMTPRecipientsRefused", False)


def test_dates_and_hours_are_those_of_the_chain(organisation, webhook):
    organisation.time_zone = "Asia/Almaty"
    organisation.save()
    alarm(organisation)
    Alarm.objects.update(began_at=dt.datetime(2026, 1, 31, 20, 5, tzinfo=dt.UTC))
    deliver_due()
    assert "01.02.2026 01:05" in json.loads(webhook.got[0][2])["text"]
