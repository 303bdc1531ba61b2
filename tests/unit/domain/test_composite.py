"""The composite price: what counts, what is dropped, and that it stays among its sources."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.composite import Composite, CompositeTerms, SpotQuote, composite
from core.units import IndexValue, Nanos, seconds

NOW = Nanos(1_000 * 10**9)
TERMS = CompositeTerms(fresh=seconds(5), outlier_bps=25.0)


def quotes(*prices: int, age: float = 0.0) -> list[SpotQuote]:
    return [
        SpotQuote(source=f"s{i}", price=IndexValue(price), ts_event=Nanos(NOW - seconds(age)))
        for i, price in enumerate(prices)
    ]


def agreed(*prices: int) -> Composite:
    found = composite(quotes(*prices), NOW, TERMS)
    assert found is not None
    return found


def test_of_two_the_price_is_the_middle_rounded_down() -> None:
    assert agreed(10_001, 10_004).price == 10_002


def test_two_that_disagree_are_both_kept_and_the_distance_is_told() -> None:
    found = agreed(10_000, 20_000)
    assert found.sources == ("s0", "s1")
    assert round(found.spread_bps) == round(10_000 / 15_000 * 10_000)


def test_of_three_the_one_that_is_far_off_is_dropped_and_named() -> None:
    found = agreed(10_000, 10_010, 11_000)
    assert (found.price, found.dropped) == (10_005, ("s2",))


def test_where_all_are_far_from_the_middle_none_is_dropped() -> None:
    assert agreed(10_000, 20_000, 30_000, 40_000).dropped == ()


def test_old_quotes_and_impossible_prices_do_not_count() -> None:
    old, bad, good = quotes(10_000, age=6), quotes(0), quotes(10_000, 10_002)
    assert composite(old, NOW, TERMS) is None
    assert composite(bad, NOW, TERMS) is None
    found = composite([*bad, *good[1:]], NOW, TERMS)
    assert found is not None
    assert found.sources == ("s1",)


def test_its_time_is_that_of_the_newest_quote_used() -> None:
    mixed = [*quotes(10_000, age=3), *quotes(10_001, 10_002, age=1)[1:]]
    found = composite(mixed, NOW, TERMS)
    assert found is not None
    assert found.ts_event == NOW - seconds(1)


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=7))
def test_the_price_lies_among_those_used_and_the_order_of_sources_is_all_the_same(
    prices: list[int],
) -> None:
    found = composite(quotes(*prices), NOW, TERMS)
    again = composite(reversed(quotes(*prices)), NOW, TERMS)
    assert found == again
    assert found is not None
    used = [price for i, price in enumerate(prices) if f"s{i}" in found.sources]
    assert min(used) <= found.price <= max(used)
    assert sorted((*found.sources, *found.dropped)) == sorted(f"s{i}" for i in range(len(prices)))
