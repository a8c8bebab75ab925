"""The calendar as a CSV file: read with every line judged, all of it or nothing; and written."""

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from accounts.tables import read_text, separator_of, unguarded
from departments.changes import Noted, as_kept, note_all
from departments.models import BEGINNING, Closure, Department, Event, Holiday
from runs.sentences import sentence

COLUMNS = ("kind", "first", "last", "name", "key", "effect", "department", "strength", "known_from")
KINDS = ("holiday", "closure", "event")
MOST_LINES = 5000
MOST_BYTES = 1_000_000
MOST_ERRORS = 50
LONGEST = 400  # days of one holiday or event
FORMATS = ("%Y-%m-%d", "%d.%m.%Y")

Row = Holiday | Closure | Event


class BadLine(Exception):
    """`code` and `params` of a sentence about one line."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


@dataclass
class Imported:
    """`errors`: sentences by line number (0: the file as a whole). With any of them nothing was written."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


def import_calendar(content: bytes, *, organisation: Organisation, by: User) -> Imported:
    """Take over a file of COLUMNS (`;` or `,`, dates as 2026-03-21 or 21.03.2026). The same file twice changes nothing.

    A holiday is known by date and key, a closure by department and first day, an event by kind, department and first
    day: what is there already is changed. Departments are found by id, code or name among those `by` may see.
    """
    result = Imported()
    try:
        lines = _lines(content)
    except BadLine as bad:
        result.errors.append((0, sentence(bad.code, bad.params)))
        return result
    departments = DepartmentsInFile(organisation, by)
    rows: list[Row] = []
    for number, line in lines:
        try:
            rows += _rows(line, organisation, departments)
        except BadLine as bad:
            result.errors.append((number, sentence(bad.code, bad.params)))
            if len(result.errors) >= MOST_ERRORS:
                break
    if not result.errors:
        _store(rows, organisation, by, result)
    return result


