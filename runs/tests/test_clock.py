"""The product's clock may be moved; the ledger's is the database's and moves for nobody."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import Organisation
from departments.timing import organisation_today
from runs import clock, ledger
from runs.models import Run

SECOND = dt.timedelta(seconds=1)


@pytest.mark.unit
def test_without_a_file_the_clock_is_the_hosts(settings, tmp_path):
    assert abs(clock.now() - timezone.now()) < SECOND
    settings.CLOCK_FILE = str(tmp_path / "not there")
    assert abs(clock.now() - timezone.now()) < SECOND


@pytest.mark.unit
def test_the_file_moves_the_dates_of_the_chain(settings, tmp_path):
    organisation = Organisation(time_zone="Asia/Almaty")
    before = organisation_today(organisation)
    file = tmp_path / "clock"
    file.write_text("259200\n")
    settings.CLOCK_FILE = str(file)
    assert organisation_today(organisation) == before + dt.timedelta(days=3)
    file.write_text("")  # somebody is writing it
    assert abs(clock.now() - timezone.now()) < SECOND


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("minutes", [-5, 5])
def test_a_host_whose_clock_is_wrong_neither_waits_nor_takes_what_another_holds(monkeypatch, minutes):
    def wrong():
        return dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes)

    monkeypatch.setattr(ledger, "_send", lambda *arguments: True)
    monkeypatch.setattr(timezone, "now", wrong)
    monkeypatch.setitem(Run._meta.get_field("not_before").__dict__, "_get_default", wrong)
    run, _ = ledger.open_run("load", organisation=Organisation.objects.create(name="Chain"))
    assert ledger.claim(run.pk) is not None, "what is due is due on every host"
    assert ledger.claim(run.pk) is None
    assert ledger.sweep() == 0
    Run.objects.update(lease_until=clock.database_now(-1))
    assert ledger.claim(run.pk) is not None
