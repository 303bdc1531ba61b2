"""Plays a tape to the feeds and looks at every market at regular moments before its close.

The feeds are the roles that trade, so what is scored is what a strategy would have been shown. A
look at a moment knows the records that had arrived by then (`ts_recv`), and no later one.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from core import messages as m
from core.domain.series import source_of
from core.domain.volatility import DEFAULT_SETTINGS, VolatilitySettings
from core.research.tape import info, read
from core.roles.feed import MarketFeed
from core.roles.feed_terms import FeedTerms
from core.roles.spot import SpotFeed, SpotTerms
from core.topology import FEED, ROUTES, SPOT
from core.units import SECOND, IndexValue, Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from core.exchange.records import Outcome
    from core.messages import Message
    from core.research.tape import TapeInfo
    from core.roles.base import HandlingRole

LOOK_EVERY: Final = 10
"""Seconds between two looks at a market; a recording of one quote a minute is seen at its minutes,
where its quotes are fresh."""
_FIRST_LOOK: Final = 890
_PRICE_FRESH: Final = 3.0
_BOOK_FRESH: Final = 5.0
_FRESH_KEY: Final = "index_fresh_seconds"

Seen = TypeVar("Seen")


class ReplayTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How a tape is played: ages are by the inputs' own time."""

    price_fresh: Nanos = seconds(_PRICE_FRESH)
    """An older price stands for nothing."""
    book_fresh: Nanos = seconds(_BOOK_FRESH)
    volatility: VolatilitySettings = DEFAULT_SETTINGS


def terms_for(found: TapeInfo, max_age: float | None) -> ReplayTerms:
    """Terms of a tape: `max_age` seconds for a price, else 3, or what the tape declares of its own.

    A tape whose prices came late says so (`index_fresh_seconds`); their age is part of the fair
    value, so they may be scored, as what they are.
    """
    declared = float(found.about.get(_FRESH_KEY, 0.0))
    allowed = max(_PRICE_FRESH, declared) if max_age is None else max_age
    return ReplayTerms(price_fresh=seconds(allowed))


class Replay(Generic[Seen]):
    """The feeds under virtual time; `look` is asked every `LOOK_EVERY` seconds before a close.

    It gets the newest picture of the market and the moment, and answers with what is to be kept, or
    None. Raises UnknownSeriesError for a series whose index is not known.
    """

    def __init__(
        self,
        found: TapeInfo,
        terms: ReplayTerms,
        look: Callable[[m.MarketView, Nanos], Seen | None],
    ) -> None:
        self.seen: list[Seen] = []
        """What `look` answered, in order of time."""
        self.results: dict[str, Outcome] = {}
        """By ticker; markets whose result the tape does not tell are missing."""
        self.values: dict[str, IndexValue] = {}
        """Settlement values, where they are told."""
        self._look_at = look
        self._views: dict[str, m.MarketView] = {}
        self._roles = _feeds(found, terms)
        self._targets = {
            kind: tuple(name for name in self._roles if name in names)
            for kind, names in ROUTES.items()
        }
        self._due: list[tuple[Nanos, str]] = []
        self._closes: dict[str, Nanos] = {}
        self._confirmed: dict[str, Nanos] = {}
        """Time of each market's newest quote: one that repeats the last causes no new picture."""
        self._give(FEED, m.Begin(recovered=0), found.first)

    def play(self, records: Iterable[Message]) -> None:
        """Everything there is, in order of arrival."""
        for record in records:
            self.take(record, record.ts_recv)  # type: ignore[attr-defined]

    def take(self, record: Message, now: Nanos) -> None:
        """Everything that is to be looked at before `now`, then a record that arrives at `now`."""
        while self._due and self._due[0][0] < now:
            self._look(*heappop(self._due))
        for name in self._targets[type(record)]:
            self._give(name, record, now)
        match record:
            case m.MarketListed():
                self._expect(record.market, now)
            case m.TopOfBook():
                self._confirmed[record.ticker] = record.ts_event
            case m.MarketDetermined():
                self._end(record)
            case _:
                pass

    def _give(self, name: str, message: Message, now: Nanos) -> None:
        """Deliver a message, and what follows from it, as the topology would."""
        for answer in self._roles[name].handle(message, now):
            if isinstance(answer, m.MarketView):
                self._views[answer.market.ticker] = answer
            elif isinstance(answer, m.CompositePrice):
                self._give(FEED, answer, now)

    def _expect(self, market: m.MarketTerms, now: Nanos) -> None:
        if market.ticker in self._closes:
            return
        self._closes[market.ticker] = market.close_ns
        first = Nanos(market.close_ns - _FIRST_LOOK * SECOND)
        behind = max(0, -(-(now - first) // (LOOK_EVERY * SECOND)))
        self._schedule(Nanos(first + behind * LOOK_EVERY * SECOND), market.ticker)

    def _schedule(self, at: Nanos, ticker: str) -> None:
        if at < self._closes[ticker]:
            heappush(self._due, (at, ticker))

    def _look(self, at: Nanos, ticker: str) -> None:
        for name in self._roles:
            self._give(name, m.Tick(due=at), at)
        view = self._views.get(ticker)
        if view is not None:
            confirmed = self._confirmed.get(ticker, view.ts_book)
            view = msgspec.structs.replace(view, ts_book=max(view.ts_book, confirmed))
            kept = self._look_at(view, at)
            self.seen += [] if kept is None else [kept]
        self._schedule(Nanos(at + LOOK_EVERY * SECOND), ticker)

    def _end(self, determined: m.MarketDetermined) -> None:
        self.results[determined.ticker] = determined.result
        if determined.value is not None:
            self.values[determined.ticker] = determined.value
        self._views.pop(determined.ticker, None)
        self._confirmed.pop(determined.ticker, None)


def replay(
    tape: Path, terms: ReplayTerms, look: Callable[[m.MarketView, Nanos], Seen | None]
) -> Replay[Seen]:
    """Play a whole tape. Raises TapeError, and UnknownSeriesError."""
    playing = Replay(info(tape), terms, look)
    playing.play(read(tape))
    return playing


def _feeds(found: TapeInfo, terms: ReplayTerms) -> dict[str, HandlingRole]:
    """The roles, upstream first, that take a price as old as the terms allow."""
    usual, spot = SpotTerms(), SpotTerms().composite
    fresh = max(spot.fresh, terms.price_fresh)
    feed = FeedTerms(
        sources=tuple(source_of(series) for series in found.series),
        commanded=False,
        private=False,
        index_fresh=terms.price_fresh,
    )
    return {
        SPOT: SpotFeed(
            msgspec.structs.replace(usual, composite=msgspec.structs.replace(spot, fresh=fresh))
        ),
        FEED: MarketFeed(feed, terms.volatility),
    }
