"""An iiko server over real HTTP, with invented or recorded sales: for demonstrations, tests and benchmarks."""

from sources.simulator.faults import Faults
from sources.simulator.server import IikoServer

__all__ = ["Faults", "IikoServer"]
