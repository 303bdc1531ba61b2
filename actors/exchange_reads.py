"""Questions to the exchange: an order, the account, the markets. All block; on worker threads.

Portfolio reads may come from a replica that is behind. How far it reaches is asked first, so that
what is listed afterwards reaches at least as far.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.exchange_orders import order_of, resting
from core import messages as m
from core.domain.windows import WINDOW_LENGTH, next_window, window_at
from core.exchange.listing import MarketStatus, Series
from core.exchange.port import ExchangeError, Rejected
from core.units import INDEX_DECIMALS, Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from actors.exchange_orders import DeskTerms
    from core.clock import Clock
    from core.exchange.listing import Market
    from core.exchange.port import Exchange
    from core.exchange.records import Order

_SERIES_FOR_S: Final = 300.0
"""Fees and shards are asked for again after so many seconds of the machine, or when they change."""
_NEVER: Final = Nanos(1 << 62)
_COMING: Final = 2
"""Windows ahead that are asked for by name."""


class ReadDesk:
    """Asks and puts answers together. Safe on several threads."""

    def __init__(self, exchange: Exchange, clock: Clock, terms: DeskTerms) -> None:
        self._exchange = exchange
        self._clock = clock
        self._terms = terms
        self._series: dict[str, _Known] = {}

    # --- an order --------------------------------------------------------------------------------

    def order(self, query: m.QueryOrder) -> Sequence[m.Message]:
        """What became of an order. `complete` only if the data are younger by `proof_margin`."""
        return self._ask("order", query.order_id, lambda: self._look_up(query))

    def _look_up(self, query: m.QueryOrder) -> tuple[m.Message, ...]:
        exchange = self._exchange
        reaches = exchange.user_data_timestamp()
        listed = exchange.orders(ticker=query.ticker)
        found = order_of(listed, query.order_id, query.venue_order_id)
        if found is None and query.venue_order_id:
            found = self._by_id(query.venue_order_id)
        venue_id = found.order_id if found else query.venue_order_id
        fills = exchange.fills(ticker=query.ticker, order_id=venue_id) if venue_id else ()
        lookup = m.OrderLookup(
            order_id=query.order_id,
            order=found,
            fills=fills,
            complete=reaches > query.since + self._terms.proof_margin,
            ts_recv=self._clock.now(),
        )
        return (lookup,)

    def _by_id(self, venue_order_id: str) -> Order | None:
        try:
            return self._exchange.order(venue_order_id)
        except Rejected:
            return None

    def places(self, query: m.QueryPlaces) -> Sequence[m.Message]:
        """Where resting orders stand in their queues."""
        return self._ask("places", "", lambda: self._places(query))

    def _places(self, query: m.QueryPlaces) -> tuple[m.Message, ...]:
        found = self._exchange.queue_positions(query.tickers)
        places = tuple(
            m.QueuePlace(venue_order_id=order_id, ahead=ahead) for order_id, ahead in found.items()
        )
        return (m.PlacesTold(places=places, ts_recv=self._clock.now()),)

    # --- the account -----------------------------------------------------------------------------

    def account(self, query: m.QueryAccount) -> Sequence[m.Message]:
        """The whole account, as the exchange tells it.

        Cash is what orders of our series can use: the free cash on their shards. What resting
        orders reserve is not in it, nor is cash on other shards.
        """
        return self._ask("account", "", lambda: self._account(query))

    def _account(self, query: m.QueryAccount) -> tuple[m.Message, ...]:
        exchange = self._exchange
        reaches = exchange.user_data_timestamp()
        balance = exchange.balance()
        shards = sorted({self._series_of(series).shard for series in self._terms.series})
        report = m.AccountReport(
            cash=Money(sum(balance.on_shard(shard) for shard in shards)),
            orders=_each_once(resting(exchange), exchange.orders(since=query.since)),
            fills=exchange.fills(since=query.since),
            positions=exchange.positions(),
            settlements=exchange.settlements(since=query.since),
            as_of=reaches,
            ts_recv=self._clock.now(),
        )
        return (report,)

    # --- the public tape -------------------------------------------------------------------------

    def trades(self, query: m.QueryTrades) -> Sequence[m.Message]:
        """Trades that the stream lost, oldest first."""
        return self._ask("trades", query.ticker, lambda: self._trades(query))

    def _trades(self, query: m.QueryTrades) -> tuple[m.Message, ...]:
        rows = self._exchange.trades(query.ticker, since=query.since)
        now = self._clock.now()
        return tuple(
            m.TradePrint(
                ticker=row.ticker,
                trade_id=row.trade_id,
                price=row.price,
                quantity=row.quantity,
                taker_side=row.taker_side,
                ts_event=row.ts,
                ts_recv=now,
            )
            for row in reversed(rows)
            if query.since <= row.ts <= query.until and row.trade_id not in query.known
        )

    # --- markets ---------------------------------------------------------------------------------

    def markets(self, query: m.QueryMarkets) -> Sequence[m.Message]:
        """Markets of a series that are open, and by name those that should be now or next.

        By name, because a market that is paused, or whose status lags, is in no list of open ones.
        """
        return self._ask("markets", query.series, lambda: self._markets(query))

    def _markets(self, query: m.QueryMarkets) -> tuple[m.Message, ...]:
        name = query.series
        series = self._series_of(name)
        listed = self._exchange.markets(series=name, status=MarketStatus.ACTIVE)
        named = self._exchange.markets(tickers=(*self._expected(query), *query.tickers))
        now = self._clock.now()
        found = {market.ticker: market for market in (*named, *listed)}
        wanted = [market for market in found.values() if market.series_ticker == name]
        wanted.sort(key=lambda market: market.closes)
        terms = [m.MarketListed(market=terms_of(row, series), ts_recv=now) for row in wanted]
        return (*terms, *(said for row in wanted for said in _ended(row, now)))

    def _expected(self, query: m.QueryMarkets) -> tuple[str, ...]:
        series, now = query.series, self._clock.now()
        running = window_at(series, now)
        windows = [] if running is None else [running]
        if query.past:
            before = window_at(series, Nanos(now - WINDOW_LENGTH))
            windows += [] if before is None else [before]
        for _ in range(_COMING):
            coming = next_window(series, now)
            windows.append(coming)
            now = coming.open_ns
        return tuple(window.market_ticker for window in windows)

    def _series_of(self, name: str) -> Series:
        """Threads may ask twice at the same moment: the answers are the same."""
        known, now = self._series.get(name), self._clock.now()
        if known is not None and time.monotonic() < known.until_s and now < known.until:
            return known.series
        series = self._exchange.series(name)
        until = self._next_change(name, now)
        until_s = time.monotonic() + _SERIES_FOR_S
        self._series[name] = _Known(series=series, until_s=until_s, until=until)
        return series

    def _next_change(self, name: str, now: Nanos) -> Nanos:
        """When the fees change next, as far as it is announced; what cannot be read tells none."""
        try:
            changes = self._exchange.fee_changes(name)
        except ExchangeError:
            return _NEVER
        coming = (row.scheduled for row in changes if row.series_ticker == name)
        return min((moment for moment in coming if moment > now), default=_NEVER)

    def _ask(
        self, what: str, key: str, question: Callable[[], tuple[m.Message, ...]]
    ) -> tuple[m.Message, ...]:
        try:
            return question()
        except ExchangeError as error:
            reason = f"{type(error).__name__}: {error}"
            failed = m.QueryFailed(what=what, key=key, reason=reason, ts_recv=self._clock.now())
            return (failed,)


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    """A series as it was read, and until when that holds."""

    series: Series
    until_s: float
    """Of the machine's monotonic clock."""
    until: Nanos
    """The next announced change of its fees."""


