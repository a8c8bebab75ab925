"""The whole database in one file, and back: the same engine, the same keys, an older version of the product at most.

The file is a zip of `manifest.json` and, of PostgreSQL, a COPY per table read in one snapshot; of SQLite, a copy of
its file. Sessions and failed logins stay behind. Passwords of connections stay encrypted: the keys are not in it.
"""

import hashlib
import json
import os
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from encrypted_fields.fields import EncryptedTextField

FORMAT = 1
MANIFEST, FILE = "manifest.json", "database.sqlite3"
LEFT_OUT = ("django_session", "axes_accessattempt", "axes_accesslog", "axes_accessfailurelog")
# Columns that hold what the keys of the installation encrypted.
ENCRYPTED = {"departments_connection": ("password", "api_key"), "departments_sourcesession": ("token",)}
PROOF = b"salesforecast"
PIECE = 2**20


class BadBackup(Exception):
    """`code` and `params` of a sentence."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class _Hashed:
    """A file that knows the SHA-256 of what was written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest, self.size = file, hashlib.sha256(), 0

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        self.size += len(piece)
        return self.file.write(piece)


def make_backup(path: Path) -> dict[str, Any]:
    """Write the backup and return its manifest. Raises BadBackup if the file is there already."""
    if path.exists():
        raise BadBackup("backup_there", path=path)
    draft = path.with_name(f"{path.name}.part")
    try:
        with (
            os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file,
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
        ):
            members = _write_tables(archive) if connection.vendor == "postgresql" else _write_file(archive)
            manifest = {
                "format": FORMAT,
                "engine": connection.vendor,
                "made_at": timezone.now().isoformat(),
                "migrations": sorted(MigrationRecorder(connection).applied_migrations()),
                "key_check": EncryptedTextField().f.encrypt(PROOF).decode(),
                "members": members,
            }
            archive.writestr(MANIFEST, json.dumps(manifest, indent=1))
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    return manifest


@contextmanager
def _member(archive: zipfile.ZipFile, name: str) -> Iterator[_Hashed]:
    with archive.open(name, "w", force_zip64=True) as file:
        yield _Hashed(file)


def _write_tables(archive: zipfile.ZipFile) -> dict[str, Any]:
    members = {}
    with transaction.atomic(), connection.cursor() as cursor:
        if len(connection.savepoint_ids) == 0:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for table in sorted(connection.introspection.table_names(cursor)):
            if table in LEFT_OUT or table == MigrationRecorder.Migration._meta.db_table:
                continue
            columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            with _member(archive, f"tables/{table}") as file:
                cursor.cursor.copy_expert(f"COPY {_named(table, columns)} TO STDOUT", file)
            members[f"tables/{table}"] = {
                "sha256": file.digest.hexdigest(), "size": file.size, "rows": cursor.rowcount, "columns": columns,
            }  # fmt: skip
    return members


