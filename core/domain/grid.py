"""The prices at which a market takes orders: integer arithmetic on its `price_ranges`.

Crypto markets use `tapered_deci_cent`: $0.001 below $0.10 and above $0.90, $0.01 between
(kalshi.md 3.3). The exchange can change the grid of a live market, so it is always read from the
market and never assumed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from core.exchange.listing import PriceRange
from core.units import DOLLAR_PRICE, Price, format_price


class GridError(ValueError):
    """Price ranges that cannot be a grid; says which range and why."""


TAPERED_DECI_CENT: Final = (
    PriceRange(start=Price(0), end=Price(1_000), step=Price(10)),
    PriceRange(start=Price(1_000), end=Price(9_000), step=Price(100)),
    PriceRange(start=Price(9_000), end=Price(10_000), step=Price(10)),
)
"""The grid of the crypto 15-minute markets."""
_MIRRORED: Final = (
    # name, where the edge ends, step of the edge, step of the middle
    ("center_whole_edge_half_cent", 1_000, 50, 100),
    ("center_whole_edge_quint_cent", 1_000, 20, 100),
    ("center_half_edge_half_cent", 1_000, 50, 50),
    ("center_half_edge_quint_cent", 1_000, 20, 50),
    ("center_half_edge_deci_cent", 1_000, 10, 50),
    ("center_quint_edge_quint_cent", 1_000, 20, 20),
    ("center_quint_edge_deci_cent", 1_000, 10, 20),
    ("center_deci_edge_centi_cent", 100, 1, 10),
)


def _mirrored(edge: int, outer: int, inner: int) -> tuple[PriceRange, ...]:
    """Fine at both edges, `inner` between them."""
    cuts = ((0, edge, outer), (edge, DOLLAR_PRICE - edge, inner))
    tail = (DOLLAR_PRICE - edge, DOLLAR_PRICE, outer)
    return tuple(
        PriceRange(start=Price(start), end=Price(end), step=Price(step))
        for start, end, step in (*cuts, tail)
    )


def _even(step: int) -> tuple[PriceRange, ...]:
    return (PriceRange(start=Price(0), end=DOLLAR_PRICE, step=Price(step)),)


STRUCTURES: Final[dict[str, tuple[PriceRange, ...]]] = {
    "linear_cent": _even(100),
    "deci_cent": _even(10),
    "center_centi_edge_centi_cent": _even(1),
    "tapered_deci_cent": TAPERED_DECI_CENT,
    **{name: _mirrored(*steps) for name, *steps in _MIRRORED},
}
"""The named structures whose ranges are known (kalshi.md 3.3). A market's own ranges decide."""


class PriceGrid:
    """The tradable prices of a market: those of its ranges, without $0 and $1.

    Immutable. Every method is one lookup in a table made at construction (0.7 ms); get a shared one
    from `price_grid`.
    """

    __slots__ = ("_at_least", "_at_most", "ranges")

    def __init__(self, ranges: tuple[PriceRange, ...]) -> None:
        self.ranges = ranges
        valid = _tradable(ranges)
        self._at_most = _nearest_before(range(DOLLAR_PRICE + 1), valid)
        self._at_least = _nearest_before(range(DOLLAR_PRICE, -1, -1), valid)[::-1]

    def is_valid(self, price: Price) -> bool:
        """Whether an order may carry this price."""
        return 0 < price < DOLLAR_PRICE and self._at_most[price] == price

    def round_down(self, price: Price) -> Price | None:
        """The highest tradable price at or below `price`; None below the lowest."""
        if price < 0:
            return None
        return self._at_most[min(price, DOLLAR_PRICE)]

    def round_up(self, price: Price) -> Price | None:
        """The lowest tradable price at or above `price`; None above the highest."""
        if price > DOLLAR_PRICE:
            return None
        return self._at_least[max(price, 0)]

    def next_up(self, price: Price) -> Price | None:
        """The lowest tradable price above `price`, on the grid or not; None at the top."""
        return self.round_up(Price(price + 1))

    def next_down(self, price: Price) -> Price | None:
        """The highest tradable price below `price`, on the grid or not; None at the bottom."""
        return self.round_down(Price(price - 1))

    @property
    def prices(self) -> tuple[Price, ...]:
        """Every tradable price, ascending."""
        return tuple(
            Price(price) for price, nearest in enumerate(self._at_most) if nearest == price
        )


@lru_cache(maxsize=64)
def price_grid(ranges: tuple[PriceRange, ...]) -> PriceGrid:
    """The grid of these ranges, made once. Raises GridError."""
    return PriceGrid(ranges)


def _tradable(ranges: tuple[PriceRange, ...]) -> frozenset[int]:
    for piece in ranges:
        if piece.step <= 0 or not 0 <= piece.start <= piece.end <= DOLLAR_PRICE:
            start, end, step = map(format_price, (piece.start, piece.end, piece.step))
            msg = f"price range {start} to {end} by {step} lies outside 0 to 1 or does not advance"
            raise GridError(msg)
    prices = {p for piece in ranges for p in range(piece.start, piece.end + 1, piece.step)}
    tradable = frozenset(prices - {0, int(DOLLAR_PRICE)})
    if not tradable:
        raise GridError("price ranges hold no tradable price")
    return tradable


def _nearest_before(order: range, valid: frozenset[int]) -> tuple[Price | None, ...]:
    """For each price of `order`, the last valid one met on the way to it, itself included."""
    nearest: list[Price | None] = []
    last: Price | None = None
    for price in order:
        if price in valid:
            last = Price(price)
        nearest.append(last)
    return tuple(nearest)
