"""What imports say: of files, of rows, of their runs."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from items.files import columns as names
from items.files.refusals import Refusal
from runs.sentences import sentence

FIELDS: Mapping[str, str | Promise] = {
    names.DATE: _("date"),
    names.TIME: _("time"),
    names.PRODUCT: _("product"),
    names.CODE: _("product code"),
    names.QUANTITY: _("quantity"),
    names.PRICE: _("price"),
    names.TOTAL: _("sum"),
    names.GROSS: _("sum before discount"),
    names.DISCOUNT: _("discount"),
    names.TAX: _("tax"),
    names.DEPARTMENT: _("department"),
    names.TRANSACTION: _("receipt"),
    names.LINE: _("line of the receipt"),
    names.CHANNEL: _("channel"),
    names.LOCATION: _("location"),
    names.CUSTOMER: _("customer"),
    names.PAYMENT: _("payment"),
    names.CURRENCY: _("currency"),
    names.NOTES: _("notes"),
}

SENTENCES: Mapping[str, str | Promise] = {
    # Of a file.
    "import_empty_file": _("The file is empty."),
    "import_file_too_large": _("The file is larger than %(limit)s MB. Split it, or raise MAX_IMPORT_FILE_SIZE_MB."),
    "import_too_many_rows": _("The file has more than %(limit)s rows. Split it, or raise MAX_IMPORT_ROWS."),
    "import_too_many_columns": _("A row has more than %(most)s columns: this is no table of sales."),
    "import_not_a_table": _("This is neither a CSV file nor an Excel workbook (.xlsx)."),
    "import_old_excel": _("This is an old Excel file (.xls) or one with a password. Save it as .xlsx without a password."),
    "import_binary_workbook": _("This is a binary workbook (.xlsb). Save it as .xlsx."),
    "import_broken_workbook": _("The workbook is damaged and cannot be read. Open it in Excel and save it again."),
    "import_workbook_too_large": _("The workbook needs more memory than an import may use. Save the sheet as CSV."),
    "import_bomb": _("The workbook would unpack to far more than a table of sales. It was not opened."),
    "import_other_kind": _("The file is not what it was said to be: it is %(kind)s."),
    "import_unknown_sheet": _("The workbook has no sheet “%(sheet)s”. It has: %(known)s."),
    "import_columns_missing": _("No row within the first 25 names these columns: %(names)s."),
    "import_bad_mapping": _("The description of the file is wrong at “%(what)s”."),
    "import_unknown_field": _("“%(field)s” is not a field of a sale. Known: %(known)s."),
    "import_field_twice": _("Two columns cannot both hold: %(field)s."),
    "import_infected": _("The virus scanner found %(virus)s. The file was not taken."),
    "import_not_scanned": _("The virus scanner does not answer. No file is taken without it: try again later."),
    "import_file_gone": _("The file is not kept any more. Upload it again."),
    "import_unsure_order": _("The dates can be read in two ways. Say which: date_order is dmy (31.12.2025), mdy (12/31/2025) or ymd."),
    "import_unsure_decimal": _("The numbers can be read in two ways. Say which sign stands before decimals: decimal is “.” or “,”."),
    "import_fields_missing": _("No column is known to hold: %(fields)s. The file has the columns: %(columns)s. Name them in mapping."),
    "import_which_department": _("The file names no department. Say whose sales these are: department_id."),
    # Of a row.
    "import_wrong_columns": _("The row has %(text)s cells, more than the header."),
    "import_bad_quotes": _("The quotation marks of the row do not match."),
    "import_open_quote": _("A quotation mark is opened here and never closed: nothing after it was read."),
    "import_cell_too_long": _("A cell of the row is longer than any cell may be."),
    "import_empty_cell": _("It is empty."),
    "import_bad_date": _("“%(text)s” is not a date of the declared form."),
    "import_bad_time": _("“%(text)s” is not a time."),
    "import_too_old": _("“%(text)s” is older than sales are kept."),
    "import_future_date": _("“%(text)s” lies in the future."),
    "import_bad_number": _("“%(text)s” is not a number."),
    "import_too_large": _("“%(text)s” is too large to be true."),
    "import_too_many_places": _("“%(text)s” has more decimals than are kept: three of a quantity, four of money."),
    "import_zero_quantity": _("A quantity of zero is no sale."),
    "import_negative_quantity": _("“%(text)s” is negative. Say that negative quantities are returns, if they are."),
    "import_negative_price": _("A price cannot be negative."),
    "import_wrong_sign": _("“%(text)s” and the quantity have different signs."),
    "import_discount_too_large": _("The discount is larger than the sum."),
    "import_unknown_product": _("No product is known as “%(text)s”."),
    "import_unknown_department": _("No department that you see is known as “%(text)s”."),
    "import_department_not_unique": _("Several departments are known as “%(text)s”. Write the id."),
    "import_department_missing": _("The row names no department."),
    "import_text_too_long": _("“%(text)s…” is too long."),
    "import_unreadable": _("“%(text)s” holds signs that cannot be read in the encoding of the file."),
    # Of a run.
    "import_checking": _("Checking: %(rows)s rows"),
    "import_storing": _("Storing: %(rows)s of %(of)s rows"),
    "import_rows_refused": _("%(refused)s of %(rows)s rows were refused; the error file says why. No sale was deleted."),
    "import_possible_repeats": _("%(rows)s rows look like the sale just before them. They are stored; look whether they were entered twice."),
    "import_changed_since": _("%(rows)s rows were changed by others since. They stay as they are now."),
    "import_not_finished": _("The import has not finished yet. Cancel it first."),
    "import_undone_already": _("This import was taken back already."),
}  # fmt: skip


def told(refusal: Refusal | dict[str, Any]) -> str:
    """Why a row was refused, in the reader's language, its column first."""
    refusal = refusal if isinstance(refusal, Refusal) else Refusal(**refusal)
    why = sentence(refusal.code, {"text": refusal.text})
    return f"{str(FIELDS[refusal.field]).capitalize()}: {why}" if refusal.field in FIELDS else why