def _write_file(archive: zipfile.ZipFile) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=Path(settings.VAR_DIR)) as folder:
        copy = Path(folder) / FILE
        with closing(sqlite3.connect(connection.settings_dict["NAME"])) as source, closing(sqlite3.connect(copy)) as to:
            source.backup(to)
            for table in LEFT_OUT:
                to.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
            to.commit()
            to.execute("VACUUM")
        with copy.open("rb") as read, _member(archive, FILE) as file:
            shutil.copyfileobj(read, file, PIECE)
    return {FILE: {"sha256": file.digest.hexdigest(), "size": file.size}}


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a whole and undamaged backup. Raises BadBackup."""
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = json.loads(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise BadBackup("backup_newer")
            for name, member in manifest["members"].items():
                digest, size = hashlib.sha256(), 0
                with archive.open(name) as file:
                    while piece := file.read(PIECE):
                        digest.update(piece)
                        size += len(piece)
                if (digest.hexdigest(), size) != (member["sha256"], member["size"]):
                    raise BadBackup("backup_damaged", path=path, what=name)
            return dict(manifest)
    except FileNotFoundError:
        raise BadBackup("backup_missing", path=path) from None
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError, NotImplementedError) as error:
        raise BadBackup("backup_damaged", path=path, what=type(error).__name__) from error
    except Exception as error:
        if type(error).__module__ == "zlib":
            raise BadBackup("backup_damaged", path=path, what="zlib") from error
        raise


def restore_backup(path: Path, *, replace: bool = False, without_secrets: bool = False) -> dict[str, Any]:
    """Put the backup in the place of the database and bring it up to this version. Returns the manifest.

    Everything that can be wrong is found before anything is touched: damage, another engine, a newer version, other
    keys (unless `without_secrets`, which forgets the passwords), and data in the database (unless `replace`).
    """
    manifest = read_manifest(path)
    if manifest["engine"] != connection.vendor:
        raise BadBackup("backup_of_other_engine", theirs=manifest["engine"], ours=connection.vendor)
    known = MigrationExecutor(connection).loader.disk_migrations
    if any(tuple(migration) not in known for migration in manifest["migrations"]):
        raise BadBackup("backup_newer")
    if not without_secrets and not _keys_fit(manifest):
        raise BadBackup("backup_other_keys")
    if not replace and _holds_data():
        raise BadBackup("database_not_empty")
    with zipfile.ZipFile(path) as archive:
        if connection.vendor == "postgresql":
            _read_tables(archive, manifest)
        else:
            _read_file(archive)
    call_command("migrate", interactive=False, verbosity=0)
    if without_secrets:
        _forget_secrets()
    return manifest


def _keys_fit(manifest: dict[str, Any]) -> bool:
    try:
        return bool(EncryptedTextField().f.decrypt(manifest["key_check"].encode()) == PROOF)
    except InvalidToken:
        return False


def _holds_data() -> bool:
    with connection.cursor() as cursor:
        if "accounts_organisation" not in connection.introspection.table_names(cursor):
            return False
        cursor.execute("SELECT COUNT(*) FROM accounts_organisation")
        return bool(cursor.fetchone()[0])


def _read_tables(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    """All of it in one transaction: whoever is interrupted finds the database as it was."""
    tables = {name.removeprefix("tables/"): member for name, member in manifest["members"].items()}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
        executor = MigrationExecutor(connection)
        executor.migrate(_leaves(executor, {tuple(migration) for migration in manifest["migrations"]}))
        names = ", ".join(map(connection.ops.quote_name, tables))
        cursor.execute(f"TRUNCATE {names} CASCADE")
        for table, member in tables.items():
            with archive.open(f"tables/{table}") as file:
                cursor.cursor.copy_expert(f"COPY {_named(table, member['columns'])} FROM STDIN", file)
        for table in tables:
            _set_sequences(cursor, table)


def _leaves(executor: MigrationExecutor, applied: set[tuple[str, ...]]) -> list[tuple[str, str]]:
    """Of each app the migrations that no other one of them stands on."""
    children = executor.loader.graph.node_map
    return [
        (app, name)
        for app, name in sorted(applied)
        if not any(child.key in applied and child.key[0] == app for child in children[app, name].children)
    ]


def _set_sequences(cursor: Any, table: str) -> None:
    for column in connection.introspection.get_sequences(cursor, table):
        name, quote = column["column"], connection.ops.quote_name
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence(%s, %s), COALESCE(MAX({quote(name)}), 1), MAX({quote(name)}) IS NOT NULL)"
            f" FROM {quote(table)}",
            [quote(table), name],
        )


def _named(table: str, columns: list[str]) -> str:
    quote = connection.ops.quote_name
    return f"{quote(table)} ({', '.join(map(quote, columns))})"


def _read_file(archive: zipfile.ZipFile) -> None:
    target = Path(connection.settings_dict["NAME"])
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        copy = Path(archive.extract(FILE, folder))
        connection.close()
        copy.replace(target)
    for beside in ("-wal", "-shm"):
        target.with_name(target.name + beside).unlink(missing_ok=True)


def _forget_secrets() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for table, columns in ENCRYPTED.items():
            cursor.execute(f"UPDATE {table} SET {', '.join(f'{column} = NULL' for column in columns)}")
