"""When what is held is worth less than the book pays for it.

To sell YES is to buy NO at the rest of the dollar, so a holding is judged as any offer of the other
outcome is: fair value at its worse end for whoever sells, the book's levels for as much as is held,
the taker's fee.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.book import ladder
from core.domain.fees import fee_terms
from core.domain.offers import Wish, best_offer
from core.strategies.base import Exit
from core.strategies.judgement import Fair, blended, price_yes
from core.units import ONE_CONTRACT, SECOND, complement

if TYPE_CHECKING:
    from core.messages import MarketView
    from core.strategies.base import StrategyParams
    from core.units import Nanos

ANY_TIME: Final = {"min_seconds_left": 0.0, "max_seconds_left": 900.0}
"""Limits of new signals that mean nothing to an exit: what is held is held to the close."""


def worth_leaving(view: MarketView, now: Nanos, params: StrategyParams) -> Exit | None:
    """The exit that `params.exit_gain` asks for, if the book pays it; None to hold on.

    `params` as they are for an exit: with `ANY_TIME`. None too where the market cannot be priced.
    """
    held = view.held
    if held is None:
        return None
    model = price_yes(view, now, params)
    if not isinstance(model, Fair):
        return None
    fair = blended(model, view, now)
    bought = held.outcome.other
    wish = Wish(
        outcome=bought,
        probability=fair.of(bought),
        cautious=fair.cautious(bought),
        contracts=-(-held.quantity // ONE_CONTRACT),
        min_edge=params.exit_gain,
    )
    offer = best_offer(wish, ladder(bought, view.bids, view.asks), fee_terms(view.market))
    if offer is None or offer.edge < params.exit_gain:
        return None
    return Exit(
        price=complement(offer.price),
        probability=1.0 - offer.probability,
        gain=offer.edge,
        confidence=offer.confidence,
        reason=f"the book pays more for {held.outcome.value} than it is worth",
        values=(
            *fair.values,
            ("model", model.yes),
            ("seconds_left", (view.market.close_ns - now) / SECOND),
        ),
    )