def _each_once(*lists: tuple[Order, ...]) -> tuple[Order, ...]:
    """The newest word on every order: lists that are read later win."""
    return tuple({order.order_id: order for listed in lists for order in listed}.values())


def _ended(market: Market, now: Nanos) -> tuple[m.Message, ...]:
    """The result and the payout of a market that is over, as the stream would have told them."""
    if market.result is None or market.status is not MarketStatus.FINALIZED:
        return ()
    ts = market.settled or market.closes
    return (
        m.MarketDetermined(
            ticker=market.ticker,
            result=market.result,
            value=market.settlement_value,
            ts_event=ts,
            ts_recv=now,
        ),
        m.MarketFinalized(ticker=market.ticker, ts_event=ts, ts_recv=now),
    )


def terms_of(market: Market, series: Series) -> m.MarketTerms:
    """A listed market and its series as the terms that the rest of the system knows."""
    digits = market.round_digits
    return m.MarketTerms(
        ticker=market.ticker,
        event_ticker=market.event_ticker,
        series=market.series_ticker,
        open_ns=market.opens,
        close_ns=market.closes,
        strike=market.strike,
        digits=INDEX_DECIMALS if digits is None else digits,
        grid=market.price_ranges,
        status=market.status,
        shard=market.shard,
        fee_type=series.fee_type,
        fee_multiplier_bps=series.fee_multiplier_bps,
    )
