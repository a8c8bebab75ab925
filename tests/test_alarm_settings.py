"""Settings of the channels: nonsense stops the start with one sentence, and a secret may come from a file."""

import os
import subprocess
import sys

import pytest

ASK = "from django.conf import settings; print(settings.ALARM_CHANNELS, settings.EMAIL_HOST_PASSWORD)"


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith(("ALARM_", "EMAIL_"))}
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env={**known, "DJANGO_SETTINGS_MODULE": "salesforecast.settings", "DEBUG": "yes", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ALARM_TELEGRAM_TOKEN": "1:a"}, "ALARM_TELEGRAM_TOKEN and ALARM_TELEGRAM_CHAT belong together"),
        ({"ALARM_TELEGRAM_API": "telegram"}, "ALARM_TELEGRAM_API must be an http or https address."),
        ({"ALARM_WEBHOOK_URL": "hook.example"}, "ALARM_WEBHOOK_URL must be an http or https address."),
        ({"ALARM_WEBHOOK_SECRET": "s"}, "set ALARM_WEBHOOK_URL."),
        ({"ALARM_EMAILS": "anna@chain.kz"}, "set EMAIL_HOST."),
        ({"ALARM_EMAILS": "anna", "EMAIL_HOST": "mail"}, "ALARM_EMAILS must be e-mail addresses"),
        ({"EMAIL_HOST": "mail", "EMAIL_USE_TLS": "yes", "EMAIL_USE_SSL": "yes"}, "exclude each other"),
        ({"EMAIL_PORT": "smtp"}, "EMAIL_PORT must be a whole number"),
    ],
)
def test_nonsense_stops_the_start(variables, sentence):
    done = start(**variables)
    assert done.returncode != 0
    assert sentence in done.stderr.strip().splitlines()[-1]


def test_each_channel_is_on_when_it_is_configured(tmp_path):
    assert start().stdout.split()[0] == "[]"
    (tmp_path / "password").write_text("from a file\n")
    done = start(
        EMAIL_HOST="mail",
        EMAIL_HOST_PASSWORD_FILE=str(tmp_path / "password"),
        ALARM_TELEGRAM_TOKEN="1:a",
        ALARM_TELEGRAM_CHAT="-1",
        ALARM_WEBHOOK_URL="https://hook.example/",
    )
    assert done.stdout.strip() == "['email', 'telegram', 'webhook'] from a file"
