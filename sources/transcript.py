"""What was asked of a source and what it answered, kept in a file without the secrets, so that it can be played again.

The file is JSON: {"version": 1, "exchanges": [{method, path, query, body, status, content_type, answer}]}; `answer` is
text, or base64 where `binary` is true; `error` stands instead where no answer came. Hosts and headers are not kept.
Names of branches and figures are: they are what a transcript is for.
"""

import base64
import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

VERSION = 1
REMOVED = "removed-secret"
SECRET_ARGUMENTS = frozenset({"key", "login", "pass", "password", "token"})


class Transcript:
    """Collects exchanges; also what a file holds."""

    def __init__(self, exchanges: Iterable[dict[str, Any]] = ()) -> None:
        self.exchanges = list(exchanges)
        self._secrets: set[str] = set()
        self._guard = threading.Lock()

    def note(
        self,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None,
        body: bytes | None,
        secrets: Iterable[str],
        status: int | None = None,
        content_type: str = "",
        answer: bytes = b"",
        error: str = "",
    ) -> None:
        kept: dict[str, Any] = {
            "method": method,
            "path": urlsplit(url).path,
            "query": without_secrets(query or {}),
            "body": (body or b"").decode("utf-8", "replace"),
        }
        if error:
            kept["error"] = error
        else:
            kept |= {"status": status, "content_type": content_type, **_as_text(answer)}
        with self._guard:
            self._secrets |= {secret for secret in secrets if secret}
            self.exchanges.append(kept)
            if kept["path"].endswith("/auth") and status == 200:
                # The token itself; every later mention of it goes as well.
                self._secrets.add(answer.decode("utf-8", "replace").strip().strip("\"'"))

    def write(self, file: Path) -> None:
        """Raises OSError."""
        file.write_text(self.text(), encoding="utf-8")

    def text(self) -> str:
        document = {"version": VERSION, "exchanges": self.exchanges}
        text = json.dumps(document, ensure_ascii=False, indent=1)
        for secret in sorted(self._secrets, key=len, reverse=True):
            written = json.dumps(secret, ensure_ascii=False)[1:-1]
            text = text.replace(written, REMOVED).replace(urlencode({"": secret})[1:], REMOVED)
        return text


def read(file: Path) -> Transcript:
    """Raises ValueError with a sentence."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            raise ValueError(f"{file} is a transcript of version {document['version']}; this code reads {VERSION}")
        return Transcript(document["exchanges"])
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, json.JSONDecodeError):
        raise ValueError(f"{file} is no transcript") from None


def answer_bytes(exchange: Mapping[str, Any]) -> bytes:
    text = str(exchange.get("answer", ""))
    return base64.b64decode(text) if exchange.get("binary") else text.encode()


def without_secrets(query: Mapping[str, str]) -> dict[str, str]:
    return {name: REMOVED if name.lower() in SECRET_ARGUMENTS else value for name, value in query.items()}


def _as_text(answer: bytes) -> dict[str, Any]:
    try:
        return {"answer": answer.decode("utf-8")}
    except UnicodeDecodeError:
        return {"answer": base64.b64encode(answer).decode(), "binary": True}
