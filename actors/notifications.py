"""Notifications: what the screen is told goes on to a person who does not look at it.

A listener beside the screen, with a thread of its own: an address that is slow, wrong or away
delays notifications and nothing else. Sent are alerts from a level on, fills where wanted, and the
day's summary. What the journal brings back at a start is old news and is not sent again.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime
from queue import Queue
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import msgspec

from config.faults import SettingsError
from config.logs import hide, kv
from core.screen.scale import rfc3339
from core.screen.system_rows import AlertRow, StatusRow
from core.screen.trading_rows import AccountRow, FillRow
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import Settings
    from core.messages import ScreenFrame

_log = logging.getLogger(__name__)

Send = Callable[[str, str], bool]
"""Title and text; whether everybody took it. May block."""

LEVELS: Final = ("info", "warning", "critical")
_OLD: Final = seconds(60.0)
"""What happened longer ago is old news. In the engine's time."""
_REMEMBERED: Final = 2_000
_WAITING: Final = 500
_MINUTE: Final = 60.0
_SEPARATOR: Final = re.compile(r"[\s,]+(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_NEW_YORK: Final = ZoneInfo("America/New_York")


class NotifyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent, and how often."""

    level: str = "warning"
    fills: bool = False
    daily_summary: bool = True
    per_minute: int = 6


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One notification."""

    title: str
    text: str


class Editor:
    """Turns frames into notices. On one thread at a time: that of the dashboard's host."""

    def __init__(self, terms: NotifyTerms) -> None:
        self._terms = terms
        self._levels = frozenset(LEVELS[LEVELS.index(terms.level) :])
        self._told: OrderedDict[str, None] = OrderedDict()
        self._mode = ""
        self._account: AccountRow | None = None
        self._fills = 0

    def read(self, frame: ScreenFrame) -> Iterator[Notice]:
        """The notices that a frame gives cause for."""
        row = frame.data
        match row:
            case StatusRow():
                self._mode = row.mode.upper()
            case AccountRow():
                yield from self._day(row)
            case AlertRow():
                if row.level in self._levels and self._is_news(row.id, row.at, frame.ts):
                    yield self._notice(row.level.upper(), f"{row.text}\n{row.at}")
            case FillRow():
                if self._is_news(row.fill_id, row.filled_at, frame.ts):
                    self._fills += 1
                    if self._terms.fills:
                        yield self._notice("FILL", _fill_text(row))
            case _:
                pass

    def _notice(self, word: str, text: str) -> Notice:
        return Notice(title=f"Quarterhour {self._mode} {word}".replace("  ", " "), text=text)

    def _is_news(self, key: str, at: str, now: Nanos) -> bool:
        """Once for each key, and not for what the journal has brought back."""
        if key in self._told or at < rfc3339(Nanos(now - _OLD)):
            return False
        self._told[key] = None
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        return True

    def _day(self, account: AccountRow) -> Iterator[Notice]:
        before, self._account = self._account, account
        if before is None or _day_of(before.at) == _day_of(account.at):
            return
        fills, self._fills = self._fills, 0
        if self._terms.daily_summary:
            text = (
                f"{_day_of(before.at)}: {before.daily_pnl:+.2f} $ after fees, equity "
                f"{before.equity:.2f} $, {fills} fills, {before.settled_windows} windows settled "
                f"so far, drawdown {before.drawdown:.1%}"
            )
            yield self._notice("DAY", text)


class Notifier:
    """Takes frames on any thread and never blocks; sends on its own."""

    def __init__(
        self, send: Send, terms: NotifyTerms, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._send = send
        self._terms = terms
        self._clock = clock
        self._editor = Editor(terms)
        self._queue: Queue[Notice | None] = Queue()
        self._sent: deque[float] = deque(maxlen=terms.per_minute)
        self._left_out = 0
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="notifications", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def take(self, frame: ScreenFrame) -> None:
        """Read a frame; notices wait in a bounded queue, what is beyond is counted."""
        for notice in self._editor.read(frame):
            if self._queue.qsize() >= _WAITING:
                self._left_out += 1
            else:
                self._queue.put(notice)

    def stop(self, timeout: float) -> bool:
        """Send what waits, within `timeout` seconds; whether all of it left."""
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (notice := self._queue.get()) is not None:
            if self._may_send():
                self._tell(notice)
            else:
                self._left_out += 1
            self._queue.task_done()

    def _may_send(self) -> bool:
        """Within the rate, which counts over a sliding minute."""
        now = self._clock()
        if len(self._sent) == self._sent.maxlen and now - self._sent[0] < _MINUTE:
            return False
        self._sent.append(now)
        return True

    def _tell(self, notice: Notice) -> None:
        left, self._left_out = self._left_out, 0
        text = f"{notice.text}\n(and {left} more that were not sent)" if left else notice.text
        try:
            taken = self._send(notice.title, text)
        except Exception:  # noqa: BLE001 - border: a library's defect costs one notice
            _log.exception("a notification failed", extra=kv(title=notice.title))
            return
        if not taken:
            self._failures += 1
            said = kv(title=notice.title, failures=self._failures)
            _log.warning("a notification was not taken", extra=said)

    def drained(self) -> bool:
        """Whether nothing waits, and nothing is in hand."""
        return not self._queue.unfinished_tasks


def addresses(text: str) -> tuple[str, ...]:
    """The addresses in NOTIFY_URLS."""
    return tuple(part for part in _SEPARATOR.split(text.strip()) if part)


def notifier(settings: Settings) -> Notifier | None:
    """The notifier of these settings; None where nobody is to be told.

    Raises SettingsError for an address that cannot be understood: its place, not its text.
    """
    if settings.notify_urls is None:
        return None
    import apprise  # noqa: PLC0415 - 0.1 s that only those pay who want it

    logging.getLogger("apprise").setLevel(logging.ERROR)
    desk = apprise.Apprise()
    for number, address in enumerate(addresses(settings.notify_urls.get_secret_value()), 1):
        hide(address)
        if not desk.add(address):
            fault = (
                f"NOTIFY_URLS: address {number} is not one that can be notified; "
                "see apprise's list of services for its form"
            )
            raise SettingsError([fault])

    def send(title: str, text: str) -> bool:
        return bool(desk.notify(title=title, body=text))

    terms = NotifyTerms(
        level=settings.notify_level,
        fills=settings.notify_fills,
        daily_summary=settings.notify_daily_summary,
        per_minute=settings.notify_per_minute,
    )
    return Notifier(send, terms)


def _fill_text(row: FillRow) -> str:
    return (
        f"{row.side.upper()} {row.quantity:g} at {row.price:.4f} in {row.ticker}, "
        f"fee {row.fee:.4f} $\n{row.filled_at}"
    )


def _day_of(stamp: str) -> str:
    """The New York day of an RFC 3339 time."""
    return datetime.fromisoformat(stamp).astimezone(_NEW_YORK).date().isoformat()
