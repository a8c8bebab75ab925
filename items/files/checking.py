"""From records to lines: every cell judged, every refused row explained. Works on some thousand rows at a time.

A text that occurs often is read once: amounts, dates and names of a chain repeat themselves.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from items.coded import Coded, Places, together
from items.files import columns as names
from items.files.refusals import BadCell, Refusal
from items.files.unbook import TYPED
from items.files.values import FIRST_DATE, MOST, Moment, clock, moment, number

Record = tuple[int, list[str] | str]
Product = tuple[str, str]  # code and name, either may be empty


class Table(NamedTuple):
    """Rows that all hold something: their numbers, and the texts of columns by their place."""

    rows: Places
    columns: Mapping[int, Coded]


MOST_KEPT = 100_000  # texts remembered at a time
CENTS = Decimal("0.0001")
BLANK = TYPED + " "
AMOUNTS = ("quantity", "unit_price", "gross", "discount", "tax", "total")
LINE_COLUMNS = ("department", "product", "date", "sold_at", "hour", *AMOUNTS, *names.TEXTS)
# Amounts as whole numbers of their smallest units; below all of them two that are none.
DOUBTFUL, UNKNOWN = -(1 << 62) - 1, -(1 << 62)
PLACES_OF = {name: 3 if name == names.QUANTITY else 4 for name in names.NUMBERS}
_AS_GIVEN = {"quantity": names.QUANTITY, "unit_price": names.PRICE, "discount": names.DISCOUNT, "tax": names.TAX}
_SAFE = 1 << 61


class Place(NamedTuple):
    """A department as rows need to know it: `today` is the last day of which there may be sales, `since` the first.

    `id`: 32 hexadecimal digits.
    """

    id: str
    zone: ZoneInfo
    today: dt.date
    since: dt.date = FIRST_DATE


@dataclass(frozen=True)
class Rules:
    """How cells are to be read. `returns`: a negative quantity takes something back, else it is refused."""

    order: str = "ymd"
    decimal: str = "."
    returns: bool = False
    from_1904: bool = False


class Resolver:
    """What a file's names mean in the house above."""

    def department(self, text: str) -> Place:
        """Raises BadCell. An empty text is a row that names none."""
        raise NotImplementedError

    def products(self, asked: Collection[Product]) -> Mapping[Product, str]:
        """Ids, as of a `Place`, of those that are known or may be made; what is missing is refused."""
        raise NotImplementedError


@dataclass
class Checked:
    """`lines`: the columns of LINE_COLUMNS for the rows that are taken, if any; `rows`: how many held something."""

    lines: dict[str, Coded]
    row: Places
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0


