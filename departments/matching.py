"""Which object of the books is which department: proposals with a confidence, and what a person decides.

No key is shared between 1C and iiko. The 1C code is decisive where somebody entered it, a BIN says whose branch it is
but not which, and names are written differently on both sides, so they are compared by trigrams weighed by rarity.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.db.models import Max
from numpy.typing import NDArray

from accounts.models import Organisation, User
from departments.books import carry
from departments.changes import as_kept, note
from departments.choices import Kind
from departments.edit import Refused
from departments.models import Connection, Department, SourceDepartment

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEAST = 0.4
SURE = 0.9
BY_CODE, BY_CODE_ONLY, BY_LONE_BIN = 0.99, 0.9, 0.7
BY_NAME, SAME_BIN, OTHER_BIN = 0.86, 0.12, -0.3
OTHER_NUMBER = -0.15
"""Two houses of a street, or two points of a mall, differ by nothing else."""
CLOSE, DOUBT = 0.05, 0.25
"""A rival this close to a proposal lowers its confidence by so much."""
EQUAL, ROUNDING = 0.9999, 1e-9

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Proposal:
    """`confidence` 0 to 1. `reasons`: of code, bin, other_bin, other_number, name, rival."""

    item: SourceDepartment
    department: Department
    confidence: float
    likeness: float
    reasons: tuple[str, ...]


@dataclass
class Matching:
    proposals: list[Proposal] = field(default_factory=list)
    departments: list[Department] = field(default_factory=list)
    """Without an object and without a proposal."""
    items: list[SourceDepartment] = field(default_factory=list)
    """Objects without a department and without a proposal."""
    confirmed: list[SourceDepartment] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)


def matching(organisation: Organisation, user: User) -> Matching:
    """How the books and the branches the user may see stand to each other."""
    connections = list(Connection.objects.filter(organisation=organisation, kind=Kind.ONEC, is_active=True))
    rows = SourceDepartment.objects.filter(connection__in=connections, valid_to=None).select_related("department")
    departments = list(Department.objects.visible_to(user).selling().filter(organisation=organisation, is_active=True))
    confirmed = [row for row in rows if row.department_id]
    taken, seen = {row.department_id for row in confirmed}, {department.pk for department in departments}
    free_departments = [department for department in departments if department.pk not in taken]
    newest = dict(rows.order_by().values_list("connection").annotate(Max("seen_at")))
    free_items = [row for row in rows if not row.department_id and row.seen_at == newest[row.connection_id]]
    proposals = propose(free_items, free_departments)
    proposed = {id(one) for found in proposals for one in (found.item, found.department)}
    return Matching(
        proposals=proposals,
        departments=[department for department in free_departments if id(department) not in proposed],
        items=[row for row in free_items if id(row) not in proposed],
        confirmed=[row for row in confirmed if row.department_id in seen],
        connections=connections,
    )


def propose(items: list[SourceDepartment], departments: list[Department]) -> list[Proposal]:
    """At most one proposal for each object and each department, the surest first."""
    if not items or not departments:
        return []
    pairs = Pairs(items, departments)
    kept = [pairs.proposal(item, department) for item, department in pairs.one_each()]
    return sorted(kept, key=lambda one: -one.confidence)


class Pairs:
    """Every object (rows) with every department (columns), as arrays: what speaks for each pair, and how sure it is."""

    def __init__(self, items: list[SourceDepartment], departments: list[Department]) -> None:
        self.items, self.departments = items, departments
        self.alike = _likeness([item.name for item in items], [one.name for one in departments])
        self.other_number = ~_one_holds_the_other(
            [_numbers(one.name) for one in items], [_numbers(one.name) for one in departments]
        )
        theirs, ours = [item.taxpayer_id for item in items], [one.taxpayer_id_number for one in departments]
        self.same_bin = _equal(theirs, ours)
        self.other_bin = np.outer(np.array(theirs) != "", np.array(ours) != "") & ~self.same_bin
        lone = {text for texts in (theirs, ours) for text, n in Counter(texts).items() if n > 1}
        self.lone_bin = self.same_bin & ~np.isin(ours, sorted(lone))
        self.same_code = _equal(
            [_code(item.external_id) for item in items], [_code(one.code_tco) for one in departments]
        )
        self.likeness = np.where(self.alike > EQUAL, 1.0, np.minimum(np.round(self.alike, 2), 0.99))
        self.confidence = self._confidence()

    def _confidence(self) -> Grid:
        """0 to 1; 0 where nothing speaks for a pair."""
        named = self.alike >= LEAST
        sure = self.alike * BY_NAME + OTHER_NUMBER * self.other_number
        sure += SAME_BIN * self.same_bin + OTHER_BIN * self.other_bin
        sure = np.where(self.lone_bin, np.maximum(sure, BY_LONE_BIN), sure)
        sure = np.where(self.same_code, np.where(named, BY_CODE, BY_CODE_ONLY), sure)
        sure = np.round(np.minimum(sure, BY_CODE), 2)
        return np.where((named | self.same_code | self.lone_bin) & (sure >= LEAST), sure, 0.0)

    def one_each(self) -> Iterator[tuple[int, int]]:
        """The surest pairs of which none shares an object or a department with a surer one."""
        rows, columns = np.nonzero(self.confidence)
        by_name = _ranks([one.name for one in self.departments])[columns]
        by_id = _ranks([item.external_id for item in self.items])[rows]
        order = np.lexsort((by_id, by_name, -self.confidence[rows, columns]))
        free_rows, free_columns = set(rows.tolist()), set(columns.tolist())
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            if row in free_rows and column in free_columns:
                free_rows.remove(row)
                free_columns.remove(column)
                yield row, column
            if not free_rows or not free_columns:
                return

    def proposal(self, row: int, column: int) -> Proposal:
        marks = {"other_number": self.other_number, "bin": self.same_bin, "other_bin": self.other_bin}
        reasons = [name for name, grid in marks.items() if grid[row, column]]
        reasons += ["name"] * bool(self.alike[row, column] >= LEAST)
        confidence = float(self.confidence[row, column])
        if self.same_code[row, column]:
            reasons.insert(0, "code")
        elif self._rivalled(row, column):
            confidence = max(LEAST, round(confidence - DOUBT, 2))
            reasons.append("rival")
        likeness = float(self.likeness[row, column])
        return Proposal(self.items[row], self.departments[column], confidence, likeness, tuple(reasons))

    def _rivalled(self, row: int, column: int) -> bool:
        """Whether another pair could as well be true; equal names are not rivalled by similar ones."""
        mine, exact = self.confidence[row, column], self.likeness[row, column] == 1.0
        for sure, like, itself in (
            (self.confidence[row], self.likeness[row], column),
            (self.confidence[:, column], self.likeness[:, column], row),
        ):
            rivals = (sure > 0) & (mine - sure <= CLOSE + ROUNDING)
            rivals &= ~(exact & (like < 1.0) & (sure < mine))
            rivals[itself] = False
            if rivals.any():
                return True
        return False


def _numbers(name: str) -> set[str]:
    return set(re.findall(r"\d+", name))


def _equal(left: list[str], right: list[str]) -> Mask:
    """Where two texts are the same and not empty."""
    found: Mask = (np.array(left)[:, None] == np.array(right)) & (np.array(right) != "")
    return found


def _ranks(texts: list[str]) -> NDArray[np.int64]:
    place = {text: number for number, text in enumerate(sorted(set(texts)))}
    return np.array([place[text] for text in texts])


def _one_holds_the_other(left: list[set[str]], right: list[set[str]]) -> Mask:
    """Where all of one set lies in the other."""
    ours, theirs = _incidence(left, right)
    both = (ours @ theirs.T).toarray()
    sizes, others = (np.array([len(one) for one in side]) for side in (left, right))
    found: Mask = (both == sizes[:, None]) | (both == others)
    return found


def _incidence(*sides: list[set[str]]) -> "list[csr_matrix]":
    """Of each side a matrix with a row per set and a column per member of any of them."""
    from scipy.sparse import csr_matrix  # where it is needed: every process would else begin later

    column = {one: place for place, one in enumerate(sorted({one for side in sides for held in side for one in held}))}
    made = []
    for side in sides:
        rows = [row for row, held in enumerate(side) for _one in held]
        columns = [column[one] for held in side for one in held]
        made.append(csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(side), len(column))))
    return made


def _code(text: str) -> str:
    return text.strip().lstrip("0").casefold()


def _trigrams(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    words = re.findall(r"\w+", plain)
    return {f"  {word} "[start : start + 3] for word in words for start in range(len(word) + 1)}


def _likeness(names: list[str], others: list[str]) -> Grid:
    """The weighed share of trigrams that a name (row) and another (column) both have (Dice), 0 to 1."""
    left, right = _incidence([_trigrams(name) for name in names], [_trigrams(name) for name in others])
    often = np.asarray(left.sum(axis=0) + right.sum(axis=0)).ravel()
    weight = np.log(1 + (len(names) + len(others)) / often)
    both = (left.multiply(weight) @ right.T).toarray()
    whole = (left @ weight)[:, None] + right @ weight
    found: Grid = np.divide(2 * both, whole, out=np.zeros_like(both), where=whole > 0)
    return found


@transaction.atomic
def confirm(pairs: Iterable[tuple[SourceDepartment, Department]], *, by: User) -> int:
    """Match objects with departments, as a person says. Raises Refused, and then nothing is matched."""
    done = 0
    for item, department in pairs:
        row = SourceDepartment.objects.select_for_update().select_related("connection").get(pk=item.pk)
        chosen = Department.objects.select_for_update().get(pk=department.pk)
        if row.connection.kind != Kind.ONEC or row.organisation_id != chosen.organisation_id:
            raise Refused("object_unknown", text=row.external_id)
        if row.department_id == chosen.pk:
            continue
        if row.department is not None:
            raise Refused("object_matched", object=row.name, department=row.department.name)
        other = chosen.sources.filter(connection__kind=Kind.ONEC, valid_to=None).first()
        if other is not None:
            raise Refused("department_matched", object=other.name, department=chosen.name)
        row.department = chosen
        row.save(update_fields=["department"])
        carry(row, chosen, by=by)
        done += 1
    return done


@transaction.atomic
def release(item: SourceDepartment, *, by: User) -> None:
    """Undo a match: code and legal entity go, and the till has the say about the BIN again."""
    row = SourceDepartment.objects.select_for_update().get(pk=item.pk)
    if row.department_id is None:
        return
    department = Department.objects.select_for_update().get(pk=row.department_id)
    before = as_kept(department)
    department.code_tco = department.company = ""
    department.overridden = [name for name in department.overridden if name != "taxpayer_id_number"]
    department.save()
    row.department = None
    row.save(update_fields=["department"])
    note(department, before=before, by=by)
