"""What a list of a source came to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

NAMED_AT_MOST = 20


@dataclass
class Counted:
    """`deactivated` are among the changed. `notes`: codes and parameters of what a person should know."""

    found: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    deactivated: int = 0
    notes: list[dict[str, Any]] = field(default_factory=list)

    def count(self, rows: Collection[Any], *, new: Collection[Any], moved: Collection[Any]) -> None:
        """`rows` were told, of which `new` and `moved` were written."""
        self.found += len(rows)
        self.created += len(new)
        self.changed += len(moved)
        self.unchanged += max(len(rows) - len(new) - len(moved), 0)

    def note(self, code: str, /, *, warning: bool = True, **params: Any) -> None:
        self.notes.append({"code": code, "params": params} | ({"warning": True} if warning else {}))

    def note_names(self, code: str, names: Iterable[str], /, **params: Any) -> None:
        """One note for all of them, if there is any."""
        told = sorted(set(names))
        if told:
            more = " …" if len(told) > NAMED_AT_MOST else ""
            self.note(code, n=len(told), names=", ".join(told[:NAMED_AT_MOST]) + more, **params)

    def counts(self) -> dict[str, int]:
        names = ("found", "created", "changed", "unchanged", "deactivated")
        return {name: getattr(self, name) for name in names}