class Checker:
    """Judges the rows of one sheet. `places`: field to index of its column; `width`: of the header."""

    def __init__(self, sheet: str, places: Mapping[str, int], width: int, rules: Rules, resolver: Resolver) -> None:
        self.sheet, self.places, self.width, self.rules, self.resolver = sheet, places, width, rules, resolver
        self._days: dict[str, Moment] = {}
        self._clocks: dict[str, tuple[int, int | None]] = {}
        self._departments: dict[str, Place | BadCell] = {}
        self._offsets: dict[tuple[dt.date, str], str] = {}
        self._products: dict[Product, str] = {}
        self._numbers: dict[tuple[str, int], int] = {}

    def check(self, part: Table | Sequence[Record]) -> Checked:
        bad: dict[int, Refusal] = {}
        table = part if isinstance(part, Table) else self._table(part, bad)
        rows, column = table.rows, {name: table.columns[place] for name, place in self.places.items()}
        if not len(rows):
            return Checked({}, rows, list(bad.values()), len(bad))
        held = len(rows) + len(bad)
        empty = Coded.all_one("", len(rows))
        texts = {name: column.get(name, empty) for name in names.FIELDS}
        places = self._look(texts[names.DEPARTMENT], self._place, rows, names.DEPARTMENT, bad)
        found = {"department": places.mapped(lambda place: place and place.id)}
        self._when(texts, places, rows, found, bad)
        self._amounts(texts, rows, found, bad)
        for name, longest in names.TEXTS.items():
            if name in self.places:
                found[name] = self._texts(texts[name], longest, rows, name, bad)
        self._name_products(texts, rows, found, bad)
        if bad:
            kept = ~np.isin(rows, list(bad))
            rows, found = rows[kept], {name: values.take(kept) for name, values in found.items()}
        return Checked(found, rows, sorted(bad.values(), key=lambda refusal: refusal.row), held)

    def _table(self, records: Sequence[Record], bad: dict[int, Refusal]) -> Table:
        """The rows that hold something."""
        width, rows, cells = self.width, [], []
        for number_, record in records:
            if isinstance(record, str):
                bad[number_] = Refusal(self.sheet, number_, "", record)
            elif len(record) == width and record[0]:
                rows.append(number_)
                cells.append(record)
            elif any(record):
                if any(record[width:]):
                    bad[number_] = Refusal(self.sheet, number_, "", "import_wrong_columns", str(len(record)))
                    continue
                rows.append(number_)
                cells.append([*record, *[""] * (width - len(record))][:width])
        columns = dict(enumerate(zip(*cells, strict=True)))
        wanted = set(self.places.values()) if rows else set()
        nothing = Coded([], np.empty(0, np.int64))
        known = {place: Coded.of(columns[place]) for place in wanted}
        return Table(np.array(rows, np.int64), known or dict.fromkeys(self.places.values(), nothing))

    def _refuse(self, bad: dict[int, Refusal], row: int, name: str, code: str, text: str) -> None:
        if row not in bad:
            bad[row] = Refusal(self.sheet, row, name, code, text.removeprefix(TYPED)[:100])

    def _look(
        self, texts: Coded, read: Callable[[str], Any], rows: Places, name: str, bad: dict[int, Refusal]
    ) -> Coded:
        """Each text as `read` understands it; None and a refusal where it does not."""
        meaning = [read(text) for text in texts.values]
        wrong = np.array([isinstance(value, BadCell) for value in meaning], bool)
        if not wrong.any():
            return Coded(meaning, texts.codes).mapped(lambda value: value)
        for at in np.flatnonzero(wrong[texts.codes]).tolist():
            self._refuse(bad, int(rows[at]), name, meaning[texts.codes[at]].code, texts[at])
        return Coded(meaning, texts.codes).mapped(lambda value: None if isinstance(value, BadCell) else value)

    def _place(self, text: str) -> Place | BadCell:
        text = text.removeprefix(TYPED).strip()
        if text not in self._departments:
            try:
                self._departments[text] = self.resolver.department(text)
            except BadCell as error:
                self._departments[text] = error
        return self._departments[text]

    def _when(
        self,
        texts: dict[str, Coded],
        places: Coded,
        rows: Places,
        found: dict[str, Coded],
        bad: dict[int, Refusal],
    ) -> None:
        dates, times = texts[names.DATE], texts[names.TIME]
        if len(self._days) > MOST_KEPT:
            self._days.clear()
        said, codes = np.unique(together([dates, times, places]), return_index=True, return_inverse=True)[1:]
        told: list[tuple[dt.date | None, str | None, int | None]] = []
        wrong: dict[int, tuple[str, str]] = {}
        for case, at in enumerate(said.tolist()):
            date, time, place = dates[at], times[at], places[at]
            try:
                day, instant, hour = self._moment(date, time, place)
                if place and not place.since <= day <= place.today:
                    wrong[case] = names.DATE, "import_future_date" if day > place.today else "import_too_old"
                told.append((day, instant, hour))
            except BadCell as error:
                wrong[case] = names.TIME if error.code == "import_bad_time" and time else names.DATE, error.code
                told.append((None, None, None))
        if wrong:
            for at in np.flatnonzero(np.isin(codes, list(wrong))).tolist():
                name, code = wrong[int(codes[at])]
                self._refuse(bad, int(rows[at]), name, code, texts[name][at])
        for name, values in zip(("date", "sold_at", "hour"), zip(*told, strict=True), strict=True):
            found[name] = Coded(list(values), codes).mapped(lambda value: value)

    def _moment(self, date: str, time: str, place: Place | None) -> tuple[dt.date, str | None, int | None]:
        """Business date, instant as ISO text and hour; the latter None where nothing tells. Raises BadCell."""
        seconds: int | None
        if date not in self._days:
            head, _gap, rest = date.strip().replace("T", " ").partition(" ")
            if rest and head in self._days:
                day, seconds, offset = self._days[head].date, *self._clock(rest)
            else:
                if not head.strip(TYPED):
                    raise BadCell("import_empty_cell")
                day, seconds, offset = moment(date, self.rules.order, self.rules.from_1904)
                if not rest or len(head) >= 8:
                    self._days[head] = Moment(day, None, None)
        else:
            day, seconds, offset = self._days[date]
        if time.strip(BLANK):
            seconds, offset = self._clock(time)
        if seconds is None or place is None:
            return day, None, None
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        if offset is None and (zone := self._offset(day, place)):
            return day, f"{day} {hour:02}:{minute:02}:{second:02}{zone}", hour
        local = dt.datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=place.zone)
        if offset is not None:
            local = local.replace(tzinfo=dt.timezone(dt.timedelta(minutes=offset))).astimezone(place.zone)
            day = local.date()
        return day, local.isoformat(" "), local.hour

    def _offset(self, day: dt.date, place: Place) -> str:
        """The offset from UTC all that day, as of an ISO text; empty where the clock is changed."""
        key = day, place.zone.key
        if key not in self._offsets:
            noon = dt.datetime.combine(day, dt.time(12))
            around = {(noon + dt.timedelta(days=days)).replace(tzinfo=place.zone).utcoffset() for days in (-1, 0, 1)}
            self._offsets[key] = noon.replace(tzinfo=place.zone).isoformat()[19:] if len(around) == 1 else ""
        return self._offsets[key]

    def _clock(self, text: str) -> tuple[int, int | None]:
        if text not in self._clocks:
            if len(self._clocks) > MOST_KEPT:
                self._clocks.clear()
            self._clocks[text] = clock(text)
        return self._clocks[text]

    def _amounts(self, texts: dict[str, Coded], rows: Places, found: dict[str, Coded], bad: dict[int, Refusal]) -> None:
        """Reckoned in whole 1/10000ths, a column at a time; whatever does not go smoothly is reckoned by itself."""
        if len(self._numbers) > MOST_KEPT:
            self._numbers.clear()
        given = {name: texts[name].numbers(partial(self._number, name)) for name in names.NUMBERS}
        sums, doubtful = reckon_all(given, returns=self.rules.returns)
        known: dict[tuple[str, ...], tuple[Decimal | None, ...] | Refusal] = {}
        for at in np.flatnonzero(doubtful).tolist():
            cells = tuple(texts[name][at] for name in names.NUMBERS)
            if (told := known.get(cells)) is None:
                told = known[cells] = self._reckoned(cells)
            if isinstance(told, Refusal):
                self._refuse(bad, int(rows[at]), told.field, told.code, told.text)
                continue
            for name, value in zip(AMOUNTS, told, strict=True):
                if name in sums:
                    sums[name][at] = UNKNOWN if value is None else int(value.scaleb(4))
        for name, cell in _AS_GIVEN.items():
            found[name] = texts[cell].mapped(partial(self._as_given, cell))
        for name in ("gross", "total"):
            different, codes = np.unique(sums[name], return_inverse=True)
            found[name] = Coded([_plain(value, 4) for value in different.tolist()], codes)

    def _as_given(self, name: str, text: str) -> str | None:
        return _plain(self._number(name, text), PLACES_OF[name])

    def _number(self, name: str, text: str) -> int:
        """The number in its smallest units; UNKNOWN of an empty cell, DOUBTFUL of any other text that is none."""
        places = PLACES_OF[name]
        if (value := self._numbers.get((text, places))) is None:
            try:
                read = exact(text, self.rules.decimal, places)
                value = UNKNOWN if read is None else int(read.scaleb(places))
            except BadCell:
                value = DOUBTFUL
            self._numbers[text, places] = value
        return value

    def _reckoned(self, cells: tuple[str, ...]) -> tuple[Decimal | None, ...] | Refusal:
        """AMOUNTS, or what is wrong with them."""
        read: dict[str, Decimal | None] = {}
        for name, text in zip(names.NUMBERS, cells, strict=True):
            try:
                read[name] = exact(text, self.rules.decimal, PLACES_OF[name])
            except BadCell as error:
                return Refusal(self.sheet, 0, name, error.code, text)
        try:
            return reckon(**read, returns=self.rules.returns)
        except BadSum as error:
            return Refusal(
                self.sheet, 0, error.field, error.code, dict(zip(names.NUMBERS, cells, strict=True))[error.field]
            )

    def _texts(self, texts: Coded, longest: int, rows: Places, name: str, bad: dict[int, Refusal]) -> Coded:
        def read(text: str) -> str | BadCell:
            text = clean(text)
            if len(text) > longest:
                return BadCell("import_text_too_long")
            return BadCell("import_unreadable") if "\ufffd" in text else text

        found = self._look(texts, read, rows, name, bad)
        return found.mapped(lambda text: text and text.upper()) if name == names.CURRENCY else found

    def _name_products(
        self, texts: dict[str, Coded], rows: Places, found: dict[str, Coded], bad: dict[int, Refusal]
    ) -> None:
        """Last, so that a row that is refused makes no product."""
        codes_, names_ = texts[names.CODE], texts[names.PRODUCT]
        first, pairs = np.unique(together([codes_, names_]), return_index=True, return_inverse=True)[1:]
        meant = [(clean(codes_[at]), clean(names_[at])) for at in first.tolist()]
        taken = np.flatnonzero(~np.isin(rows, list(bad))) if bad else np.arange(len(rows))
        asked, since = np.unique(pairs[taken], return_index=True)
        # In the order of the file: a file read again asks the same.
        new = dict.fromkeys(
            product for pair in asked[np.argsort(since)].tolist() if (product := meant[pair]) not in self._products
        )
        if new:
            self._products.update(self.resolver.products([product for product in new if not unusable(product)]))
        ids = [self._products.get(product) for product in meant]
        found["product"] = Coded(ids, pairs).mapped(lambda id_: id_)
        if None in ids:
            field_ = names.CODE if names.CODE in self.places else names.PRODUCT
            nameless = np.array([id_ is None for id_ in ids], bool)
            for at in np.flatnonzero(nameless[pairs]).tolist():
                code, name = meant[pairs[at]]
                self._refuse(
                    bad, int(rows[at]), field_, unusable((code, name)) or "import_unknown_product", code or name
                )


