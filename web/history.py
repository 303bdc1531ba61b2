"""What the page remembers beyond the picture: past windows with their lines, results, equity.

The hub keeps the present and little more. Here the newest of it is gathered into one SQLite file:
each window that has a result, with the chart lines, decisions, orders and fills that belong to it
(enough to play it again), each order with a result, and the equity once a minute. It is a record
for people: the journal stays the truth about money, and losing this file loses no cent.

Any thread may call anything; a lock keeps them apart. A disk that fails costs history, not the
page: it is logged, and what could not be written is tried again.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import zlib
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import msgspec

from core.domain.windows import TickerError, window_of
from core.screen.market_rows import WindowRow
from core.screen.scale import epoch_ms
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from pathlib import Path

    from web.hub import Hub

_log = logging.getLogger(__name__)

NEW_YORK: Final = ZoneInfo("America/New_York")
_WINDOWS_KEPT: Final = 20_000
"""Half a year of one series; about 15 kB each."""
WINDOWS_IN_MEMORY: Final = 400
"""Four days of one series, where there is no file."""
_MINUTES_IN_MEMORY: Final = 40_000
"""Of equity: four weeks."""
_AFTER_MS: Final = 5_000
"""Points shortly after the close still belong to a window."""
_MINUTE: Final = 60
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS windows (
  ticker TEXT PRIMARY KEY, at TEXT NOT NULL, day TEXT NOT NULL, row BLOB NOT NULL, replay BLOB);
CREATE INDEX IF NOT EXISTS windows_at ON windows (at);
CREATE TABLE IF NOT EXISTS trades (
  trade_id TEXT PRIMARY KEY, day TEXT NOT NULL, strategy TEXT NOT NULL, pnl REAL NOT NULL,
  fees REAL NOT NULL, cost REAL NOT NULL);
CREATE TABLE IF NOT EXISTS equity (minute INTEGER PRIMARY KEY, at TEXT NOT NULL,
  equity REAL NOT NULL, cash REAL NOT NULL);
"""


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in a window, for playing it again."""

    lines: dict[str, list[list[float | None]]]
    """Chart lines by name: epoch milliseconds, then the line's values."""
    decisions: list[dict[str, Any]]
    trades: list[dict[str, Any]]
    fills: list[dict[str, Any]]


