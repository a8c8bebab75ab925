"""Typed reading of the environment. Nonsense stops the start with one sentence.

Every variable may also come as NAME_FILE, a path whose contents are the value
(how container platforms hand over secrets).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


class Env:
    def __init__(self, source: Mapping[str, str] | None = None) -> None:
        self.source = os.environ if source is None else source

    def text(self, name: str, default: str = "") -> str:
        if path := self.source.get(f"{name}_FILE"):
            try:
                return Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ImproperlyConfigured(
                    f"{name}_FILE names {path}, which cannot be read: {error.strerror}."
                ) from error
        return self.source.get(name, default).strip()

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.text(name, "1" if default else "0").lower()
        if value not in TRUE | FALSE:
            raise ImproperlyConfigured(f"{name} must be yes or no, not {value!r}.")
        return value in TRUE

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        value = self.text(name, str(default))
        try:
            number = int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
        if not least <= number <= most:
            raise ImproperlyConfigured(f"{name} must lie between {least} and {most}, not {number}.")
        return number

    def words(self, name: str, default: str = "") -> list[str]:
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def database_url(self, default: str) -> str:
        """DATABASE_URL, else one composed of DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, else the default."""
        if url := self.text("DATABASE_URL"):
            return url
        if not (host := self.text("DB_HOST")):
            return default
        user = quote(self.text("DB_USER", "sales_user"), safe="")
        password = quote(self.text("DB_PASSWORD"), safe="")
        name = quote(self.text("DB_NAME", "sales_forecast"), safe="")
        return f"postgresql://{user}:{password}@{host}:{self.number('DB_PORT', 5432, least=1, most=65535)}/{name}"
