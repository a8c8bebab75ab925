"""One HTTP call to a configured server, and patience with it.

Credentials travel in query strings here, so nothing of a failed request (its URL, the library's exception) is kept:
errors carry a code, the host and the server's own words with every known secret masked.
"""

import contextlib
import ipaddress
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import requests
import urllib3

from sources.errors import SourceError
from sources.ports import Clock
from sources.transcript import Transcript, without_secrets

T = TypeVar("T")

MAX_BYTES = 48 * 1024 * 1024
# An answer may drip: the read timeout is between two bytes, the whole of it may take so many of them.
READ_TIMEOUTS = 3
CHUNK = 1 << 18
MAX_TEXT = 300
HTML = re.compile(rb"<(!doctype\s+html|html[\s>])", re.IGNORECASE)
KEY_COOKIE = re.compile(r"(?:^|[,;]\s*)key=\"?([0-9A-Za-z._-]+)")
SECRET_ARGUMENTS = re.compile(r"(?i)\b(key|pass|login)=[^&\s\"'<>]*")

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
LICENCE_DELAY, LONGEST_LICENCE_DELAY = 5.0, 180.0
# The server goes on working on a question whose asker has left; asking again at once would make two of them.
TIMEOUT_DELAY = 10.0


class _MaskSecrets(logging.Filter):
    """urllib3 logs each request's path and query at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = SECRET_ARGUMENTS.sub(r"\1=***", record.getMessage())
        record.args = ()
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_MaskSecrets())


@dataclass(frozen=True)
class Reply:
    status: int
    content_type: str
    body: bytes = field(repr=False)

    @property
    def is_html(self) -> bool:
        """A page instead of data. The label alone is no proof: servers put text/html on tokens as well."""
        start = self.body[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
        if not start.startswith(b"<"):
            return False
        return bool(HTML.search(start)) or ("html" in self.content_type and not start.startswith(b"<?xml"))

    def text(self) -> str:
        return self.body.decode("utf-8", "replace").strip("\ufeff \t\r\n")


def host_of(url: str, allowed_hosts: Iterable[str] = ()) -> str:
    """The host of `url` if it may be called: http or https, no credentials inside, its host (or host:port) allowed.

    No `allowed_hosts` allows the url's own host. Raises SourceError `host_not_allowed`.
    """
    try:
        parts = urlsplit(url)
        host, port, user = (parts.hostname or "").lower(), parts.port, parts.username
    except ValueError:
        raise SourceError("host_not_allowed", host="") from None
    allowed = {name.strip().lower() for name in allowed_hosts}
    known = not allowed or host in allowed or (port is not None and f"{host}:{port}" in allowed)
    if parts.scheme not in {"http", "https"} or not host or user is not None or not known:
        raise SourceError("host_not_allowed", host=host)
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Http:
    """A requests session that follows no redirect, keeps no cookie, always has timeouts and bounds what it reads."""

    def __init__(
        self,
        *,
        allowed_hosts: Iterable[str] = (),
        connect_timeout: float = 10,
        read_timeout: float = 180,
        max_bytes: int = MAX_BYTES,
        transcript: Transcript | None = None,
    ) -> None:
        self.allowed_hosts = frozenset(allowed_hosts)
        self.timeout = (connect_timeout, read_timeout)
        self.max_bytes = max_bytes
        self.transcript = transcript
        self.secrets: set[str] = set()
        self.key_cookie: str | None = None
        """The cookie `key` of the last answer: it is there as soon as the head is, whatever becomes of the body."""
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        self._session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """The answer, whatever its status below 300 or from 400 on; its body complete.

        Raises SourceError host_not_allowed, redirect, unreachable, timeout, tls, truncated, bad_data (an encoding nobody
        asked for), too_large: more than `max_bytes` on the way or unpacked.
        """
        if self.transcript is None:
            return self._request(method, url, params=params, form=form, json=json, headers=headers)
        body = urlencode(without_secrets(form)).encode() if form is not None else json
        try:
            reply = self._request(method, url, params=params, form=form, json=json, headers=headers)
        except SourceError as error:
            self.transcript.note(method, url, query=params, body=body, secrets=self.secrets, error=error.code)
            raise
        self.transcript.note(
            method,
            url,
            query=params,
            body=body,
            secrets=self.secrets,
            status=reply.status,
            content_type=reply.content_type,
            answer=reply.body,
        )
        return reply

    def _request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None,
        form: Mapping[str, str] | None,
        json: bytes | None,
        headers: Mapping[str, str] | None,
    ) -> Reply:
        self.key_cookie = None
        host = host_of(url, self.allowed_hosts)
        # A proxy of the environment is for the outer world, never for a server on this machine.
        self._session.trust_env = not _is_loopback(host)
        sent = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "salesforecast", **(headers or {})}
        if json is not None:
            sent["Content-Type"] = "application/json; charset=utf-8"
        failure: SourceError
        try:
            return self._send(host, method, url, params=params, data=json if form is None else form, headers=sent)
        except SourceError:
            raise
        except requests.exceptions.SSLError:
            failure = SourceError("tls", host=host)
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            failure = SourceError("timeout", host=host)
        except (urllib3.exceptions.ProtocolError, zlib.error):
            failure = SourceError("truncated")
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError):
            failure = SourceError("unreachable", host=host)
        # Raised out here so that the library's exception, which quotes the URL, is not even its __context__.
        raise failure

    def _send(self, host: str, method: str, url: str, **arguments: object) -> Reply:
        # The wire lives in real time, whatever clock is injected.
        deadline = time.monotonic() + READ_TIMEOUTS * self.timeout[1]
        response = self._session.request(
            method,
            url,
            timeout=self.timeout,
            allow_redirects=False,
            stream=True,
            **arguments,  # type: ignore[arg-type]
        )
        with contextlib.closing(response):
            if found := KEY_COOKIE.search(response.headers.get("Set-Cookie", "")):
                self.key_cookie = found[1]
                self.secrets.add(found[1])
            if 300 <= response.status_code < 400:
                raise SourceError("redirect", host=host, status=response.status_code)
            if response.status_code == 429:
                raise SourceError("too_many_requests", wait=_seconds(response.headers.get("Retry-After")))
            if _number(response.headers.get("Content-Length")) > self.max_bytes:
                raise SourceError("too_large", limit=self.max_bytes)
            body = self._read(host, response.raw, response.headers.get("Content-Encoding", ""), deadline)
            content_type = response.headers.get("Content-Type", "").lower()
            return Reply(response.status_code, content_type, body)

    def _read(self, host: str, raw: urllib3.HTTPResponse, encoding: str, deadline: float) -> bytes:
        packed = encoding.strip().lower() not in ("", "identity")
        if packed and encoding.strip().lower() not in ("gzip", "x-gzip", "deflate"):
            raise SourceError("bad_data", what=f"Content-Encoding {encoding:.40}")
        pieces: list[bytes] = []
        size = 0
        for piece in _unpacked(raw) if packed else _pieces(raw):
            size += len(piece)
            if size > self.max_bytes:
                raise SourceError("too_large", limit=self.max_bytes)
            if time.monotonic() > deadline:
                raise SourceError("timeout", host=host)
            pieces.append(piece)
        return b"".join(pieces)

    def words(self, reply: Reply) -> str:
        """What the server said, fit for a person: one line, trimmed, no secret in it; empty for HTML."""
        if reply.is_html:
            return ""
        text = SECRET_ARGUMENTS.sub(r"\1=***", " ".join(reply.text().split()))
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text[:MAX_TEXT]


def _pieces(raw: urllib3.HTTPResponse) -> Iterator[bytes]:
    """The body as it comes: what one look at the socket gives."""
    while piece := raw.read1(CHUNK, decode_content=False):
        yield piece


def _unpacked(raw: urllib3.HTTPResponse) -> Iterator[bytes]:
    """In pieces as small, however far a packed one unfolds."""
    unpack = zlib.decompressobj(wbits=47)
    for piece in _pieces(raw):
        while piece:
            yield unpack.decompress(piece, CHUNK)
            piece = unpack.unconsumed_tail
        if unpack.unused_data:
            return
    yield unpack.flush()
    if not unpack.eof:
        raise SourceError("truncated")


def _number(text: str | None) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text.strip()) else 0


def _seconds(text: str | None) -> int:
    return min(_number(text), 3600)


def with_patience(
    attempt: Callable[[], T], clock: Clock, patience: float, sleep: Callable[[float], None] | None = None
) -> T:
    """`attempt()` again after each transient SourceError, with growing pauses, until `patience` seconds have passed.

    The last try is made when patience ends; its error is raised as it is.
    """
    started = clock.monotonic()
    tries = 0
    while True:
        try:
            return attempt()
        except SourceError as error:
            left = patience - (clock.monotonic() - started)
            if not error.transient or left <= 0:
                raise
            pause = _pause(error, tries)
        tries += 1
        (sleep or clock.sleep)(min(pause, left))


def _pause(error: SourceError, tries: int) -> float:
    if error.code == "no_licence":
        return min(LICENCE_DELAY * 2.0**tries, LONGEST_LICENCE_DELAY)
    first = TIMEOUT_DELAY if error.code == "timeout" else FIRST_DELAY
    asked = error.params.get("wait", 0)
    return max(min(first * 2.0**tries, LONGEST_DELAY), float(asked))
