"""Figures as people read them."""

from decimal import Decimal

import pytest
from django.utils import translation

from accounts.formats import amount, count, deviation, exact, percent, points, precise

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "—"),
        (Decimal("0"), "0"),
        (Decimal("999.5"), "1 000"),
        (Decimal("1234567.4999"), "1 234 567"),
        (Decimal("-1234.5"), "−1 235"),
        (Decimal("-0.4"), "0"),
    ],
)
def test_amounts_are_rounded_and_grouped_without_a_currency_sign(value, shown):
    assert amount(value).replace("\u202f", " ") == shown


def test_exact_sums_have_two_places_in_the_language_of_the_reader():
    with translation.override("ru"):
        assert exact(Decimal("1234567.895")) == "1\u202f234\u202f567,90"
    with translation.override("en"):
        assert exact(Decimal("1234567.895")) == "1\u202f234\u202f567.90"


def test_where_every_place_counts_none_is_lost():
    with translation.override("en"):
        shown = [precise(Decimal(text)) for text in ("1234.5000", "1234.0001", "-0.0100", "0.0050", "-100.0000")]
        assert shown == ["1\u202f234.50", "1\u202f234.0001", "−0.01", "0.005", "−100.00"]
        assert precise(None) == "—"


def test_percentages_and_deviations_carry_their_sign():
    with translation.override("en"):
        assert percent(0.1234) == "12.3\u202f%"
        assert percent(-0.05, signed=True) == "−5.0\u202f%"
        assert points(Decimal("12.34")) == "+12.3\u202f%"
        assert (percent(None), percent(""), points(None)) == ("—", "—", "—")
    assert deviation(Decimal("1500.2")) == "+1\u202f500"
    assert deviation(Decimal("-0.3")) == "0"
    assert count(12345) == "12\u202f345"