def clean(text: str) -> str:
    """A text as it is kept: without surrounding blanks, signs that cannot be seen, and the guard against formulas."""
    text = text.removeprefix(TYPED)
    if text.startswith(("'=", "'+", "'-", "'@")):
        text = text[1:]
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text.strip()


def unusable(product: Product) -> str:
    """Why these can be no code and name; empty if they can."""
    code, name = product
    if not code and not name:
        return "import_empty_cell"
    if "\ufffd" in code + name:
        return "import_unreadable"
    return "import_text_too_long" if len(code) > 60 or len(name) > 300 else ""


class BadSum(BadCell):
    def __init__(self, field: str, code: str) -> None:
        super().__init__(code)
        self.field = field


def exact(text: str, decimal: str, places: int) -> Decimal | None:
    """The number with exactly so many places, None for an empty cell. Raises BadCell."""
    if not text.strip(BLANK):
        return None
    value = number(text, decimal)
    if value != (rounded := value.quantize(Decimal(1).scaleb(-places))):
        raise BadCell("import_too_many_places")
    return rounded


def reckon(
    quantity: Decimal | None,
    price: Decimal | None,
    total: Decimal | None,
    gross: Decimal | None,
    discount: Decimal | None,
    tax: Decimal | None,
    *,
    returns: bool,
) -> tuple[Decimal | None, ...]:
    """AMOUNTS; None where nothing tells. Raises BadSum.

    What the row does not say is reckoned where it follows: gross = quantity x price, total = gross - discount.
    """
    if quantity is None:
        raise BadSum(names.QUANTITY, "import_empty_cell")
    if quantity == 0:
        raise BadSum(names.QUANTITY, "import_zero_quantity")
    if quantity < 0 and not returns:
        raise BadSum(names.QUANTITY, "import_negative_quantity")
    if price is not None and price < 0:
        raise BadSum(names.PRICE, "import_negative_price")
    for name, amount in ((names.TOTAL, total), (names.GROSS, gross), (names.DISCOUNT, discount)):
        if amount is not None and amount * quantity < 0:
            raise BadSum(name, "import_wrong_sign")
    if gross is None and price is not None:
        gross = (quantity * price).quantize(CENTS, ROUND_HALF_UP)
    elif gross is None and total is not None and discount is not None:
        gross = total + discount
    if gross is not None and discount is not None and abs(discount) > abs(gross):
        raise BadSum(names.DISCOUNT, "import_discount_too_large")
    if total is None and gross is not None:
        total = gross - (discount or 0)
    if any(amount is not None and abs(amount) >= MOST for amount in (gross, total)):
        raise BadSum(names.QUANTITY, "import_too_large")
    return quantity, price, gross, discount, tax, total