def _lines(content: bytes) -> list[tuple[int, dict[str, str]]]:
    if len(content) > MOST_BYTES:
        raise BadLine("file_too_large", limit=MOST_BYTES // 1000)
    names, lines = lines_in_file(content, wanted=("kind", "first"), known=COLUMNS, most=MOST_LINES)
    if unknown := set(names) - set(COLUMNS):
        raise BadLine("columns_unknown", names=", ".join(sorted(unknown)), known=", ".join(COLUMNS))
    return lines


def lines_in_file(
    content: bytes, *, wanted: Sequence[str], known: Sequence[str], most: int
) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names in the first line of a CSV, and its lines by their number: {each of the `known` columns: its text}.

    Raises BadLine where a `wanted` column is missing, a known one comes twice, or there are more than `most` lines.
    """
    text = read_text(content)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator_of(text))
    found = []
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or []]
        if missing := set(wanted) - set(names):
            raise BadLine("columns_missing", names=", ".join(sorted(missing)), known=", ".join(known))
        if twice := {name for name in known if names.count(name) > 1}:
            raise BadLine("columns_twice", names=", ".join(sorted(twice)))
        reader.fieldnames = names
        for line in reader:
            cells = {name: unguarded((line.get(name) or "").strip()) for name in known}
            if any(cells.values()):
                found.append((reader.line_num, cells))
            if len(found) > most:
                raise BadLine("file_too_long", limit=most)
    except csv.Error:
        raise BadLine("no_csv_after", line=found[-1][0] if found else 1) from None
    return names, found


class DepartmentsInFile:
    """Found by id, code or name; a name or code that two of them bear is nobody's."""

    def __init__(self, organisation: Organisation, by: User) -> None:
        self.found: dict[str, Department | None] = {}
        for department in Department.objects.visible_to(by).filter(organisation=organisation):
            self.found[str(department.pk)] = department
            for text in {department.code, department.name.casefold()} - {""}:
                self.found[text] = None if text in self.found else department

    def get(self, text: str) -> Department:
        known = text if text in self.found else text.casefold()
        if known not in self.found:
            raise BadLine("unknown_department_in_file", text=text)
        department = self.found[known]
        if department is None:
            raise BadLine("department_not_unique", text=text)
        return department


def _rows(line: dict[str, str], organisation: Organisation, departments: DepartmentsInFile) -> Iterator[Row]:
    if line["kind"] not in KINDS:
        raise BadLine("unknown_kind", text=line["kind"], known=", ".join(KINDS))
    first = date_in_file(line["first"], "first")
    last = date_in_file(line["last"], "last") if line["last"] else None
    if last and last < first:
        raise BadLine("reversed_in_file")
    if line["kind"] != "closure" and last and (last - first).days >= LONGEST:
        raise BadLine("too_long_in_file", days=LONGEST)
    common: dict[str, Any] = {"organisation": organisation}
    if line["known_from"]:
        common["known_from"] = date_in_file(line["known_from"], "known_from")
    if line["kind"] == "holiday":
        effect = line["effect"] or Holiday.Effect.FEAST
        if effect not in Holiday.Effect.values:
            raise BadLine("unknown_effect", text=effect, known=", ".join(Holiday.Effect.values))
        name = _text(line, "name", 200)
        common |= {"name": name, "key": line["key"][:100] or name[:100], "effect": effect}
        common.setdefault("known_from", BEGINNING)
        for day in range(((last or first) - first).days + 1):
            yield Holiday(date=first + dt.timedelta(days=day), **common)
        return
    common.setdefault("known_from", timezone.localdate())
    if line["kind"] == "closure":
        department = departments.get(_text(line, "department", 300))
        yield Closure(department=department, first=first, last=last, reason=line["name"][:200], **common)
        return
    where = departments.get(line["department"]) if line["department"] else None
    event = Event(department=where, first=first, last=last or first, name=_text(line, "name", 200), **common)
    event.kind = line["key"][:60] or "promo"
    event.strength = _strength(line["strength"])
    yield event


def date_in_file(text: str, column: str) -> dt.date:
    for form in FORMATS:
        try:
            date = dt.datetime.strptime(text, form).date()  # noqa: DTZ007  (a date has no zone)
        except ValueError:
            continue
        if 1900 <= date.year <= 2100:
            return date
    raise BadLine("bad_date_in_file", column=column, text=text)


def _text(line: dict[str, str], column: str, longest: int) -> str:
    if not line[column]:
        raise BadLine("cell_empty", column=column)
    return line[column][:longest]


def _strength(text: str) -> float:
    try:
        value = float(text.replace(",", ".") or 1)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:
        raise BadLine("bad_strength", text=text)
    return value


def _known_as(row: Row) -> tuple[Any, ...]:
    if isinstance(row, Holiday):
        return "holiday", row.date, row.key
    if isinstance(row, Closure):
        return "closure", row.department_id, row.first
    return "event", row.kind, row.department_id, row.first


@transaction.atomic
def _store(rows: list[Row], organisation: Organisation, by: User, result: Imported) -> None:
    standing: dict[tuple[Any, ...], Row] = {}
    models: tuple[type[Row], ...] = (Holiday, Closure, Event)
    for model in models:
        for row in model.objects.filter(organisation=organisation):
            standing[_known_as(row)] = row
    noted = []
    for row in rows:
        before, there = None, standing.get(_known_as(row))
        if there is not None:
            row.pk, before = there.pk, as_kept(there)
            row._state.adding = False
            if isinstance(row, Event) and isinstance(there, Event):
                row.created_by_id = there.created_by_id
            if as_kept(row) == before:
                result.unchanged += 1
                continue
        elif isinstance(row, Event):
            row.created_by = by
        row.save()
        noted.append(Noted(row, before))
        standing[_known_as(row)] = row
        result.changed += before is not None
        result.added += before is None
    note_all(noted, by=by)


def calendar_lines(organisation: Organisation, by: User) -> Iterator[list[Any]]:
    """The whole calendar that `by` may see, as `import_calendar` reads it, header first."""
    yield list(COLUMNS)
    for day in Holiday.objects.filter(organisation=organisation).order_by("date", "key"):
        yield ["holiday", day.date, "", day.name, day.key, day.effect, "", "", day.known_from]
    seen = Department.objects.visible_to(by)
    for closure in Closure.objects.filter(department__in=seen, organisation=organisation).order_by("first", "pk"):
        values = [closure.reason, "", "", closure.department_id, "", closure.known_from]
        yield ["closure", closure.first, closure.last or "", *values]
    events = Event.objects.filter(organisation=organisation).order_by("first", "pk")
    for event in events.filter(department=None) | events.filter(department__in=seen):
        where = event.department_id or ""
        values = [event.name, event.kind, "", where, event.strength, event.known_from]
        yield ["event", event.first, event.last, *values]
