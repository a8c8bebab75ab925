"""A server that speaks `/resto/api` over real HTTP: logins with slots, departments, OLAP, cash shifts, and troubles."""

import contextlib
import hashlib
import select
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import orjson

from sources.simulator import lists, olap, tills
from sources.simulator.audit import Audit, Tokens, has_left
from sources.simulator.delivery import deliver, reset
from sources.simulator.faults import LISTS, REFUSALS, Faults, Planned, instant
from sources.simulator.gate import Closure, Gate
from sources.simulator.worlds.base import Node, World, sums
from sources.simulator.worlds.edited import EditedWorld
from sources.simulator.worlds.static import PrerenderedWorld

Answer = tuple[int, str, bytes]
TEXT, JSON, XML, HTML = "text/plain;charset=utf-8", "application/json", "application/xml", "text/html"
PATHS = {
    "/auth": "login",
    "/logout": "logout",
    "/licence/info": "licence",
    "/corporation/departments": "departments",
    "/corporation/groups": "groups",
    "/v2/reports/olap": "olap",
    "/v2/reports/olap/columns": "columns",
    "/v2/cashshifts/list": "shifts",
    "/v2/entities/products/list": "products",
    "/v2/entities/products/group/list": "product_groups",
    "/v2/entities/products/category/list": "categories",
    "/v2/entities/list": "entities",
    "/corporation/stores": "stores",
    "/v2/price": "prices",
}

INFO_PATH = "/resto/get_server_info.jsp"
INFO = b'<?xml version="1.0" encoding="UTF-8"?><r><serverName>Simulated</serverName><edition>chain</edition>\
<version>8.9.7041.0</version><serverState>STARTED_SUCCESSFULLY</serverState></r>'


def wall_clock() -> datetime:
    return datetime.now(UTC)


