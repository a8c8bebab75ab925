"""What a simulated server can be told to do wrong, from Python or over `POST /__control__`."""

import threading
from dataclasses import asdict, dataclass, field, fields
from typing import Any

KINDS = ("login", "logout", "departments", "columns", "olap", "licence", "shifts")

REFUSALS = {
    # fault: status, content type, body
    "unauthorised": (401, "text/plain", ""),
    "no_licence": (
        403,
        "text/plain",
        "License enhancement is required: no connections available for module 28008806",
    ),
    "blocked": (403, "text/plain", "Module 28008806 is blocked within current license"),
    "no_right": (403, "text/plain", "Permission denied"),
    "not_found": (404, "text/html", "<html><body>404 Not Found</body></html>"),
    "bad_request": (400, "text/plain", "Wrong date format: 2025-0318"),
    "unknown_field": (400, "text/plain", "java.lang.IllegalArgumentException: Unknown OLAP field 'GuestNum'"),
    "no_right_409": (409, "text/plain", "Доступ запрещен B_RPT"),
    "too_many": (429, "text/plain", "slow down"),
    "error_500": (500, "text/plain", "java.net.SocketException: Connection reset"),
    "html_502": (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "html_200": (200, "text/html", "<!DOCTYPE html><html><body>iiko is starting</body></html>"),
    "empty": (200, "text/plain", ""),
    "not_json": (200, "application/json", "OK, but not JSON"),
    "redirect": (302, "text/plain", ""),
}
"""Instead of an answer."""

TRANSPORT = ("slow", "hang", "reset", "truncated", "short_length", "long_length")
"""slow: `seconds` before the answer. hang: until the client leaves. reset: the connection closes unanswered.
truncated: a cut document, properly delivered. short_length: Content-Length below the body; long_length: above it."""

SHAPES = (
    "data_missing",
    "data_null",
    "null_money",
    "nan_money",
    "null_hour",
    "empty_hour",
    "null_department",
    "unknown_department",
    "foreign_date",
    "negative",
    "vanishing_hours",
    "number_mix",
    "binary_noise",
    "mixed_fractions",
    "shuffled",
    "no_rows",
)
"""Done to the rows of an OLAP answer."""

FAULTS = (*REFUSALS, *TRANSPORT, *SHAPES, "drop_tokens")


@dataclass
class Planned:
    """`fault` for requests of `kind` ("any": all kinds): `skip` pass untouched, then `count` are hit (None: all)."""

    kind: str
    fault: str
    count: int | None = 1
    skip: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in (*KINDS, "any") or self.fault not in FAULTS:
            raise ValueError(f"no fault {self.fault!r} for {self.kind!r}")

    def hits(self) -> bool:
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is None:
            return True
        self.count -= 1
        return self.count >= 0


@dataclass
class Faults:
    """Lasting settings as attributes, passing troubles by `plan`."""

    slots: int = 3
    """Licence slots; 0 refuses every login."""
    token_ttl: float = 3600.0
    starting: bool = False
    """401 to everything, as a server does while it starts."""
    query_login_refused: bool = False
    """The login by GET is refused with 405; only the POST form works."""
    quoted_token: bool = False
    json_departments: bool = False
    no_columns: bool = False
    """An older server without /columns (404)."""
    missing_fields: list[str] = field(default_factory=list)
    """Fields this version does not know."""
    open_shifts: bool = False
    """The newest shift of each department is still open."""
    slow: float = 0.0
    """Seconds before every answer."""
    _planned: list[Planned] = field(default_factory=list, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def plan(self, kind: str, fault: str, *, count: int | None = 1, skip: int = 0, seconds: float = 0.0) -> "Faults":
        with self._guard:
            self._planned.append(Planned(kind, fault, count, skip, seconds))
        return self

    def clear(self) -> None:
        """No planned faults, all settings back to their defaults."""
        with self._guard:
            self._planned.clear()
        fresh = Faults()
        for name in SETTINGS:
            setattr(self, name, getattr(fresh, name))

    def strike(self, kind: str) -> dict[str, Planned]:
        """The faults this request meets; they count it."""
        with self._guard:
            hit = {
                planned.fault: planned for planned in self._planned if planned.kind in (kind, "any") and planned.hits()
            }
            self._planned = [planned for planned in self._planned if planned.count is None or planned.count > 0]
        return hit

    def apply(self, orders: dict[str, Any]) -> None:
        """`{"clear": true, "set": {name: value}, "plan": [{kind, fault, count, skip, seconds}]}`."""
        if orders.get("clear"):
            self.clear()
        for name, value in orders.get("set", {}).items():
            if name not in SETTINGS:
                raise ValueError(f"no setting {name!r}; there are {', '.join(SETTINGS)}")
            setattr(self, name, value)
        for planned in orders.get("plan", []):
            self.plan(**planned)

    def settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SETTINGS} | {
            "planned": [asdict(planned) for planned in self._planned]
        }


SETTINGS = tuple(item.name for item in fields(Faults) if not item.name.startswith("_"))
