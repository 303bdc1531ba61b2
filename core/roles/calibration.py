"""The role `calibration`: keeps the score of model and market, live, window by window.

Every ten seconds of a running window it notes what the model says and what the market says, by the
rules of the scoreboard: two fresh sides of the book, fresh inputs, no look twice. When the window
settles, the looks are scored and the score is journalled, which moves the credits of the blend; the
feed puts these into its pictures, so the next fair value leans on whoever has forecast better. It
also folds fills and settlements into the verdict on the trades.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.blend import DEFAULT_BLEND, MOST_WINDOWS, BlendSettings, Look
from core.domain.fold import StateFolded
from core.domain.recent import Newest
from core.domain.scorekeeper import Scorekeeper
from core.exchange.records import Outcome
from core.roles.base import HandlingRole
from core.strategies.base import Standing, StrategyParams
from core.strategies.judgement import Fair, market_price, price_yes
from core.topology import CALIBRATION
from core.units import NEVER, SECOND, Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message

ANY_TIME: Final = StrategyParams(min_seconds_left=0.0, max_seconds_left=900.0)
"""The gates of strategies without their hours: forecasts are scored at every moment."""


class CalibrationTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Which series are followed, and ages beyond which nothing is forecast."""

    series: tuple[str, ...]
    index_fresh: Nanos = seconds(3.0)
    book_fresh: Nanos = seconds(5.0)
    blend: BlendSettings = DEFAULT_BLEND
    """Experts, and how far each is believed before anything was scored."""
    repeat: Nanos = seconds(5.0)
    """The scoreboard is told again after this, for hosts that started later."""


class Calibration(HandlingRole):
    """Costs 0.3 us a picture, and 10 us for one that is looked at."""

    def __init__(self, terms: CalibrationTerms, name: str = CALIBRATION) -> None:
        self._terms = terms
        self._keeper = Scorekeeper(terms.blend)
        self._series: dict[str, tuple[str, Nanos]] = {}
        self._deaf: dict[str, Nanos] = {}
        """Until when a market's pictures have nothing new to note."""
        self._modelless: tuple[str, Standing] | None = None
        """The market of the last picture, where a look was due and the model had nothing to say."""
        self._priceless: Newest[None] = Newest(MOST_WINDOWS)
        """Markets whose price was too old when they were last looked at."""
        self._told = Nanos(0)
        self._dirty = True
        super().__init__(
            name,
            {
                m.Begin: self._begin,
                m.Tick: self._tick,
                m.MarketView: self._viewed,
                m.MarketDetermined: self._determined,
                m.WindowScored: self._changed,
            },
        )

    def apply(self, event: Message) -> None:
        """Fold a score, a fill or a settlement; of a snapshot, the part of scores."""
        self._dirty = True
        if isinstance(event, StateFolded):
            self._keeper.load(event.scores)
        else:
            self._keeper.apply(event)

    def _begin(self, begin: m.Begin, now: Nanos) -> Sequence[Message]:
        del begin
        return self._tell(now)

    def _tick(self, tick: m.Tick, now: Nanos) -> Sequence[Message]:
        del tick
        if not self._dirty and now - self._told < self._terms.repeat:
            return ()
        return self._tell(now)

    def _changed(self, scored: m.WindowScored, now: Nanos) -> Sequence[Message]:
        """Applied already: tell what has become of it at once."""
        del scored
        return self._tell(now)

    def _tell(self, now: Nanos) -> Sequence[Message]:
        self._told, self._dirty = now, False
        keeper = self._keeper
        return (
            m.ScoreboardTold(
                series=tuple(keeper.standing(series) for series in self._terms.series),
                verdict=keeper.verdict(),
                ts=now,
            ),
        )

    def _viewed(self, view: m.MarketView, now: Nanos) -> Sequence[Message]:
        """Note a look, if one is due and both have something to say."""
        market = view.market
        left = (market.close_ns - now) / SECOND
        self._modelless = None
        if now < self._deaf.get(market.ticker, 0) or left <= 0:
            return ()
        blend = self._keeper.blend(market.series)
        if self._keeper.knows(market.ticker):
            self._rest(market.ticker, market.close_ns)
        elif now - view.ts_index > self._terms.index_fresh:
            self._priceless[market.ticker] = None
            return ()
        elif blend.due(market.ticker, left) and self._fresh(view, now):
            fair = price_yes(view, now, ANY_TIME)
            if isinstance(fair, Fair):
                self._note(view, now, fair.yes)
            else:
                until = min(view.ts_index + self._terms.index_fresh, market.close_ns)
                self._modelless = market.ticker, Standing(until=Nanos(until))
        self._priceless.pop(market.ticker, None)
        return ()

    def _fresh(self, view: m.MarketView, now: Nanos) -> bool:
        terms = self._terms
        return (
            view.book_fresh
            and bool(view.bids and view.asks)
            and now - view.ts_book <= terms.book_fresh
            and now - view.ts_index <= terms.index_fresh
        )

    def _note(self, view: m.MarketView, now: Nanos, model: float) -> None:
        """One look; the next counts in the next span of seconds."""
        market, left = view.market, (view.market.close_ns - now) / SECOND
        self._series[market.ticker] = market.series, market.close_ns
        while len(self._series) > MOST_WINDOWS:
            del self._series[next(iter(self._series))]
        blend = self._keeper.blend(market.series)
        blend.look(
            Look(ticker=market.ticker, seconds_left=left, model=model, market=market_price(view))
        )
        every = blend.settings.look_every_s
        begins = int(left // every) * every * SECOND
        self._rest(market.ticker, Nanos(market.close_ns - begins + 1))

    def _rest(self, ticker: str, until: Nanos) -> None:
        self._deaf[ticker] = until
        while len(self._deaf) > MOST_WINDOWS:
            del self._deaf[next(iter(self._deaf))]

    def deaf_until(self, ticker: str) -> Nanos:
        """Until then no picture of this market would change anything here or be answered.

        Holds as long as nothing but its book changes: a price that was too old stays so.
        """
        return NEVER if ticker in self._priceless else self._deaf.get(ticker, Nanos(0))

    def standing(self, ticker: str) -> tuple[Standing, Nanos] | None:
        """Where the model has nothing to say, no change of the book makes it speak."""
        if self._modelless is None or self._modelless[0] != ticker:
            return None
        return self._modelless[1], NEVER

    def _determined(self, result: m.MarketDetermined, now: Nanos) -> Sequence[Message]:
        self._priceless.pop(result.ticker, None)
        known = self._series.pop(result.ticker, None)
        if known is None or self._keeper.knows(result.ticker):
            return ()
        series, close_ns = known
        yes = result.result is Outcome.YES
        blend = self._keeper.blend(series)
        spans = blend.score(result.ticker, yes=yes)
        if not spans:
            return ()
        return (
            m.WindowScored(
                ticker=result.ticker,
                series=series,
                close_ns=close_ns,
                yes=yes,
                spans=spans,
                credits=blend.after(spans),
                ts=now,
            ),
        )
