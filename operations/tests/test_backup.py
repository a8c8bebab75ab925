"""A backup holds all of it, and comes back only where it belongs."""

import json
import zipfile
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings as live
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation
from departments.models import Connection, Department
from operations.backup import BadBackup, make_backup, read_manifest, restore_backup
from runs.models import Run
from sales.models import AutoSyncLog, SalesSummary
from tests.world import build_world

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    world = build_world()
    Connection.objects.create(organisation=world.organisation, name="till", url="http://till.test", password="geheim")
    return world


@pytest.fixture
def backup(world, tmp_path):
    path = tmp_path / "one.zip"
    make_backup(path)
    return path


def everything() -> dict[str, list[tuple]]:
    """All rows of all tables of the house, as text."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.app_label in ("accounts", "departments", "sales", "forecasting", "runs"):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")
                found[model._meta.db_table] = sorted(map(str, cursor.fetchall()))
    return found


@pytest.mark.long
@pytest.mark.integration
def test_all_of_it_comes_back_and_goes_on(world, backup):
    before = everything()
    assert len(before["sales_summary"]) == 28
    SalesSummary.objects.all().delete()
    Department.objects.filter(pk=world.cafe.pk).update(name="changed since")
    Connection.objects.all().delete()
    call_command("restore", backup, replace=True)
    assert everything() == before
    assert Connection.objects.get().password == "geheim"
    run = Run.objects.create(organisation=Organisation.objects.get(name="Morning Coffee"), kind="x")
    assert run.pk > 0 and AutoSyncLog.objects.create(
        organisation=run.organisation, sync_date=world.today, status="success", executed_at=timezone.now()
    )


# On SQLite only: PostgreSQL makes all tables anew, once more, before the same statement.
def test_without_the_keys_all_but_the_passwords_comes_back(world, backup, settings):
    settings.SALT_KEY = ["another-key-" + "k" * 30]
    with pytest.raises(CommandError, match="SECRET_KEY"):
        call_command("restore", backup, replace=True)
    call_command("restore", backup, replace=True, without_secrets=True)
    assert Connection.objects.get().password is None
    assert SalesSummary.objects.count() == 28


@pytest.mark.integration
def test_no_secret_is_readable_in_it_and_only_the_owner_reads_it(backup):
    with zipfile.ZipFile(backup) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"geheim" not in everything
    assert live.SECRET_KEY.encode() not in everything and live.SALT_KEY[0].encode() not in everything
    assert backup.stat().st_mode & 0o077 == 0
    assert not list(backup.parent.glob("*.part"))


@pytest.mark.integration
def test_it_overwrites_nothing(world, backup):
    with pytest.raises(BadBackup, match="backup_there"):
        make_backup(backup)
    with pytest.raises(BadBackup, match="database_not_empty"):
        restore_backup(backup)


def code_of(path: Path) -> str:
    try:
        read_manifest(path)
    except BadBackup as bad:
        return bad.code
    return ""


@pytest.mark.integration
def test_a_damaged_file_is_refused(backup, tmp_path):
    whole = backup.read_bytes()
    damaged = tmp_path / "damaged.zip"
    for number in range(40):
        at = (len(whole) // 40) * number
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        # Where nothing is said, what was hit says nothing: a time or an attribute in the zip's directory.
        assert code_of(damaged) in ("backup_damaged", "backup_newer") or read_manifest(damaged) == read_manifest(backup)
    for part in (whole[: len(whole) // 2], b"", b"PK"):
        damaged.write_bytes(part)
        with pytest.raises(BadBackup, match="backup_damaged"):
            read_manifest(damaged)
    with pytest.raises(BadBackup, match="backup_missing"):
        read_manifest(tmp_path / "none.zip")


@pytest.mark.integration
def test_a_backup_of_a_newer_version_or_of_another_engine_is_refused(backup, tmp_path):
    def changed(**more) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.zip"
        with zipfile.ZipFile(backup) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                content = old.read(name)
                if name == "manifest.json":
                    content = json.dumps(json.loads(content) | more).encode()
                new.writestr(name, content)
        return path

    for more, code in (
        ({"migrations": [["sales", "9999_from_the_future"]]}, "backup_newer"),
        ({"format": 99}, "backup_newer"),
        ({"engine": "oracle"}, "backup_of_other_engine"),
        ({"key_check": "x"}, "backup_other_keys"),
    ):
        with pytest.raises(BadBackup, match=code):
            restore_backup(changed(**more), replace=True)