def reckon_all(given: Mapping[str, Places], *, returns: bool) -> tuple[dict[str, Places], NDArray[np.bool_]]:
    """`reckon` of whole columns: what it may reckon, in smallest units, and which rows it refuses, or may."""
    quantity, price, total, gross, discount, _tax = (given[name] for name in names.NUMBERS)
    known = {name: values > UNKNOWN for name, values in given.items()}
    doubtful = np.logical_or.reduce([values == DOUBTFUL for values in given.values()])
    doubtful |= ~known[names.QUANTITY] | (quantity == 0) | ((quantity < 0) & (not returns))
    doubtful |= known[names.PRICE] & (price < 0)
    for name in (names.TOTAL, names.GROSS, names.DISCOUNT):
        doubtful |= known[name] & (np.sign(given[name]) * np.sign(quantity) < 0)
    by_price = known[names.PRICE] & ~known[names.GROSS]
    by_total = known[names.TOTAL] & known[names.DISCOUNT] & ~known[names.GROSS] & ~known[names.PRICE]
    # What may grow out of the type is reckoned by itself.
    doubtful |= by_price & (np.abs(quantity.astype(float)) * np.abs(price.astype(float)) > _SAFE)
    product = np.where(by_price & ~doubtful, quantity, 0) * np.where(by_price & ~doubtful, price, 0)
    gross = np.where(by_price, np.sign(product) * ((np.abs(product) + 500) // 1000), gross)
    gross = np.where(by_total & ~doubtful, total + discount, gross)
    has_gross = known[names.GROSS] | by_price | by_total
    off = np.where(known[names.DISCOUNT] & ~doubtful, discount, 0)
    whole = np.where(has_gross & ~doubtful, gross, 0)
    doubtful |= np.abs(off) > np.where(has_gross, np.abs(whole), _SAFE)
    total = np.where(~known[names.TOTAL] & has_gross, whole - off, total)
    for amount in (gross, total):
        doubtful |= (amount > UNKNOWN) & (np.abs(amount) >= int(MOST.scaleb(4)))
    return {"gross": gross, "total": total}, doubtful


def _plain(value: int, places: int) -> str | None:
    """Smallest units as a decimal text."""
    if value <= UNKNOWN:
        return None
    digits = f"{abs(value):0{places + 1}}"
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
