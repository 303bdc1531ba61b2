"""The settlement index: which prints count, what is known, and the exact mean."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.index import PRINTS, SettlementIndex, resolve
from core.exchange.records import Outcome
from core.units import (
    INDEX_DECIMALS,
    MILLISECOND,
    SECOND,
    IndexValue,
    Nanos,
    index_from_float,
    parse_index,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CLOSE = Nanos(1_795_360_500 * SECOND)
START = Nanos(CLOSE - 60 * SECOND)
SOL = parse_index("118.5107")


def stamp(second: int) -> Nanos:
    return Nanos(START + second * SECOND)


def collected(values: Sequence[int], digits: int = 4) -> SettlementIndex:
    index = SettlementIndex(CLOSE, digits)
    for second, value in enumerate(values):
        assert index.add(IndexValue(value), stamp(second))
    return index


def test_the_minute_includes_its_start_and_excludes_the_close() -> None:
    index = SettlementIndex(CLOSE, 4)

    assert not index.add(SOL, stamp(-1))
    assert index.add(SOL, stamp(0))
    assert index.add(SOL, stamp(59))
    assert not index.add(SOL, stamp(60))
    assert index.known == 2


def test_prints_between_seconds_do_not_count() -> None:
    index = SettlementIndex(CLOSE, 4)

    assert not index.add(SOL, Nanos(stamp(3) + 200 * MILLISECOND))
    assert index.known == 0


def test_repeated_and_late_stamps_are_dropped() -> None:
    index = SettlementIndex(CLOSE, 4)
    index.add(SOL, stamp(5))

    assert not index.add(IndexValue(SOL + 1), stamp(5))
    assert not index.add(SOL, stamp(4))
    assert (index.known, index.known_sum) == (1, SOL)


def test_nothing_is_known_before_the_minute() -> None:
    index = SettlementIndex(CLOSE, 4)

    assert (index.known, index.holes, index.future) == (0, 0, PRINTS)
    assert index.running_mean is None
    assert index.settlement is None


@given(st.sets(st.integers(0, 59)))
def test_known_holes_and_future_make_sixty(seconds: set[int]) -> None:
    index = SettlementIndex(CLOSE, 4)

    for second in sorted(seconds):
        index.add(SOL, stamp(second))

    last = max(seconds, default=-1)
    assert index.known == len(seconds)
    assert index.future == 59 - last
    assert index.holes == last + 1 - len(seconds)
    assert index.known + index.holes + index.future == PRINTS


@given(
    st.lists(st.integers(1, 10**14), min_size=PRINTS, max_size=PRINTS), st.sampled_from([2, 4, 6])
)
def test_the_settlement_is_the_mean_rounded_half_up(values: list[int], digits: int) -> None:
    exact = Decimal(sum(values)) / PRINTS / 10**INDEX_DECIMALS
    rounded = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)

    settlement = collected(values, digits).settlement

    assert settlement == int(rounded * 10**INDEX_DECIMALS)


def test_half_a_unit_rounds_up() -> None:
    below, above = parse_index("118.5107"), parse_index("118.5108")

    assert collected([below] * 30 + [above] * 30).settlement == above
    assert collected([below] * 31 + [above] * 29).settlement == below


def test_with_a_hole_there_is_a_mean_but_no_settlement() -> None:
    index = collected([SOL] * 30)

    for second in range(31, 60):
        index.add(SOL, stamp(second))

    assert (index.known, index.holes) == (59, 1)
    assert index.running_mean == SOL
    assert index.settlement is None


def test_a_tie_is_yes() -> None:
    assert resolve(SOL, SOL) is Outcome.YES
    assert resolve(IndexValue(SOL - 1), SOL) is Outcome.NO


@pytest.mark.parametrize(("series", "ties"), [("KXSOL15M", 0), ("KXXRP15M", 50), ("KXETH15M", 1)])
def test_recorded_windows_resolve_as_they_did(recorded: Path, series: str, ties: int) -> None:
    table = pq.read_table(recorded / f"markets_{series}.parquet", filters=[("src", "==", "U")])
    columns = (table[name].to_pylist() for name in ("expiration_value", "floor_strike", "result"))
    rows = list(zip(*columns, strict=True))

    wrong = [
        row for row in rows if resolve(index_from_float(row[0]), index_from_float(row[1])) != row[2]
    ]

    assert len(rows) > 4_000
    assert sum(value == strike for value, strike, _ in rows) >= ties
    assert wrong == []
