"""The lines of the chart: index and spot, bid and ask, one point a second."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.screen.market_rows import Line
from core.screen.scale import epoch_ms, index_dollars, per_contract

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from core.domain.series import SeriesSource
    from core.screen.panel import Change, Facts, Listeners
    from core.units import Nanos

_SECOND_MS: Final = 1_000
_PENDING: Final = 1_200
FAIR: Final = "fair"
"""Name under which a strategy tells the probability of YES among its values."""
_FAIRS: Final = 16
_DIGITS: Final = 6


class Sampler:
    """Keeps the last value of each second, in order of time; older ones are left out."""

    def __init__(self) -> None:
        self._pending: deque[tuple[float | None, ...]] = deque(maxlen=_PENDING)
        self._last_second = -1
        self._open = False
        """The newest pending point still belongs to `_last_second` and may be replaced."""

    def add(self, at: Nanos, *values: float | None) -> None:
        """Take a point; the newest of a second that has not been sent yet is the one that stays."""
        ms = epoch_ms(at)
        second = ms // _SECOND_MS
        if second > self._last_second:
            self._last_second, self._open = second, True
            self._pending.append((ms, *values))
        elif second == self._last_second and self._open:
            self._pending[-1] = (ms, *values)

    def drain(self) -> tuple[tuple[float | None, ...], ...]:
        """Points since the last call."""
        points = tuple(self._pending)
        self._pending.clear()
        self._open = False
        return points


class ChartPanel:
    """Rows `index` (lines `SERIES:index`, `SERIES:spot`) and `quote` (`SERIES:quote`).

    A point of `quote` is bid, ask, and the newest probability of YES that a strategy has told.
    """

    def __init__(self, sources: Iterable[SeriesSource]) -> None:
        self._by_index = {source.index_id: source.series for source in sources}
        self._by_product = {source.product: source.series for source in sources}
        self._lines: dict[tuple[str, str], Sampler] = {}
        self._fair: dict[str, float] = {}
        self.facts: Facts = {}
        self.listeners: Listeners = {
            m.IndexPrint: self._printed,
            m.CompositePrice: self._composed,
            m.MarketView: self._viewed,
            m.Signal: self._signalled,
            m.Pass: self._passed,
        }

    def drain(self, now: Nanos) -> Iterator[Change]:
        """New points of each line that has some."""
        del now
        for (topic, line), sampler in self._lines.items():
            points = sampler.drain()
            if points:
                yield topic, Line(line=line, points=points)

    def _line(self, topic: str, line: str) -> Sampler:
        return self._lines.setdefault((topic, line), Sampler())

    def _printed(self, print_: m.IndexPrint, now: Nanos) -> None:
        del now
        series = self._by_index.get(print_.index_id)
        if series is not None:
            line = self._line("index", f"{series}:index")
            line.add(print_.ts_event, index_dollars(print_.value))

    def _composed(self, price: m.CompositePrice, now: Nanos) -> None:
        del now
        series = self._by_product.get(price.product)
        if series is not None:
            line = self._line("index", f"{series}:spot")
            line.add(price.ts_event, index_dollars(price.price))

    def _viewed(self, view: m.MarketView, now: Nanos) -> None:
        del now
        if not view.market.open_ns <= view.ts_event < view.market.close_ns:
            return
        bid = per_contract(view.bids[0][0]) if view.bids and view.book_fresh else None
        ask = per_contract(view.asks[0][0]) if view.asks and view.book_fresh else None
        line = self._line("quote", f"{view.market.series}:quote")
        line.add(view.ts_event, bid, ask, self._fair.get(view.market.ticker))

    def _signalled(self, signal: m.Signal, now: Nanos) -> None:
        del now
        yes = signal.outcome.value == "yes"
        implied = signal.probability if yes else 1 - signal.probability
        self._tell(signal.ticker, dict(signal.values).get(FAIR, implied))

    def _passed(self, passed: m.Pass, now: Nanos) -> None:
        del now
        self._tell(passed.ticker, dict(passed.values).get(FAIR))

    def _tell(self, ticker: str, probability: float | None) -> None:
        if probability is None:
            return
        self._fair.pop(ticker, None)
        self._fair[ticker] = round(probability, _DIGITS)
        while len(self._fair) > _FAIRS:
            del self._fair[next(iter(self._fair))]
