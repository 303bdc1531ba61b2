"""Fair value against the book, once a second, from the reasoning that the strategies share."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.screen.analysis_rows import EdgeRow, FairRow, OfferRow
from core.screen.market_rows import Line
from core.screen.scale import epoch_ms, per_contract, rfc3339
from core.strategies.base import StrategyParams
from core.strategies.judgement import Judgement, judge
from core.units import DOLLAR_PRICE, MINUTE, SECOND, Nanos, contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.domain.offers import Offer
    from core.messages import MarketView
    from core.screen.account import AccountPanel
    from core.screen.panel import Change, Facts, Listeners

MINUTES: Final = 15
_WINDOWS: Final = 64


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What model and market said of YES at the end of a minute."""

    fair: float
    mid: float


class Forecasts(msgspec.Struct, kw_only=True):
    """What was forecast in one window. Mutable, inside this panel only."""

    series: str
    close_ns: Nanos
    looks: dict[int, Look]
    sums: dict[int, tuple[float, int]]
    """Minute left -> sum and number of the larger edges."""


class ForecastPanel:
    """Rows `fair` and `edge`; lines `forecast` of each series: fair, low, high, edges of YES, NO.

    Each second of the engine costs one `judge`, 6 us, whatever the market's pace.
    """

    def __init__(self, account: AccountPanel, *, threshold: float, pause: Nanos) -> None:
        self.windows: dict[str, Forecasts] = {}
        self.latest: dict[str, tuple[MarketView, FairRow]] = {}
        self.params = StrategyParams(
            min_edge=threshold, min_seconds_left=0, max_seconds_left=MINUTES * 60
        )
        self._account = account
        self._pause = pause
        self._next = Nanos(0)
        self._views: dict[str, MarketView] = {}
        self._edges: deque[EdgeRow] = deque(maxlen=_WINDOWS)
        self.facts: Facts = {}
        self.listeners: Listeners = {m.MarketView: self._viewed}

    def drain(self, now: Nanos) -> Iterator[Change]:
        """One row and one point of each series, when they are due."""
        if now < self._next:
            return
        self._next = Nanos(now + self._pause)
        for view in self._views.values():
            if view.market.open_ns <= now < view.market.close_ns:
                yield from self._look(view, now)
        while self._edges:
            yield "edge", self._edges.popleft()

    def _viewed(self, view: m.MarketView, now: Nanos) -> None:
        if view.market.open_ns <= now < view.market.close_ns:
            self._views[view.market.series] = view

    def _look(self, view: MarketView, now: Nanos) -> Iterator[Change]:
        row = self._row(view, now)
        series = view.market.series
        self.latest[series] = (view, row)
        if row.fair is not None:
            edges = {offer.side: offer.edge for offer in row.offers}
            told = (row.fair, row.low, row.high, edges.get("yes"), edges.get("no"))
            point = (epoch_ms(now), *(None if v is None else round(v, 5) for v in told))
            yield "forecast", Line(line=series, points=(point,))
            self._remember(view, row, now)
        yield "fair", row

    def _row(self, view: MarketView, now: Nanos) -> FairRow:
        judged = judge(view, now, self.params)
        known = judged if isinstance(judged, Judgement) else None
        offers = [o for o in (known.yes, known.no) if o is not None] if known else []
        if not view.book_fresh:
            offers = []
        gate = "" if isinstance(judged, Judgement) else judged[0]
        return FairRow(
            series=view.market.series,
            ticker=view.market.ticker,
            gate=gate,
            fair=known.fair.yes if known else None,
            low=known.fair.low if known else None,
            high=known.fair.high if known else None,
            mid=middle(view),
            offers=tuple(self._offer(offer) for offer in offers),
            best=max((offer.edge for offer in offers), default=None),
            threshold=self.params.min_edge,
            seconds_left=round((view.market.close_ns - now) / SECOND, 3),
            at=rfc3339(view.ts_event),
        )

    def _offer(self, offer: Offer) -> OfferRow:
        account = self._account.row
        share = offer.kelly * self.params.kelly_fraction
        return OfferRow(
            side="yes" if offer.outcome.value == "yes" else "no",
            probability=offer.probability,
            price=per_contract(offer.price),
            quantity=contracts(offer.quantity),
            fee=offer.fee,
            edge=offer.edge,
            raw_edge=offer.raw_edge,
            kelly=offer.kelly,
            stake=None if account is None else round(account.bankroll * max(0.0, share), 2),
        )

    def _remember(self, view: MarketView, row: FairRow, now: Nanos) -> None:
        market = view.market
        minute = (market.close_ns - now) // MINUTE
        known = self.windows.get(market.ticker)
        if known is None:
            known = Forecasts(series=market.series, close_ns=market.close_ns, looks={}, sums={})
            self.windows[market.ticker] = known
            while len(self.windows) > _WINDOWS:
                del self.windows[next(iter(self.windows))]
        if row.fair is not None and row.mid is not None:
            # The last of a minute stays: the forecast at its end.
            known.looks[minute] = Look(fair=row.fair, mid=row.mid)
        if row.best is None:
            return
        if minute not in known.sums and known.sums:
            self._edges.append(edge_row(market.ticker, known))
        total, count = known.sums.get(minute, (0.0, 0))
        known.sums[minute] = (total + row.best, count + 1)


def edge_row(ticker: str, known: Forecasts) -> EdgeRow:
    """One line of the heat map."""
    return EdgeRow(
        ticker=ticker,
        series=known.series,
        close_at=rfc3339(known.close_ns),
        cells=tuple(_means(known.sums)),
    )


def _means(sums: dict[int, tuple[float, int]]) -> Iterable[float | None]:
    for minute in range(MINUTES):
        total, count = sums.get(minute, (0.0, 0))
        yield round(total / count, 5) if count else None


def middle(view: MarketView) -> float | None:
    """The middle of a fresh book that has both sides, as a probability of YES."""
    if not (view.book_fresh and view.bids and view.asks):
        return None
    return (view.bids[0][0] + view.asks[0][0]) / (2 * DOLLAR_PRICE)
