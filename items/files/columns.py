"""Which column holds what: the fields of a sale, the names people give them, and where the header stands."""

import hashlib
from collections.abc import Iterable, Sequence

from items.files.refusals import BadFile
from items.files.unbook import TYPED

DATE, TIME, PRODUCT, CODE, QUANTITY, PRICE = "date", "time", "product", "product_code", "quantity", "price"
TOTAL, GROSS, DISCOUNT, TAX, DEPARTMENT = "total", "gross", "discount", "tax", "department"
TRANSACTION, LINE, CHANNEL, LOCATION = "transaction_id", "line", "channel", "location"
CUSTOMER, PAYMENT, CURRENCY, NOTES = "customer", "payment_method", "currency", "notes"

# The field, then what its column is called in English, Russian and Spanish. The first that fits wins.
NAMES: dict[str, tuple[str, ...]] = {
    DATE: (
        "date", "sale date", "sold on", "day", "business date", "ts", "timestamp", "sale timestamp", "datetime",
        "date time", "sold at", "transaction date", "order date",
        "дата", "день", "дата продажи", "учетный день", "дата и время", "дата чека", "период",
        "fecha", "dia", "fecha de venta", "fecha venta", "fecha y hora",
    ),
    TIME: (
        "time", "sale time", "transaction time", "closed at", "hour",
        "время", "время продажи", "время закрытия", "час", "hora", "hora de venta",
    ),
    CODE: (
        "product code", "code", "sku", "item code", "article", "plu", "barcode", "product id",
        "код", "код товара", "код блюда", "артикул", "код номенклатуры", "штрихкод", "код продукта",
        "codigo", "codigo de producto", "codigo producto", "referencia",
    ),
    PRODUCT: (
        "product", "product name", "item", "item name", "name", "dish", "product detail", "description",
        "товар", "блюдо", "номенклатура", "наименование", "название", "продукт", "наименование товара", "позиция",
        "producto", "articulo", "nombre", "nombre del producto", "descripcion",
    ),
    QUANTITY: (
        "quantity", "qty", "quantity sold", "units", "units sold", "count", "amount sold", "transaction qty",
        "количество", "кол во", "кол", "продано", "шт", "количество продано",
        "cantidad", "unidades", "cantidad vendida", "uds", "ud",
    ),
    PRICE: (
        "price", "unit price", "price per unit", "selling price",
        "цена", "цена за единицу", "цена продажи", "цена за шт", "precio", "precio unitario", "precio unidad", "pvp",
    ),
    TOTAL: (
        "total", "total amount", "amount", "revenue", "sales", "sum", "net amount", "line total", "total sales",
        "сумма", "итого", "выручка", "сумма продажи", "стоимость", "сумма со скидкой", "оплачено",
        "importe", "importe total", "ventas", "ingresos",
    ),
    GROSS: (
        "gross", "gross amount", "amount before discount", "сумма без скидки", "сумма до скидки", "bruto",
        "importe bruto",
    ),
    DISCOUNT: ("discount", "discount amount", "скидка", "сумма скидки", "descuento", "importe descuento"),
    TAX: ("tax", "tax amount", "vat", "ндс", "налог", "сумма ндс", "iva", "impuesto", "impuestos"),
    DEPARTMENT: (
        "department", "store", "branch", "shop", "outlet", "store name", "department id", "branch id", "cafe",
        "филиал", "департамент", "подразделение", "точка", "магазин", "кофейня", "кафе", "ресторан", "торговая точка",
        "tienda", "sucursal", "local", "establecimiento",
    ),
    TRANSACTION: (
        "transaction", "transaction id", "receipt", "receipt number", "ticket", "ticket number", "order", "order id",
        "order number", "bill", "invoice",
        "чек", "номер чека", "заказ", "номер заказа", "чек номер",
        "recibo", "numero de ticket", "pedido", "factura",
    ),
    LINE: ("line", "line number", "строка", "номер строки", "linea"),
    CHANNEL: ("channel", "sales channel", "канал", "канал продаж", "canal"),
    LOCATION: ("location", "store location", "адрес", "место", "ubicacion", "direccion"),
    CUSTOMER: ("customer", "customer id", "client", "покупатель", "клиент", "гость", "cliente"),
    PAYMENT: ("payment", "payment method", "payment type", "оплата", "тип оплаты", "способ оплаты", "вид оплаты", "pago", "metodo de pago", "forma de pago"),  # noqa: E501
    CURRENCY: ("currency", "валюта", "moneda", "divisa"),
    NOTES: ("notes", "note", "comment", "comments", "примечание", "комментарий", "заметки", "notas", "comentario", "observaciones"),  # noqa: E501
}  # fmt: skip
FIELDS = tuple(NAMES)
NUMBERS = (QUANTITY, PRICE, TOTAL, GROSS, DISCOUNT, TAX)
TEXTS = {
    TRANSACTION: 100, LINE: 6, CHANNEL: 50, LOCATION: 255, CUSTOMER: 100, PAYMENT: 50, CURRENCY: 3, NOTES: 4000,
}  # fmt: skip
HEADER_WITHIN = 25  # rows: reports have a title above their header