class History:
    """The store. `path` None keeps it in memory, for venues that begin anew at each start."""

    def __init__(self, hub: Hub, path: Path | None) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._seen: dict[str, WindowRow] = {}
        self._settled: set[str] = set()
        self._failing = False
        self._in_memory = path is None
        self._most_windows = WINDOWS_IN_MEMORY if self._in_memory else _WINDOWS_KEPT
        self._db = _open(path)

    # --- gathering -------------------------------------------------------------------------------

    def collect(self) -> None:
        """Take what is new in the hub. Milliseconds; some more when a window has ended."""
        with self._lock:
            try:
                with self._db:
                    self._collect()
            except sqlite3.Error as error:
                self._seen.clear()
                self._settled.clear()
                if not self._failing:
                    _log.error("history cannot be written: %s", error)
                self._failing = True
            else:
                self._failing = False

    def _collect(self) -> None:
        account = self._hub.single("account")
        if account is not None:
            seconds = int(datetime.fromisoformat(account.at).timestamp())
            self._db.execute(
                "INSERT OR REPLACE INTO equity VALUES (?, ?, ?, ?)",
                (seconds // _MINUTE, account.at, account.equity, account.cash),
            )
        orders = self._hub.rows("order")
        for row in orders:
            if row.pnl is not None and row.trade_id not in self._settled:
                self._settled.add(row.trade_id)
                kept = (row.trade_id, _day(row.created_at), row.strategy_name)
                self._db.execute(
                    "INSERT OR REPLACE INTO trades VALUES (?, ?, ?, ?, ?, ?)",
                    (*kept, row.pnl, row.fees, row.cost),
                )
        for window in self._hub.rows("window"):
            if self._seen.get(window.ticker) != window:
                self._keep(window)
                self._seen[window.ticker] = window
        self._forget({row.trade_id for row in orders})

    def _keep(self, row: WindowRow) -> None:
        replay = self._replay(row)
        known = self._db.execute(
            "SELECT row FROM windows WHERE ticker = ?", (row.ticker,)
        ).fetchone()
        if known is not None and not replay.lines and row.settlement is None:
            return  # told again after a start, and less of it than is known
        packed = zlib.compress(msgspec.json.encode(replay)) if replay.lines else None
        self._db.execute(
            "INSERT INTO windows VALUES (?, ?, ?, ?, ?) ON CONFLICT (ticker) DO UPDATE SET "
            "at = excluded.at, row = excluded.row, replay = coalesce(excluded.replay, replay)",
            (row.ticker, row.at, _day(row.at), msgspec.json.encode(row), packed),
        )

    def _replay(self, row: WindowRow) -> Replay:
        at = Nanos(round(datetime.fromisoformat(row.at).timestamp()) * SECOND)
        lines: dict[str, list[list[float | None]]] = {}
        try:
            window = window_of(row.ticker, at)
        except TickerError:
            return Replay(lines={}, decisions=[], trades=[], fills=[])
        first, last = epoch_ms(window.open_ns), epoch_ms(window.close_ns) + _AFTER_MS
        state = self._hub.picture(frozenset({"index", "quote"})).state
        for topic in ("index", "quote"):
            for name, points in state[topic].items():
                inside = [list(p) for p in points if first <= (p[0] or 0) <= last]
                if name.partition(":")[0] == window.series and inside:
                    lines[name] = inside
        own = {
            topic: [
                msgspec.to_builtins(found)
                for found in self._hub.rows(topic)
                if found.ticker == row.ticker
            ]
            for topic in ("decision", "order", "trade_execution")
        }
        return Replay(
            lines=lines,
            decisions=own["decision"],
            trades=own["order"],
            fills=own["trade_execution"],
        )

    def _forget(self, orders: set[str]) -> None:
        """Bound what is remembered here and in the file."""
        self._settled &= orders
        shown = {row.ticker for row in self._hub.rows("window")}
        self._seen = {ticker: row for ticker, row in self._seen.items() if ticker in shown}
        self._db.execute(
            "DELETE FROM windows WHERE at < (SELECT at FROM windows ORDER BY at DESC "
            "LIMIT 1 OFFSET ?)",
            (self._most_windows,),
        )
        if self._in_memory:
            self._db.execute(
                "DELETE FROM equity WHERE minute <= (SELECT max(minute) FROM equity) - ?",
                (_MINUTES_IN_MEMORY,),
            )

    # --- reading ---------------------------------------------------------------------------------

    def windows(self) -> list[WindowRow]:
        """All windows that are remembered, oldest first."""
        rows = self._ask("SELECT row FROM windows ORDER BY at")
        return [msgspec.json.decode(row, type=WindowRow) for (row,) in rows]

    def window(self, ticker: str) -> tuple[WindowRow, Replay | None] | None:
        """One window and what happened in it; None where it is not remembered."""
        rows = self._ask("SELECT row, replay FROM windows WHERE ticker = ?", ticker)
        if not rows:
            return None
        row, packed = rows[0]
        replay = msgspec.json.decode(zlib.decompress(packed), type=Replay) if packed else None
        return msgspec.json.decode(row, type=WindowRow), replay

    def equity(self, points: int) -> list[dict[str, Any]]:
        """At most about so many points of the equity, oldest first, the last of each stretch."""
        ((low, high),) = self._ask("SELECT min(minute), max(minute) FROM equity")
        if low is None:
            return []
        width = max(1, -(-(high - low + 1) // points))
        rows = self._ask(
            "SELECT max(minute), at, equity, cash FROM equity GROUP BY (minute - ?) / ? "
            "ORDER BY minute",
            *(low, width),
        )
        return [{"at": at, "equity": equity, "cash": cash} for _, at, equity, cash in rows]

    def results(self) -> list[dict[str, Any]]:
        """Orders with a result, summed up by New York day and strategy, newest day first."""
        rows = self._ask(
            "SELECT day, strategy, count(*), sum(pnl > 0), sum(fees), sum(cost), sum(pnl) "
            "FROM trades GROUP BY day, strategy ORDER BY day DESC, strategy"
        )
        names = ("day", "strategy_name", "trades", "wins", "fees", "cost", "pnl")
        return [
            {
                name: round(value, 6) if isinstance(value, float) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in rows
        ]

    def _ask(self, sql: str, *values: object) -> list[Any]:
        self.collect()
        with self._lock:
            return self._db.execute(sql, values).fetchall()

    def close(self) -> None:
        """Take the last news, and close the file."""
        self.collect()
        with self._lock:
            self._db.close()


class Historian(threading.Thread):
    """Collects every few seconds until stopped, so that nothing leaves the hub unseen."""

    def __init__(self, history: History, every: float = 5.0) -> None:
        super().__init__(name="web-history", daemon=True)
        self._history = history
        self._every = every
        self._ended = threading.Event()

    def run(self) -> None:
        """Collect; the last time at the end."""
        while not self._ended.wait(self._every):
            self._history.collect()
        self._history.close()

    def stop(self) -> None:
        """End, with everything written. Idempotent."""
        self._ended.set()
        if self.ident is not None:
            self.join(self._every)


def _open(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return _prepared(sqlite3.connect(path, check_same_thread=False))
        except (OSError, sqlite3.Error) as error:
            _log.error("history %s cannot be used, so it is kept in memory: %s", path, error)
    return _prepared(sqlite3.connect(":memory:", check_same_thread=False))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _day(at: str) -> str:
    return datetime.fromisoformat(at).astimezone(NEW_YORK).date().isoformat()
