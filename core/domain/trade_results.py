"""What settled trades brought, window by window, as the verdict wants it.

A window's result is the profit of all its markets after fees over the contracts bought in them:
coins of one quarter-hour move together, so they are one observation. A contract bought of either
outcome costs its own price; a pair of both pays $1 whatever happens.
"""

from __future__ import annotations

from typing import Final

from core import messages as m
from core.domain.recent import Recent
from core.domain.verdict import Track
from core.exchange.records import Side
from core.messages.base import Part
from core.units import DOLLAR_PRICE, Money, Nanos, Price, Quantity, contracts, dollars, notional

_MOST_OPEN: Final = 256
"""Markets with fills that wait for their result; beyond, the oldest is forgotten."""


class Bought(Part, frozen=True, kw_only=True):
    """Fills of one market."""

    spent: Money = Money(0)
    """Own prices and fees."""
    yes: Quantity = Quantity(0)
    no: Quantity = Quantity(0)
    fills: int = 0


class WindowResult(Part, frozen=True, kw_only=True):
    """The newest window: more of its markets may settle."""

    key: str = ""
    profit: Money = Money(0)
    bought: Quantity = Quantity(0)
    fills: int = 0


class TradeResultsState(Part, frozen=True, kw_only=True):
    """For a snapshot of the journal."""

    settled: Track = Track()
    newest: WindowResult = WindowResult()
    open: tuple[tuple[str, Bought], ...] = ()
    trades: tuple[tuple[str, None, Nanos], ...] = ()
    payouts: tuple[tuple[str, None, Nanos], ...] = ()


class TradeResults:
    """A fold of fills and settlements; each counts once."""

    def __init__(self) -> None:
        self._settled = Track()
        self._newest = WindowResult()
        self._open: dict[str, Bought] = {}
        self._trades: Recent[None] = Recent()
        self._payouts: Recent[None] = Recent()

    @property
    def track(self) -> Track:
        """All windows so far."""
        return _with(self._settled, self._newest)

    def apply(self, event: m.OrderFilled | m.PositionSettled) -> None:
        """Take one event."""
        if isinstance(event, m.OrderFilled):
            self._filled(event)
        else:
            self._paid(event)

    def _filled(self, fill: m.OrderFilled) -> None:
        if fill.trade_id in self._trades:
            return
        self._trades.put(fill.trade_id, None, fill.ts)
        before = self._open.pop(fill.ticker, Bought())
        is_yes = fill.side is Side.BID
        own = fill.price if is_yes else Price(DOLLAR_PRICE - fill.price)
        self._open[fill.ticker] = Bought(
            spent=Money(before.spent + notional(own, fill.quantity) + fill.fee),
            yes=Quantity(before.yes + (fill.quantity if is_yes else 0)),
            no=Quantity(before.no + (0 if is_yes else fill.quantity)),
            fills=before.fills + 1,
        )
        _bound(self._open)

    def _paid(self, settled: m.PositionSettled) -> None:
        name = f"{settled.ticker}#{settled.number}"
        if name in self._payouts:
            return
        self._payouts.put(name, None, settled.ts)
        bought = self._open.pop(settled.ticker, None)
        if bought is None:
            return
        pairs = notional(DOLLAR_PRICE, Quantity(min(bought.yes, bought.no)))
        key = settled.ticker.partition("-")[2]
        if key != self._newest.key:
            self._settled, self._newest = self.track, WindowResult(key=key)
        newest = self._newest
        self._newest = WindowResult(
            key=key,
            profit=Money(newest.profit + settled.payout + pairs - bought.spent),
            bought=Quantity(newest.bought + bought.yes + bought.no),
            fills=newest.fills + bought.fills,
        )

    def dump(self) -> TradeResultsState:
        """Everything."""
        return TradeResultsState(
            settled=self._settled,
            newest=self._newest,
            open=tuple(self._open.items()),
            trades=self._trades.dump(),
            payouts=self._payouts.dump(),
        )

    def load(self, state: TradeResultsState) -> None:
        """The inverse of `dump`."""
        self._settled, self._newest = state.settled, state.newest
        self._open = dict(state.open)
        self._trades.load(state.trades)
        self._payouts.load(state.payouts)


def _with(track: Track, window: WindowResult) -> Track:
    if not window.bought:
        return track
    return track.add(dollars(window.profit) / contracts(window.bought), window.fills)


def _bound(held: dict[str, Bought]) -> None:
    while len(held) > _MOST_OPEN:
        del held[next(iter(held))]
