"""The kernel of a sweep: a trial that looks only where something can happen.

A trial through the roles shows them every picture and lets every role tick all the time, though a
strategy passes on nearly all of it. Here arrays say first on which pictures the strategy may signal
(`kernel_screen`); between those the roles sleep (`kernel_loop`), and only risk is shown, of markets
in which there is money, the pictures that change what it marks or counts. What is decided, is
decided by the live roles: gates, size, caps, fills at the venue with its latency, fees, breakers
and protections are theirs. A test holds a kernel's trial against one through the roles: the same
fills at the same times, and the same P&L.

It can do strategies without a memory whose gates are in `kernel_screen`, taking what the book
offers; `refusal` says what it cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core import strategies
from core.journal import MemoryJournal
from core.research.backtest import AFTERWARDS, Cast, assemble
from core.research.kernel_columns import columns
from core.research.kernel_loop import SparseLoop
from core.research.kernel_parts import Acts, Marking, Quiet, TopBooks
from core.research.kernel_screen import candidates
from core.research.sweep_features import opened
from core.research.sweep_features_build import FEATURE_ROLES
from core.research.sweep_replay import fitted_to, outcome
from core.strategies.base import NEVER_EXIT
from core.topology import DASHBOARD, EXECUTION, PAPER, RISK, STRATEGY, SUPERVISION
from core.units import NEVER, SECOND, Nanos, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings
    from core.exchange.fills import FillModel
    from core.research.kernel_columns import Columns
    from core.research.sweep_features import Features
    from core.research.sweep_replay import TrialResult
    from core.roles.execution import Execution

SUPPORTED: Final = ("kelly_volatility",)
_AWAKE: Final = Nanos(3 * SECOND)
"""So long before a picture that may matter every role ticks again: leases are renewed."""
_STEP: Final = Nanos(60 * SECOND)
_HOUR: Final = 3_600 * SECOND
_LOOK: Final = Nanos(1 * SECOND)


def refusal(settings: Settings) -> str:
    """Why a kernel cannot do a trial with these settings; empty where it can."""
    if len(settings.enabled_strategies) != 1 or settings.enabled_strategies[0] not in SUPPORTED:
        return f"the kernel knows {', '.join(SUPPORTED)} alone"
    name = settings.enabled_strategies[0]
    params = strategies.params_of(strategies.load(name), settings.strategy.get(name, {}))
    if params.style != "take":
        return "the kernel cannot follow orders that rest: style=make"
    if params.exit_gain < NEVER_EXIT:
        return "the kernel does not look at what is held: exit_gain below 1"
    return ""


def run_kernel(
    folder: Path, key: str, settings: Settings, fills: FillModel, *, keep_fills: bool = False
) -> TrialResult:
    """As `sweep_replay.run_trial`, for settings without a `refusal`. Deterministic."""
    features = opened(folder, key)
    table = columns(folder, key)
    fitted = fitted_to(settings, features.about)
    name = fitted.enabled_strategies[0]
    params = strategies.params_of(strategies.load(name), fitted.strategy.get(name, {}))
    rows = candidates(table, params, fitted.index_fresh_seconds, fitted.book_fresh_seconds)
    journal = MemoryJournal()
    cast = assemble(fitted, journal.instance, fills)
    roles = {name: role for name, role in cast.roles.items() if name not in FEATURE_ROLES}
    roles[PAPER] = books = TopBooks(features, cast.paper, table)
    host = f"{STRATEGY}:{name}"
    roles[host] = quiet = Quiet(roles[host], seconds(fitted.signal_cooldown_seconds))
    roles[RISK] = marking = Marking(cast.risk)
    loop = SparseLoop(roles, journal, features.about.first)
    parts = _Parts(cast=cast, loop=loop, books=books, marking=marking)
    _Replay(features, table, parts).play(Acts(table, rows, quiet.until))
    found = outcome(features.about, cast, keep_fills=keep_fills)
    return msgspec.structs.replace(found, by_kernel=True)


class _Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a trial is played with."""

    cast: Cast
    loop: SparseLoop
    books: TopBooks
    marking: Marking


