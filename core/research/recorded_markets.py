"""Markets of recordings: terms, strikes, results, and the messages that tell of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core import messages as m
from core.domain.grid import TAPERED_DECI_CENT
from core.domain.windows import TickerError, Window, window_of
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome
from core.research.tape_files import TapeError
from core.units import MILLISECOND, SECOND, IndexValue, Nanos, index_from_float, round_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1."""

STRIKE_DELAY: Final = Nanos(550 * MILLISECOND)
"""From the open to the strike on the stream (kalshi.md 8.2: 0.54 to 0.58 s)."""
DETERMINED_DELAY: Final = Nanos(1 * SECOND)
"""From the close to the result on the stream (kalshi.md 8.2: 0.75 to 1.34 s)."""
SETTLED_DELAY: Final = Nanos(7 * SECOND)
"""From the close to the payout (kalshi.md 8.2: 6.5 to 8.2 s)."""
CRYPTO_SHARD: Final = 2


class SeriesFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What no recording says about a series."""

    product: str
    """Spot product recorded beside it."""
    digits: int
    """Decimals of its settlement value (kalshi.md 8.8)."""


SERIES: Final = {
    "KXBTC15M": SeriesFacts(product="BTC-USD", digits=2),
    "KXETH15M": SeriesFacts(product="ETH-USD", digits=2),
    "KXSOL15M": SeriesFacts(product="SOL-USD", digits=4),
    "KXXRP15M": SeriesFacts(product="XRP-USD", digits=4),
}


class RecordedMarket(msgspec.Struct, frozen=True, kw_only=True):
    """One window as recordings know it."""

    window: Window
    strike: IndexValue | None
    value: IndexValue | None
    """Settlement value, where it is known."""
    result: Outcome | None

    @property
    def ticker(self) -> str:
        """The market's name."""
        return self.window.market_ticker


def series_facts(series: str) -> SeriesFacts:
    """Raises TapeError for a series without an importer."""
    facts = SERIES.get(series)
    if facts is None:
        msg = f"series {series} cannot be imported; known are {', '.join(SERIES)}"
        raise TapeError(msg)
    return facts


def read_columns(path: Path, columns: Sequence[str], **filters: Any) -> pa.Table:  # noqa: ANN401
    """Columns of a recording's Parquet file. Raises TapeError naming the file and the remedy."""
    try:
        return pq.read_table(path, columns=list(columns), **filters)
    except FileNotFoundError as error:
        msg = f"recording {path}: no such file; it belongs beside the others of its set"
        raise TapeError(msg) from error
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).split("\n", maxsplit=1)[0]
        msg = f"recording {path}: not readable ({reason}); restore the file"
        raise TapeError(msg) from error


def market_of(ticker: str, near: Nanos, strike: float | None, digits: int) -> RecordedMarket:
    """A market from its name and strike, nothing else known yet. Raises TapeError for the name."""
    try:
        window = window_of(ticker, near)
    except TickerError as error:
        msg = f"recording: {error}"
        raise TapeError(msg) from error
    rounded = None if strike is None else round_index(index_from_float(strike), digits)
    return RecordedMarket(window=window, strike=rounded, value=None, result=None)


def with_results(
    markets: Iterable[RecordedMarket], told: Mapping[str, tuple[float | None, str | None]]
) -> dict[str, RecordedMarket]:
    """Fill in values and results: what a source told, else from the strike of the next window.

    The strike of a window is the settlement value of the one that closed at its open, exactly
    (kalshi.md 8.4), and a window resolves YES if its value is at least its strike. A window
    without either stays without a result. Raises TapeError where told and derived disagree.
    """
    listed = list(markets)
    strikes = {market.window.open_ns: market.strike for market in listed}
    filled = {}
    for market in listed:
        value, result = told.get(market.ticker, (None, None))
        derived = strikes.get(market.window.close_ns)
        known = derived if value is None else index_from_float(value)
        if derived is not None and known != derived:
            msg = f"recording: {market.ticker}: value {known} is not the next strike {derived}"
            raise TapeError(msg)
        filled[market.ticker] = msgspec.structs.replace(
            market, value=known, result=_result(market, known, result)
        )
    return filled


def _result(market: RecordedMarket, value: IndexValue | None, told: str | None) -> Outcome | None:
    decided = None
    if value is not None and market.strike is not None:
        decided = Outcome.YES if value >= market.strike else Outcome.NO
    if told is None:
        return decided
    if decided not in (None, Outcome(told)):
        msg = f"recording: {market.ticker}: result {told} contradicts value and strike"
        raise TapeError(msg)
    return Outcome(told)


def opening(market: RecordedMarket, seen: Nanos, digits: int) -> list[m.Message]:
    """What tells of a market first seen at `seen`: its listing, and the strike when it comes."""
    window = market.window
    published = Nanos(window.open_ns + STRIKE_DELAY)
    listed = m.MarketListed(
        market=m.MarketTerms(
            ticker=market.ticker,
            event_ticker=window.event_ticker,
            series=window.series,
            open_ns=window.open_ns,
            close_ns=window.close_ns,
            strike=market.strike if seen >= published else None,
            digits=digits,
            grid=TAPERED_DECI_CENT,
            status=MarketStatus.ACTIVE if seen >= window.open_ns else MarketStatus.INITIALIZED,
            shard=CRYPTO_SHARD,
        ),
        ts_recv=seen,
    )
    if seen >= published or market.strike is None:
        return [listed]
    told = m.StrikePublished(
        ticker=market.ticker, strike=market.strike, ts_event=published, ts_recv=published
    )
    return [listed, told]


def ending(market: RecordedMarket) -> list[m.Message]:
    """Result and payout of a market; nothing where the result is not known."""
    if market.result is None:
        return []
    determined = Nanos(market.window.close_ns + DETERMINED_DELAY)
    settled = Nanos(market.window.close_ns + SETTLED_DELAY)
    return [
        m.MarketDetermined(
            ticker=market.ticker,
            result=market.result,
            value=market.value,
            ts_event=determined,
            ts_recv=determined,
        ),
        m.MarketFinalized(ticker=market.ticker, ts_event=settled, ts_recv=settled),
    ]
