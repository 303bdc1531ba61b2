"""Decimal strings and times of the wire: exact both ways, and refused where they are nonsense."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange.wire import scalars as s
from core.units import (
    DOLLAR_PRICE,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    UnitError,
    format_money,
    format_price,
    format_quantity,
)

YEAR_2100 = 4_102_444_800_000_000


@given(st.integers(0, DOLLAR_PRICE))
def test_prices_survive_the_wire(ticks: int) -> None:
    assert s.price(format_price(Price(ticks))) == ticks


@given(st.integers(-(10**12), 10**12))
def test_quantities_survive_the_wire(hundredths: int) -> None:
    assert s.quantity(format_quantity(Quantity(hundredths))) == hundredths


@given(st.integers(-(10**15), 10**15))
def test_money_survives_the_wire(value: int) -> None:
    assert s.money(format_money(Money(value))) == value


@given(st.integers(0, 10**13), st.integers(0, 8))
def test_index_values_of_a_market_survive_the_wire(value: int, digits: int) -> None:
    rounded = IndexValue(value // 10 ** (8 - digits) * 10 ** (8 - digits))
    assert s.index_value(s.format_index(rounded, digits)) == rounded


@given(st.integers(0, 10**7), st.integers(0, 4))
def test_strikes_survive_as_json_numbers(whole: int, digits: int) -> None:
    value = IndexValue((whole * 10**digits + 7) * 10 ** (8 - digits))
    assert s.index_value(s.index_number(value)) == value


@given(st.integers(0, YEAR_2100))
def test_times_survive_the_wire_to_the_microsecond(micros: int) -> None:
    assert s.rfc3339(s.format_rfc3339(Nanos(micros * 1000))) == micros * 1000


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-08-04T12:05:04.80697Z", 806_970),
        ("2026-08-04T12:05:04.15Z", 150_000),
        ("2026-08-04T12:05:04Z", 0),
        ("2026-08-04T12:05:04.1Z", 100_000),
        ("2026-08-04T12:05:04.000001Z", 1),
        ("2026-08-04T12:05:04.123456789Z", 123_456),
        ("2026-08-04T08:05:04.5-04:00", 500_000),
    ],
)
def test_every_number_of_fractional_digits_is_read(text: str, micros: int) -> None:
    whole = int(datetime(2026, 8, 4, 12, 5, 4, tzinfo=UTC).timestamp())
    assert s.rfc3339(text) == (whole * 1_000_000 + micros) * 1000


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (1_785_845_104_806_970_000, "2026-08-04T12:05:04.80697Z"),
        (1_785_845_104_150_000_000, "2026-08-04T12:05:04.15Z"),
        (1_785_845_104_000_000_000, "2026-08-04T12:05:04Z"),
        (1_785_845_104_000_000_999, "2026-08-04T12:05:04Z"),
    ],
)
def test_times_are_written_with_trimmed_fractions(moment: int, text: str) -> None:
    assert s.format_rfc3339(Nanos(moment)) == text


@pytest.mark.parametrize("text", ["", "soon", "2026-08-04T12:05:04", "1785845104", "2026-13-01Z"])
def test_times_without_meaning_or_zone_are_refused(text: str) -> None:
    with pytest.raises(s.WireError):
        s.rfc3339(text)


@pytest.mark.parametrize(
    ("value", "wanted"), [("0.47", 4700), (0.47, 4700), (0, 0), (1, 10_000), ("0.4700", 4700)]
)
def test_prices_come_as_strings_of_any_length_and_as_numbers(value: s.Fixed, wanted: int) -> None:
    assert s.price(value) == wanted


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("25", 2500),
        ("25.5", 2550),
        (25, 2500),
        (25.5, 2550),
        ("-54.00", -5400),
        ("1,250.00", 125000),
    ],
)
def test_quantities_come_as_strings_of_any_length_and_as_numbers(
    value: s.Fixed, wanted: int
) -> None:
    assert s.quantity(value) == wanted


@pytest.mark.parametrize(
    "value", ["", "x", "0.47001", "0,4.7x", "NaN", float("nan"), 1e30, "\u0661.00"]
)
def test_what_is_no_decimal_of_the_precision_is_refused(value: s.Fixed) -> None:
    with pytest.raises(UnitError):
        s.price(value)
    if value != "0.47001":
        with pytest.raises(UnitError):
            s.quantity(value)


def test_thousands_commas_of_a_settlement_value_are_read() -> None:
    assert s.index_value("84,120.55") == 8_412_055_000_000
    assert s.index_value("118.5107") == 11_851_070_000
