"""Random secrets for a development machine, made once and kept readable by their owner only."""

import json
import os
import secrets
from pathlib import Path


def development_secret(folder: Path, name: str) -> str:
    """The secret `name` kept in `folder/secrets.json`; made on first use."""
    path = folder / "secrets.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if name not in known:
        known[name] = secrets.token_urlsafe(48)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(known, file)
    return str(known[name])
