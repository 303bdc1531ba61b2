"""A market that is made up here, played through the system's own roles into a real hub.

Feed, strategies, risk, execution, the simulated exchange, supervision and dashboard are those of
the daemon; only what the outside sends (index prints, books, results) is drawn here, from a seed.
The makers quote around their own lagged fair value, so the strategies find something to do.

To look at the page by eye:

    python tests/browser/play.py --speed 4 --seconds 700
"""

from __future__ import annotations

import math
import threading
from random import Random
from typing import TYPE_CHECKING, Any, Final

from actors.answers import Answers
from actors.desk import Desk
from core import messages as m
from core.assembly import Assembly, Surroundings, role_names
from core.domain.windows import WINDOW_LENGTH, Window, window_closing
from core.exchange.listing import MarketStatus
from core.exchange.records import Outcome, Side
from core.journal import MemoryJournal
from core.research.backtest_loop import Loop
from core.roles.paper import Paper, PaperTerms
from core.topology import DASHBOARD, OPERATOR, PAPER, ROUTES, SUPERVISION, WRITERS
from core.units import (
    DOLLAR_PRICE,
    INDEX_DOLLAR,
    MILLISECOND,
    ONE_CONTRACT,
    SECOND,
    IndexValue,
    Nanos,
    Price,
    Quantity,
    mean_index,
)
from tests.builders import TAPERED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.settings import Settings
    from core.messages import ControlAnswer, ControlRequest, Message, OperatorCommand
    from core.runner import Role
    from web.hub import Hub

SERIES: Final = "KXSOL15M"
START: Final = Nanos(1_795_359_600 * SECOND)
"""2026-11-22 15:00 UTC: a window opens."""
SIGMA: Final = 0.00011
LAG: Final = 20
DEPTH: Final = 10
TRADE_CHANCE: Final = 0.35
DIGITS: Final = 4
MEAN: Final = 118.5
_CENT: Final = 100


class Screen:
    """The dashboard role with its frames sent to the hub, as its host does. Thread: the loop's."""

    def __init__(self, role: Role, hub: Hub) -> None:
        self.name = role.name
        self._role = role
        self._hub = hub

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        rest = []
        for answer in self._role.handle(message, now):
            if isinstance(answer, m.ScreenFrame):
                self._hub.publish(answer)
            else:
                rest.append(answer)
        return rest

    def apply(self, event: Message) -> None:
        self._role.apply(event)


