"""Price grids: what is tradable, and rounding onto it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.grid import TAPERED_DECI_CENT, GridError, PriceGrid, price_grid
from core.exchange.listing import PriceRange
from core.units import DOLLAR_PRICE, Price, complement, parse_price

PRICES = st.integers(-50, DOLLAR_PRICE + 50).map(Price)
STEPS = st.sampled_from([1, 5, 10, 20, 50, 100])
LINEAR_CENT = (PriceRange(start=Price(0), end=Price(10_000), step=Price(100)),)


def tapered() -> PriceGrid:
    return price_grid(TAPERED_DECI_CENT)


@st.composite
def symmetric_grids(draw: st.DrawFn) -> PriceGrid:
    """Grids as the exchange makes them: one step in the middle, one at both edges."""
    edge, centre = draw(STEPS), draw(STEPS)
    border = draw(st.sampled_from([100, 500, 1_000, 2_000]))
    pieces = ((0, border, edge), (border, 10_000 - border, centre), (10_000 - border, 10_000, edge))
    return price_grid(
        tuple(PriceRange(start=Price(a), end=Price(b), step=Price(c)) for a, b, c in pieces)
    )


@pytest.mark.parametrize("text", ["0.0010", "0.0990", "0.1000", "0.4700", "0.9000", "0.9550"])
def test_a_price_on_the_tapered_grid_is_valid(text: str) -> None:
    assert tapered().is_valid(parse_price(text))


@pytest.mark.parametrize(
    "text", ["0.0000", "1.0000", "0.0005", "0.1010", "0.4750", "0.8550", "0.9995", "-0.0100"]
)
def test_a_price_off_the_tapered_grid_is_not(text: str) -> None:
    assert not tapered().is_valid(parse_price(text))


def test_the_tapered_grid_has_99_tails_each_and_81_cents() -> None:
    prices = tapered().prices

    assert len(prices) == 99 + 81 + 99
    assert (prices[0], prices[-1]) == (10, 9_990)


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        (4_755, 4_700, 4_800),
        (4_700, 4_700, 4_700),
        (9_555, 9_550, 9_560),
        (8_999, 8_900, 9_000),
        (5, None, 10),
        (9_999, 9_990, None),
        (-1, None, 10),
        (10_001, 9_990, None),
    ],
)
def test_rounding_on_the_tapered_grid(price: int, down: int | None, up: int | None) -> None:
    assert tapered().round_down(Price(price)) == down
    assert tapered().round_up(Price(price)) == up


def test_ticks_change_width_at_ten_and_ninety_cents() -> None:
    grid = tapered()

    assert (grid.next_down(Price(1_000)), grid.next_up(Price(1_000))) == (990, 1_100)
    assert (grid.next_down(Price(9_000)), grid.next_up(Price(9_000))) == (8_900, 9_010)
    assert (grid.next_down(Price(10)), grid.next_up(Price(9_990))) == (None, None)


@given(symmetric_grids(), PRICES)
def test_rounding_brackets_the_price_with_tradable_prices(grid: PriceGrid, price: Price) -> None:
    down, up = grid.round_down(price), grid.round_up(price)

    assert down is None or (down <= price and grid.is_valid(down))
    assert up is None or (up >= price and grid.is_valid(up))
    assert (down == up) is grid.is_valid(price)
    between = range((down or 0) + 1, up or DOLLAR_PRICE)
    assert not any(grid.is_valid(Price(p)) for p in between if p != price)


@given(symmetric_grids(), PRICES)
def test_a_tradable_yes_price_has_a_tradable_no_price(grid: PriceGrid, price: Price) -> None:
    assert grid.is_valid(price) is grid.is_valid(complement(price))


@given(symmetric_grids())
def test_ticks_walk_every_tradable_price(grid: PriceGrid) -> None:
    walked = [grid.next_up(Price(0))]
    while (price := walked[-1]) is not None:
        walked.append(grid.next_up(price))

    assert tuple(walked[:-1]) == grid.prices


@pytest.mark.parametrize(
    ("start", "end", "step"),
    [(0, 10_000, 0), (0, 10_000, -100), (-100, 10_000, 100), (0, 10_100, 100), (500, 400, 10)],
)
def test_impossible_ranges_are_refused(start: int, end: int, step: int) -> None:
    with pytest.raises(GridError, match="price range"):
        PriceGrid((PriceRange(start=Price(start), end=Price(end), step=Price(step)),))


def test_ranges_without_a_tradable_price_are_refused() -> None:
    with pytest.raises(GridError, match="no tradable price"):
        PriceGrid(())


def test_equal_ranges_share_one_grid() -> None:
    assert price_grid(LINEAR_CENT) is price_grid(tuple(LINEAR_CENT))
    assert price_grid(LINEAR_CENT).prices == tuple(range(100, 10_000, 100))