class IikoServer:
    """Serves `world` until `stop()`; also a context manager. Port 0 takes a free one; `url` is what a client needs.

    `now`: the clock that plans and closures go by.
    """

    strict = False
    """The end of the context fails if a client broke iiko's rules; so it is in all tests."""

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        login: str = "demo",
        password: str = "demo",
        faults: Faults | None = None,
        now: Callable[[], datetime] = wall_clock,
    ) -> None:
        self.world = world
        self.now = now
        self.login = login
        self.password_hash = hashlib.sha1(password.encode()).hexdigest()
        self.faults = faults or Faults()
        self.audit = Audit()
        self.tokens = Tokens()
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _Handler)
        self._http.iiko = self
        self.gate = Gate(self._http, now)

    @property
    def world(self) -> World:
        return self.edited.world

    @world.setter
    def world(self, world: World) -> None:
        self.edited = EditedWorld(world)

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        host = str(self._http.server_address[0])
        return f"http://{'127.0.0.1' if ip_address(host).is_unspecified else host}:{self.port}"

    def start(self) -> Self:
        self.gate.open()
        return self

    def stop(self) -> None:
        self.stopping.set()
        self.gate.close()

    def down(self, how: str = "refused", *, start: datetime | None = None, until: datetime | None = None) -> None:
        """Off the net now, or from `start`, till `until` or `up()`; see `gate.HOW`. Connections in use are broken."""
        self.gate.shut(Closure(how, start, until))

    def up(self) -> None:
        self.gate.reopen()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, trouble: object, *_: object) -> None:
        self.stop()
        if trouble is None and self.strict:
            self.assert_rules_kept()

    def live_tokens(self) -> list[str]:
        return self.tokens.live(self.faults.token_ttl)

    def broken_rules(self) -> list[str]:
        """Every rule broken so far; a token still out is one, and so is one that expired instead of being returned."""
        live = self.live_tokens()
        lost = ["a token expired before it was returned"] * self.tokens.expired
        return [*self.audit.broken, *lost, *("a token was not returned" for _ in live)]

    def assert_rules_kept(self) -> None:
        """For the end of a test: no two requests at once, no question too large, every token returned."""
        broken = self.broken_rules()
        assert not broken, f"the client broke the rules of {self.url}: {broken}"

    def truth(self, first: date, last: date) -> list[list[Any]]:
        """[department, date, hour, revenue, gross, orders, guests] of all that was sold, money as text."""
        found = sums(self.edited.cells(first, last))
        return [
            [department, str(day), hour, olap.digits(revenue), olap.digits(gross), orders, guests]
            for (department, day, hour), (revenue, gross, orders, guests) in found.items()
        ]

    def state(self) -> dict[str, Any]:
        return {
            "requests": dict(self.audit.requests),
            "max_overlap": self.audit.max_overlap,
            "broken_rules": self.broken_rules(),
            "live_tokens": len(self.live_tokens()),
            "down": self.gate.state,
            "faults": self.faults.settings(),
        }

    def control(self, orders: dict[str, Any]) -> dict[str, Any]:
        """What `POST /__control__` takes; answers the state. Raises ValueError.

        `Faults.apply`'s orders, `drop_tokens`, `reset_audit`, `edit` [{do, and what that edit of `EditedWorld` takes}],
        `down` {how, start, until or seconds}, `up`, and `truth` {first, last} to be answered as well.
        """
        self.faults.apply(orders)
        if orders.get("drop_tokens"):
            self.tokens.drop()
        if orders.get("reset_audit"):
            self.audit.reset()
        for edit in orders.get("edit", []):
            self._refuse_prerendered()
            self.edited.edit(**edit)
        if orders.get("up"):
            self.up()
        if (down := orders.get("down")) is not None:
            start, until = instant(down.get("start")), instant(down.get("until"))
            if (seconds := down.get("seconds")) is not None:
                until = (start or self.now()) + timedelta(seconds=seconds)
            self.down(down.get("how", "refused"), start=start, until=until)
        state = self.state()
        if truth := orders.get("truth"):
            self._refuse_prerendered()
            state["truth"] = self.truth(*(date.fromisoformat(truth[name]) for name in ("first", "last")))
        return state

    def _refuse_prerendered(self) -> None:
        if isinstance(self.world, PrerenderedWorld):
            raise ValueError("answers that were made before cannot be edited or added up")

    def cookies(self, kind: str, answer: Answer) -> list[str]:
        """The headers that carry the token of a login as well."""
        if kind != "login" or self.faults.no_cookie:
            return []
        token = answer[2].decode().strip('"')
        if token not in self.live_tokens():
            return []
        return [f"Set-Cookie: key={token}; Path=/resto"]

    # -- the calls ----------------------------------------------------------------------------------------------

    def answer(self, kind: str, method: str, call: "_Call", struck: dict[str, Planned]) -> Answer:
        if "drop_tokens" in struck:
            self.tokens.drop()
        for fault in struck:
            if fault in REFUSALS:
                status, content_type, text = REFUSALS[fault]
                return status, content_type, text.encode()
        if self.faults.starting:
            return 401, TEXT, b""
        if kind == "login":
            return self._login(method, call)
        token = call.token
        if kind == "licence" and token is None:
            return 200, TEXT, str(self._free_slots()).encode()
        if token not in self.live_tokens():
            return 401, TEXT, b""
        try:
            found: Answer = getattr(self, f"_{kind}")(call, set(struck))
            return found
        except olap.Refusal as refusal:
            return refusal.status, TEXT, refusal.text.encode()

    def _free_slots(self) -> int:
        return max(0, self.faults.slots - len(self.live_tokens()))

    def _login(self, method: str, call: "_Call") -> Answer:
        if method == "GET" and self.faults.query_login_refused:
            return 405, HTML, b"<html><body>Method Not Allowed</body></html>"
        given = call.query if method == "GET" else call.form
        if given.get("login") != self.login or given.get("pass") != self.password_hash:
            return 401, TEXT, b""
        if self.live_tokens():
            self.audit.breach("a login while another token was out")
        token = self.tokens.issue(self.faults.slots, self.faults.token_ttl)
        if token is None:
            status, content_type, text = REFUSALS["no_licence"]
            return status, content_type, text.encode()
        return 200, TEXT, (f'"{token}"' if self.faults.quoted_token else token).encode()

    def _logout(self, call: "_Call", _: set[str]) -> Answer:
        token = call.token or ""
        return (200, TEXT, token.encode()) if self.tokens.give_back(token) else (401, TEXT, b"")

    def _licence(self, _: "_Call", __: set[str]) -> Answer:
        return 200, TEXT, str(self._free_slots()).encode()

    def _groups(self, _: "_Call", __: set[str]) -> Answer:
        return 200, XML, tills.groups(self.world.departments())

    def _departments(self, _: "_Call", __: set[str]) -> Answer:
        return self._nodes(self.world.departments())

    def _stores(self, _: "_Call", struck: set[str]) -> Answer:
        found = lists.stores(self.world.departments())
        if struck & {"row_without_id", "empty_list"}:
            found = [replace(node, id="") for node in found[:1]] if "row_without_id" in struck else []
        return self._nodes(found)

    def _nodes(self, nodes: list[Node]) -> Answer:
        if self.faults.json_departments:
            return 200, JSON, orjson.dumps([lists.as_dict(node) for node in nodes])
        return 200, XML, lists.as_xml(nodes)

    def _products(self, call: "_Call", struck: set[str]) -> Answer:
        if call.method == "POST" and self.faults.no_revisions:
            return 405, HTML, b"<html><body>Method Not Allowed</body></html>"
        since = call.form.get("revisionFrom", "-1") if call.method == "POST" else "-1"
        rows = self._list(call, lists.products(self.edited.menu, int(since)), struck)
        if self.faults.states_revision:
            return 200, JSON, orjson.dumps({"revision": self.edited.revision, "response": rows})
        return 200, JSON, orjson.dumps(rows)

    def _product_groups(self, call: "_Call", struck: set[str]) -> Answer:
        return 200, JSON, orjson.dumps(self._list(call, lists.groups(self.edited.menu), struck))

    def _categories(self, call: "_Call", struck: set[str]) -> Answer:
        return 200, JSON, orjson.dumps(self._list(call, lists.categories(self.edited.menu), struck))

    def _entities(self, call: "_Call", struck: set[str]) -> Answer:
        rows = lists.entities(self.edited.menu, call.query.get("rootType", ""))
        return 200, JSON, orjson.dumps(self._list(call, rows, struck))

    def _list(self, call: "_Call", rows: list[dict[str, Any]], struck: set[str]) -> list[Any]:
        """What is deleted is told to who asks for it."""
        asked = (call.form if call.method == "POST" else call.query).get("includeDeleted") == "true"
        return lists.misshape([row for row in rows if asked or not row["deleted"]], struck)

    def _prices(self, call: "_Call", struck: set[str]) -> Answer:
        try:
            first, last = (date.fromisoformat(call.query[name]) for name in ("dateFrom", "dateTo"))
        except (KeyError, ValueError):
            return 400, TEXT, f"Wrong date format: {call.query.get('dateFrom')}".encode()
        found = lists.prices(self.edited, first, last, call.query.get("departmentId"))
        if struck & set(LISTS):
            found |= {"response": lists.misshape(found["response"], struck)}
        return 200, JSON, orjson.dumps(found)

    def _columns(self, _: "_Call", __: set[str]) -> Answer:
        if self.faults.no_columns:
            return 404, HTML, b"<html><body>404 Not Found</body></html>"
        return 200, JSON, olap.columns(self._fields())

    def _fields(self) -> dict[str, olap.Field]:
        known = olap.fields({node.id: node for node in self.world.departments()}, self.edited.menu)
        return {name: field for name, field in known.items() if name not in self.faults.missing_fields}

    def _olap(self, call: "_Call", struck: set[str]) -> Answer:
        try:
            question = orjson.loads(call.body)
        except orjson.JSONDecodeError:
            question = None
        if not isinstance(question, dict):
            return 400, TEXT, b"Unexpected character in request"
        days = None
        with contextlib.suppress(olap.Refusal):
            first, last = olap.date_range(question)
            days = (last - first).days + 1
        self.audit.question(question, days)
        if isinstance(self.world, PrerenderedWorld):
            return 200, JSON, self.world.answer(question)
        return 200, JSON, olap.render(olap.rows(question, self.edited, self._fields()), struck)

    def _shifts(self, call: "_Call", _: set[str]) -> Answer:
        if "status" not in call.query:
            return 400, TEXT, b"Argument for @NotNull parameter 'status' must be not null"
        try:
            first, last = (date.fromisoformat(call.query[name]) for name in ("openDateFrom", "openDateTo"))
        except (KeyError, ValueError):
            return 400, TEXT, f"Wrong date format: {call.query.get('openDateFrom')}".encode()
        status = call.query["status"]
        if status not in tills.STATUSES:
            return 400, TEXT, f"Unknown status {status}".encode()
        found = self._shift_list(first, last, status, call.query.get("departmentId"))
        return 200, JSON, orjson.dumps(found)

    def _shift_list(
        self, first: date, last: date, status: str = "ANY", department_id: str | None = None
    ) -> list[dict[str, Any]]:
        return tills.shift_list(
            self.edited,
            first,
            last,
            status,
            department_id,
            newest_open=self.faults.open_shifts,
            old_names=self.faults.old_shift_names,
        )


