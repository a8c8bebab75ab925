"""A log file for each call of a command that asks sources: `sync_YYYYMMDD_HHMMSS.log`, the newest LOG_FILES of them."""

import datetime as dt
import itertools
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

log = logging.getLogger(__name__)
# What a command says of itself: to its file, not to the console, which is told it anyhow.
own = logging.getLogger("command")
own.propagate = False
LINE = logging.Formatter("{asctime} {levelname} {name} {message}", style="{")


@contextmanager
def log_file() -> Iterator[Callable[[str], None]]:
    """What is logged meanwhile goes into a file of its own, too; yields what writes a line there and nowhere else.

    A folder that cannot be written costs the file, never the work.
    """
    folder = Path(settings.LOG_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(_free_name(folder), mode="x", encoding="utf-8")
    except OSError as error:
        log.warning("no log file in %s: %s", folder, error)
        yield lambda text: None
        return
    handler.setFormatter(LINE)
    loggers = logging.getLogger(), own
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield lambda text: own.info("%s", text)
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()
        _forget_old(folder)


def _free_name(folder: Path) -> Path:
    """Two calls within one second write two files."""
    stem = f"sync_{dt.datetime.now(dt.UTC).astimezone():%Y%m%d_%H%M%S}"
    names = (f"{stem}.log" if not n else f"{stem}_{n}.log" for n in itertools.count())
    return next(path for name in names if not (path := folder / name).exists())


def _forget_old(folder: Path) -> None:
    newest_first = sorted(folder.glob("sync_*.log"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in newest_first[settings.LOG_FILES :]:
        path.unlink(missing_ok=True)
