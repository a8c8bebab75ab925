"""What can go wrong on the wire: a code and its parameters. Sentences are made above, in the reader's language."""

TRANSIENT = frozenset(
    {
        "unreachable",
        "timeout",
        "no_licence",
        "server_error",
        "too_many_requests",
        "html",
        "truncated",
        "empty_body",
        "starting",
        "busy",
    }
)
"""Codes worth another try; all others need a person."""

PERMANENT = frozenset(
    {
        "tls",
        "wrong_password",
        "wrong_key",
        "bad_header",
        "module_blocked",
        "no_right",
        "not_found",
        "refused",
        "not_json",
        "bad_data",
        "unknown_field",
        "redirect",
        "host_not_allowed",
        "too_large",
    }
)


class SourceError(Exception):
    """A source did not give what it was asked for. Never carries a credential.

    `params` by code: `refused`, `no_right` text, status; `server_error` status, text; `not_found` path;
    `bad_data` what; `unknown_field` fields (comma separated); `redirect`, `host_not_allowed`, `unreachable`,
    `timeout`, `tls` host; `wrong_key` header, text; `bad_header` header; `too_large` limit (bytes);
    `too_many_requests` wait (seconds; others may carry it).
    """

    def __init__(self, code: str, *, transient: bool | None = None, **params: str | int) -> None:
        if code not in TRANSIENT | PERMANENT:
            raise ValueError(f"unknown source error code {code!r}")
        super().__init__(code)
        self.code = code
        self.params = params
        self.transient = code in TRANSIENT if transient is None else transient

    def __str__(self) -> str:
        return " ".join([self.code, *(f"{name}={value!r}" for name, value in self.params.items())])
