"""The demonstration chain as its books name it: not quite as its tills do."""

from typing import Any

from sources.simulator.worlds.demo_chain import ENTITIES, branches

Object = dict[str, Any]
UNKNOWN_TO_BOOKS, WITHOUT_BIN = 5, 7
"""Numbers of branches that the list lacks, and lists without its BIN."""


def demo_objects(departments: int = 14) -> list[Object]:
    """Children first: the branches, a warehouse the tills do not know and an orphan, then the companies."""
    found = [
        _object(
            f"{100 + branch.number:09d}",
            branch.name.replace("«", "").replace("»", ""),
            f"{branch.server:09d}",
            ENTITIES[branch.server][0],
            "" if branch.number == WITHOUT_BIN else branch.taxpayer_id,
        )
        for branch in branches(departments)
        if branch.number != UNKNOWN_TO_BOOKS
    ]
    found.append(_object("000000901", "Распределительный склад", "000000001", *ENTITIES[1]))
    found.append(_object("000000902", "Киоск на выставке", "000000999", "", ""))
    return [*found, *(_object(f"{number:09d}", name, "0", name, bin_) for number, (name, bin_) in ENTITIES.items())]


def _object(code: str, name: str, parent: str, company: str, bin_: str) -> Object:
    return {
        "object_code": code,
        "object_name": name,
        "object_parent": parent,
        "object_company": company,
        "object_bin": bin_,
    }
