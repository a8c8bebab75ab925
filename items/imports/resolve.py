"""What the names in a file mean: departments somebody may see, products that are known or may be made."""

from collections.abc import Collection, Mapping
from uuid import UUID
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


def departments_of(organisation: Organisation, user: User | None) -> list[Department]:
    """The selling departments that a file may name: those the user may see; without a user all."""
    rows = Department.objects.filter(organisation=organisation).selling().select_related("organisation")
    return list(rows.visible_to(user) if user else rows)


def only_department(organisation: Organisation, user: User | None) -> Department | None:
    """The one that is meant when nobody names one."""
    found = departments_of(organisation, user)
    return found[0] if len(found) == 1 else None


class HouseResolver(Resolver):
    """`default`: of rows that name no department. `make`: whether unknown products are made."""

    def __init__(self, source: ItemSource, user: User | None, default: Department | None, *, make: bool) -> None:
        self.source, self.make = source, make
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
        return Place(department.pk, ZoneInfo(zone), local_date(zone), self._since)

    def products(self, asked: Collection[Product]) -> Mapping[Product, UUID]:
        named = {code: name or code for code, name in asked if code}
        self.source.creates_products = self.make
        by_code = resolve(self.source, named, by="code", names=named) if named else {}
        names = [name for code, name in asked if not code]
        by_name = resolve(self.source, names, by="name") if names else {}
        found = {(code, name): by_code.get(code) if code else by_name.get(name) for code, name in asked}
        return {product: pk for product, pk in found.items() if pk}


class LookingResolver(HouseResolver):
    """For a preview: makes nothing and remembers nothing; `new` are the products that would be made."""

    def __init__(self, source: ItemSource, user: User | None, default: Department | None, *, make: bool) -> None:
        super().__init__(source, user, default, make=make)
        self.new: set[Product] = set()

    def products(self, asked: Collection[Product]) -> Mapping[Product, UUID]:
        words = [code or name for code, name in asked]
        known = dict(
            SourceProduct.objects.filter(connection=self.source.pk, external_id__in=words).values_list(
                "external_id", "product"
            )
        )
        codes, names = [code for code, _name in asked if code], [name for code, name in asked if not code]
        for word, product in find_products(self.source.organisation, codes=codes, names=names).items():
            known[word] = product.pk
        found = {product: known[product[0] or product[1]] for product in asked if (product[0] or product[1]) in known}
        if self.make:
            missing = [product for product in asked if product not in found]
            self.new.update(missing)
            found |= dict.fromkeys(missing, UUID(int=0))
        return found
