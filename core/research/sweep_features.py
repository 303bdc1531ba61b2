"""What every trial of a sweep sees alike, computed once for a tape and kept in a folder.

The feeds cost most of a backtest, and no parameter that is searched changes them. So they play the
tape once, and what they tell the other roles is written down: the pictures of the markets, thinned
to one in `pace` for each market, beside the records that go to those roles directly. Changes of
books are kept as columns that all processes map into memory, because the venue needs few of them
(see `core.research.sweep_replay`).

Whatever is kept is what came first in its interval, at the time at which it came: thinning makes a
strategy look less often, never earlier.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from core import messages as m
from core.domain.deltas import DeltaRows
from core.exchange.records import Outcome
from core.research.tape_columns import KINDS
from core.topology import PAPER, ROUTES
from core.units import Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK: Final = 8_192
"""Items of a file, but for the last."""
_CHUNK: Final = 256
_CACHED: Final = 40
"""Files whose items a process holds decoded, about 1 kB an item."""
PAPER_HEARS: Final = tuple(
    kind for kind in KINDS.values() if PAPER in ROUTES[kind] and kind is not m.BookDelta
)
"""Records that go to the venue as they come: everything but changes of books."""
_NOTED: Final = (m.MarketView, m.StreamChanged, m.MarketFinalized, *PAPER_HEARS)
Item = tuple[int, Nanos, m.Message | None]
"""Changes of books before it, its time, and the message; None: time goes on."""
Ints = NDArray[np.int64]

_DECODER: Final = msgspec.msgpack.Decoder(list[tuple[int, Nanos, reduce(or_, _NOTED) | None]])  # type: ignore[misc, operator]


class FeatureError(ValueError):
    """Features that are not where a trial looks for them; says the remedy."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder of features holds."""

    key: str
    tape: str
    records: int
    changes: int
    """Of books."""
    first: Nanos
    series: tuple[str, ...]
    index_fresh_seconds: float
    notes: tuple[str, ...]
    windows: tuple[tuple[str, Nanos, Nanos], ...]
    """Ticker, opening and close of each, in order of closing."""
    tickers: tuple[str, ...]
    """Names behind the numbers in the columns of changes."""
    views: int
    """Pictures kept, of `seen`."""
    seen: int
    blocks: int


class Deltas(msgspec.Struct, frozen=True):
    """Changes of books as columns: market, leg, price, change, arrival."""

    market: Ints
    is_yes: Ints
    price: Ints
    change: Ints
    ts_recv: Ints


COLUMNS: Final = Deltas.__struct_fields__


class Features:
    """A folder of features, opened. Blocks and columns are read when they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.about = read_about(folder)
        loaded = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in COLUMNS]
        self.deltas = Deltas(*loaded)
        self._blocks = [folder / f"block-{n:05}.msgpack" for n in range(self.about.blocks)]
        self._rows: dict[str, Ints] = {}

    def items(self) -> Iterator[Item]:
        """Everything but changes of books, in order."""
        for path in self._blocks:
            yield from _block(path)

    def item(self, number: int) -> Item:
        """One of them."""
        block, place = divmod(number, BLOCK)
        return _block(self._blocks[block])[place]

    def changes(self, rows: Ints) -> Iterator[tuple[int, m.BookDelta]]:
        """Changes of books by their numbers, as messages without their place in the stream."""
        for start in range(0, len(rows), _CHUNK):
            chosen = rows[start : start + _CHUNK]
            columns = [column[chosen].tolist() for column in msgspec.structs.astuple(self.deltas)]
            for row, values in zip(chosen.tolist(), zip(*columns, strict=True), strict=True):
                yield row, self._change(*values)

    def rows_of(self, ticker: str) -> Ints:
        """Numbers of the changes of one market's book."""
        if ticker not in self._rows:
            names = self.about.tickers
            number = names.index(ticker) if ticker in names else -1
            self._rows[ticker] = np.flatnonzero(self.deltas.market == number)
        return self._rows[ticker]

    def run(self, ticker: str, rows: Ints) -> DeltaRows:
        """Changes of one market's book by their numbers, as columns."""
        found = DeltaRows(ticker, 0, 0)
        found.stop = len(rows)
        found.is_yes = self.deltas.is_yes[rows].astype(np.bool_).tolist()
        found.prices = self.deltas.price[rows].tolist()
        found.changes = self.deltas.change[rows].tolist()
        found.ts_recv = self.deltas.ts_recv[rows].tolist()
        return found

    def _change(self, *values: int) -> m.BookDelta:
        market, is_yes, price, change, ts = values
        return m.BookDelta(
            ticker=self.about.tickers[market],
            leg=Outcome.YES if is_yes else Outcome.NO,
            price=Price(price),
            delta=Quantity(change),
            conn=0,
            sid=0,
            seq=0,
            ts_event=Nanos(ts),
            ts_recv=Nanos(ts),
        )


@lru_cache(maxsize=2)
def opened(folder: Path, key: str) -> Features:
    """The features in a folder, once for a process. Raises FeatureError."""
    found = Features(folder)
    if found.about.key != key:
        msg = f"features in {folder} are of another tape or program: start the sweep again"
        raise FeatureError(msg)
    return found


def read_about(folder: Path) -> About:
    """Raises FeatureError where there are none, or half of them."""
    try:
        return msgspec.json.decode((folder / "about.json").read_bytes(), type=About)
    except (OSError, msgspec.MsgspecError) as error:
        msg = (
            f"no features in {folder} ({error}): workers need the sweep's folder under the same "
            "path, on the same machine or on a shared disk"
        )
        raise FeatureError(msg) from error


@lru_cache(maxsize=_CACHED)
def _block(path: Path) -> list[Item]:
    """The items of one file; equal terms of markets become one object, which halves the memory."""
    terms: dict[m.MarketTerms, m.MarketTerms] = {}
    items: list[Item] = []
    for record, now, message in _DECODER.decode(path.read_bytes()):
        kept: m.Message | None = message
        if isinstance(message, m.MarketView):
            market = terms.setdefault(message.market, message.market)
            kept = msgspec.structs.replace(message, market=market)
        items.append((record, now, kept))
    return items