class Outside:
    """The exchange's stream, second by second."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._index = 118.5 * INDEX_DOLLAR
        self._past: list[float] = [self._index] * (LAG + 1)
        self._settling: list[int] = []
        self._strike: IndexValue | None = None
        self._window: Window = window_closing(SERIES, Nanos(START + WINDOW_LENGTH))
        self._seq = 0
        self._middle = 50

    def open(self) -> list[Message]:
        """The connection, and the first window."""
        opened = m.StreamChanged(
            stream="market", conn=1, state="open", reason="connected", ts_recv=START
        )
        return [opened, *self._list(START)]

    def second(self, now: Nanos) -> list[Message]:
        """Everything that arrives at a whole second."""
        out: list[Message] = []
        if now >= self._window.close_ns:
            out += self._roll(now)
        pull = 0.006 * math.log(MEAN * INDEX_DOLLAR / self._index)
        self._index *= math.exp(pull + self._random.gauss(0, SIGMA))
        self._past = [*self._past[1:], self._index]
        value = IndexValue(round(self._index / 10_000) * 10_000)
        if now >= self._window.close_ns - 60 * SECOND:
            self._settling.append(value)
        if self._strike is None:
            self._strike = value if now == START else None
        out.append(
            m.IndexPrint(
                index_id="SOLUSD_RTI",
                value=value,
                ts_event=now,
                ts_recv=Nanos(now + 40 * MILLISECOND),
            )
        )
        spread = self._random.gauss(0, 0.00002)
        out.append(
            m.CompositePrice(
                product="SOL-USD",
                price=IndexValue(round(self._index * (1 + spread))),
                sources=("coinbase", "kraken"),
                spread_bps=1.2,
                ts_event=now,
                ts_recv=Nanos(now + 40 * MILLISECOND),
            )
        )
        out.append(self._book(now))
        out += self._trades(now)
        return out

    def _trades(self, now: Nanos) -> list[Message]:
        if self._random.random() > TRADE_CHANCE:
            return []
        side = self._random.choice((Side.BID, Side.ASK))
        price = self._middle + 1 if side is Side.BID else self._middle - 1
        at = Nanos(now + 80 * MILLISECOND)
        return [
            m.TradePrint(
                ticker=self._window.market_ticker,
                trade_id=f"public-{self._seq}",
                price=Price(price * _CENT),
                quantity=Quantity(self._random.randint(1, 120) * ONE_CONTRACT),
                taker_side=side,
                ts_event=at,
                ts_recv=at,
            )
        ]

    def _roll(self, now: Nanos) -> list[Message]:
        closed = self._window
        value = mean_index(sum(self._settling), len(self._settling), DIGITS)
        assert self._strike is not None
        won = Outcome.YES if value >= self._strike else Outcome.NO
        told: dict[str, Any] = {
            "ticker": closed.market_ticker,
            "ts_event": now,
            "ts_recv": now,
        }
        self._settling = []
        self._strike = value
        self._window = window_closing(SERIES, Nanos(closed.close_ns + WINDOW_LENGTH))
        return [
            m.MarketStatusChanged(status=MarketStatus.CLOSED, **told),
            m.MarketDetermined(result=won, value=value, **told),
            m.MarketFinalized(**told),
            *self._list(now),
        ]

    def _list(self, now: Nanos) -> list[Message]:
        if self._strike is None:
            self._strike = IndexValue(round(118.47 * INDEX_DOLLAR))
        terms = m.MarketTerms(
            ticker=self._window.market_ticker,
            event_ticker=self._window.event_ticker,
            series=SERIES,
            open_ns=self._window.open_ns,
            close_ns=self._window.close_ns,
            strike=self._strike,
            digits=DIGITS,
            grid=TAPERED,
            status=MarketStatus.ACTIVE,
            shard=2,
        )
        return [m.MarketListed(market=terms, ts_recv=now)]

    def _book(self, now: Nanos) -> m.BookSnapshot:
        assert self._strike is not None
        left = max(1.0, (self._window.close_ns - now) / SECOND)
        distance = math.log(self._past[0] / self._strike)
        lagged = 0.5 * math.erfc(-distance / (SIGMA * math.sqrt(left) * math.sqrt(2)))
        middle = min(96, max(4, round(lagged * 100 + self._random.gauss(0, 0.6))))
        half = self._random.choice((1, 1, 2))
        self._middle = middle
        self._seq += 1
        return m.BookSnapshot(
            ticker=self._window.market_ticker,
            yes=self._side(middle - half),
            no=self._side(100 - middle - half),
            conn=1,
            sid=1,
            seq=self._seq,
            ts_event=now,
            ts_recv=Nanos(now + 60 * MILLISECOND),
        )

    def _side(self, best: int) -> tuple[m.Level, ...]:
        prices = (best - step for step in range(DEPTH))
        return tuple(
            (
                Price(price * _CENT),
                Quantity(self._random.randint(20, 400 + 60 * step) * ONE_CONTRACT),
            )
            for step, price in enumerate(prices)
            if 0 < price * _CENT < DOLLAR_PRICE
        )


class Ear:
    """A role of which the operator hears the answers, as the name `operator` does in the daemon."""

    def __init__(self, role: Role, answers: Answers) -> None:
        self.name = role.name
        self._role = role
        self._answers = answers

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        said = self._role.handle(message, now)
        for one in said:
            if OPERATOR in ROUTES.get(type(one), ()):
                self._answers.take(one)
        return said

    def apply(self, event: Message) -> None:
        self._role.apply(event)


class Playback:
    """The whole system in one loop. Any thread may call anything: a lock keeps them apart."""

    def __init__(self, hub: Hub, settings: Settings, seed: int = 3) -> None:
        names = (*role_names(settings), PAPER)
        around = Surroundings(mode="backtest", hosts=names)
        assembly = Assembly(settings, around)
        journal = MemoryJournal(instance="play")
        roles: dict[str, Role] = {
            name: assembly.make(name, journal.instance) for name in role_names(settings)
        }
        roles[SUPERVISION] = assembly.make(SUPERVISION, journal.instance)
        roles[PAPER] = Paper(PaperTerms(cash=settings.bankroll))
        self.dashboard = roles[DASHBOARD]
        roles[DASHBOARD] = Screen(self.dashboard, hub)
        self.answers = Answers()
        for name in names:
            if name not in (SUPERVISION, DASHBOARD):
                roles[name] = Ear(roles[name], self.answers)
        self._desk = Desk(self._ask, self.answers)
        self._hosts = names
        self._strategies = settings.enabled_strategies
        self._supervision = roles[SUPERVISION]
        self._lock = threading.Lock()
        self._outside = Outside(seed)
        self._loop = Loop(roles, journal, START)
        self._now = START
        self._loop.begin()
        for actor in names:
            started = m.ActorStarted(actor=actor, generation=1, recovered=0, ts=START)
            self._loop.take(started, START)
        for message in self._outside.open():
            self._loop.take(message, START)

    def run(self, seconds: int) -> None:
        """Let market time pass."""
        for _ in range(seconds):
            with self._lock:
                self._second()

    def tell(self, message: Message) -> None:
        """Anything else that may happen, now."""
        with self._lock:
            self._loop.take(message, self._loop.clock.now())

    def remember(self, event: Message) -> None:
        """An event of the journal, as at a start: its writer folds it, then everybody is told."""
        with self._lock:
            self._loop.roles[WRITERS[type(event)]].apply(event)
            self._loop.take(event, self._loop.clock.now())

    @property
    def now(self) -> Nanos:
        """Market time."""
        return self._now

    def _second(self) -> None:
        for message in self._outside.second(self._now):
            self._loop.take(message, getattr(message, "ts_recv", self._now))
        for actor in self._hosts:
            pulse = m.HostPulse(
                actor=actor,
                generation=1,
                sent=self._now,
                depth=0,
                handled=self._loop.delivered,
                oldest_ns=0,
                busiest_ns=0,
                ts=self._now,
            )
            self._loop.take(pulse, Nanos(self._now + 90 * MILLISECOND))
        self._loop.take(self._gauge(), Nanos(self._now + 90 * MILLISECOND))
        self._now = Nanos(self._now + SECOND)
        self._loop.run_until(Nanos(self._now - MILLISECOND))

    def _gauge(self) -> m.RequestGauge:
        """A bucket that is drawn from every third second."""
        spent = 10 * (self._now // SECOND % 3 == 0)
        level = m.TokenGauge(
            bucket="read", tokens=600 - spent, capacity=600, refill=200, paused_ns=0
        )
        return m.RequestGauge(tier="basic", buckets=(level,), waiting=0, refused=0, ts=self._now)

    # --- the operator's door: the commands go to the real supervision role ------------------------

    def start(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._command(m.ArmTrading(by=request.by, reason=request.reason))

    def stop(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._command(m.DisarmTrading(by=request.by, reason=request.reason))

    def pause(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._command(m.PauseTrading(by=request.by, reason=request.reason))

    def halt(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        halt = m.HaltTrading(by=request.by, reason=request.reason, code="operator")
        return self._command(halt)

    def reset_breaker(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._command(m.ResetBreaker(by=request.by, reason=request.reason))

    def cancel_all(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._command(m.CancelEverything(by=request.by, reason=request.reason))

    def enable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._switch(m.EnableStrategy(strategy=name, enabled=True, by=request.by))

    def disable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        return self._switch(m.EnableStrategy(strategy=name, enabled=False, by=request.by))

    def release(self, actor: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        del timeout
        command = m.ReleaseActor(actor=actor, by=request.by, reason=request.reason)
        return self._command(command)

    def operate(self, command: OperatorCommand, timeout: float) -> ControlAnswer:
        """Everything has been said when a second of the market has passed: nothing is awaited."""
        del timeout
        if isinstance(command, m.SetParameters) and command.strategy not in self._strategies:
            return _no_strategy()
        return self._desk.operate(command, 0.0)

    def _ask(self, name: str, message: Message, timeout: float) -> None:
        del timeout
        with self._lock:
            self._loop.send(name, message)
            self._second()

    def _switch(self, command: m.EnableStrategy) -> ControlAnswer:
        if command.strategy not in self._strategies:
            return _no_strategy()
        self.tell(command)
        return m.ControlAnswer(verdict="done")

    def _command(self, command: Message) -> ControlAnswer:
        self.tell(command)
        supervision = self._supervision
        if not supervision.proof.proven:  # type: ignore[attr-defined] # it is Supervision
            self.run(1)
        refusal: str = supervision.refusal  # type: ignore[attr-defined] # it is Supervision
        state: str = supervision.breaker.state  # type: ignore[attr-defined]
        if refusal:
            return m.ControlAnswer(
                verdict="refused", code="not_allowed", message=refusal, state=state
            )
        resting = 0 if supervision.proof.proven else None  # type: ignore[attr-defined]
        return m.ControlAnswer(verdict="done", state=state, resting=resting)


def _no_strategy() -> ControlAnswer:
    return m.ControlAnswer(verdict="refused", code="not_found", message="no such strategy")


class Player(threading.Thread):
    """Plays on in real time, `speed` market seconds a second, until it is stopped."""

    def __init__(self, playback: Playback, speed: float) -> None:
        super().__init__(name="player", daemon=True)
        self._playback = playback
        self._pause = 1 / speed
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.wait(self._pause):
            self._playback.run(1)

    def stop(self) -> None:
        self._end.set()
        self.join()
