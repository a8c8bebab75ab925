"""A calendar in a file: every line is judged, all of them are taken over or none, twice is once."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from departments.calendar_file import calendar_lines, import_calendar
from departments.models import Change, Closure, Event, Holiday
from tests.reading import content, reader
from tests.world import World

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
PAGE = "/admin/departments/holiday/import/"
GOOD = """\ufeffkind;first;last;name;key;effect;department;strength;known_from
holiday;21.03.2027;23.03.2027;Наурыз;Nowruz;;;;
holiday;2027-03-24;;Перенос;;day_off;;;01.12.2026
closure;01.02.2027;;Ремонт;;;Cafe on Abay;;15.01.2027
event;10.02.2027;14.02.2027;2 по цене 1;promo;;;0,5;01.02.2027
event;10.02.2027;;=HYPERLINK();concert;;2;;
"""


def bring(world: World, text: str | bytes):
    data = text.encode() if isinstance(text, str) else text
    return import_calendar(data, organisation=world.organisation, by=world.administrator)


def test_holidays_closures_and_events(world: World):
    result = bring(world, GOOD)
    assert (result.errors, result.added) == ([], 3 + 1 + 1 + 2)
    assert list(Holiday.objects.values_list("date", "key", "effect")) == [
        (dt.date(2027, 3, 21), "Nowruz", "feast"),
        (dt.date(2027, 3, 22), "Nowruz", "feast"),
        (dt.date(2027, 3, 23), "Nowruz", "feast"),
        (dt.date(2027, 3, 24), "Перенос", "day_off"),
    ]
    closure = Closure.objects.get()
    assert (closure.department, closure.last, closure.known_from) == (world.cafe, None, dt.date(2027, 1, 15))
    promo, concert = Event.objects.order_by("kind").reverse()
    assert (promo.department, promo.strength, promo.last) == (None, 0.5, dt.date(2027, 2, 14))
    assert (concert.department, concert.name, concert.created_by) == (world.bar, "=HYPERLINK()", world.administrator)
    assert Change.objects.filter(what="added", by=world.administrator).count() == 7


def test_the_same_file_twice_changes_nothing_and_a_changed_line_changes_its_row(world: World):
    bring(world, GOOD)
    again = bring(world, GOOD)
    assert (again.added, again.changed, again.unchanged) == (0, 0, 7)
    moved = bring(world, GOOD.replace("14.02.2027", "15.02.2027"))
    assert (moved.added, moved.changed) == (0, 1)
    change = Change.objects.get(what="changed")
    assert (change.before, change.after) == ({"last": "2027-02-14"}, {"last": "2027-02-15"})


def test_what_is_exported_is_imported_as_it_was(world: World):
    bring(world, GOOD)
    page = reader(world, "administrator").get("/admin/departments/holiday/export/")
    exported = b"".join(page.streaming_content)
    assert exported.decode("utf-8-sig").splitlines()[0] == GOOD.lstrip("\ufeff").splitlines()[0]
    assert b"'=HYPERLINK()" in exported
    again = bring(world, exported)
    assert (again.errors, again.added, again.changed, again.unchanged) == ([], 0, 0, 7)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("kind,first\nfeast,2027-01-01", 2, "“feast” is no kind"),
        ("kind,first,name\nholiday,1.13.2027,x", 2, "is no date"),
        ("kind,first,name\nholiday,03/21/2027,x", 2, "is no date"),
        ("kind,first\nholiday,2027-01-01", 2, "column name is empty"),
        ("kind,first,last,name\nholiday,2027-01-02,2027-01-01,x", 2, "before the first"),
        ("kind,first,last,name\nholiday,2027-01-01,2029-01-01,x", 2, "At most 400 days"),
        ("kind,first,name,effect\nholiday,2027-01-01,x,loud", 2, "no effect"),
        ("kind,first,name,strength\nevent,2027-01-01,x,1000", 2, "no strength"),
        ("kind,first,department\nclosure,2027-01-01,Foreign cafe", 2, "No department you see"),
        ("kind,first,department\nclosure,2027-01-01,Twin", 2, "More than one department"),
        ("kind,name\nholiday,x", 0, "lacks the columns first"),
        ("kind,first,when\nholiday,2027-01-01,x", 0, "Nobody knows the columns when"),
        ("", 0, "lacks the columns"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_taken_over(world: World, text, line, said):
    for _ in range(2):
        type(world.cafe).objects.create(organisation=world.organisation, name="Twin")
    good = "kind,first,name\n"
    result = bring(world, text)
    assert [number for number, _ in result.errors] == [line]
    assert said in result.errors[0][1] or _english(result.errors[0][1], said, world, text)
    if text.startswith(good):
        both = bring(world, text + "\nholiday,2027-05-01,fine")
        assert both.errors
    assert not Holiday.objects.exists() and not Event.objects.exists() and not Closure.objects.exists()


def _english(_shown: str, said: str, world: World, text: str) -> bool:
    from django.utils import translation

    with translation.override("en"):
        return said in bring(world, text).errors[0][1]


def test_a_manager_of_some_branches_names_only_those(world: World):
    text = "kind,first,department\nclosure,2027-01-01,Bakery"
    assert import_calendar(text.encode(), organisation=world.organisation, by=world.manager).errors
    text = text.replace("Bakery", "Bar 22")
    assert not import_calendar(text.encode(), organisation=world.organisation, by=world.manager).errors


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.binary(max_size=300))
@example(data=b"\0")
def test_no_file_breaks_it(world: World, data):
    """Whatever is sent is imported or refused in sentences."""
    for content_of_file in (data, b"kind;first;name\nholiday;2027-01-01;" + data):
        result = bring(world, content_of_file)
        assert all(text for _line, text in result.errors)


def test_the_page_says_what_came_of_it(world: World):
    administrator = reader(world, "administrator")
    done = administrator.post(PAGE, {"file": SimpleUploadedFile("calendar.csv", GOOD.encode("cp1251", "ignore"))})
    assert "Added 7" in content(done)
    bad = administrator.post(PAGE, {"file": SimpleUploadedFile("calendar.csv", b"kind;first\n<b>x;1")})
    assert "Line 2: “<b>x” is no kind" in content(bad) and b"<b>x" not in bad.content
    assert reader(world, "analyst").get(PAGE).status_code == 403


def test_an_empty_year_is_told_and_filled_by_one_button(world: World):
    administrator, holidays = reader(world, "administrator"), "/admin/departments/holiday/"
    year = world.today.year
    assert f"The calendar of {year} is empty" in content(administrator.get(holidays))
    assert "Add the public holidays" not in content(reader(world, "analyst").get(holidays))
    assert reader(world, "analyst").post(f"{holidays}fill/{year}/").status_code == 403
    assert administrator.post(f"{holidays}fill/1999/").status_code == 404
    assert administrator.post(f"{holidays}fill/{year}/").status_code == 302
    assert Holiday.objects.filter(organisation=world.organisation, date__year=year).count() > 20
    assert f"The calendar of {year} is empty" not in content(administrator.get(holidays))
    assert Change.objects.filter(kind="holiday", by=world.administrator).exists()


def test_only_ones_own_calendar_is_exported(world: World):
    bring(world, GOOD)
    lines = list(calendar_lines(world.organisation, world.staff))
    assert [line[0] for line in lines].count("event") == 1
    assert len(list(calendar_lines(world.other_organisation, world.stranger))) == 1
