"""What comes into the engine from outside: the index, decided values, liquidity without account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.exchange.engine.index_series import IndexSeries
from core.exchange.engine.timed import TimedEngine
from core.exchange.engine_events import IndexPublished
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.exchange.records import Outcome, Side
    from core.units import IndexValue, Price, Quantity

    Level = tuple[Price, Quantity]


class OutsideDoor(TimedEngine):
    """Calls of whoever plays the outside: a scenario, a recording, a real feed in paper mode."""

    # --- index, strike, settlement value

    def publish_index(self, index_id: str, value: IndexValue, stamp: Nanos, now: Nanos) -> None:
        """A value of the index; those with whole-second stamps decide settlements.

        Stamps that do not grow are dropped, as the venue does.
        """
        self.advance(now)
        if now < self._venue.index_silent.get(index_id, 0):
            return
        series = self._venue.indices.setdefault(index_id, IndexSeries())
        if not series.add(value, stamp):
            return
        is_print = stamp % SECOND == 0
        self._venue.events.append(
            IndexPublished(
                ts=self._venue.now,
                index_id=index_id,
                value=value,
                stamp=stamp,
                average_60s=series.average_60s(stamp) if is_print else None,
                final_minute=series.final_minute(stamp) if is_print else None,
            )
        )

    def silence_index(self, index_id: str, until: Nanos) -> None:
        """A hole: values of the index that come before `until` are lost, for settlements too."""
        self._venue.index_silent[index_id] = until

    def record_index(self, index_id: str, prints: Iterable[tuple[Nanos, IndexValue]]) -> None:
        """Prints (stamp, value) from before anybody listened: they count, without events."""
        series = self._venue.indices.setdefault(index_id, IndexSeries())
        for stamp, value in prints:
            series.add(value, stamp)

    def fix_strike(self, ticker: str, value: IndexValue) -> None:
        """Give the strike that will be published, instead of the one computed.

        Computed: the settlement value of the window that closed at the open, else the mean of the
        prints of the minute before the open; without either none is published.
        """
        self._venue.market(ticker).fixed_strike = value

    def fix_settlement(self, ticker: str, value: IndexValue) -> None:
        """Give the settlement value, instead of the mean of the prints in [close - 60 s, close).

        Without prints and without this, the result is NO (contract terms).
        """
        self._venue.market(ticker).fixed_settlement = value

    def tell_result(
        self, ticker: str, result: Outcome, value: IndexValue | None, now: Nanos
    ) -> None:
        """The result of a closed market, from an exchange that is being followed.

        Needs `EngineConfig.results_are_told`. It pays at the timeline's time, or at once when that
        is past. ValueError before the close; a second result of the same market changes nothing.
        """
        self.advance(now)
        market = self._venue.market(ticker)
        waits = now >= market.window.close_ns and self._venue.config.results_are_told
        if not waits:
            msg = f"{ticker} is not waiting for a result"
            raise ValueError(msg)
        self._lifecycle.tell_result(market, result, value)
        self.advance(now)

    # --- outside liquidity: anonymous quantity from recorded books or synthetic makers.
    #     Ignored after the close: the outside may notice it late.

    def set_outside(
        self, ticker: str, side: Side, price: Price, quantity: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price is this; also brings back what was eaten."""
        self.advance(now)
        self._outside.set_level(self._venue.market(ticker), side, price, quantity)

    def apply_outside_delta(
        self, ticker: str, side: Side, price: Price, delta: Quantity, now: Nanos
    ) -> None:
        """The outside quantity at a YES price changed by this; what was eaten stays eaten.

        After own takers ate e of R, a delta d > 0 adds d; a delta d < 0 takes away only what would
        exceed R + d. A level that the outside empties forgets what was eaten.
        """
        self.advance(now)
        self._outside.move_level(self._venue.market(ticker), side, price, delta)

    def replace_outside(
        self, ticker: str, bids: Sequence[Level], asks: Sequence[Level], now: Nanos
    ) -> None:
        """The whole outside book, YES prices, as `set_outside`; levels not named go first."""
        self.advance(now)
        self._outside.replace(self._venue.market(ticker), bids, asks)

    def observe_outside(
        self, ticker: str, bids: Sequence[Level], asks: Sequence[Level], now: Nanos
    ) -> None:
        """A recorded book, YES prices, as `apply_outside_delta` by the differences to the last:
        seeing the same quantity again does not bring back what was eaten.
        """
        self.advance(now)
        self._outside.observe(self._venue.market(ticker), bids, asks)

    def outside_trade(
        self, ticker: str, price: Price, quantity: Quantity, taker_side: Side, now: Nanos
    ) -> None:
        """A recorded public trade: it consumes the queues that it would have met and may fill us.

        Own orders at better prices fill first, whatever is queued before them; at the trade's own
        price what is ahead goes first. The displayed outside quantity does not change: the recorded
        delta says that itself, before or after.
        """
        self.advance(now)
        self._outside.trade(self._venue.market(ticker), price, quantity, taker_side)

    def outside_order(
        self, ticker: str, side: Side, limit: Price, quantity: Quantity, now: Nanos
    ) -> Quantity:
        """An anonymous immediate-or-cancel order; what it filled. For synthetic takers."""
        self.advance(now)
        return self._outside.order(self._venue.market(ticker), side, limit, quantity)

    def set_outside_interest(self, ticker: str, quantity: Quantity) -> None:
        """Open interest among outsiders; own positions are added to it."""
        self._venue.market(ticker).outside_interest = quantity
