"""Kill-and-recover rounds in virtual time: same seed, same rounds, to the last digit.

A round trades for a while on a failing line, is killed at a journalled step (each in turn, before
and after it is written) or at some moment, sometimes loses the journal's last entries as a power
cut would, stays away while the market goes on, comes back, is perhaps killed again while it
recovers, and then gets a quiet minute. After that both sides' books must be the same.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.exchange.records import Side
from core.journal_archive import Bounds
from core.journal_reader import Entry, JournalReader
from core.units import MILLISECOND, ONE_CENT, SECOND, Nanos
from tests.recovery.books import Tally, cut_power
from tests.recovery.market import ACCOUNT, Faults, FaultyLine, Market, own_frames, result_of
from tests.recovery.trader import Killed, Trader, Trigger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.exchange.records import Order

STEP: Final = Nanos(250 * MILLISECOND)
BOUNDS: Final = Bounds(keep=150, above=300)
"""Small, so that snapshots are taken and started from all the time."""
QUIET_SECONDS: Final = 90
_POWER_CUT: Final = 0.25
"""Share of kills after which the newest entries are gone."""


class Drill:
    """Rounds on one account and one journal. Deterministic by its seed."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.market = Market(Random(self.random.randrange(2**32)))
        self.line = FaultyLine(self.market, Faults())
        self.path = folder / f"journal-{seed}.sqlite"
        self.trigger = Trigger()
        self.tally = Tally()
        self._trader: Trader | None = None
        self._exits: set[str] = set()
        """Orders that sell what is held; the journal forgets them."""
        self._start()

    # --- the process -----------------------------------------------------------------------------

    def _start(self) -> None:
        """Start a process, as often as it is killed while it does."""
        while self._trader is None:
            trader = Trader(self.path, self.line, self.trigger, BOUNDS)
            try:
                trader.begin()
            except Killed:
                self._kill(trader)
            else:
                self._trader = trader

    def _kill(self, trader: Trader) -> None:
        """The process is gone; the market goes on without it."""
        self.tally.kills += 1
        self.trigger.at = None
        trader.leave()
        self._trader = None
        if self.random.random() < _POWER_CUT:
            self._cut_power()
        away = self.random.choice((0.0, 0.5, 3.0, 20.0, 120.0))
        for _ in range(int(away * SECOND // STEP)):
            self._pass_time()
        if self.random.random() < 0.3:
            self.trigger.arm(self.random.randint(1, 4), before=self.random.random() < 0.5)

    def _cut_power(self) -> None:
        """The newest entries never reached the disk; those written through did, and all before."""
        self.tally.power_cuts += cut_power(self.path, self.random)

    # --- time ------------------------------------------------------------------------------------

    def _pass_time(self) -> None:
        """A quarter of a second, at the exchange and in the process if there is one."""
        until, trader = Nanos(self.market.clock.now() + STEP), self._trader
        if trader is not None:
            trader.work_until(until)
        events = list(self.market.advance(until))
        self.line.photograph()
        if trader is None:
            return
        trader.hear(own_frames(iter(events)))
        for event in events:
            found = result_of(event)
            if found is not None:
                trader.told_result(
                    m.MarketDetermined(
                        ticker=found[0], result=found[1], value=None, ts_event=until, ts_recv=until
                    )
                )
        trader.show()

    def _live(self) -> None:
        """The same, and whatever kills the process on the way."""
        trader = self._trader
        try:
            self._pass_time()
        except Killed:
            assert trader is not None
            self._kill(trader)
            self._start()

    # --- a round ---------------------------------------------------------------------------------

    def round(self, number: int) -> None:
        """One kill at least, one recovery, one comparison."""
        random, before = self.random, self.tally.kills
        self._worsen()
        self.trigger.arm(number // 2 + 1, before=number % 2 == 0)
        length = random.randint(80, 480)
        for at in range(length):
            trader = self._trader
            assert trader is not None
            if random.random() < 0.25 and self.market.seconds_left > 35:
                trader.wish()
            self._disturb(trader)
            self._live()
            if self.tally.kills > before and at > length // 2:
                break
        trader = self._trader
        assert trader is not None
        if self.tally.kills == before:
            self._kill(trader)
            self._start()
        self.trigger.at = None
        self._calm()
        self._compare(number)

    def _worsen(self) -> None:
        """Draw how bad the line is in this round; every fourth it is good."""
        random, faults = self.random, self.line.faults
        worst = random.choice((0.0, 0.1, 0.3, 0.5))
        for name in (
            "lost_before",
            "lost_after",
            "arrives_late",
            "limited",
            "frame_lost",
            "frame_twice",
            "frame_late",
        ):
            setattr(faults, name, random.uniform(0, worst))
        faults.read_fails = random.uniform(0, worst / 3)
        faults.lag_seconds = random.choice((0.0, 0.0, 0.4, 1.5)) if worst else 0.0

    def _disturb(self, trader: Trader) -> None:
        random = self.random
        drawn = random.random()
        if drawn < 0.01:
            trader.reconnect(connected=False)
            self.line.faults.count += 1
        elif drawn < 0.03:
            trader.reconnect(connected=True)
        elif drawn < 0.035:
            trader.command(m.DisarmTrading(by="drill", reason="drill"))
        elif drawn < 0.045:
            trader.command(m.PauseTrading(by="drill", reason="drill"))
        elif drawn < 0.15:  # what was stopped stays so over kills, until this
            trader.command(m.ArmTrading(by="drill", reason="drill"))

    def _calm(self) -> None:
        """A good line and nothing new, until both sides agree or patience ends."""
        faults = self.line.faults
        for name in faults.__struct_fields__:
            if name != "count":
                setattr(faults, name, 0.0)
        trader = self._trader
        assert trader is not None
        trader.reconnect(connected=True)
        trader.complete = False
        for _ in range(int(QUIET_SECONDS * SECOND // STEP)):
            self._live()
            if self._settled():
                return

    def _settled(self) -> bool:
        trader = self._trader
        assert trader is not None
        ledger = trader.risk.ledger
        quiet = not ledger.reservations and not any(True for _ in trader.execution.book.open())
        return quiet and trader.complete and not self._gap()

    # --- the comparison --------------------------------------------------------------------------

    def _gap(self) -> int:
        """Money by which the two sides differ, a contract counted as a dollar."""
        trader = self._trader
        assert trader is not None
        ledger, theirs = trader.risk.ledger, self.market.engine.books(ACCOUNT)
        positions = Counter(dict(theirs.positions))
        positions.subtract({t: held.quantity for t, held in ledger.positions.items()})
        off = sum(abs(quantity) for quantity in positions.values()) * int(ONE_CENT)
        return (
            abs((ledger.cash or 0) - theirs.cash)
            + abs(ledger.fees - theirs.fees)
            + off
            + abs(ledger.reserved)
        )

    def _compare(self, number: int) -> None:
        tally, trader = self.tally, self._trader
        assert trader is not None
        tally.rounds += 1
        tally.difference += self._gap() / ONE_CENT
        orders = self.market.engine.orders(ACCOUNT)
        fills = {fill.trade_id for fill in self.market.engine.fills(ACCOUNT)}
        booked, wishes = Counter[str](), Counter[str]()
        signal_of: dict[str, str] = {}
        for entry in self._written():
            match entry.event:
                case m.OrderFilled():
                    booked[entry.event.trade_id] += 1
                case m.OrderApproved():
                    signal_of[entry.event.request.client_order_id] = entry.event.signal_id
                    if entry.event.request.reduce_only:
                        self._exits.add(entry.event.request.client_order_id)
        for order in orders:
            wishes[signal_of.get(order.client_order_id, order.client_order_id)] += 1
        tally.duplicates += sum(n - 1 for n in (*wishes.values(), *booked.values()))
        tally.lost += len(fills - set(booked)) + len(set(booked) - fills)
        tally.failures += tuple(self._wrong(trader, number))
        tally.failures += tuple(self._begun(orders))

    def _begun(self, orders: Sequence[Order]) -> list[str]:
        """Exits that were more than an exit, by the venue's own record of fills."""
        exits = {o.order_id: o.client_order_id for o in orders if o.client_order_id in self._exits}
        fills = sorted(self.market.engine.fills(ACCOUNT), key=lambda fill: fill.ts)
        held, wrong = Counter[str](), []
        self.tally.exits = sum(fill.order_id in exits for fill in fills)
        for fill in fills:
            before = held[fill.ticker]
            held[fill.ticker] += fill.quantity if fill.side is Side.BID else -fill.quantity
            if fill.order_id in exits and not 0 <= held[fill.ticker] * before < before * before:
                wrong.append(f"{exits[fill.order_id]}: from {before} to {held[fill.ticker]}")
        return wrong

    def _written(self) -> list[Entry]:
        with closing(JournalReader(self.path)) as reader:
            return list(reader.entries())

    def _wrong(self, trader: Trader, number: int) -> list[str]:
        where = f"seed {self.seed} round {number}"
        wrong = []
        if trader.supervision.breaker.state == "HALTED":
            breaker = trader.supervision.breaker
            wrong.append(f"{where}: halted by {breaker.code}: {breaker.reason}")
        if not self._settled():
            left = [
                f"{order.order_id} {order.state} {order.filled}/{order.told} {order.resting}"
                for order in trader.execution.book.open()
            ]
            wrong.append(
                f"{where}: not settled after {QUIET_SECONDS} s: {left}, "
                f"{trader.risk.ledger.reservations}, gap {self._gap()}"
            )
        return wrong

    def finish(self) -> Tally:
        """Close everything; what it came to."""
        if self._trader is not None:
            self._trader.leave()
        self.tally.adopted = sum(isinstance(e.event, m.OrderAdopted) for e in self._written())
        self.tally.faults = self.line.faults.count
        self.tally.orders = len(self.market.engine.orders(ACCOUNT))
        self.tally.fills = len(self.market.engine.fills(ACCOUNT))
        return self.tally


def run_rounds(seed: int, rounds: int, folder: Path, first: int = 0) -> Tally:
    """Play so many rounds of one drill; `first` is the number of the first."""
    drill = Drill(seed, folder)
    for number in range(first, first + rounds):
        drill.round(number)
    return drill.finish()
