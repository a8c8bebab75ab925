"""Each test marked `row` does one harm and tells its row. A test that breaks off tells one, too: it failed."""

import time
from collections.abc import Callable, Generator
from typing import Any

import pytest

from tests.chaos import report as page
from tests.chaos.report import Row

_rows: list[Row] = []
_harms: dict[str, str] = {}
_to_write: list[Row] = []
_begun = time.monotonic()
_TOLD = pytest.StashKey[bool]()


def _print(config: pytest.Config, row: Row) -> None:
    capture, terminal = (config.pluginmanager.get_plugin(name) for name in ("capturemanager", "terminalreporter"))
    if terminal is None:  # a worker of xdist has no screen
        return
    with capture.global_and_fixture_disabled():
        terminal.ensure_newline()
        terminal.write_line(str(row), green=row.passed, red=not row.passed)


def _tell(item: pytest.Item, row: Row) -> None:
    item.stash[_TOLD] = True
    row.real_time = item.get_closest_marker("real_time") is not None
    _rows.append(row)
    if item.get_closest_marker("chaos"):
        marker = item.get_closest_marker("row")
        assert marker, f"{item.nodeid} needs the marker row"
        _harms[row.number] = marker.args[1]
        _to_write.append(row)
        # At once: a run that is broken off has told what it saw.
        page.write(_to_write, _harms, (time.monotonic() - _begun) / 60)
    _print(item.config, row)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Print a row, keep it for the page, and fail the test unless it held."""

    def add(row: Row) -> None:
        _tell(request.node, row)
        assert row.passed, "\n".join([str(row), *row.notes])

    return add


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    marker = item.get_closest_marker("row")
    if marker and call.excinfo and _TOLD not in item.stash:
        reason = call.excinfo.exconly().splitlines()[0]
        _tell(item, Row(marker.args[0], False, f"broke off: {reason}"))
    return (yield)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if len(_rows) > 1:
        terminalreporter.section("rows")
        for row in page.together(_rows):
            terminalreporter.write_line(str(row), green=row.passed, red=not row.passed)
