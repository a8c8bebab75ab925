"""The command line of the simulated iiko server."""

import argparse
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import FrameType

from sources.simulator.replay import ReplayServer
from sources.simulator.server import IikoServer
from sources.simulator.worlds import load_world
from sources.simulator.worlds.base import World
from sources.transcript import read


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--world",
        default="demo",
        help="demo, csv:FILE (store,ts,ticket,item,category,qty,unit_price), or transcript:FILE of check_connection",
    )
    parser.add_argument("--server", type=int, choices=(1, 2), default=1, help="which server of the demo chain")
    parser.add_argument("--slots", type=int, default=3, help="licence slots")
    parser.add_argument("--departments", type=int, default=14, help="branches of the demo chain on both servers")
    parser.add_argument("--days", type=int, default=800, help="days of sales of the demo chain")
    parser.add_argument(
        "--anchor",
        type=date.fromisoformat,
        help="the demo chain's new branch opened 20 days before; default this quarter",
    )
    parser.add_argument("--login", default="demo")
    parser.add_argument("--password", default="demo")


def serve(
    port: int,
    world: World,
    *,
    host: str = "127.0.0.1",
    slots: int = 3,
    login: str = "demo",
    password: str = "demo",
) -> None:
    """Serves until SIGTERM or Ctrl-C. Raises OSError if the port is taken."""
    server = IikoServer(world, port=port, host=host, login=login, password=password)
    server.faults.slots = slots
    server.start()

    def stop(_: int, __: FrameType | None) -> None:
        server.stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(f"simulated iiko server on {server.url}, login {login}", flush=True)
    server.stopping.wait()
    server.stop()


def replay(port: int, file: Path, *, host: str = "127.0.0.1") -> None:
    """Serves a transcript until SIGTERM or Ctrl-C. Raises ValueError (no transcript), OSError (port taken)."""
    with ReplayServer(read(file), port=port, host=host) as server:
        stop = server.stopping
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        print(f"replay of {file} on {server.url}", flush=True)
        stop.wait()


def run(options: argparse.Namespace) -> None:
    """What the parsed arguments ask for. Raises ValueError (no such world), OSError (port taken)."""
    kind, _, file = options.world.partition(":")
    if kind == "transcript":
        replay(options.port, Path(file), host=options.host)
        return
    world = load_world(
        options.world,
        server=options.server,
        departments=options.departments,
        days=options.days,
        anchor=options.anchor,
    )
    serve(
        options.port,
        world,
        host=options.host,
        slots=options.slots,
        login=options.login,
        password=options.password,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """0 after a clean stop, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="simulate_iiko", description=__doc__)
    add_arguments(parser)
    try:
        run(parser.parse_args(argv))
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
