"""Run the tests in phases, each a pytest of its own, and stop at the first phase that fails.

    phases.py test [--coverage]    everything: SQLite alone, PostgreSQL, browser with whole processes and faults
    phases.py chaos | deep
    phases.py real-time            those faults that wait as long as the product does

Started through scripts/services.py, which names the services in the environment.
"""

import os
import re
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from scripts.migrated import migrated

SLOW = "chaos or deep"
ALONE = "browser or stack or postgres"
# The last one would let every process compile the tests anew, which takes as long as all else before their first.
NOT_TAKEN_OVER = ("DATABASE_URL", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True)
class Phase:
    """`marks`: every test of it bears one of them, so that files which name none need not be read."""

    title: str
    select: str
    workers: int = 0
    on_postgres: bool = False
    shared_out_by: str = "worksteal"
    marks: tuple[str, ...] = ()


TIERS = {
    "test": [
        Phase("SQLite, no broker", f"not ({SLOW} or {ALONE})", workers=2),
        Phase(
            "PostgreSQL",
            f"(integration or postgres) and not ({SLOW} or browser or stack)",
            workers=2,
            on_postgres=True,
            marks=("integration", "postgres"),
        ),
        Phase(
            "browser, whole processes and a little of every fault",
            f"(browser or stack) and not ({SLOW})",
            workers=3,  # than cores one more: whole processes are waited for
            shared_out_by="loadfile",  # whose tests have one house, or one browser, in common (see conftest.py)
            marks=("browser", "stack"),
        ),
    ],
    "chaos": [Phase("faults", "chaos and not (real_time or deep)")],
    "real-time": [Phase("faults in real time", "real_time")],
    "deep": [
        Phase("large, on SQLite", "deep and not postgres", workers=2, shared_out_by="load"),
        Phase("large, on PostgreSQL", "deep and postgres", workers=2, on_postgres=True, shared_out_by="load"),
    ],
}


def run(phase: Phase, report: Path, coverage: bool, more: dict[str, str]) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_TAKEN_OVER}
    environment |= more
    if phase.on_postgres:
        environment["DATABASE_URL"] = environment["TEST_POSTGRES_URL"]
    command = [sys.executable, "-m", "pytest", "-m", phase.select, f"--junitxml={report}", *files(phase)]
    if phase.workers:
        command += ["-n", str(phase.workers), "--dist", phase.shared_out_by]
    # In the order of conftest.py, which puts the long ones first, and as single tests where each of them is long.
    command += {"loadfile": ["--no-loadscope-reorder"], "load": ["--maxschedchunk=1"]}.get(phase.shared_out_by, [])
    if coverage:
        command += ["--cov", "--cov-append", "--cov-report="]
    return subprocess.run(command, env=environment, check=False).returncode


def files(phase: Phase) -> list[str]:
    """The files of tests that name one of the phase's marks, in the order of their collection; none means all of them."""
    if not phase.marks:
        return []
    with Path("pyproject.toml").open("rb") as text:
        folders = tomllib.load(text)["tool"]["pytest"]["ini_options"]["testpaths"]
    named = re.compile(rf"mark\.({'|'.join(phase.marks)})\b")
    found = [path for folder in folders for path in sorted(Path(folder).rglob("test_*.py"))]
    return [str(path) for path in found if named.search(path.read_text(encoding="utf-8"))]


def counts(report: Path) -> Counter[str]:
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    total = Counter({key: int(suite.get(key, "0")) for key in ("tests", "failures", "errors", "skipped")})
    total["passed"] = total["tests"] - total["failures"] - total["errors"] - total["skipped"]
    return total


def main(arguments: list[str]) -> int:
    phases, coverage = TIERS[arguments[0]], "--coverage" in arguments
    folder = Path(os.environ.get("VAR_DIR", "var")) / "test-reports"
    folder.mkdir(parents=True, exist_ok=True)
    if coverage:
        subprocess.run([sys.executable, "-m", "coverage", "erase"], check=True)
    started, total = time.monotonic(), Counter[str]()
    # The other tiers have one phase, or none that makes a database more than once.
    with ExitStack() as made:
        templates = made.enter_context(migrated(os.environ["TEST_POSTGRES_URL"])) if arguments[0] == "test" else {}
        for number, phase in enumerate(phases, 1):
            print(f"\n===== phase {number} of {len(phases)}: {phase.title} =====", flush=True)
            report = folder / f"{arguments[0]}-{number}.xml"
            report.unlink(missing_ok=True)
            begun = time.monotonic()
            code = run(phase, report, coverage, templates)
            if report.exists():
                total += counts(report)
            print(f"phase {number} took {time.monotonic() - begun:.0f} s", flush=True)
            if code:
                why = "found no test" if code == 5 else "failed"
                print(f"\n===== phase {number} ({phase.title}) {why}; the later phases did not run =====", flush=True)
                break
    if coverage:
        subprocess.run([sys.executable, "-m", "coverage", "html", "--quiet"], check=False)
        subprocess.run([sys.executable, "-m", "coverage", "report"], check=False)
    names = {"failures": "failed", "passed": "passed", "skipped": "skipped", "errors": "errors"}
    words = [f"{total[key]} {name}" for key, name in names.items() if total[key] or key == "passed"]
    print(f"\n===== {', '.join(words)} in {time.monotonic() - started:.2f}s (all phases) =====", flush=True)
    return 1 if code else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
