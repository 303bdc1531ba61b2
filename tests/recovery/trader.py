"""A trader that can be killed: the three money roles on real journal files, in virtual time.

Risk, execution and supervision each stand on a runner and a journal connection of their own, as
their hosts do; between them messages take time, in order from each sender to each receiver. The
exchange's side is the daemon's own desks. Killing is leaving: what was on its way inside is gone,
what had left the process arrives.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from actors.exchange_orders import DeskTerms, OrderDesk
from actors.exchange_reads import ReadDesk, terms_of
from actors.line import Line
from core import messages as m
from core.exchange.engine_events import Filled
from core.exchange.records import OrderStatus, Outcome
from core.journal_keeper import JournalKeeper
from core.journal_sqlite import SqliteJournal
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.roles.feed_terms import MARKET_STREAM
from core.roles.risk import Risk
from core.roles.supervision import Supervision, SupervisionTerms
from core.runner import Runner
from core.topology import EXCHANGE, EXECUTION, RISK, SPECS, SUPERVISION, TIMERS, Routing
from core.units import MILLISECOND, SECOND, Nanos, Price, seconds
from tests.builders import limits, signal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from core.exchange.engine_events import OrderChanged
    from core.exchange.port import Exchange
    from core.journal_archive import Bounds
    from core.messages import Message
    from core.runner import Role
    from tests.recovery.market import FaultyLine

HOSTS: Final = (RISK, EXECUTION, SUPERVISION)
_TERMS: Final = DeskTerms(series=("KXSOL15M",))


class Killed(BaseException):
    """The process ends here, at this very step."""


class Trigger:
    """Counts journalled steps, and kills before or after the one that is due."""

    def __init__(self) -> None:
        self.steps = 0
        self.at: int | None = None
        self.before = False

    def arm(self, steps: int, *, before: bool) -> None:
        """Kill at the step after so many more."""
        self.at, self.before = self.steps + steps, before


class LethalJournal(SqliteJournal):
    """The real journal, in a process that may die at each of its steps."""

    def __init__(self, path: Path, trigger: Trigger) -> None:
        super().__init__(path)
        self._trigger = trigger

    def append(self, events: Sequence[Message], now: Nanos) -> None:
        trigger = self._trigger
        trigger.steps += 1
        due = trigger.at is not None and trigger.steps >= trigger.at
        if due and trigger.before:
            raise Killed
        super().append(events, now)
        if due:
            raise Killed


class Trader:
    """One process, from its start to its kill."""

    def __init__(self, path: Path, line: FaultyLine, trigger: Trigger, bounds: Bounds) -> None:
        self.line = line
        self.market = line.market
        self.clock = self.market.clock
        self._random = self.market.random
        self._number = count()
        self._mail: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._newest: dict[tuple[str, str], Nanos] = {}
        self._connected = True
        self._wishes = count(1)
        self._view: m.MarketView | None = None
        self.state = "STARTING"
        self.differences: list[m.Difference] = []
        self.complete = False
        self.keeper = JournalKeeper(path, self.clock.now(), bounds)
        self.keeper.tend()
        self._journals = {name: LethalJournal(path, trigger) for name in HOSTS}
        instance = self._journals[RISK].instance
        self.risk = Risk(limits(), instance)
        self.execution = Execution(ExecutionTerms(instance=instance))
        self.supervision = Supervision(SupervisionTerms(auto_arm=True))
        roles: dict[str, Role] = {
            RISK: self.risk,
            EXECUTION: self.execution,
            SUPERVISION: self.supervision,
        }
        self._routing = Routing((*HOSTS, EXCHANGE, TIMERS))
        self._runners = {
            name: Runner({name: role}, self._routing, self._journals[name])
            for name, role in roles.items()
        }
        exchange = cast("Exchange", line)
        self._orders = OrderDesk(
            exchange, self.clock, _TERMS, Line(self.clock.now()), lambda: False
        )
        self._reads = ReadDesk(exchange, self.clock, _TERMS)

    # --- life ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Regain the state and wake the roles."""
        for name, runner in self._runners.items():
            recovered = runner.recover()
            self._handle(name, m.Begin(recovered=recovered))
        for name in HOSTS:
            tick = SPECS[name].tick if name in SPECS else SECOND
            assert tick is not None
            self._tick(name, tick)

    def leave(self) -> None:
        """The process is gone; its file descriptors with it."""
        for journal in self._journals.values():
            journal.close()
        self.keeper.release()
        self._mail.clear()

    def work_until(self, until: Nanos) -> None:
        """Handle everything that is due by then, each at its time."""
        while self._mail and self._mail[0][0] <= until:
            due, _, act = heapq.heappop(self._mail)
            self.clock.advance_to(max(due, self.clock.now()))
            act()

    # --- mail ------------------------------------------------------------------------------------

    def _later(self, delay: Nanos, act: Callable[[], None]) -> None:
        heapq.heappush(self._mail, (Nanos(self.clock.now() + delay), next(self._number), act))

    def _post(self, sender: str, to: str, message: Message, delay: Nanos) -> None:
        """In order from one sender to one receiver, as the inboxes promise."""
        due = max(Nanos(self.clock.now() + delay), self._newest.get((sender, to), Nanos(0)))
        self._newest[sender, to] = due
        self._later(Nanos(due - self.clock.now()), lambda: self._handle(to, message))

    def _handle(self, to: str, message: Message) -> None:
        now = self.clock.now()
        for target, answer in self._runners[to].run(to, message, now):
            self._note(answer)
            if target == EXCHANGE:
                self._ask_exchange(answer)
            elif target == TIMERS:
                assert isinstance(answer, m.Scheduled)
                self._later(Nanos(max(0, answer.due - now)), self._deliver(answer))
            else:
                self._post(to, target, answer, self._short())

    def _deliver(self, scheduled: m.Scheduled) -> Callable[[], None]:
        return lambda: self._handle(scheduled.to, scheduled.message)

    def _tick(self, name: str, interval: Nanos) -> None:
        def beat() -> None:
            self._handle(name, m.Tick(due=self.clock.now()))
            self._later(interval, beat)

        self._later(interval, beat)

    def _short(self) -> Nanos:
        return Nanos(self._random.randrange(20) * MILLISECOND)

    def _note(self, answer: Message) -> None:
        match answer:
            case m.TradingStateChanged():
                self.state = answer.state
            case m.Reconciled():
                self.complete = answer.complete
                self.differences += answer.differences
            case _:
                pass

    # --- the exchange's side ---------------------------------------------------------------------

    def _ask_exchange(self, message: Message) -> None:
        if isinstance(message, m.Permit):
            self._orders.permit = message
        else:
            self._later(self._short(), lambda: self._carry_out(message))

    def _carry_out(self, message: Message) -> None:
        for answer in self._answers(message):
            for target in self._routing.targets(type(answer)):
                delay = Nanos(self._random.randrange(300) * MILLISECOND)
                self._later(delay, self._arrival(target, answer))

    def _arrival(self, target: str, answer: Message) -> Callable[[], None]:
        return lambda: self._handle(target, answer)

    def _answers(self, message: Message) -> Sequence[Message]:
        match message:
            case m.PlaceOrder():
                return (self._orders.place(message),)
            case m.CancelOrder():
                return (self._orders.cancel(message),)
            case m.CancelAllOrders():
                return (self._cancel_all(message),)
            case m.QueryOrder():
                return self._reads.order(message)
            case m.QueryAccount():
                return self._reads.account(message)
            case _:
                return ()

    def _cancel_all(self, message: m.CancelAllOrders) -> m.CancelAllDone:
        account = self.market.account
        resting = account.orders(status=OrderStatus.RESTING)
        gone = sum(self._orders.cancel_listed(order) for order in resting)
        left = len(account.orders(status=OrderStatus.RESTING))
        return m.CancelAllDone(
            cancelled=gone,
            resting=left,
            reason=message.reason,
            epoch=message.epoch,
            ts_recv=self.clock.now(),
        )

    # --- frames ----------------------------------------------------------------------------------

    def hear(self, frames: Sequence[Filled | OrderChanged]) -> None:
        """Frames of the own-order channels: lost, doubled, late, in any order."""
        faults = self.line.faults
        for frame in frames:
            if not self._connected or faults.happens(faults.frame_lost, self._random):
                continue
            twice = faults.happens(faults.frame_twice, self._random)
            for _ in range(2 if twice else 1):
                late = faults.happens(faults.frame_late, self._random)
                delay = Nanos(self._random.randrange(3_000 if late else 60) * MILLISECOND)
                self._later(delay, self._arrival(EXECUTION, self._report(frame)))

    def _report(self, frame: Filled | OrderChanged) -> Message:
        now = self.clock.now()
        if isinstance(frame, Filled):
            return m.FillReport(fill=frame.fill, order_id=frame.client_order_id, ts_recv=now)
        return m.OrderReport(order=frame.order, ts_recv=now)

    def told_result(self, result: m.MarketDetermined) -> None:
        """The market's result, unless the stream is down just now."""
        if self._connected:
            self._post("stream", RISK, result, self._short())

    def reconnect(self, *, connected: bool) -> None:
        """The stream is lost, or comes back."""
        self._connected = connected
        change = m.StreamChanged(
            stream=MARKET_STREAM,
            conn=1,
            state="open" if connected else "lost",
            reason="drill",
            ts_recv=self.clock.now(),
        )
        self._post("stream", EXECUTION, change, self._short())

    # --- wishes ----------------------------------------------------------------------------------

    def show(self) -> None:
        """The market as a feed would show it."""
        engine, now = self.market.engine, self.clock.now()
        book = engine.book(self.market.ticker)
        series = engine.series("KXSOL15M")
        view = m.MarketView(
            market=terms_of(engine.market(self.market.ticker), series),
            bids=tuple(reversed(book.yes))[:5],
            asks=tuple((Price(10_000 - price), size) for price, size in reversed(book.no))[:5],
            book_fresh=True,
            index=None,
            proxy=False,
            known=0,
            known_sum=0,
            sigma=0.0001,
            warm=True,
            regime="normal",
            ts_book=now,
            ts_index=now,
            ts_event=now,
            ts_recv=now,
        )
        self._post("feed", RISK, view, Nanos(0))
        self._view = view

    def wish(self) -> None:
        """A strategy's signal of any kind: to buy, to rest, or to sell what is held."""
        random, now, view = self._random, self.clock.now(), self._view
        if view is None or not view.bids or not view.asks:
            return
        held = self.risk.ledger.position(view.market.ticker).quantity
        closes = bool(held) and random.random() < _EXITS
        outcome = random.choice(tuple(_SIDES))
        style = random.choice(("take", "take", "make"))
        if closes:
            outcome, style = _NO if held > 0 else _YES, "take"
        levels = view.asks if outcome is _YES else view.bids
        price = levels[0][0] if style == "take" else levels[-1][0]
        if style == "make":
            price = (view.bids if outcome is _YES else view.asks)[0][0]
        own = price if outcome is _YES else Price(10_000 - price)
        fields: dict[str, Any] = {
            "signal_id": f"drill:{now}:{next(self._wishes)}",
            "ticker": view.market.ticker,
            "outcome": outcome,
            "probability": min(0.97, own / 10_000 + random.uniform(0.05, 0.15)),
            "price": own,
            "style": style,
            "closes": closes,
            "created": now,
            "expires": Nanos(now + seconds(2)),
            "ts_event": now,
            "ts_recv": now,
        }
        self._post("strategy", RISK, signal(**fields), self._short())

    def command(self, command: Message) -> None:
        """An operator's wish."""
        self._post("operator", SUPERVISION, command, self._short())


_SIDES: Final = Outcome
_YES, _NO = Outcome.YES, Outcome.NO
_EXITS: Final = 0.4
"""Share of wishes that are exits, while something is held."""
