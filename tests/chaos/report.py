"""The rows of docs/reliability.md: one line on the screen each, and the table that `make chaos` leaves behind."""

import datetime as dt
import os
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
HEAD = """# Reliability

What was done to the product, and what came of it. Written by `make chaos`: real worker, web and beat processes, a
PostgreSQL cluster, a Redis and a RabbitMQ of their own, tills on real HTTP whose true sums are known. Leases, sweeps and
retries run at a tenth of their length, and so do the limits; what is marked "real time" ran with those of the product
(`CHAOS_REAL_TIME=1 make chaos`). `make test` holds a short form.

One thing nobody can mend: a worker that dies between a till's answer to its login and the storing of the token leaves a
licence slot that the till takes back only after an hour. Loads go on beside it; kills that hit that instant are counted.

"""


def seed() -> str:
    """CHAOS_SEED: what is random is the same again with the same seed."""
    return os.environ.get("CHAOS_SEED", "1")


def chance() -> random.Random:
    return random.Random(seed())


@dataclass
class Row:
    """One line of the report: which, whether it held, what came out; notes are for whoever looks for the reason."""

    number: str
    passed: bool
    figure: str
    notes: list[str] = field(default_factory=list)
    real_time: bool = False

    def __str__(self) -> str:
        pace = "in real time: " if self.real_time else ""
        return f"{self.number} {'pass' if self.passed else 'fail'} {pace}{self.figure}"


def together(rows: Iterable[Row]) -> list[Row]:
    """One row per number and pace; it held if all its parts did."""
    found: dict[tuple[str, bool], Row] = {}
    for row in rows:
        known = found.get((row.number, row.real_time))
        if known:
            row = Row(
                row.number,
                known.passed and row.passed,
                f"{known.figure}; {row.figure}",
                known.notes + row.notes,
                row.real_time,
            )
        found[row.number, row.real_time] = row
    return sorted(found.values(), key=lambda row: (int(row.number[1:]), row.real_time))


def write(rows: Iterable[Row], harms: dict[str, str], minutes: float, path: Path = PAGE) -> None:
    """A row of this run replaces its old line; rows that did not run keep theirs, with the day they ran."""
    lines = _lines(path)
    today = f"{dt.date.today():%Y-%m-%d}"
    for row in together(rows):
        name = f"{row.number}{', real time' if row.real_time else ''}"
        figure = row.figure.replace("|", "/").replace("\n", " ")
        lines[name] = f"| {name} | {harms[row.number]} | {figure} | {'yes' if row.passed else '**no**'} | {today} |"
    names = sorted(lines, key=lambda name: (int(name.partition(",")[0][1:]), name))
    held = sum("| yes |" in line for line in lines.values())
    table = ["| row | harm | outcome | held | day |", "|---|---|---|---|---|", *(lines[name] for name in names)]
    last = f"{held} of {len(lines)} rows held, the newest of them in {minutes:.0f} minutes (`CHAOS_SEED={seed()}`)."
    path.write_text(HEAD + "\n".join([*table, "", last]) + "\n")


def _lines(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = [line for line in path.read_text().splitlines() if line.startswith("| R")]
    return {line.split("|")[1].strip(): line for line in lines}
