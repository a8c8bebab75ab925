"""Write the secrets of this installation to the file named, once: `NAME=value` lines, readable by their owner only.

Losing FIELD_ENCRYPTION_KEY loses the stored passwords of the connections, so an existing value is never replaced.
"""

import os
import secrets
import sys
from pathlib import Path

NAMES = ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")


def ensure(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    known = {line.split("=", 1)[0] for line in lines}
    if missing := [name for name in NAMES if name not in known]:
        lines += [f"{name}={secrets.token_hex(32)}" for name in missing]
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        draft.replace(path)
    path.chmod(0o600)


if __name__ == "__main__":
    ensure(Path(sys.argv[1]))
