"""A session with one iiko server: one token, one question at a time, the token always given back.

A login takes a licence slot until logout or about an hour has passed, and two logins side by side commonly end in
403; so every use of a server is a `session()` under the server's lock, and the token lives in a store in which the
successor of a killed worker finds it.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self, TypeVar
from urllib.parse import urlsplit

from sources.errors import SourceError
from sources.http import MAX_BYTES, Http, Reply, host_of, with_patience
from sources.iiko import parse
from sources.ports import Clock, ServerLock, TokenStore
from sources.transcript import Transcript

T = TypeVar("T")
logger = logging.getLogger(__name__)

TOKEN_AGE = timedelta(minutes=50)
LOGOUT_PATIENCE = 30.0
LOST = frozenset({"timeout", "truncated"})
LOST_LOGIN_PAUSE = 60
# A pause longer than this is slept in pieces, so that the lease on the server lives through it.
NAP = 20.0
NO_LICENCE = re.compile(r"licen[cs]e enhancement|no connections available", re.IGNORECASE)
BLOCKED = re.compile(r"is blocked within", re.IGNORECASE)
NO_RIGHT = re.compile(r"доступ запрещ|permission denied", re.IGNORECASE)
UNKNOWN_FIELD = re.compile(r"Unknown OLAP field '?([\w.]+)'?", re.IGNORECASE)


@dataclass(frozen=True)
class Server:
    """Where and as whom. `url` with or without `/resto`; timeouts and `patience` in seconds, `max_bytes` of an answer.

    `allowed_hosts` empty allows the url's own host. `password_proven`: the password has worked before, so a refused
    login is taken for a server that is starting (which answers 401 to everything) and tried again.
    """

    url: str
    login: str
    password: str = field(repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    patience: float = 300
    connect_timeout: float = 10
    read_timeout: float = 180
    max_bytes: int = MAX_BYTES
    include_returns: bool = True
    password_proven: bool = False

    @property
    def api(self) -> str:
        return re.sub(r"/+(resto/*(api/*)?)?$", "", self.url.strip()) + "/resto/api"

    @property
    def key(self) -> str:
        """Names the token and the lock of this server and login, the same however the url is written."""
        parts = urlsplit(self.api)
        port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
        place = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
        return "iiko:" + hashlib.sha256(f"{place}\n{self.login}".encode()).hexdigest()[:32]


class Session:
    """What every call needs, and belongs inside `with client.session():`. Raises SourceError only."""

    def __init__(
        self,
        server: Server,
        *,
        tokens: TokenStore,
        lock: ServerLock,
        clock: Clock,
        http: Http | None = None,
        transcript: Transcript | None = None,
    ) -> None:
        host_of(server.url, server.allowed_hosts)
        self.server = server
        self._tokens, self._lock, self._clock = tokens, lock, clock
        self._http = http or Http(
            allowed_hosts=server.allowed_hosts or {host_of(server.url)},
            connect_timeout=server.connect_timeout,
            read_timeout=server.read_timeout,
            max_bytes=server.max_bytes,
            transcript=transcript,
        )
        self._password_hash = hashlib.sha1(server.password.encode()).hexdigest()
        self._http.secrets |= {self._password_hash} | ({server.password} if len(server.password) > 3 else set())
        self._open = False
        self._token: str | None = None
        self._obtained_at: datetime | None = None
        self._proven = server.password_proven
        self._login_by_form = False
        self._lost_logins = 0

    @contextmanager
    def session(self) -> Iterator[Self]:
        """Holds the server's lock and a token; gives both back whatever happens inside.

        The token is out of the store afterwards, unless the server could not be reached to take it back: then it stays
        there for the next session to use or return. Raises SourceError `busy` and all that a login can raise.
        """
        with self._session(fresh=False):
            yield self

    @contextmanager
    def _session(self, *, fresh: bool) -> Iterator[None]:
        if self._open:
            raise RuntimeError("this client is already in a session")
        if not self._lock.acquire(self.server.key, self.server.patience):
            raise SourceError("busy")
        try:
            self._open = True
            try:
                self._adopt_stored_token(fresh=fresh)
                self._patiently(self._ensure_token)
                yield
            finally:
                self._open = False
                self._logout()
        finally:
            self._lock.release(self.server.key)
            self._http.close()

    def give_back(self) -> bool:
        """Log out the token that somebody who is gone left in the store; False while the server is in use."""
        if not self._lock.acquire(self.server.key, 0):
            return False
        try:
            if (stored := self._tokens.load(self.server.key)) is not None:
                self._keep(stored.token, stored.obtained_at)
                self._logout()
        finally:
            self._lock.release(self.server.key)
            self._http.close()
        return True

    # -- the token ----------------------------------------------------------------------------------------------

    def _adopt_stored_token(self, *, fresh: bool) -> None:
        stored = self._tokens.load(self.server.key)
        if stored is None:
            return
        self._keep(stored.token, stored.obtained_at)
        if fresh or self._token_is_old():
            self._logout()
        else:
            self._proven = True

    def _keep(self, token: str, obtained_at: datetime) -> None:
        self._token, self._obtained_at = token, obtained_at
        self._http.secrets.add(token)

    def _token_is_old(self) -> bool:
        assert self._obtained_at is not None
        return not timedelta(0) <= self._clock.now() - self._obtained_at < TOKEN_AGE

    def _ensure_token(self) -> str:
        if self._token is not None and self._token_is_old():
            self._logout()
        return self._token or self._login()

    def _login(self) -> str:
        try:
            token = parse.token(self._ask_for_token().text())
            if (cookie := self._http.key_cookie) and cookie != token and cookie.startswith(token):
                raise SourceError("truncated")
        except SourceError as error:
            if self._http.key_cookie:
                # The head came, the body did not (or made no sense): the slot is ours and goes back.
                self._keep(self._http.key_cookie, self._clock.now())
                self._tokens.save(self.server.key, self._http.key_cookie, self._clock.now())
                self._logout()
            elif error.code in LOST:
                # The server may have given a slot to an answer that never came: few, far-apart tries cost few slots.
                self._lost_logins += 1
                error.params["wait"] = LOST_LOGIN_PAUSE * self._lost_logins
            raise
        # Known to this client before it is stored: a store that fails must not cost the slot.
        self._keep(token, self._clock.now())
        self._proven = True
        self._tokens.save(self.server.key, token, self._clock.now())
        return token

    def _ask_for_token(self) -> Reply:
        credentials = {"login": self.server.login, "pass": self._password_hash}
        reply = (
            self._raw("POST", "/auth", form=credentials)
            if self._login_by_form
            else self._raw("GET", "/auth", params=credentials)
        )
        if not self._login_by_form and reply.status in (404, 405):
            form_reply = self._raw("POST", "/auth", form=credentials)
            # Where neither is found, the first refusal says more than the second.
            if form_reply.status not in (404, 405):
                reply, self._login_by_form = form_reply, True
        if reply.status == 401:
            raise SourceError("starting" if self._proven else "wrong_password")
        self._refuse(reply, "/auth")
        return reply

    def _forget(self) -> None:
        self._token = self._obtained_at = None
        self._tokens.clear(self.server.key)

    def _logout(self) -> None:
        """Gives the slot back; a server that cannot be reached keeps the token in the store for the next session."""
        if self._token is None:
            return
        try:
            self._patiently(self._goodbye, min(self.server.patience, LOGOUT_PATIENCE))
        except SourceError as error:
            logger.warning("could not log out of the iiko server: %s", error)
            if error.transient:
                self._token = self._obtained_at = None
                return
        self._forget()

    def _goodbye(self) -> None:
        assert self._token is not None
        reply = self._raw("GET", "/logout", params={"key": self._token})
        if reply.status != 401:  # 401: already out
            self._refuse(reply, "/logout")

    # -- one request --------------------------------------------------------------------------------------------

    def _get(self, path: str, params: dict[str, str]) -> Reply:
        return self._call("GET", path, params)

    def _call(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        *,
        form: dict[str, str] | None = None,
        json: bytes | None = None,
    ) -> Reply:
        """One request with the token; a refused token is replaced once. Raises `starting` if the new one is refused."""
        if not self._open:
            raise RuntimeError("ask inside `with client.session():`")
        for _ in range(2):
            asked = {**(params or {}), "key": self._ensure_token()}
            reply = self._raw(method, path, params=asked, form=form, json=json)
            if reply.status != 401:
                self._refuse(reply, path)
                return reply
            self._drop_refused_token()
        raise SourceError("starting")

    def _drop_refused_token(self) -> None:
        # Dead on the server as a rule; where it is not (a starting server refuses everything) its slot would leak.
        assert self._token is not None
        try:
            self._goodbye()
        except SourceError as error:
            logger.info("could not return a refused token: %s", error)
        self._forget()

    def _raw(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        json: bytes | None = None,
    ) -> Reply:
        self._lock.renew(self.server.key)
        return self._http.request(method, self.server.api + path, params=params, form=form, json=json)

    def _refuse(self, reply: Reply, path: str) -> None:
        """Raises what a refusal means (statuses and texts: iiko's page "opisanie oshibok"); passes data."""
        status = reply.status
        if status < 300:
            if reply.is_html:
                raise SourceError("html", status=status)
            return
        text = self._http.words(reply)
        if status >= 500:
            raise SourceError("server_error", status=status, text=text)
        if status == 404:
            raise SourceError("not_found", path=f"/resto/api{path}")
        if status == 403 and NO_LICENCE.search(text):
            raise SourceError("no_licence", text=text)
        if status == 403 and BLOCKED.search(text):
            raise SourceError("module_blocked", text=text)
        if status == 403 and reply.is_html:
            raise SourceError("html", status=status)
        if status == 403 or NO_RIGHT.search(text):
            raise SourceError("no_right", status=status, text=text)
        if found := UNKNOWN_FIELD.search(text):
            raise SourceError("unknown_field", fields=found[1])
        raise SourceError("refused", status=status, text=text)

    def _patiently(self, attempt: Callable[[], T], patience: float | None = None) -> T:
        return with_patience(
            attempt, self._clock, self.server.patience if patience is None else patience, sleep=self._sleep
        )

    def _sleep(self, seconds: float) -> None:
        while seconds > 0:
            self._lock.renew(self.server.key)
            self._clock.sleep(min(seconds, NAP))
            seconds -= NAP