class _Call:
    def __init__(self, method: str, target: str, cookies: str, body: bytes, content_type: str) -> None:
        self.method = method
        parts = urlsplit(target)
        self.path = "/" + "/".join(word for word in parts.path.split("/") if word)
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.body = body
        self.form: dict[str, str] = {}
        if "urlencoded" in content_type:
            self.form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        cookie = SimpleCookie(cookies).get("key")
        self.token = self.query.get("key") or (cookie.value if cookie else None)


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    iiko: IikoServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nobody's error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.server.iiko.gate.connections.add(self.connection)

    def finish(self) -> None:
        self.server.iiko.gate.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the path holds credentials."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def _handle(self, method: str) -> None:
        iiko = self.server.iiko
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = _Call(method, self.path, self.headers.get("Cookie", ""), body, self.headers.get("Content-Type", ""))
        if call.path == "/__control__":
            self._control(method, body)
            return
        if iiko.faults.down or iiko.gate.state is not None:
            self._break_off()
            return
        if call.path == INFO_PATH:
            self._send((200, XML, INFO))
            return
        kind = PATHS.get(call.path.removeprefix("/resto/api")) if call.path.startswith("/resto/api/") else None
        if kind is None:
            self._send((404, HTML, b"<html><body>404 Not Found</body></html>"))
            return
        iiko.audit.enter(kind, self.connection)
        inside = True
        try:
            struck = iiko.faults.strike(kind, iiko.now())
            pause = iiko.faults.slow + (struck["slow"].seconds if "slow" in struck else 0.0)
            if not self._wait(float("inf") if "hang" in struck else pause) or "closed" in struck:
                self.close_connection = True
                return
            if "reset" in struck:
                self._break_off()
                return
            answer = iiko.answer(kind, method, call, struck)
            # The client may ask again the moment it has the answer, so this request ends before its last byte.
            iiko.audit.leave(self.connection)
            inside = False
            self._send(answer, struck, iiko.cookies(kind, answer))
        finally:
            if inside:
                iiko.audit.leave(self.connection)

    def _wait(self, seconds: float) -> bool:
        """False if the client left before the time was over or the server stops."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([self.connection], [], [], min(left, 0.05))
            if readable and has_left(self.connection):
                return False
            if self.server.iiko.stopping.is_set():
                return False
        return True

    def _control(self, method: str, body: bytes) -> None:
        # An order to go off the net is answered all the same.
        self.server.iiko.gate.connections.discard(self.connection)
        self.close_connection = True
        self._send(self._ordered(method, body), headers=["Connection: close"])

    def _ordered(self, method: str, body: bytes) -> Answer:
        if not ip_address(self.client_address[0]).is_loopback:
            return 403, TEXT, b"only from this machine"
        try:
            state = self.server.iiko.control(orjson.loads(body) if method == "POST" and body else {})
        except (ValueError, TypeError, AttributeError, KeyError, ArithmeticError) as error:
            return 400, TEXT, str(error).encode()
        return 200, JSON, orjson.dumps(state)

    def _break_off(self) -> None:
        self.close_connection = True
        reset(self.connection)

    def _send(self, answer: Answer, struck: dict[str, Planned] | None = None, headers: list[str] | None = None) -> None:
        struck, headers = struck or {}, headers or []
        if "redirect" in struck:
            headers.append("Location: http://192.0.2.1/elsewhere")
        if "too_many" in struck:
            headers.append("Retry-After: 7")
        packed = self.server.iiko.faults.gzip and "gzip" in self.headers.get("Accept-Encoding", "")
        if not deliver(self.connection, self._wait, answer, headers, struck, packed=packed):
            self.close_connection = True
