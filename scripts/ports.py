"""Say which of the ports a start needs are taken, before anything is started.

ports.py HOST:PORT:what for ...   exits 1 and names each port in use
ports.py --answers HOST:PORT      exits 0 when something accepts connections there
"""

import errno
import socket
import sys


def taken(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            raise SystemExit(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    return False


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def main(arguments: list[str]) -> int:
    if arguments[0] == "--answers":
        host, port = arguments[1].split(":")
        return 0 if answers(host, int(port)) else 1
    wanted = [argument.split(":", 2) for argument in arguments]
    problems = [
        f"Port {port} is taken; it is needed for {what}." for host, port, what in wanted if taken(host, int(port))
    ]
    if problems:
        print(*problems, "Stop what listens there (ss -ltnp, lsof -i) and start again.", sep="\n", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
