"""A Celery worker that dies at a named point of a load: `celery -A tests.chaos.worker worker ...`.

The product carries no hooks for this: its functions are wrapped from outside. The file named by FAILPOINT_FILE holds
the point, optionally with a number (`after_publish 2`: the second time); whoever reaches it removes the file and kills
the whole worker with SIGKILL.
"""

import os
import signal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from celery.signals import worker_process_init, worker_ready

from salesforecast.celery import app

__all__ = ["POINTS", "app"]

# point: module, attribute, before or after the call
POINTS: dict[str, tuple[str, str, str]] = {
    "after_login": ("sources.iiko.client", "IikoClient._login", "after"),
    "before_question": ("sources.iiko.client", "IikoClient.sales", "before"),
    "after_answer": ("sources.iiko.client", "IikoClient.sales", "after"),
    "after_control": ("sources.iiko.client", "IikoClient.day_totals", "after"),
    "before_lock": ("sales.load", "Loader._lock", "before"),
    "before_staging": ("sales.load", "store_observations", "before"),
    "after_staging": ("sales.load", "store_observations", "after"),
    "mid_publish": ("sales.publish", "_bring", "after"),
    "after_publish": ("sales.load", "publish", "after"),
    "before_commit": ("sales.load", "Loader._note", "after"),
    "after_commit": ("sales.load", "Loader.commit", "after"),
    "before_logout": ("sources.iiko.client", "IikoClient._logout", "before"),
    "after_logout": ("sources.iiko.client", "IikoClient._logout", "after"),
    "before_end": ("runs.ledger", "_end", "before"),
    "after_end": ("runs.ledger", "_end", "after"),
}
_counts: dict[str, int] = {}


def _reached(point: str) -> None:
    file = Path(os.environ["FAILPOINT_FILE"])
    try:
        wanted, _, number = file.read_text().strip().partition(" ")
    except FileNotFoundError:
        return
    if wanted != point:
        return
    _counts[point] = _counts.get(point, 0) + 1
    if _counts[point] < int(number or 1):
        return
    file.unlink(missing_ok=True)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _wrapped(point: str, original: Callable[..., Any], when: str) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            _reached(point)
        result = original(*args, **kwargs)
        if when == "after":
            _reached(point)
        return result

    return wrapper


@cache
def _wrap() -> None:
    import importlib

    for point, (module, path, when) in POINTS.items():
        owner: Any = importlib.import_module(module)
        *parents, name = path.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        setattr(owner, name, _wrapped(point, getattr(owner, name), when))


@worker_ready.connect
@worker_process_init.connect
def wrap(**kwargs: Any) -> None:
    _wrap()
