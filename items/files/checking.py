"""From records to lines: every cell judged, every refused row explained. Works on some thousand rows at a time.

A text that occurs often is read once: amounts, dates and names of a chain repeat themselves.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from items.files import columns as names
from items.files.refusals import BadCell, Refusal
from items.files.unbook import TYPED
from items.files.values import FIRST_DATE, MOST, Moment, clock, moment, number

Record = tuple[int, list[str] | str]
Product = tuple[str, str]  # code and name, either may be empty
MOST_KEPT = 100_000  # texts remembered at a time
CENTS = Decimal("0.0001")
BLANK = TYPED + " "
AMOUNTS = ("quantity", "unit_price", "gross", "discount", "tax", "total")
NOTHING = (None,) * len(AMOUNTS)
LINE_COLUMNS = (
    "row", "department", "product", "date", "sold_at", "hour", *AMOUNTS, *names.TEXTS,
)  # fmt: skip


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

    lines: dict[str, Sequence[Any]]
    refusals: list[Refusal] = field(default_factory=list)
    rows: int = 0


class Checker:
    """Judges the rows of one sheet. `places`: field to index of its column; `width`: of the header."""

    def __init__(self, sheet: str, places: Mapping[str, int], width: int, rules: Rules, resolver: Resolver) -> None:
        self.sheet, self.places, self.width, self.rules, self.resolver = sheet, places, width, rules, resolver
        self._days: dict[str, Moment] = {}
        self._clocks: dict[str, tuple[int, int | None]] = {}
        self._departments: dict[str, Place | BadCell] = {}
        self._moments: dict[tuple[str, str, str | None], tuple[dt.date, str | None, int | None]] = {}
        self._offsets: dict[tuple[dt.date, str], str] = {}
        self._products: dict[Product, str] = {}
        self._sums: dict[tuple[str, ...], tuple[str | None, ...] | Refusal] = {}

    def check(self, records: Sequence[Record]) -> Checked:
        bad: dict[int, Refusal] = {}
        rows, column = self._rows(records, bad)
        if not rows:
            return Checked({}, list(bad.values()), len(bad))
        held = len(rows) + len(bad)
        empty = ("",) * len(rows)
        texts = {name: column.get(name, empty) for name in names.FIELDS}
        found: dict[str, Sequence[Any]] = {"row": rows}
        places = self._look(texts[names.DEPARTMENT], self._place, rows, names.DEPARTMENT, bad)
        found["department"] = [place and place.id for place in places]
        self._when(texts, places, found, bad)
        self._amounts(texts, found, bad)
        for name, longest in names.TEXTS.items():
            if name in self.places:
                found[name] = self._texts(texts[name], longest, rows, name, bad)
        self._name_products(texts, found, bad)
        kept = [index for index, row in enumerate(rows) if row not in bad]
        if len(kept) < len(rows):
            found = {name: [values[index] for index in kept] for name, values in found.items()}
        return Checked(found, sorted(bad.values(), key=lambda refusal: refusal.row), held)

    def _rows(self, records: Sequence[Record], bad: dict[int, Refusal]) -> tuple[list[int], dict[str, tuple[str, ...]]]:
        """Numbers of the rows that hold something, and the mapped columns of these."""
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
        columns = list(zip(*cells, strict=True))
        return rows, {name: columns[place] for name, place in self.places.items()} if rows else {}

    def _refuse(self, bad: dict[int, Refusal], row: int, name: str, code: str, text: str) -> None:
        if row not in bad:
            bad[row] = Refusal(self.sheet, row, name, code, text.removeprefix(TYPED)[:100])

    def _look(
        self, texts: Sequence[str], read: Callable[[str], Any], rows: list[int], name: str, bad: dict[int, Refusal]
    ) -> list[Any]:
        """Each text as `read` understands it; None and a refusal where it does not."""
        meaning = {text: read(text) for text in set(texts)}
        wrong = {text for text, value in meaning.items() if isinstance(value, BadCell)}
        if not wrong:
            return [meaning[text] for text in texts]
        for row, text in zip(rows, texts, strict=True):
            if text in wrong:
                self._refuse(bad, row, name, meaning[text].code, text)
        return [None if text in wrong else meaning[text] for text in texts]

    def _place(self, text: str) -> Place | BadCell:
        text = text.removeprefix(TYPED).strip()
        if text not in self._departments:
            try:
                self._departments[text] = self.resolver.department(text)
            except BadCell as error:
                self._departments[text] = error
        return self._departments[text]

    def _when(
        self, texts: dict[str, Any], places: list[Place | None], found: dict[str, Any], bad: dict[int, Refusal]
    ) -> None:
        dates: list[dt.date | None] = []
        instants: list[str | None] = []
        hours: list[int | None] = []
        if len(self._moments) > MOST_KEPT:
            self._moments.clear()
        known = self._moments
        for row, date, time, place in zip(found["row"], texts[names.DATE], texts[names.TIME], places, strict=True):
            key = date, time, place and place.zone.key
            try:
                if (told := known.get(key)) is None:
                    told = known[key] = self._moment(date, time, place)
                day, instant, hour = told
                if place and not place.since <= day <= place.today:
                    code = "import_future_date" if day > place.today else "import_too_old"
                    self._refuse(bad, row, names.DATE, code, date)
            except BadCell as error:
                name = names.TIME if error.code == "import_bad_time" and time else names.DATE
                self._refuse(bad, row, name, error.code, time if name == names.TIME else date)
                dates.append(None)
                instants.append(None)
                hours.append(None)
                continue
            dates.append(day)
            instants.append(instant)
            hours.append(hour)
        found["date"], found["sold_at"], found["hour"] = dates, instants, hours

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

    def _amounts(self, texts: dict[str, Any], found: dict[str, Any], bad: dict[int, Refusal]) -> None:
        if len(self._sums) > MOST_KEPT:
            self._sums.clear()
        known, results = self._sums, []
        for row, cells in zip(found["row"], zip(*(texts[name] for name in names.NUMBERS), strict=True), strict=True):
            if (value := known.get(cells)) is None:
                value = known[cells] = self._reckoned(cells)
            if isinstance(value, Refusal):
                self._refuse(bad, row, value.field, value.code, value.text)
                value = NOTHING
            results.append(value)
        found.update(zip(AMOUNTS, zip(*results, strict=True), strict=True))

    def _reckoned(self, cells: tuple[str, ...]) -> tuple[str | None, ...] | Refusal:
        """AMOUNTS as texts, or what is wrong with them."""
        read: dict[str, Decimal | None] = {}
        for name, text in zip(names.NUMBERS, cells, strict=True):
            try:
                read[name] = exact(text, self.rules.decimal, 3 if name == names.QUANTITY else 4)
            except BadCell as error:
                return Refusal(self.sheet, 0, name, error.code, text)
        try:
            sums = reckon(**read, returns=self.rules.returns)
        except BadSum as error:
            return Refusal(
                self.sheet, 0, error.field, error.code, dict(zip(names.NUMBERS, cells, strict=True))[error.field]
            )
        return tuple(None if value is None else format(value, "f") for value in sums)

    def _texts(
        self, texts: Sequence[str], longest: int, rows: list[int], name: str, bad: dict[int, Refusal]
    ) -> Sequence[str]:
        def read(text: str) -> str | BadCell:
            text = clean(text)
            if len(text) > longest:
                return BadCell("import_text_too_long")
            return BadCell("import_unreadable") if "\ufffd" in text else text

        found = self._look(texts, read, rows, name, bad)
        return [text.upper() if text else text for text in found] if name == names.CURRENCY else found

    def _name_products(self, texts: dict[str, Any], found: dict[str, Any], bad: dict[int, Refusal]) -> None:
        """Last, so that a row that is refused makes no product."""
        rows = found["row"]
        given = list(zip(texts[names.CODE], texts[names.PRODUCT], strict=True))
        meant = {pair: (clean(pair[0]), clean(pair[1])) for pair in set(given)}
        # In the order of the file: a file read again asks the same.
        asked = dict.fromkeys(pair for row, pair in zip(rows, given, strict=True) if row not in bad)
        new = dict.fromkeys(product for pair in asked if (product := meant[pair]) not in self._products)
        if new:
            self._products.update(self.resolver.products([product for product in new if not unusable(product)]))
        ids = {pair: self._products.get(product) for pair, product in meant.items()}
        found["product"] = [ids[pair] for pair in given]
        if None in ids.values():
            field_ = names.CODE if names.CODE in self.places else names.PRODUCT
            for row, pair in zip(rows, given, strict=True):
                if ids[pair] is None:
                    code, name = meant[pair]
                    self._refuse(bad, row, field_, unusable((code, name)) or "import_unknown_product", code or name)


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
