"""What a strategy holds, and whether it wants to be rid of it. A part of its role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.domain.holdings import Holdings
from core.strategies.base import NEVER_EXIT, Leaver, leaving
from core.strategies.leaving import ANY_TIME, worth_leaving

if TYPE_CHECKING:
    from core import messages as m
    from core.messages import Message
    from core.strategies.base import Strategy, StrategyParams
    from core.units import Nanos


class Departures:
    """Mutable, inside the role; its holdings are folded from journalled events."""

    def __init__(self, strategy: Strategy, params: StrategyParams) -> None:
        self._holdings = Holdings()
        self.follow(strategy, params)

    def follow(self, strategy: Strategy, params: StrategyParams) -> None:
        """Other parameters, or the strategy made anew with them."""
        self._strategy = strategy
        self._leaver = strategy if isinstance(strategy, Leaver) else None
        self._params = params.model_copy(update=ANY_TIME)
        self._sells = self._leaver is not None or params.exit_gain < NEVER_EXIT

    def apply(self, event: Message) -> None:
        """Fold one event."""
        self._holdings.apply(event)

    def told(self, view: m.MarketView) -> m.MarketView:
        """The picture with what the strategy holds, where it holds anything."""
        held = self._holdings.of(self._strategy.name, view.market.ticker)
        return view if held is None else msgspec.structs.replace(view, held=held)

    def watches(self, view: m.MarketView) -> bool:
        """Something is held and may be sold: every change of the book may be the occasion."""
        return self._sells and view.held is not None

    def wish(self, view: m.MarketView, now: Nanos) -> m.Signal | None:
        """The signal of an exit; None to hold on."""
        if not self.watches(view):
            return None
        if self._leaver is not None:
            found = self._leaver.leave(view, now)
        else:
            found = worth_leaving(view, now, self._params)
        return None if found is None else leaving(self._strategy.name, view, now, found)
