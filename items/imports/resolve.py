"""What the names in a file mean: departments somebody may see, products that are known or may be made."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import uuid4
from zoneinfo import ZoneInfo

from accounts.models import Organisation, User
from departments.models import Department
from departments.timing import local_date
from items.files.checking import Place, Product, Resolver
from items.files.columns import plain
from items.files.refusals import BadCell
from items.files.values import FIRST_DATE
from items.models import ItemSource, SourceProduct
from items.products import find_products, resolve
from items.rollup import cleaned_before

WORDS_AT_ONCE = 10_000


def departments_of(organisation: Organisation, user: User | None) -> list[Department]:
    """The selling departments that a file may name: those the user may see; without a user all."""
    rows = Department.objects.filter(organisation=organisation).selling().select_related("organisation")
    return list(rows.visible_to(user) if user else rows)


def only_department(organisation: Organisation, user: User | None) -> Department | None:
    """The one that is meant when nobody names one."""
    found = departments_of(organisation, user)
    return found[0] if len(found) == 1 else None


class New(NamedTuple):
    """A product that is not made yet, and the id it goes by until then."""

    name: str
    id: str


class HouseResolver(Resolver):
    """`default`: of rows that name no department. `make`: whether unknown products are made.

    `new`: those that would be, by (whether it is a code, the code or name).
    """

    def __init__(self, source: ItemSource, user: User | None, default: Department | None, *, make: bool) -> None:
        self.source, self.make = source, make
        self.new: dict[tuple[bool, str], New] = {}
        self._seen: set[tuple[bool, str]] = set()
        self._since = cleaned_before(source.organisation_id) or FIRST_DATE
        self._default = self._place(default) if default else None
        self._found: dict[str, Department | None] = {}
        departments = departments_of(source.organisation, user)
        for department in departments:
            self._found[str(department.pk)] = self._found[department.pk.hex] = department
        for words in ([(row.code, row) for row in departments], [(plain(row.name), row) for row in departments]):
            for word, department in words:
                if word:
                    self._found[word] = None if word in self._found else department

    def department(self, text: str) -> Place:
        """By id, code or name; a word that two departments bear is nobody's."""
        if not text:
            if self._default is None:
                raise BadCell("import_department_missing")
            return self._default
        word = text if text in self._found else plain(text)
        if word not in self._found:
            raise BadCell("import_unknown_department")
        department = self._found[word]
        if department is None:
            raise BadCell("import_department_not_unique")
        return self._place(department)

    def _place(self, department: Department) -> Place:
        zone = department.zone_name
        return Place(department.pk.hex, ZoneInfo(zone), local_date(zone), self._since)

    def products(self, asked: Collection[Product]) -> Mapping[Product, str]:
        """Nothing is made or remembered before `settle`: a product that is new has an id to go on with."""
        words = [code or name for code, name in asked]
        known = dict(
            SourceProduct.objects.filter(connection=self.source.pk, external_id__in=words).values_list(
                "external_id", "product"
            )
        )
        codes, names = [code for code, _name in asked if code], [name for code, name in asked if not code]
        for word, row in find_products(self.source.organisation, codes=codes, names=names).items():
            known[word] = row.pk
        found = {}
        for code, name in asked:
            if pk := known.get(code or name):
                self._seen.add((bool(code), code or name))
                found[code, name] = pk.hex
            elif self.make:
                found[code, name] = self.new.setdefault((bool(code), code or name), New(name or code, uuid4().hex)).id
        return found

    def settle(self) -> dict[str, str]:
        """Make the new products and remember what all are called; {the id one went by: the id it has}.

        Needs a transaction.
        """
        self.source.creates_products = self.make
        real = {}
        for by_code in (True, False):
            words = [word for by, word in {**dict.fromkeys(self._seen), **self.new} if by == by_code]
            for first in range(0, len(words), WORDS_AT_ONCE):
                part = words[first : first + WORDS_AT_ONCE]
                names = {word: self.new[by_code, word].name for word in part if (by_code, word) in self.new}
                for word, pk in resolve(self.source, part, by="code" if by_code else "name", names=names).items():
                    if (by_code, word) in self.new:
                        real[self.new[by_code, word].id] = pk.hex
        return real
