"""What the book offers for an outcome, and what is left of a probability after price and fee."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.domain.fees import fill_fee
from core.domain.sizing import kelly_fraction
from core.exchange.records import Outcome
from core.messages import Style
from core.units import ONE_CONTRACT, ONE_DOLLAR, Price, Quantity, price_dollars

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.domain.book import Level
    from core.domain.fees import FeeTerms


class Wish(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How much of an outcome is wanted, and how good it must be. Probabilities are of it."""

    outcome: Outcome
    probability: float
    cautious: float
    """The probability less its uncertainty; edges are counted from it."""
    contracts: int
    """Size for which the price is sought."""
    min_edge: float
    """Dollars per contract after fees."""


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Contracts to be had at `price` or better, judged as if all of them cost `price`."""

    outcome: Outcome
    probability: float
    price: Price
    """In the outcome's own dollars: the limit that a purchase needs."""
    quantity: Quantity
    """To be had at that limit, at most what was wished."""
    fee: float
    """Dollars per contract."""
    raw_edge: float
    """Probability minus price minus fee."""
    edge: float
    """The same from the cautious probability: what decides."""
    style: Style = "take"
    """Whether it is taken from the book, or an order of ours rests there."""

    @property
    def cost(self) -> float:
        """Dollars per contract, fee included."""
        return price_dollars(self.price) + self.fee

    @property
    def kelly(self) -> float:
        """Full Kelly share of the bankroll at this price."""
        return kelly_fraction(self.probability, self.cost)

    @property
    def confidence(self) -> float:
        """Share of the raw edge that survives the uncertainty, 0..1."""
        return max(0.0, self.edge / self.raw_edge) if self.raw_edge > 0.0 else 0.0


def best_offer(wish: Wish, ladder: Iterable[Level], fees: FeeTerms) -> Offer | None:
    """The offer that the ladder (best first, own prices) makes for a wish.

    Levels are gathered until the wished size is there; a level whose own edge is too small is left,
    unless it is needed for the first whole contract (dust before it is no offer). So the answer may
    miss the least edge, but only if nothing better is to be had. None if the whole ladder holds
    less than one contract.
    """
    wished = wish.contracts * ONE_CONTRACT
    found: Offer | None = None
    total = 0
    for price, size in ladder:
        total += size
        if total < ONE_CONTRACT:
            continue
        here = offer_at(wish, price, Quantity(min(total, wished)), fees)
        if found is not None and here.edge < wish.min_edge:
            break
        found = here
        if total >= wished or here.edge < wish.min_edge:
            break
    return found


def offer_at(
    wish: Wish, price: Price, quantity: Quantity, fees: FeeTerms, style: Style = "take"
) -> Offer:
    """So many contracts at `price`, judged by what is left after the fee of that style."""
    fee = _fee(price, fees, style)
    cost = price_dollars(price) + fee
    return Offer(
        outcome=wish.outcome,
        probability=wish.probability,
        price=price,
        quantity=quantity,
        fee=fee,
        raw_edge=wish.probability - cost,
        edge=wish.cautious - cost,
        style=style,
    )


def cost_each(price: Price, fees: FeeTerms, style: Style = "take") -> float:
    """Dollars that one contract costs at `price`, fee included: never less at a higher price."""
    return price_dollars(price) + _fee(price, fees, style)


def _fee(price: Price, fees: FeeTerms, style: Style) -> float:
    return fill_fee(fees, price, ONE_CONTRACT, is_taker=style == "take") / ONE_DOLLAR
