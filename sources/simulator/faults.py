"""What a simulated server can be told to do wrong, from Python or over `POST /__control__`."""

import threading
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from sources.simulator.olap import NO_DATE_FILTER

KINDS = (
    "login",
    "logout",
    "departments",
    "groups",
    "columns",
    "olap",
    "licence",
    "shifts",
    "objects",
    "products",
    "product_groups",
    "categories",
    "entities",
    "stores",
    "prices",
)

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
    "no_right_409": (409, "text/plain;charset=UTF-8", "Доступ запрещен B_RPT"),
    "refused_409": (409, "text/plain;charset=UTF-8", NO_DATE_FILTER),
    "too_many": (429, "text/plain", "slow down"),
    "too_many_bare": (429, "text/plain", ""),
    "error_500": (500, "text/plain", "java.net.SocketException: Connection reset"),
    "html_502": (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "error_503": (503, "text/plain", "Service Unavailable"),
    "html_200": (200, "text/html", "<!DOCTYPE html><html><body>iiko is starting</body></html>"),
    "empty": (200, "text/plain", ""),
    "not_json": (200, "application/json", "OK, but not JSON"),
    "redirect": (302, "text/plain", ""),
}
"""Instead of an answer. too_many tells how long to wait, too_many_bare does not."""

BEFORE = ("slow", "hang", "closed", "reset")
"""slow: `seconds` before the answer. hang: until the client leaves. closed, reset: the connection ends unanswered,
politely or not."""

TRANSPORT = (
    "truncated",
    "short_length",
    "long_length",
    "reset_midway",
    "cut_gzip",
    "unknown_encoding",
    "gzip_bomb",
    "huge",
    "huge_chunked",
    "drip",
    "wrong_charset",
    "wrong_type",
)
"""Done to an answer on its way. truncated: a cut document, properly delivered. short_length: Content-Length below the
body; long_length: above it. gzip_bomb, huge, huge_chunked: 200 MB packed, announced, unannounced. drip: `seconds`
(default 1) between two bytes. wrong_charset: windows-1251 that calls itself UTF-8. wrong_type: labelled text/html."""

SHAPES = (
    "data_missing",
    "data_null",
    "null_money",
    "nan_money",
    "infinite_money",
    "absurd_money",
    "null_hour",
    "empty_hour",
    "null_department",
    "unknown_department",
    "foreign_date",
    "missing_field",
    "negative",
    "vanishing_hours",
    "number_mix",
    "binary_noise",
    "mixed_fractions",
    "shuffled",
    "no_rows",
    "double_rows",
    "double_keys",
    "double_data",
)
"""Done to the rows of an OLAP answer. absurd_money: 1e309. double_keys: a field twice in a row; double_data: an
empty `data` before the true one."""

LISTS = ("empty_list", "no_list", "row_without_id", "row_twice", "circle", "orphan", "absurd_price")
"""Done to the lists of the catalogue. row_twice: the first row again with another name. circle: two groups are part of
each other; orphan: the first is part of one that is not there."""

FAULTS = (*REFUSALS, *BEFORE, *TRANSPORT, *SHAPES, *LISTS, "drop_tokens")


@dataclass
class Planned:
    """`fault` for requests of `kind` ("any": all kinds): `skip` pass untouched, then `count` are hit (None: all).

    Only for those after the `login`-th attempt to log in, only for the `request`-th after a login (0: the login
    itself), only from `start` and before `until` (aware, or ISO texts with an offset).
    """

    kind: str
    fault: str
    count: int | None = 1
    skip: int = 0
    seconds: float = 0.0
    login: int | None = None
    request: int | None = None
    start: datetime | str | None = None
    until: datetime | str | None = None

    def __post_init__(self) -> None:
        if self.kind not in (*KINDS, "any") or self.fault not in FAULTS:
            raise ValueError(f"no fault {self.fault!r} for {self.kind!r}")
        self.start, self.until = instant(self.start), instant(self.until)

    def concerns(self, kind: str, login: int, request: int, now: datetime) -> bool:
        assert not isinstance(self.start, str)
        assert not isinstance(self.until, str)
        return (
            self.kind in (kind, "any")
            and self.login in (None, login)
            and self.request in (None, request)
            and (self.start is None or self.start <= now)
            and (self.until is None or now < self.until)
        )

    def hits(self) -> bool:
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is None:
            return True
        self.count -= 1
        return self.count >= 0


def instant(given: datetime | str | None) -> datetime | None:
    """Raises ValueError for an instant without a zone."""
    at = datetime.fromisoformat(given) if isinstance(given, str) else given
    if at is not None and at.tzinfo is None:
        raise ValueError(f"{given} lacks its zone")
    return at


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
    no_cookie: bool = False
    """A server before 4.3 gives the token in the body of the login only."""
    json_departments: bool = False
    no_columns: bool = False
    """An older server without /columns (404)."""
    states_revision: bool = False
    """The list of products says of which revision it is. Whether a real server does is not known."""
    no_revisions: bool = False
    """A server before 6.4: products are told by GET only (405)."""
    missing_fields: list[str] = field(default_factory=list)
    """Fields this version does not know."""
    down: bool = False
    """Every connection is broken off at once; see also `IikoServer.down`."""
    open_shifts: bool = False
    """The newest shift of each department is still open."""
    old_shift_names: bool = False
    """Cash shifts with `conception` and `pointOfSale` instead of `conceptionId` and `pointOfSaleId`."""
    gzip: bool = False
    """Answers are packed for clients that accept it."""
    slow: float = 0.0
    """Seconds before every answer."""
    _planned: list[Planned] = field(default_factory=list, repr=False)
    _login: int = field(default=0, repr=False)
    _request: int = field(default=0, repr=False)
    _guard: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def plan(self, kind: str, fault: str, **when: Any) -> "Faults":
        """`when`: count, skip, seconds, login, request, start, until of `Planned`. Raises ValueError."""
        planned = Planned(kind, fault, **when)
        with self._guard:
            self._planned.append(planned)
        return self

    def clear(self) -> None:
        """No planned faults, logins counted anew, all settings back to their defaults."""
        with self._guard:
            self._planned.clear()
            self._login = self._request = 0
        fresh = Faults()
        for name in SETTINGS:
            setattr(self, name, getattr(fresh, name))

    def strike(self, kind: str, now: datetime | None = None) -> dict[str, Planned]:
        """The faults this request meets; they count it."""
        now = now or datetime.now(UTC)
        with self._guard:
            if kind == "login":
                self._login, self._request = self._login + 1, 0
            else:
                self._request += 1
            hit = {
                planned.fault: planned
                for planned in self._planned
                if planned.concerns(kind, self._login, self._request, now) and planned.hits()
            }
            self._planned = [planned for planned in self._planned if planned.count is None or planned.count > 0]
        return hit

    def apply(self, orders: dict[str, Any]) -> None:
        """`{"clear": true, "set": {name: value}, "plan": [{kind, fault, and what else `Planned` takes}]}`."""
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
