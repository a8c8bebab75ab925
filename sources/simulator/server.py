"""A server that speaks `/resto/api` over real HTTP: logins with slots, departments, OLAP, cash shifts, and troubles."""

import contextlib
import hashlib
import select
import threading
import time
import uuid
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import orjson

from sources.simulator import olap
from sources.simulator.audit import Audit, Tokens, has_left
from sources.simulator.faults import REFUSALS, Faults, Planned
from sources.simulator.worlds.base import KEPT, Node, World

Answer = tuple[int, str, bytes]
SHIFT_OPENS = clock(7, 56, 32, 937_000)
TEXT, JSON, XML, HTML = "text/plain;charset=utf-8", "application/json", "application/xml", "text/html"
PATHS = {
    "/auth": "login",
    "/logout": "logout",
    "/licence/info": "licence",
    "/corporation/departments": "departments",
    "/v2/reports/olap": "olap",
    "/v2/reports/olap/columns": "columns",
    "/v2/cashshifts/list": "shifts",
}


class IikoServer:
    """Serves `world` until `stop()`; also a context manager. Port 0 takes a free one; `url` is what a client needs."""

    def __init__(
        self,
        world: World,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        login: str = "demo",
        password: str = "demo",
        faults: Faults | None = None,
    ) -> None:
        self.world = world
        self.login = login
        self.password_hash = hashlib.sha1(password.encode()).hexdigest()
        self.faults = faults or Faults()
        self.audit = Audit()
        self.tokens = Tokens()
        self.stopping = threading.Event()
        self._http = _Listener((host, port), _Handler)
        self._http.iiko = self
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        host = str(self._http.server_address[0])
        return f"http://{'127.0.0.1' if ip_address(host).is_unspecified else host}:{self.port}"

    def start(self) -> Self:
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        self._http.serve_forever()

    def stop(self) -> None:
        self.stopping.set()
        if self._thread:
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def live_tokens(self) -> list[str]:
        return self.tokens.live(self.faults.token_ttl)

    def broken_rules(self) -> list[str]:
        """Every rule broken so far; a token still out is one."""
        return [*self.audit.broken, *("a token was not returned" for _ in self.live_tokens())]

    def state(self) -> dict[str, Any]:
        return {
            "requests": dict(self.audit.requests),
            "max_overlap": self.audit.max_overlap,
            "broken_rules": self.broken_rules(),
            "live_tokens": len(self.live_tokens()),
            "faults": self.faults.settings(),
        }

    def control(self, orders: dict[str, Any]) -> dict[str, Any]:
        """What `POST /__control__` takes: `Faults.apply`'s orders, `drop_tokens`, `reset_audit`. Answers the state."""
        self.faults.apply(orders)
        if orders.get("drop_tokens"):
            self.tokens.drop()
        if orders.get("reset_audit"):
            self.audit.reset()
        return self.state()

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

    def _departments(self, _: "_Call", __: set[str]) -> Answer:
        nodes = self.world.departments()
        if self.faults.json_departments:
            return 200, JSON, orjson.dumps([_as_dict(node) for node in nodes])
        return 200, XML, _as_xml(nodes)

    def _columns(self, _: "_Call", __: set[str]) -> Answer:
        if self.faults.no_columns:
            return 404, HTML, b"<html><body>404 Not Found</body></html>"
        return 200, JSON, olap.columns(self._fields())

    def _fields(self) -> dict[str, olap.Field]:
        known = olap.fields({node.id: node for node in self.world.departments()})
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
        if body := getattr(self.world, "body", None):
            return 200, JSON, body
        return 200, JSON, olap.render(olap.rows(question, self.world, self._fields()), struck)

    def _shifts(self, call: "_Call", _: set[str]) -> Answer:
        if "status" not in call.query:
            return 400, TEXT, b"Argument for @NotNull parameter 'status' must be not null"
        try:
            first, last = (date.fromisoformat(call.query[name]) for name in ("openDateFrom", "openDateTo"))
        except (KeyError, ValueError):
            return 400, TEXT, f"Wrong date format: {call.query.get('openDateFrom')}".encode()
        return 200, JSON, orjson.dumps(self._shift_list(first, last, call.query["status"]))

    def _shift_list(self, first: date, last: date, status: str) -> list[dict[str, Any]]:
        paid: dict[tuple[str, date], Decimal] = {}
        for cell in self.world.cells(first, last):
            if cell.department_id and cell.order_deleted == cell.dish_deleted == KEPT:
                key = (cell.department_id, cell.date)
                paid[key] = paid.get(key, Decimal(0)) + cell.revenue
        newest = {department: max(d for who, d in paid if who == department) for department, _ in paid}
        shifts = []
        for (department, day), money in sorted(paid.items()):
            is_open = self.faults.open_shifts and newest[department] == day
            if status in ("ANY", "OPEN" if is_open else "CLOSED"):
                shifts.append(_shift(department, day, money, is_open))
        return shifts