class _Replay:
    """One trial while it runs."""

    def __init__(self, features: Features, table: Columns, parts: _Parts) -> None:
        self._features = features
        self._table = table
        self._cast = parts.cast
        self._loop = parts.loop
        self._books = parts.books
        self._marking = parts.marking
        self._ledger = parts.cast.risk.ledger
        self._execution: Execution = parts.cast.roles[EXECUTION]  # type: ignore[assignment]
        self._gaps = list(reversed(table.gaps))
        self._shown: dict[str, int] = {}
        """The last picture of a market that risk has seen."""
        self._acts_at = NEVER
        """When the strategy may act next."""

    def play(self, acts: Acts) -> None:
        """Show the roles what they need, in order."""
        always, end = [*self._table.always.tolist()], len(self._table.times)
        told = at = 0
        self._loop.begin()
        while True:
            act, self._acts_at = acts.next()
            known = always[told] if told < len(always) else end
            at = self._between(at, min(act, known))
            if at == end:
                break
            if at in (act, known):
                self._catch_up(at)
                told += at == known
                acts.done += at == act
                self._show(at)
            at += 1
        self._books.follow(self._loop, self._features.about.changes)
        self._loop.run_until(Nanos(self._loop.clock.now() + AFTERWARDS))

    def _between(self, at: int, until: int) -> int:
        """Come to the next item that matters, from `at` on, and show it if it is before `until`."""
        if self._is_followed:
            found = min(at, until)
        else:
            found = min([until, *(self._table.kept_from(name, at) for name in self._watched)])
        self._go(found)
        if found < until:
            self._glance(found)
        return found

    @property
    def _is_followed(self) -> bool:
        """Every item has to be looked at: an order is open, or may still matter at the venue."""
        return bool(self._ledger.reservations or self._books.awake)

    @property
    def _watched(self) -> set[str]:
        """Markets in which there is money."""
        ledger = self._ledger
        return {*ledger.positions, *(held.ticker for held in ledger.reservations.values())}

    # --- showing ---------------------------------------------------------------------------------

    def _show(self, at: int) -> None:
        """An item for everybody."""
        _, now, message = self._features.item(at)
        if message is not None:
            self._loop.take(message, now)
        if isinstance(message, m.MarketView):
            self._shown[message.market.ticker] = at

    def _glance(self, at: int) -> None:
        """An item on which no strategy acts: best prices where the venue follows them, pictures
        where risk marks.
        """
        _, now, message = self._features.item(at)
        if isinstance(message, m.MarketView) and message.market.ticker in self._watched:
            self._loop.take_for((RISK,), message, now)
            self._shown[message.market.ticker] = at
        elif isinstance(message, m.TopOfBook) and message.ticker in self._books.awake:
            self._loop.take(message, now)

    def _catch_up(self, at: int) -> None:
        """Pictures since the last tick that were left out because a later one would do."""
        for name in self._watched:
            for item in self._table.since_full(name, self._shown.get(name, -1), at):
                _, now, message = self._features.item(item)
                assert message is not None
                self._marking.handle(message, now)
                self._shown[name] = item

    # --- time ------------------------------------------------------------------------------------

    def _go(self, at: int) -> None:
        """Let everything happen that comes before an item, or before the end."""
        times = self._table.times
        self._books.before = at
        now = Nanos(int(times[min(at, len(times) - 1)]))
        while self._gaps and self._gaps[-1][1] <= now:
            before, after = self._gaps.pop()
            self._reach(before)
            self._loop.pass_time(after)
        if at < len(times):
            self._books.follow(self._loop, int(self._table.changes[at]))
        self._reach(now)

    def _reach(self, now: Nanos) -> None:
        clock = self._loop.clock
        while (here := clock.now()) < now:
            step = _LOOK
            if self._is_idle:
                self._sleep(now)
                step = _STEP
            self._loop.run_until(min(now, Nanos(here + step)))

    @property
    def _is_idle(self) -> bool:
        """Nothing is on its way to the venue or back, and trading goes on."""
        states = self._cast.tally.states
        return (
            bool(states)
            and states[-1].state == "ACTIVE"
            and not self._ledger.reservations
            and not self._loop.is_waiting
            and not any(True for _ in self._execution.book.open())
        )

    def _sleep(self, now: Nanos) -> None:
        """Nobody's tick is missed: the venue's where something is due there, risk's while there is
        something to be marked, and at every full hour, for one of them begins a day; the others'
        shortly before an order can be.
        """
        wake = Nanos(max(self._acts_at - _AWAKE, 0))
        until = {EXECUTION: wake, SUPERVISION: wake, DASHBOARD: NEVER}
        due = self._cast.paper.engine.next_due()
        until[PAPER] = now if due is None else min(due, now)
        if self._marking.is_done:
            hour = Nanos((self._loop.clock.now() // _HOUR + 1) * _HOUR)
            until[RISK] = min(wake, now, hour)
        self._loop.sleep(until)
