"""What to ask for when messages beside the books were lost (kalshi.md 4.4).

| channel | what is asked |
|---|---|
| `market_lifecycle_v2` | the markets again, those just closed too: strike, pause, grid, result |
| `trade` | the tape over REST since the last trade seen, up to the one that showed the gap |
| the index | nothing: a second that is lost stays a hole, and views say how many are known |

A connection that came back has lost what happened meanwhile: the same questions are asked.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core.messages import QueryTrades
from core.units import Nanos

if TYPE_CHECKING:
    from core.messages import Message, StreamGap, TradePrint
    from core.roles.feed_markets import MarketSet

LIFECYCLE: Final = "market_lifecycle_v2"
TRADES: Final = "trade"
_REMEMBERED: Final = 1_000
"""Trades of a market by which those that came already are known."""


class Gaps:
    """Belongs to the feed role."""

    def __init__(self, markets: MarketSet) -> None:
        self._markets = markets
        self._seen: dict[str, deque[tuple[Nanos, str]]] = {}
        self._followed_since = Nanos(0)
        self._trades_lost = False
        self.count = 0
        """Gaps beside those of books."""

    def opened(self, now: Nanos) -> None:
        """A connection stands; trades of the time without one are asked for at the next."""
        self._trades_lost = bool(self._followed_since)
        self._followed_since = self._followed_since or now

    def lost(self, gap: StreamGap, now: Nanos) -> list[Message]:
        """Something is missing on a channel."""
        self.count += 1
        if gap.channel == LIFECYCLE:
            return self._markets.ask_all(now, past=True)
        if gap.channel == TRADES:
            self._trades_lost = True
        return []

    def traded(self, trade: TradePrint, now: Nanos) -> list[Message]:
        """Remember a trade; the first after a gap tells up to when others are missing."""
        out: list[Message] = []
        if self._trades_lost and self._markets.terms.commanded:
            self._trades_lost = False
            tickers = self._markets.wanted(now)
            self._seen = {t: kept for t, kept in self._seen.items() if t in tickers}
            out = [self._ask(ticker, trade) for ticker in tickers]
        seen = self._seen.get(trade.ticker)
        if seen is None:
            seen = self._seen[trade.ticker] = deque(maxlen=_REMEMBERED)
        seen.append((trade.ts_event, trade.trade_id))
        return out

    def _ask(self, ticker: str, shown: TradePrint) -> QueryTrades:
        seen = self._seen.get(ticker)
        since = max((ts for ts, _ in seen), default=Nanos(0)) if seen else self._followed_since
        known = tuple(trade_id for _, trade_id in seen) if seen else ()
        return QueryTrades(
            ticker=ticker, since=since, until=shown.ts_event, known=(*known, shown.trade_id)
        )
