"""Every check that needs no test to run; all of them run, and any failure fails the whole."""

import os
import subprocess
import sys
import tempfile
import time

PYTHON = sys.executable
CHECKS = {
    "ruff": [PYTHON, "-m", "ruff", "check", "."],
    "mypy": [PYTHON, "-m", "mypy"],
    "floors": [PYTHON, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "migrations": [PYTHON, "manage.py", "makemigrations", "--check", "--dry-run", "--verbosity", "1"],
    "django": [PYTHON, "manage.py", "check", "--fail-level", "WARNING"],
}


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="salesforecast-lint-") as folder:
        # The settings of the tests: no secrets needed, no file of the installation touched.
        settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "SALESFORECAST_TEST_DIR": folder}
        failed = failing({**os.environ, **settings})
    if failed:
        print(f"lint: {', '.join(failed)} failed", file=sys.stderr)
    return 1 if failed else 0


def failing(environment: dict[str, str]) -> list[str]:
    """Names of the checks that failed, their output printed."""
    failed = []
    for name, command in CHECKS.items():
        started = time.monotonic()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        print(f"lint {name:<11}{'ok' if done.returncode == 0 else 'FAILED':<7}{seconds:5.1f} s", flush=True)
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
