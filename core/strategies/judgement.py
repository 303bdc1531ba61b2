"""From a picture of a market to fair value and offers: the reasoning that strategies share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from core.domain.blend import DEFAULT_BLEND, pooled
from core.domain.book import ladder
from core.domain.fees import FeeTerms, fee_terms
from core.domain.grid import price_grid
from core.domain.index import PRINTS
from core.domain.offers import Offer, Wish, best_offer
from core.domain.pricing import Contract, KnownPrints, fair_range, outlook
from core.domain.resting import Patience, Place, resting_offer
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, SECOND, Nanos, Price, complement, price_dollars

if TYPE_CHECKING:
    from core.domain.pricing import Outlook
    from core.messages import MarketView
    from core.strategies.base import Gate, StrategyParams, Values

_BASIS_POINT: Final = 1e-4
GATES: Final = frozenset(
    {
        *("strike_unknown", "price_unknown", "not_warm"),
        *("too_late", "too_early", "prints_missed"),
    }
)
"""Codes with which `judge` refuses; none of them depends on the book."""
EDGE: Final = "edge"
"""Code of a pass for want of an edge."""
_YES: Final = Outcome.YES
_NO: Final = Outcome.NO


class Fair(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Probability of YES, and its range if the volatility is off by the error that is feared."""

    yes: float
    low: float
    high: float

    @property
    def values(self) -> Values:
        """The value and its range, as answers tell them."""
        return ("fair", self.yes), ("fair_low", self.low), ("fair_high", self.high)

    @property
    def likely(self) -> Outcome:
        """The outcome that is worth half a dollar or more."""
        return _YES if self.yes >= 0.5 else _NO  # noqa: PLR2004 - the likelier

    def of(self, outcome: Outcome) -> float:
        """Probability of an outcome."""
        return self.yes if outcome is _YES else 1.0 - self.yes

    def cautious(self, outcome: Outcome) -> float:
        """The worse end of the range, for whoever buys `outcome`."""
        return self.low if outcome is _YES else 1.0 - self.high


class Judgement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A market that can be judged: what YES is worth, and what the book asks for each outcome."""

    fair: Fair
    """What is traded on: the model's, moved towards the market's price as its record asks for."""
    model: float
    """The model's own probability of YES."""
    yes: Offer | None
    no: Offer | None
    seconds_left: float
    resting: Outcome | None = None
    """The outcome for which an order of the strategy rests."""

    @property
    def best(self) -> Offer | None:
        """The offer with the larger edge; None if there is nothing to buy.

        What rests already goes before: it stands in a queue.
        """
        if self.yes is None or self.no is None:
            return self.yes or self.no
        if self.resting is not None:
            return self.offer(self.resting)
        return self.yes if self.yes.edge >= self.no.edge else self.no

    def offer(self, outcome: Outcome) -> Offer | None:
        """What the book offers for an outcome."""
        return self.yes if outcome is _YES else self.no

    @property
    def values(self) -> Values:
        """The numbers that every answer tells: `fair` is the probability of YES."""
        named = [*self.fair.values, ("model", self.model)]
        for name, offer in (("yes", self.yes), ("no", self.no)):
            if offer is not None:
                named.append((f"{name}_price", price_dollars(offer.price)))
                named.append((f"{name}_edge", offer.edge))
        named.append(("seconds_left", self.seconds_left))
        return tuple(named)


def judge(view: MarketView, now: Nanos, params: StrategyParams) -> Judgement | Gate:
    """Fair value and offers, or the first gate that keeps a market from being judged.

    Gates in order are those of `price_yes`. Hot: 12 us; a strategy's whole answer
    takes 15 to 18 us (`python -m tests.benchmarks pricing`).
    """
    model = price_yes(view, now, params)
    if not isinstance(model, Fair):
        return model
    fair = blended(model, view, now)
    fees = fee_terms(view.market)
    return Judgement(
        fair=fair,
        model=model.yes,
        yes=_offer(view, fair, _YES, fees, params),
        no=_offer(view, fair, _NO, fees, params),
        seconds_left=(view.market.close_ns - now) / SECOND,
        resting=None if view.own is None or params.style == "take" else view.own.outcome,
    )


def price_yes(view: MarketView, now: Nanos, params: StrategyParams) -> Fair | Gate:
    """Fair value, or the first gate that keeps a market from being judged.

    Gates in order: `strike_unknown`, `price_unknown`, `not_warm`, `too_late`, `too_early`,
    `prints_missed`.
    """
    left = (view.market.close_ns - now) / SECOND
    gate = _market_gate(view, left, params)
    if gate is not None:
        return gate
    state = settlement_outlook(view)
    if state.missed > params.max_missed:
        return "prints_missed", (("missed", state.missed), ("limit", params.max_missed))
    return fair_value(view, state, params)


