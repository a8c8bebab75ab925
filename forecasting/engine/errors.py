"""Errors of the engine: a code and parameters; the floors above make sentences of them."""

from typing import Any


class EngineError(ValueError):
    """Input the engine cannot work with. `code` is stable, `params` are plain values."""

    def __init__(self, code: str, /, **params: Any) -> None:
        self.code, self.params = code, params
        super().__init__(f"{code}: " + ", ".join(f"{k}={v}" for k, v in params.items()) if params else code)


class ContractMismatch(EngineError):
    """A stored model was made by code whose features or parameters differ from those at hand."""
