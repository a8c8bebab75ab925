from typing import Any, NamedTuple


class BadFile(Exception):
    """The file as a whole cannot be read: `code` and `params` of a sentence."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code, self.params = code, params


class BadCell(Exception):
    """A text that is not what its column holds."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Refusal(NamedTuple):
    """Why a row was not taken. `row`: as a spreadsheet counts, the header being row 1. `text`: what stood there."""

    sheet: str
    row: int
    field: str
    code: str
    text: str = ""