def _shift(department: str, day: date, money: Decimal, is_open: bool) -> dict[str, Any]:
    opened = datetime.combine(day, SHIFT_OPENS)
    closed = None if is_open else (opened + timedelta(hours=18)).isoformat(timespec="milliseconds")
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"shift {department} {day}")),
        "sessionNumber": day.toordinal() - 730_000,
        "cashRegNumber": 1,
        "openDate": opened.isoformat(timespec="milliseconds"),
        "closeDate": closed,
        "acceptDate": None,
        "payOrders": float(money),
        "sessionStatus": "OPEN" if is_open else "CLOSED",
        "departmentId": department,
        "pointOfSaleId": None,
    }


def _as_dict(node: Node) -> dict[str, Any]:
    item: dict[str, Any] = {"id": node.id, "parentId": node.parent_id, "name": node.name, "type": node.type}
    if node.code is not None:
        item["code"] = node.code
    if node.taxpayer_id and node.type == "JURPERSON":
        item["jurPersonAdditionalPropertiesDto"] = {"taxpayerId": node.taxpayer_id}
    elif node.taxpayer_id:
        item["taxpayerIdNumber"] = node.taxpayer_id
    return item


def _as_xml(nodes: list[Node]) -> bytes:
    def element(name: str, value: Any) -> str:
        if isinstance(value, dict):
            value, text = None, "".join(element(*pair) for pair in value.items())
        else:
            text = escape(str(value))
        return f"<{name}>{text}</{name}>"

    items = (
        "<corporateItemDto>"
        + "".join(element(name, value) for name, value in _as_dict(node).items() if value is not None)
        + "</corporateItemDto>"
        for node in nodes
    )
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return f"{head}<corporateItemDtoes>{''.join(items)}</corporateItemDtoes>".encode()


class _Call:
    def __init__(self, target: str, cookies: str, body: bytes, content_type: str) -> None:
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

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the path holds credentials."""

    def do_GET(self) -> None:
        self._handle("GET")

    def do_POST(self) -> None:
        self._handle("POST")

    def _handle(self, method: str) -> None:
        iiko = self.server.iiko
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = _Call(self.path, self.headers.get("Cookie", ""), body, self.headers.get("Content-Type", ""))
        if call.path == "/__control__":
            self._control(method, body)
            return
        kind = PATHS.get(call.path.removeprefix("/resto/api")) if call.path.startswith("/resto/api/") else None
        if kind is None:
            self._send((404, HTML, b"<html><body>404 Not Found</body></html>"))
            return
        iiko.audit.enter(kind, self.connection)
        inside = True
        try:
            struck = iiko.faults.strike(kind)
            pause = iiko.faults.slow + (struck["slow"].seconds if "slow" in struck else 0.0)
            if not self._wait(float("inf") if "hang" in struck else pause) or "reset" in struck:
                self.close_connection = True
                return
            answer = iiko.answer(kind, method, call, struck)
            # The client may ask again the moment it has the answer, so this request ends before its last byte.
            iiko.audit.leave(self.connection)
            inside = False
            self._send(answer, struck)
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
        if not ip_address(self.client_address[0]).is_loopback:
            self._send((403, TEXT, b"only from this machine"))
            return
        try:
            state = self.server.iiko.control(orjson.loads(body) if method == "POST" and body else {})
        except (ValueError, TypeError, AttributeError) as error:
            self._send((400, TEXT, str(error).encode()))
            return
        self._send((200, JSON, orjson.dumps(state)))

    def _send(self, answer: Answer, struck: dict[str, Planned] | None = None) -> None:
        struck = struck or {}
        status, content_type, body = answer
        length = len(body)
        if "truncated" in struck:
            body = body[: len(body) // 2]
            length = len(body)
        elif "short_length" in struck:
            length = len(body) // 2
        elif "long_length" in struck:
            length = len(body) + 100
        head = [f"HTTP/1.1 {status} simulated", f"Content-Type: {content_type}", f"Content-Length: {length}"]
        if "redirect" in struck:
            head.append("Location: http://192.0.2.1/elsewhere")
        if "too_many" in struck:
            head.append("Retry-After: 7")
        if length != len(body):
            self.close_connection = True
            head.append("Connection: close")
        # One write: a head sent alone waits for the client's delayed acknowledgement.
        self.wfile.write("\r\n".join([*head, "", ""]).encode() + body)
