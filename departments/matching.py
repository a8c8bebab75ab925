"""Which object of the books is which department: proposals with a confidence, and what a person decides.

No key is shared between 1C and iiko. The 1C code is decisive where somebody entered it, a BIN says whose branch it is
but not which, and names are written differently on both sides, so they are compared by trigrams weighed by rarity.
"""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Max

from accounts.models import Organisation, User
from departments.books import carry
from departments.changes import as_kept, note
from departments.choices import Kind
from departments.edit import Refused
from departments.models import Connection, Department, SourceDepartment

LEAST = 0.4
SURE = 0.9
BY_CODE, BY_CODE_ONLY, BY_LONE_BIN = 0.99, 0.9, 0.7
BY_NAME, SAME_BIN, OTHER_BIN = 0.86, 0.12, -0.3
OTHER_NUMBER = -0.15
"""Two houses of a street, or two points of a mall, differ by nothing else."""
CLOSE, DOUBT = 0.05, 0.25
"""A rival this close to a proposal lowers its confidence by so much."""


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
    likeness = _likeness([item.name for item in items], [department.name for department in departments])
    lone_items = {bin_ for bin_, n in Counter(item.taxpayer_id for item in items).items() if n == 1 and bin_}
    lone = lone_items & {
        bin_ for bin_, n in Counter(one.taxpayer_id_number for one in departments).items() if n == 1 and bin_
    }
    by_code, by_bin = defaultdict(list), defaultdict(list)
    for number, department in enumerate(departments):
        by_code[_code(department.code_tco)].append(number)
        by_bin[department.taxpayer_id_number].append(number)
    found: list[Proposal] = []
    for place, item in enumerate(items):
        candidates = {number for number, alike in likeness[place].items() if alike >= LEAST}
        candidates |= {*by_code.get(_code(item.external_id) or " ", ())}
        candidates |= {*by_bin.get(item.taxpayer_id, ())} if item.taxpayer_id in lone else set()
        found += [_judged(item, departments[number], likeness[place].get(number, 0.0), lone) for number in candidates]
    return _one_each([one for one in found if one.confidence >= LEAST])


def _judged(item: SourceDepartment, department: Department, alike: float, lone: set[str]) -> Proposal:
    reasons = []
    ours, theirs = department.taxpayer_id_number, item.taxpayer_id
    confidence = alike * BY_NAME
    houses, numbers = (set(re.findall(r"\d+", one.name)) for one in (department, item))
    if not (houses <= numbers or numbers <= houses):
        confidence += OTHER_NUMBER
        reasons.append("other_number")
    if ours and theirs:
        confidence += SAME_BIN if ours == theirs else OTHER_BIN
        reasons.append("bin" if ours == theirs else "other_bin")
        if ours == theirs and ours in lone:
            confidence = max(confidence, BY_LONE_BIN)
    if alike >= LEAST:
        reasons.append("name")
    if department.code_tco and _code(department.code_tco) == _code(item.external_id):
        confidence = BY_CODE if alike >= LEAST else BY_CODE_ONLY
        reasons.insert(0, "code")
    return Proposal(
        item,
        department,
        round(min(confidence, BY_CODE), 2),
        1.0 if alike > 0.9999 else min(round(alike, 2), 0.99),
        tuple(reasons),
    )


def _one_each(found: list[Proposal]) -> list[Proposal]:
    found.sort(key=lambda one: (-one.confidence, one.department.name, one.item.external_id))
    best: dict[int, list[Proposal]] = defaultdict(list)
    for one in found:
        best[id(one.item)].append(one)
        best[id(one.department)].append(one)
    used: set[int] = set()
    kept = []
    for one in found:
        ends = {id(one.item), id(one.department)}
        if ends & used:
            continue
        used |= ends
        rivals = [other for end in ends for other in best[end] if other is not one]
        if "code" not in one.reasons and any(_rivals(one, other) for other in rivals):
            lowered = max(LEAST, round(one.confidence - DOUBT, 2))
            one = Proposal(one.item, one.department, lowered, one.likeness, (*one.reasons, "rival"))
        kept.append(one)
    return sorted(kept, key=lambda one: -one.confidence)


def _rivals(one: Proposal, other: Proposal) -> bool:
    """Whether `other` could as well be true; equal names are not rivalled by similar ones."""
    only_one_equal = one.likeness == 1.0 > other.likeness and one.confidence > other.confidence
    return one.confidence - other.confidence <= CLOSE and not only_one_equal


def _code(text: str) -> str:
    return text.strip().lstrip("0").casefold()


def _trigrams(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", name).casefold().replace("ё", "е")
    words = re.findall(r"\w+", plain)
    return {f"  {word} "[start : start + 3] for word in words for start in range(len(word) + 1)}


def _likeness(names: list[str], others: list[str]) -> list[dict[int, float]]:
    """For each name {place in `others`: 0 to 1}, the weighed share of trigrams both have (Dice)."""
    left, right = [_trigrams(name) for name in names], [_trigrams(name) for name in others]
    often = Counter(one for grams in (*left, *right) for one in grams)
    total = len(left) + len(right)
    weight = {one: math.log(1 + total / n) for one, n in often.items()}
    holders: dict[str, list[int]] = defaultdict(list)
    for place, grams in enumerate(right):
        for one in grams:
            holders[one].append(place)
    whole = [sum(weight[one] for one in grams) for grams in right]
    found = []
    for grams in left:
        shared: Counter[int] = Counter()
        for one in grams:
            for place in holders.get(one, ()):
                shared[place] += weight[one]  # type: ignore[assignment]
        own = sum(weight[one] for one in grams)
        found.append({place: 2 * both / (own + whole[place]) for place, both in shared.items()})
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