_MEANING = {name: field for field, names in reversed(NAMES.items()) for name in names}
_PLAIN = str.maketrans("ёáéíóúüñ", "еaeiouun") | dict.fromkeys(map(ord, "_-№#:;()./*'\""), " ")


def plain(name: str) -> str:
    """A column's name without case, accents and signs: what is compared."""
    return " ".join(name.removeprefix(TYPED).casefold().translate(_PLAIN).split())


def meaning_of(name: str) -> str | None:
    """The field that a column of this name holds."""
    return _MEANING.get(plain(name))


def header_names(cells: Sequence[str]) -> list[str]:
    """The names of columns, each once: a second «Sum» is «Sum 2», a nameless one is its letter."""
    names: list[str] = []
    for number, cell in enumerate(cells):
        name = " ".join(cell.removeprefix(TYPED).split())[:100] or f"[{letter(number)}]"
        same = sum(1 for other in names if plain(other.rsplit(" ", 1)[0]) == plain(name) or plain(other) == plain(name))
        names.append(f"{name} {same + 1}" if same and name in names else name)
    return names


def letter(number: int) -> str:
    """What a spreadsheet calls its column: 0 is A, 26 is AA."""
    text = ""
    while number >= 0:
        text, number = chr(65 + number % 26) + text, number // 26 - 1
    return text


def find_header(rows: Sequence[Sequence[str] | str], wanted: Iterable[str] = ()) -> int:
    """The index of the row that names columns: all of `wanted`, or else most of what is known. Raises BadFile."""
    names = {plain(name) for name in wanted}
    best, most = -1, 0
    for index, cells in enumerate(rows[:HEADER_WITHIN]):
        if isinstance(cells, str):
            continue
        there = {plain(name) for name in header_names(cells)}
        if names:
            if names <= there:
                return index
            continue
        known = len({meaning_of(cell) for cell in cells} - {None})
        if known > most:
            best, most = index, known
    if names:
        raise BadFile("import_columns_missing", names=", ".join(sorted(wanted)))
    if best >= 0:
        return best
    for index, cells in enumerate(rows):
        if not isinstance(cells, str) and any(cells):
            return index
    raise BadFile("import_empty_file")


def propose(names: Sequence[str]) -> dict[str, str]:
    """{field: the column's name} of what can be told from names alone."""
    found: dict[str, str] = {}
    for field in FIELDS:
        spoken = [name for name in names if meaning_of(name) == field]
        if spoken:
            found[field] = min(spoken, key=lambda name: NAMES[field].index(plain(name)))
    return found


def signature(names: Iterable[str]) -> str:
    """Files with the same columns, in whatever order, have the same signature."""
    return hashlib.sha256("\n".join(sorted(plain(name) for name in names)).encode()).hexdigest()
