"""Small tapes made up for tests of scores: windows, quotes and prices as a test wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.windows import event_ticker, market_ticker
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.research.tape import TapeWriter
from core.units import INDEX_DOLLAR, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import CLOSE, terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from core.messages import Message

STRIKE: Final = 118.0
SERIES: Final = "KXSOL15M"


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """One window: what is quoted and seen at how many seconds before its close."""

    number: int = 0
    """Windows after the first."""
    price: Callable[[int], float | None] = lambda _: STRIKE * 1.0005
    """Spot at so many seconds left; None where nothing is seen."""
    quote: Callable[[int], tuple[int, int] | None] = lambda _: (6_000, 6_200)
    """Bid and ask in 1/10,000 $; 0 and 10,000 are empty sides; None where nothing is sent."""
    result: Outcome | None = Outcome.YES
    first: int = 1_200
    """Seconds left from which prices come."""

    @property
    def close_ns(self) -> Nanos:
        """When it ends."""
        return Nanos(CLOSE + self.number * seconds(900))

    @property
    def ticker(self) -> str:
        """Its name."""
        return market_ticker(SERIES, self.close_ns)

    def messages(self) -> Iterable[Message]:
        """All that comes in, in no order."""
        yield self._listed()
        for left in range(self.first, 0, -1):
            at = Nanos(self.close_ns - seconds(left))
            price = self.price(left)
            if price is not None:
                yield _tick(price, at)
            quote = self.quote(left) if left < 900 else None
            if quote is not None:
                yield self._top(*quote, at)
        if self.result is not None:
            at = Nanos(self.close_ns + seconds(1))
            yield m.MarketDetermined(
                ticker=self.ticker, result=self.result, value=None, ts_event=at, ts_recv=at
            )

    def _listed(self) -> m.MarketListed:
        opened = Nanos(self.close_ns - seconds(900))
        market = terms(
            ticker=self.ticker,
            event_ticker=event_ticker(SERIES, self.close_ns),
            open_ns=opened,
            close_ns=self.close_ns,
            strike=IndexValue(round(STRIKE * INDEX_DOLLAR)),
            status=MarketStatus.INITIALIZED,
        )
        return m.MarketListed(market=market, ts_recv=Nanos(opened - seconds(60)))

    def _top(self, bid: int, ask: int, at: Nanos) -> m.TopOfBook:
        return m.TopOfBook(
            ticker=self.ticker,
            bid=Price(bid),
            bid_size=Quantity(1_000 if bid > 0 else 0),
            ask=Price(ask),
            ask_size=Quantity(1_000 if ask < 10_000 else 0),
            ts_event=at,
            ts_recv=at,
        )


def _tick(price: float, at: Nanos) -> m.SpotTick:
    return m.SpotTick(
        source="coinbase",
        product="SOL-USD",
        price=IndexValue(round(price * INDEX_DOLLAR)),
        bid=IndexValue(0),
        ask=IndexValue(0),
        ts_event=at,
        ts_recv=at,
    )


def staged(windows: Iterable[Staged]) -> list[Message]:
    """The records of several windows, in order of arrival."""
    records = [record for window in windows for record in window.messages()]
    return sorted(records, key=lambda record: record.ts_recv)  # type: ignore[attr-defined]


def write(path: Path, records: Iterable[Message], about: dict[str, str] | None = None) -> Path:
    """A tape of these records."""
    with TapeWriter(path, about) as tape:
        for record in records:
            tape.write(record)
    return path
