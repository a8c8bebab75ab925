"""Runs on the command line: progress to stderr, sentences or JSON to stdout, the exit code to the shell.

Exit code 0 = complete, 1 = failed, partial or suspicious, 2 = wrong usage.
"""

import datetime as dt
import json
import sys
from contextlib import nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from runs import registry
from runs.choices import State
from runs.ledger import run_now
from runs.logfile import log_file
from runs.models import Run
from runs.sentences import of_errors


class RunCommand(BaseCommand):
    """A command that opens a run, works on it in this process and reports how it ended, also in a log file if it asks
    sources (`is_logged`).
    """

    is_logged = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def open(self, **options: Any) -> Run:
        """Open the run to work on."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        run = self.open(**options)
        with log_file() if self.is_logged else nullcontext(_nowhere) as say:
            run = run_now(run)
            say(self.summary(run))
            for line in of_errors(run.errors):
                say(line)
        self.report(run, as_json=options["json"])
        if run.state != State.DONE:
            sys.exit(1)

    def report(self, run: Run, *, as_json: bool) -> None:
        if as_json:
            self.write_json(as_dict(run))
            return
        self.stdout.write(self.summary(run))
        for line in of_errors(run.errors):
            self.stderr.write(line)

    def summary(self, run: Run) -> str:
        counts = ", ".join(f"{name} {value}" for name, value in run.counts.items() if not isinstance(value, dict))
        return f"{registry.title(run.kind)}: {run.get_state_display()}. {counts}"

    def write_json(self, document: dict[str, Any]) -> None:
        write_json(self.stdout, document)


def _nowhere(text: str) -> None: ...


def write_json(out: Any, document: dict[str, Any]) -> None:
    out.write(json.dumps(document, ensure_ascii=False, default=str))


def as_dict(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "kind": run.kind,
        "state": run.state,
        "from_date": run.from_date,
        "to_date": run.to_date,
        "counts": run.counts,
        "errors": of_errors(run.errors),
    }


def usage(sentence: str) -> CommandError:
    """Wrong usage: one sentence, exit code 2."""
    return CommandError(sentence, returncode=2)


def date(text: str) -> dt.date:
    """An ISO date from the command line. Raises ValueError, which argparse turns into exit code 2."""
    return dt.date.fromisoformat(text)
