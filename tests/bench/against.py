"""The load of this tree against that of an older commit, in one run: rounds in turn, medians, one ratio each.

    python -m tests.bench.against COMMIT [ROUNDS]

The older commit brings its own `tests.bench.load`; both run on the same PostgreSQL, one after the other. `make bench
AGAINST=COMMIT` does this after the figures.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 1.3
LOAD = re.compile(r"^load of (\w+) .*?\)\s+([\d.]+) s", re.MULTILINE)


@contextmanager
def tree(commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="salesforecast-old-") as folder:
        place = Path(folder) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(place), commit], cwd=ROOT, check=True)
        try:
            yield place
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(place)], cwd=ROOT, check=True)


def seconds(place: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], cwd=place, capture_output=True, text=True, check=True
    )
    return {name: float(taken) for name, taken in LOAD.findall(done.stdout)}


def main(commit: str, rounds: int = 3) -> int:
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    with tree(commit) as old:
        for _ in range(rounds):
            for age, place in (("old", old), ("new", ROOT)):
                for name, value in seconds(place).items():
                    taken[name, age].append(value)
    worst = 0.0
    for name in sorted({name for name, _age in taken}):
        before, now = (statistics.median(taken[name, age]) for age in ("old", "new"))
        worst = max(worst, now / before)
        print(f"load of {name:6} {before:.3f} s at {commit}, {now:.3f} s now: {now / before:.2f}  (at most {MOST})")
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:3])))
