"""One HTTP call to a configured server, and patience with it.

Credentials travel in query strings here, so nothing of a failed request (its URL, the library's exception) is kept:
errors carry a code, the host and the server's own words with every known secret masked.
"""

import contextlib
import ipaddress
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from sources.errors import SourceError
from sources.ports import Clock

T = TypeVar("T")

MAX_BYTES = 256 * 1024 * 1024
MAX_TEXT = 300
HTML = re.compile(rb"<(!doctype\s+html|html[\s>])", re.IGNORECASE)
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
        clock: Clock,
        *,
        allowed_hosts: Iterable[str] = (),
        connect_timeout: float = 10,
        read_timeout: float = 180,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.clock = clock
        self.allowed_hosts = frozenset(allowed_hosts)
        self.timeout = (connect_timeout, read_timeout)
        self.max_bytes = max_bytes
        self.secrets: set[str] = set()
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
    ) -> Reply:
        """The answer, whatever its status below 300 or from 400 on; its body complete.

        Raises SourceError host_not_allowed, redirect, unreachable, timeout, tls, truncated, too_large.
        """
        host = host_of(url, self.allowed_hosts)
        # A proxy of the environment is for the outer world, never for a server on this machine.
        self._session.trust_env = not _is_loopback(host)
        headers = {"Accept": "*/*", "User-Agent": "salesforecast"}
        if json is not None:
            headers["Content-Type"] = "application/json; charset=utf-8"
        failure: SourceError
        try:
            return self._send(host, method, url, params=params, data=json if form is None else form, headers=headers)
        except SourceError:
            raise
        except requests.exceptions.SSLError:
            failure = SourceError("tls", host=host)
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
            failure = SourceError("timeout", host=host)
        except requests.exceptions.ConnectionError as error:
            # requests dresses a read timeout in the middle of a body as a ConnectionError.
            slow = "Read timed out" in str(error)
            failure = SourceError("timeout" if slow else "unreachable", host=host)
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            failure = SourceError("truncated")
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError):
            failure = SourceError("unreachable", host=host)
        # Raised out here so that the library's exception, which quotes the URL, is not even its __context__.
        raise failure

    def _send(self, host: str, method: str, url: str, **arguments: object) -> Reply:
        started = self.clock.monotonic()
        response = self._session.request(
            method,
            url,
            timeout=self.timeout,
            allow_redirects=False,
            stream=True,
            **arguments,  # type: ignore[arg-type]
        )
        with contextlib.closing(response):
            if 300 <= response.status_code < 400:
                raise SourceError("redirect", host=host, status=response.status_code)
            body = bytearray()
            for chunk in response.iter_content(1 << 18):
                body += chunk
                if len(body) > self.max_bytes:
                    raise SourceError("too_large", limit=self.max_bytes)
                # The read timeout is between two bytes; a server that drips must end as well.
                if self.clock.monotonic() - started > 3 * self.timeout[1]:
                    raise SourceError("timeout", host=host)
            if response.status_code == 429:
                raise SourceError("too_many_requests", wait=_seconds(response.headers.get("Retry-After")))
            content_type = response.headers.get("Content-Type", "").lower()
            return Reply(response.status_code, content_type, bytes(body))

    def words(self, reply: Reply) -> str:
        """What the server said, fit for a person: one line, trimmed, no secret in it; empty for HTML."""
        if reply.is_html:
            return ""
        text = SECRET_ARGUMENTS.sub(r"\1=***", " ".join(reply.text().split()))
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text[:MAX_TEXT]


def _seconds(text: str | None) -> int:
    return min(int(text), 3600) if text and text.strip().isdigit() else 0


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