def market_price(view: MarketView) -> float:
    """The market's probability of YES: the middle of bid and ask; an empty side counts as 0 or 1.

    So a one-sided book is never read as better than the price at which one would buy there.
    """
    bid = view.bids[0][0] if view.bids else 0
    ask = view.asks[0][0] if view.asks else DOLLAR_PRICE
    return (bid + ask) / (2 * DOLLAR_PRICE)


def blend_credit(view: MarketView, now: Nanos) -> tuple[float, ...]:
    """Credits of the blend's experts at this time of a window; empty where there are none."""
    if not view.credits:
        return ()
    return view.credits[DEFAULT_BLEND.span((view.market.close_ns - now) / SECOND)]


def blended(fair: Fair, view: MarketView, now: Nanos) -> Fair:
    """A fair value moved towards the market's price, as the blend's credits say. Hot: 4 us."""
    return blended_at(fair, blend_credit(view, now), market_price(view))


def blended_at(fair: Fair, credit: tuple[float, ...], market: float) -> Fair:
    """The same at any price of the market; the fair value as it is where there are no credits."""
    if not credit:
        return fair
    weights = DEFAULT_BLEND.weights
    return Fair(
        yes=pooled(credit, weights, fair.yes, market),
        low=pooled(credit, weights, fair.low, market),
        high=pooled(credit, weights, fair.high, market),
    )


def settlement_outlook(view: MarketView) -> Outlook:
    """What is known and open of a settlement. The picture must have a strike and a price."""
    market = view.market
    assert market.strike is not None
    contract = Contract(strike=market.strike, digits=market.digits, close_ns=market.close_ns)
    known = KnownPrints(count=view.known, total=view.known_sum)
    return outlook(contract, known, view.index, view.ts_index)


def fair_value(view: MarketView, state: Outlook, params: StrategyParams) -> Fair:
    """Probability of YES with its range. Hot: 4 us."""
    yes, less, more = fair_range(
        state,
        view.sigma,
        params.tail_degrees,
        stand_in_error(view, state, params),
        params.volatility_error,
    )
    return Fair(yes=yes, low=min(yes, less, more), high=max(yes, less, more))


def stand_in_error(view: MarketView, state: Outlook, params: StrategyParams) -> float:
    """Relative standard error of the settlement where spot venues stand in for the index; else 0.

    Their basis is wrong by the same for all prints; the last price is off once more by itself, and
    that counts for the prints that are taken from it.
    """
    if not view.proxy:
        return 0.0
    own = params.proxy_bps * _BASIS_POINT * (state.coming + state.missed) / PRINTS
    return math.sqrt(view.index_error * view.index_error + own * own)


def _market_gate(view: MarketView, left: float, params: StrategyParams) -> Gate | None:
    if view.market.strike is None:
        return "strike_unknown", (("seconds_left", left),)
    if view.index <= 0:
        return "price_unknown", (("seconds_left", left),)
    if not view.warm:
        return "not_warm", (("seconds_left", left),)
    if left < params.min_seconds_left:
        return "too_late", (("seconds_left", left), ("limit", params.min_seconds_left))
    if left > params.max_seconds_left:
        return "too_early", (("seconds_left", left), ("limit", params.max_seconds_left))
    return None


def _offer(
    view: MarketView, fair: Fair, outcome: Outcome, fees: FeeTerms, params: StrategyParams
) -> Offer | None:
    wish = Wish(
        outcome=outcome,
        probability=fair.of(outcome),
        cautious=fair.cautious(outcome),
        contracts=params.contracts,
        min_edge=params.min_edge,
    )
    asks = ladder(outcome, view.bids, view.asks)
    if params.style == "take":
        return best_offer(wish, asks, fees)
    bids = ladder(_NO if outcome is _YES else _YES, view.bids, view.asks)
    own = view.own
    place = Place(
        bid=complement(bids[0][0]) if bids else Price(0),
        ask=asks[0][0] if asks else DOLLAR_PRICE,
        grid=price_grid(view.market.grid),
        fees=fees,
        resting=own.price if own is not None and own.outcome is outcome else None,
    )
    patience = Patience(requote=params.requote, max_behind=params.max_behind)
    return resting_offer(wish, place, patience)
