"""Makes the features of a tape: the feeds play it once, and what they tell is written down."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from core import messages as m
from core.exchange.fills import FillModel
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.research.backtest import assemble, fit
from core.research.backtest_loop import SILENCE, Loop
from core.research.sweep_features import (
    BLOCK,
    COLUMNS,
    PAPER_HEARS,
    About,
    FeatureError,
    read_about,
)
from core.research.tape import TapeError, info, read
from core.topology import CALIBRATION, DASHBOARD, EXECUTION, FEED, PAPER, SPOT, STRATEGY
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from config.settings import Settings
    from core.research.sweep_features import Ints, Item
    from core.research.tape import TapeInfo
    from core.runner import Role

    Progress = Callable[[float], None]
    _Note = Callable[[Any, Nanos], None]

FEATURE_ROLES: Final = (CALIBRATION, SPOT, FEED)
"""Roles whose work no parameter that is searched changes: feeds, and the score of the blend, which
is kept of the markets alone."""
_ENCODER: Final = msgspec.msgpack.Encoder()


def features_key(tape: TapeInfo, settings: Settings, pace: float) -> str:
    """Names all that features depend on: files of the tape, settings of the feeds, the program."""
    digest = hashlib.sha256()
    for name in tape.files:
        digest.update(hashlib.sha256(Path(name).read_bytes()).digest())
    fitted, _ = fit(settings, tape)
    said = (
        *(pace, fitted.index_fresh_seconds, fitted.series, fitted.reconnect_max_seconds),
        fitted.model_trust,
    )
    digest.update(repr(said).encode())
    core = Path(__file__).resolve().parents[1]
    for source in sorted(core.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def build(tape: Path, settings: Settings, pace: Nanos, folder: Path, progress: Progress) -> About:
    """Compute the features of a tape into a folder, or find that they are there. Raises TapeError.

    Interrupted, it leaves a folder without `about.json`, which counts as none.
    """
    found = info(tape)
    if not found.records:
        msg = f"tape {tape}: holds no records; record or import it again"
        raise TapeError(msg)
    key = features_key(found, settings, pace / SECOND)
    try:
        there = read_about(folder)
    except FeatureError:
        there = None
    if there is not None and there.key == key:
        progress(1.0)
        return there
    (folder / "about.json").unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    maker = _Maker(folder, pace)
    maker.play(tape, found, settings, progress)
    return maker.finish(tape, found, key, settings)


class _Watcher:
    """Stands in the place of a role, and notes what that role would hear."""

    def __init__(self, name: str, note: Mapping[type[m.Message], _Note]) -> None:
        self.name = name
        self._note = note

    def handle(self, message: m.Message, now: Nanos) -> Sequence[m.Message]:
        note = self._note.get(type(message))
        if note is not None:
            note(message, now)
        return ()

    def apply(self, event: m.Message) -> None:
        del event


class _Maker:
    """Features while they are made."""

    def __init__(self, folder: Path, pace: Nanos) -> None:
        self._folder = folder
        self._pace = pace
        self._items: list[Item] = []
        self._blocks = 0
        self._last_item = Nanos(0)
        self._due: dict[str, tuple[Nanos, m.MarketTerms]] = {}
        self._views = self._seen = 0
        self._tickers: dict[str, int] = {}
        self._changes = 0
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._parts: list[Ints] = []
        self._windows: dict[str, m.MarketTerms] = {}

    def play(self, tape: Path, found: TapeInfo, settings: Settings, progress: Progress) -> None:
        """The roles that no parameter of a trial touches, alone over the tape."""
        fitted, _ = fit(settings, found)
        cast = assemble(fitted, "features", FillModel()).roles
        roles: dict[str, Role] = {watcher.name: watcher for watcher in self._watchers()}
        roles |= {name: cast[name] for name in FEATURE_ROLES}
        loop = Loop(roles, MemoryJournal(), found.first)
        loop.begin()
        last = found.first
        for number, record in enumerate(read(tape)):
            now: Nanos = record.ts_recv  # type: ignore[attr-defined]
            if now - last > SILENCE and last > self._last_item:
                self._add(None, last)
            loop.take(record, now)
            last = now
            if not number % BLOCK:
                progress(number / found.records)

    def _watchers(self) -> Iterator[_Watcher]:
        """Each kind is noted once, in the place of the role that hears it first."""
        heard: dict[type[m.Message], _Note] = dict.fromkeys(PAPER_HEARS, self._add)
        heard[m.BookDelta] = self._change
        heard[m.MarketListed] = self._listed
        yield _Watcher(PAPER, heard)
        yield _Watcher(EXECUTION, {m.StreamChanged: self._add})
        yield _Watcher(DASHBOARD, {m.MarketFinalized: self._add})
        yield _Watcher(f"{STRATEGY}:features", {m.MarketView: self._view})

    def _view(self, view: m.MarketView, now: Nanos) -> None:
        """Keep a picture if the last one of its market is old enough, or its terms changed."""
        self._seen += 1
        ticker = view.market.ticker
        due, terms = self._due.get(ticker, (Nanos(0), None))
        if now < due and terms == view.market:
            return
        self._due[ticker] = (Nanos(now + self._pace), view.market)
        self._views += 1
        self._add(view, now)

    def _listed(self, listed: m.MarketListed, now: Nanos) -> None:
        self._windows[listed.market.ticker] = listed.market
        self._add(listed, now)

    def _change(self, delta: m.BookDelta, now: Nanos) -> None:
        market = self._tickers.setdefault(delta.ticker, len(self._tickers))
        is_yes = delta.leg is Outcome.YES
        self._rows.append((market, is_yes, delta.price, delta.delta, now))
        self._changes += 1
        if len(self._rows) >= BLOCK * 8:
            self._pack()

    def _add(self, message: m.Message | None, now: Nanos) -> None:
        self._items.append((self._changes, now, message))
        self._last_item = now
        if len(self._items) >= BLOCK:
            self._flush()

    def _flush(self) -> None:
        path = self._folder / f"block-{self._blocks:05}.msgpack"
        path.write_bytes(_ENCODER.encode(self._items))
        self._blocks += 1
        self._items = []

    def _pack(self) -> None:
        if self._rows:
            self._parts.append(np.array(self._rows, dtype=np.int64))
            self._rows = []

    def finish(self, tape: Path, found: TapeInfo, key: str, settings: Settings) -> About:
        """Write what is left, and last of all what makes it count."""
        self._flush()
        self._pack()
        empty = np.empty((0, len(COLUMNS)), dtype=np.int64)
        table = np.concatenate([empty, *self._parts])
        for column, name in enumerate(COLUMNS):
            np.save(self._folder / f"{name}.npy", np.ascontiguousarray(table[:, column]))
        fitted, notes = fit(settings, found)
        windows = sorted(self._windows.values(), key=lambda market: market.close_ns)
        about = About(
            key=key,
            tape=str(tape),
            records=found.records,
            first=found.first,
            changes=self._changes,
            series=tuple(fitted.series),
            index_fresh_seconds=fitted.index_fresh_seconds,
            notes=notes,
            windows=tuple((w.ticker, w.open_ns, w.close_ns) for w in windows),
            tickers=tuple(self._tickers),
            views=self._views,
            seen=self._seen,
            blocks=self._blocks,
        )
        (self._folder / "about.json").write_bytes(msgspec.json.encode(about))
        return about
