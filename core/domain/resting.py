"""Where an order of ours may rest: the best price that still keeps the edge, after the maker's fee.

A price is bid up to what the fair value allows, and never to where it would trade at once. To move
an order costs its place in the queue, so what rests is left alone within `requote`: a new order
asks for that much more than the least edge, and is left until the least is not kept any more.
"""

from __future__ import annotations

import msgspec

from core.domain.fees import FeeTerms
from core.domain.grid import PriceGrid
from core.domain.offers import Offer, Wish, cost_each, offer_at
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, ONE_CONTRACT, Price, Quantity, complement

_ROUNDING = 1e-9
"""Dollars: a sum of decimal prices may miss a limit by that much."""


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The market around an outcome, in that outcome's own prices, without orders of ours."""

    bid: Price
    """The best that others bid; 0 where nobody does."""
    ask: Price
    """The lowest that it is sold for; one dollar where nobody sells."""
    grid: PriceGrid
    """Of YES prices, whatever the outcome."""
    fees: FeeTerms
    resting: Price | None = None
    """Where an order of ours for this outcome rests."""


class Patience(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When an order is moved. Dollars per contract."""

    requote: float
    """Edge that may be lost, or price that may be gained, before what rests is moved."""
    max_behind: float
    """Farther below the best bid of others no order rests: it would fill only when it is wrong."""


def resting_offer(wish: Wish, place: Place, patience: Patience) -> Offer | None:
    """The price to rest at, with its edge after the maker's fee; None where none is worth it.

    What rests keeps its price as long as its edge is at least `wish.min_edge`, nobody sells at it,
    and it could not be raised by `requote` or more. Of everything else the edge is at least
    `wish.min_edge + requote`. Never at or above the ask. Raises UnknownFee.
    """
    best = _best(wish, place, wish.min_edge + patience.requote)
    kept = place.resting
    if kept is not None and _may_stay(wish, place, patience):
        worth_moving = best is not None and best - kept >= max(
            1, round(patience.requote * DOLLAR_PRICE)
        )
        best = best if worth_moving else kept
    elif best is not None and _behind(best, place) > patience.max_behind + _ROUNDING:
        return None
    if best is None:
        return None
    quantity = Quantity(wish.contracts * ONE_CONTRACT)
    return offer_at(wish, best, quantity, place.fees, "make")


def _may_stay(wish: Wish, place: Place, patience: Patience) -> bool:
    kept = place.resting
    assert kept is not None
    near = _behind(kept, place) <= patience.max_behind + patience.requote + _ROUNDING
    return near and kept < place.ask and _edge(wish, kept, place.fees) >= wish.min_edge


def _behind(price: Price, place: Place) -> float:
    return (place.bid - price) / DOLLAR_PRICE


def _best(wish: Wish, place: Place, edge: float) -> Price | None:
    """The highest tradable price below the ask that leaves so much."""
    limit = min(int((wish.cautious - edge) * DOLLAR_PRICE + _ROUNDING), place.ask - 1)
    price = _at_most(place.grid, wish.outcome, limit)
    while price is not None and _edge(wish, price, place.fees) < edge:
        price = _at_most(place.grid, wish.outcome, price - 1)
    return price


def _at_most(grid: PriceGrid, outcome: Outcome, limit: int) -> Price | None:
    """The highest tradable price of the outcome at or below a limit."""
    if limit <= 0:
        return None
    if outcome is Outcome.YES:
        return grid.round_down(Price(limit))
    mirrored = grid.round_up(complement(Price(limit)))
    return None if mirrored is None else complement(mirrored)


def _edge(wish: Wish, price: Price, fees: FeeTerms) -> float:
    return wish.cautious - cost_each(price, fees, "make")
