"""A made-up tape of level-2 books with everything that recordings have: ticks, spells in which the
price is silent, crossed books, impossible deltas, lost messages, two markets on one subscription.
"""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.windows import event_ticker, market_ticker
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome, Side
from core.units import INDEX_DOLLAR, MILLISECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import CLOSE, terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.messages import Message

SERIES: Final = "KXSOL15M"
SPOT: Final = 118.0
_LEGS: Final = (Outcome.YES, Outcome.NO)
_TICK: Final = 100
_STRIKE: Final = IndexValue(round(SPOT * INDEX_DOLLAR))


class MadeUpBooks:
    """Two windows, one after the other, of which the second is listed during the first."""

    def __init__(self, seed: int, deltas: int) -> None:
        self._random = Random(seed)
        self._deltas = deltas
        self._seq = 0
        self._struck = False
        self._now = Nanos(CLOSE - seconds(890))
        self._levels: dict[tuple[str, Outcome], dict[int, int]] = {}
        self._tickers = [self._name(number) for number in range(2)]

    @staticmethod
    def _name(number: int) -> str:
        return market_ticker(SERIES, Nanos(CLOSE + number * seconds(900)))

    def records(self) -> Iterator[Message]:
        """All records in the order of arrival."""
        yield m.StreamChanged(
            stream="market", conn=1, state="open", reason="made up", ts_recv=self._now
        )
        for number in range(2):
            yield self._listed(number)
        for ticker in self._tickers:
            yield self._snapshot(ticker)
        step = int(seconds(1_700) // self._deltas)
        for number in range(self._deltas):
            self._now = Nanos(
                self._now + self._random.randrange(2 * step) // MILLISECOND * MILLISECOND
            )
            if self._now > CLOSE and not self._struck:
                self._struck = True
                yield m.StrikePublished(
                    ticker=self._tickers[1], strike=_STRIKE, ts_event=self._now, ts_recv=self._now
                )
            yield from self._happened(number)
        for number, ticker in enumerate(self._tickers):
            at = Nanos(max(self._now, CLOSE + number * seconds(900)) + seconds(1))
            yield m.MarketDetermined(
                ticker=ticker, result=_LEGS[number], value=None, ts_event=at, ts_recv=at
            )

    def _happened(self, number: int) -> Iterator[Message]:
        """One delta, and now and then something else before it."""
        dice = self._random.random()
        silent = (number * 6 // self._deltas) % 3 == 2  # two spells without prices
        if number % 8 == 0 and not silent:
            yield self._spot(number)
        if dice < 0.02:
            yield self._trade()
        if dice > 0.999:
            self._seq += 1  # lost on the way
        ticker = self._tickers[0 if self._now < CLOSE else 1]
        if self._random.random() < 0.05:
            ticker = self._tickers[1]
        if dice > 0.997:
            yield self._snapshot(ticker)
            return
        yield self._delta(ticker, number)

    def _listed(self, number: int) -> m.MarketListed:
        close = Nanos(CLOSE + number * seconds(900))
        market = terms(
            ticker=self._name(number),
            event_ticker=event_ticker(SERIES, close),
            open_ns=Nanos(close - seconds(900)),
            close_ns=close,
            strike=None if number else _STRIKE,
            status=MarketStatus.INITIALIZED,
        )
        return m.MarketListed(market=market, ts_recv=self._now)

    def _snapshot(self, ticker: str) -> m.BookSnapshot:
        self._seq += 1
        sides = []
        for leg in _LEGS:
            levels = {price * _TICK: 5_000 for price in range(40, 49)}
            self._levels[ticker, leg] = levels
            sides.append(tuple((Price(p), Quantity(q)) for p, q in levels.items()))
        return m.BookSnapshot(
            ticker=ticker,
            yes=sides[0],
            no=sides[1],
            conn=1,
            sid=1,
            seq=self._seq,
            ts_event=self._now,
            ts_recv=self._now,
        )

    def _delta(self, ticker: str, number: int) -> m.BookDelta:
        self._seq += 1
        leg = self._random.choice(_LEGS)
        levels = self._levels[ticker, leg]
        drift = round(6 * math.sin(number / 150)) * (1 if leg is Outcome.YES else -1)
        price = (self._random.randint(34, 49) + drift) * _TICK
        other = leg.other
        against = max(self._levels[ticker, other], default=0)
        if price + against >= 10_000 and self._random.random() < 0.95:
            leg, levels, price = other, self._levels[ticker, other], against  # taken instead
        before = levels.get(price, 0)
        change = self._random.choice((-before, -before // 2, 700, 2_500)) or 900
        if self._random.random() < 0.0005:
            change = -before - 100  # cannot be
        after = before + change
        if after > 0:
            levels[price] = after
        else:
            levels.pop(price, None)
        return m.BookDelta(
            ticker=ticker,
            leg=leg,
            price=Price(price),
            delta=Quantity(change),
            conn=1,
            sid=1,
            seq=self._seq,
            ts_event=Nanos(self._now - 20 * MILLISECOND),
            ts_recv=self._now,
        )

    def _spot(self, number: int) -> m.SpotTick:
        price = SPOT * (1 + 0.002 * math.sin(number / 400) + 0.0001 * self._random.gauss(0, 1))
        return m.SpotTick(
            source="coinbase",
            product="SOL-USD",
            price=IndexValue(round(price * INDEX_DOLLAR)),
            bid=IndexValue(0),
            ask=IndexValue(0),
            ts_event=self._now,
            ts_recv=self._now,
        )

    def _trade(self) -> m.TradePrint:
        return m.TradePrint(
            ticker=self._tickers[0],
            trade_id=str(self._seq),
            price=Price(self._random.randint(40, 60) * _TICK),
            quantity=Quantity(300),
            taker_side=self._random.choice((Side.BID, Side.ASK)),
            ts_event=self._now,
            ts_recv=self._now,
        )
