"""A client of the 1C exchange service: `GET {address}/objects`, one JSON array without pages.

Which header carries the key was never written down, so its name is a setting; so are its refusals, which are known by
their status (401, 403) or their words ("Invalid API Key").
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from sources.errors import SourceError
from sources.http import MAX_BYTES, Http, Reply, host_of, with_patience
from sources.onec import parse
from sources.onec.types import OnecObject, ServiceFacts
from sources.ports import Clock
from sources.transcript import Transcript

WRONG_KEY = re.compile(r"(invalid|missing|wrong|no)\s+api[\s_-]*key|unauthori[sz]ed", re.IGNORECASE)
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True)
class Service:
    """Where and with which key. `url` as in API_BASE_URL, with or without `/objects`; timeouts and `patience` in seconds.

    `allowed_hosts` empty allows the url's own host. Without a key no header is sent.
    """

    url: str
    api_key: str = field(default="", repr=False)
    auth_header: str = "X-API-Key"
    allowed_hosts: frozenset[str] = frozenset()
    patience: float = 300
    connect_timeout: float = 10
    read_timeout: float = 180
    max_bytes: int = MAX_BYTES

    @property
    def address(self) -> str:
        return re.sub(r"/+(objects/*)?$", "", self.url.strip()) + "/objects"

    @property
    def headers(self) -> dict[str, str]:
        """Raises SourceError bad_header: a name or a key that HTTP cannot carry."""
        if not self.api_key:
            return {}
        if not HEADER_NAME.fullmatch(self.auth_header) or not (self.api_key.isascii() and self.api_key.isprintable()):
            raise SourceError("bad_header", header=self.auth_header[:60])
        scheme = "Bearer " if self.auth_header.lower() == "authorization" and " " not in self.api_key else ""
        return {self.auth_header: scheme + self.api_key}


class OnecClient:
    """Raises SourceError only."""

    def __init__(
        self,
        service: Service,
        *,
        clock: Clock,
        http: Http | None = None,
        transcript: Transcript | None = None,
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        host_of(service.url, service.allowed_hosts)
        self.service = service
        self._clock = clock
        self._before_request = before_request
        self._http = http or Http(
            allowed_hosts=service.allowed_hosts or {host_of(service.url)},
            connect_timeout=service.connect_timeout,
            read_timeout=service.read_timeout,
            max_bytes=service.max_bytes,
            transcript=transcript,
        )
        if len(service.api_key) > 3:
            self._http.secrets.add(service.api_key)

    def objects(self) -> list[OnecObject]:
        """All objects, in the service's order: a child may come before its parent, and a parent may be missing."""

        def ask() -> list[OnecObject]:
            self._before_request()
            reply = self._http.request("GET", self.service.address, headers=self.service.headers)
            self._refuse(reply)
            return parse.objects(reply.body)

        try:
            return with_patience(ask, self._clock, self.service.patience)
        finally:
            self._http.close()

    def check(self) -> ServiceFacts:
        """Proves address and key by asking."""
        found = self.objects()
        codes = {item.code for item in found}
        return ServiceFacts(
            objects=len(found),
            roots=sum(item.parent_code is None for item in found),
            orphans=sum(item.parent_code is not None and item.parent_code not in codes for item in found),
            companies=len({item.company for item in found if item.company}),
            without_bin=sum(not item.bin for item in found),
        )

    def _refuse(self, reply: Reply) -> None:
        text = self._http.words(reply)
        if reply.status in (401, 403) and not reply.is_html:
            raise SourceError("wrong_key", header=self.service.auth_header, text=text)
        if reply.status < 300:
            if reply.is_html:
                raise SourceError("html", status=reply.status)
            # A service that refuses with 200 sends an object where the list belongs.
            if reply.body.lstrip()[:1] == b"{" and WRONG_KEY.search(text):
                raise SourceError("wrong_key", header=self.service.auth_header, text=text)
            return
        if reply.status >= 500:
            raise SourceError("server_error", status=reply.status, text=text)
        if reply.status == 404:
            raise SourceError("not_found", path=self.service.address.split("/", 3)[-1])
        if WRONG_KEY.search(text):
            raise SourceError("wrong_key", header=self.service.auth_header, text=text)
        raise SourceError("refused", status=reply.status, text=text)
