"""What the 1C client hands out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OnecObject:
    """One object of the books: a branch, a legal entity, or a group of them.

    `parent_code` None: a root. `company` is the name of the legal entity, `bin` its 12 digits; empty where none is given.
    """

    code: str
    name: str
    parent_code: str | None
    company: str
    bin: str


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What a check found: counts of objects. `orphans` name a parent that is not in the list."""

    objects: int
    roots: int
    orphans: int
    companies: int
    without_bin: int
