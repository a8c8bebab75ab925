"""What the last check of a connection found, each finding with what to do about it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.formats import count
from departments.choices import Kind
from departments.models import Connection


class Finding(NamedTuple):
    """`tone`: success, warning or danger."""

    tone: str
    text: str


def findings(connection: Connection) -> list[Finding]:
    """Nothing for a connection that was never checked."""
    known = "objects" if connection.kind == Kind.ONEC else "departments"
    return of_facts(connection.kind, connection.facts) if known in connection.facts else []


def of_facts(kind: str, facts: dict[str, Any]) -> list[Finding]:
    """What is known so far: `facts` may be those of a check that is still under way."""
    if not facts:
        return []
    return list(_of_books(facts) if kind == Kind.ONEC else _of_till(facts))


def _of_till(facts: dict[str, Any]) -> Iterator[Finding]:
    yield Finding("success", _("Login and password were accepted."))
    if facts.get("version"):
        yield Finding("success", _("The server is iiko %(version)s.") % {"version": facts["version"]})
    if number := facts.get("departments"):
        said = ngettext("It names %(n)s department.", "It names %(n)s departments.", number)
        yield Finding("success", said % {"n": count(number)})
    elif number == 0:
        yield Finding(
            "danger", _("It names no departments. Give the user access to them in iikoOffice, then check again.")
        )
    if missing := facts.get("fields_missing"):
        yield Finding(
            "danger",
            _("Its sales report lacks %(names)s. Nothing can be loaded: ask your iiko partner for an update.")
            % {"names": ", ".join(missing)},
        )
    elif "fields_missing" in facts:
        yield Finding("success", _("Its sales report has every column that is needed."))
    if facts.get("sees_shifts") is False:
        yield Finding(
            "warning",
            _(
                "The user may not see cash shifts: a day whose shift is still open looks like a finished one. "
                "Grant the right in iikoOffice."
            ),
        )
    elif facts.get("sees_shifts"):
        yield Finding("success", _("Cash shifts can be seen: open days are told from finished ones."))
    if slots := facts.get("free_slots"):
        none = slots.strip() == "0"
        text = (
            _("No licence slot is free beside ours: others are refused while we load. Ask for one more slot.")
            if none
            else _("Free licence slots: %(n)s.") % {"n": slots}
        )
        yield Finding("warning" if none else "success", text)


def _of_books(facts: dict[str, Any]) -> Iterator[Finding]:
    yield Finding("success", _("Address and key were accepted."))
    if not facts["objects"]:
        yield Finding(
            "danger", _("The list of objects is empty. Ask whoever looks after 1C whether its exchange runs.")
        )
        return
    said = ngettext("It names %(n)s object of 1C.", "It names %(n)s objects of 1C.", facts["objects"])
    yield Finding("success", said % {"n": count(facts["objects"])})
    if not facts["companies"]:
        yield Finding("warning", _("No object names its legal entity: departments will get none."))
    if number := facts["without_bin"]:
        said = ngettext(
            "%(n)s object has no BIN: it is proposed by its name alone.",
            "%(n)s objects have no BIN: they are proposed by their names alone.",
            number,
        )
        yield Finding("warning", said % {"n": count(number)})
    if number := facts["orphans"]:
        said = ngettext(
            "%(n)s object names a parent that is not in the list. It is matched all the same.",
            "%(n)s objects name a parent that is not in the list. They are matched all the same.",
            number,
        )
        yield Finding("warning", said % {"n": count(number)})
    yield Finding("success", _("Next: synchronise, then match objects and departments."))
