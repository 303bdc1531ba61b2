"""One order's world as a value: real roles, a tiny exchange, and everything still on its way.

A world is what a list of choices makes of it. Each choice is one thing that may happen next: a
message is heard, a request arrives (or is lost, or comes after it was given up), an order trades or
ends, time passes, the process dies. `calm` lets a world come to rest and says what is wrong then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from core import messages as m
from core.exchange.records import Outcome
from core.journal import MemoryJournal
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.roles.feed_terms import MARKET_STREAM
from core.roles.risk import Risk
from core.runner import Runner
from core.topology import EXCHANGE, EXECUTION, RISK, TIMERS, Routing
from core.units import Nanos, Price, seconds
from tests.builders import TICKER, capital, limits, permit, signal, view
from tests.recovery.small_venue import SmallVenue

if TYPE_CHECKING:
    from collections.abc import Iterator

Choice = tuple[str, int, int]
"""What happens, to which of those that could be meant, and how."""

PATIENCE: Final = seconds(11.0)
"""One step of waiting: longer than any answer is waited for."""
MOST: Final = {
    "wish": 2,
    "trade": 2,
    "end": 1,
    "cancel": 1,
    "withdraw": 1,
    "wait": 2,
    "die": 2,
    "lose": 1,
    "return": 1,
}
"""How often each may happen before the world is left to come to rest."""
_CALM_WAITS: Final = 16
_ROUTING: Final = Routing((RISK, EXECUTION, EXCHANGE, TIMERS))
_SINGLES: Final = {
    "wish": "_wish",
    "cancel": "_cancel",
    "withdraw": "_withdraw",
    "wait": "_wait",
    "die": "_die",
    "return": "_return",
    "settle": "_drain",
}
"""Choices that need no number, by the method that lets them happen."""
_PRICES: Final = {"take": 4800, "make": 4600, "close": 5400}
"""Of YES, and of NO for who sells YES at 0.46."""
OK, BEFORE, AFTER, LATE = range(4)
"""How a new order may fare: well; lost on its way; answer lost; heard of only when given up."""


class World:
    """Start, one market, capital known, trading allowed, and a first order approved."""

    def __init__(self, style: str) -> None:
        self.style = style
        self.venue = SmallVenue()
        self.journal = MemoryJournal("abc123", [capital()])
        self.left = dict(MOST)
        self.wire: list[m.Message] = []
        self.late: list[m.PlaceOrder] = []
        self.heard: list[m.Message] = []
        """Answers and frames on their way to execution, in no order."""
        self.mail: dict[str, list[m.Message]] = {RISK: [], EXECUTION: []}
        """Between the two roles, in order."""
        self.wrong: list[str] = []
        self.sent: list[str] = []
        self._start()
        self._drain()
        if style == "close":
            self._buy()
        self.take(("wish", 0, 0))

    def _buy(self) -> None:
        """What is to be closed later: an order that fills whole."""
        self.style = "take"
        self._wish()
        self._mail(1)
        self._arrive(self.wire.pop(), 2)
        self._drain()
        self.style = "close"

    def _start(self) -> None:
        self.risk = Risk(limits(), "abc123")
        self.execution = Execution(ExecutionTerms(instance="abc123"))
        roles: dict[str, Any] = {RISK: self.risk, EXECUTION: self.execution}
        self._runners = {
            name: Runner({name: role}, _ROUTING, self.journal) for name, role in roles.items()
        }
        for runner in self._runners.values():
            runner.recover()
        self._show()
        for name in roles:
            self._tell(name, m.Begin(recovered=len(self.journal.events)))

    def _show(self) -> None:
        """Book and permit as of now."""
        now = self.venue.now
        seen = view(ts_book=now, ts_index=now, ts_event=now, ts_recv=now)
        leave = permit(expires=Nanos(now + seconds(3600)))
        self._tell(RISK, seen)
        self._tell(RISK, leave)
        self._tell(EXECUTION, leave)

    def _tell(self, to: str, message: m.Message) -> None:
        """Let a role hear it now; what it says goes on its way."""
        for target, answer in self._runners[to].run(to, message, self.venue.now):
            if target == TIMERS:
                assert isinstance(answer, m.Scheduled)
                self._tell(answer.to, answer.message)
            elif isinstance(answer, m.QueryPlaces):
                continue  # its answer goes to the screen alone
            elif target == EXCHANGE:
                self._note(answer)
                self.wire.append(answer)
            else:
                self._check(answer)
                self.mail[target].append(answer)

    def _note(self, effect: m.Message) -> None:
        if isinstance(effect, m.PlaceOrder):
            self.sent.append(effect.request.client_order_id)
            if len(self.sent) != len(set(self.sent)):
                self.wrong.append(f"sent twice: {self.sent[-1]}")

    def _check(self, said: m.Message) -> None:
        if isinstance(said, m.Reconciled) and said.differences:
            self.wrong.append(f"a difference that is none: {said.differences}")

    # --- choices ---------------------------------------------------------------------------------

    def choices(self) -> Iterator[Choice]:
        """All that may happen next."""
        for number, message in enumerate(self.wire):
            yield from (("arrive", number, how) for how in self._fates(message))
        yield from (("late", number, 0) for number in range(len(self.late)))
        yield from (("hear", number, 0) for number in range(len(self.heard)))
        yield from (("mail", number, 0) for number, name in enumerate(self.mail) if self.mail[name])
        for kind, number in self._rare():
            if self.left[kind]:
                yield (kind, number, 0)

    def _fates(self, message: m.Message) -> list[int]:
        if not isinstance(message, m.PlaceOrder):
            return [OK]
        halves = range(1 if self.style == "make" else 3)
        return [BEFORE * 3, LATE * 3, *(how * 3 + taken for how in (OK, AFTER) for taken in halves)]

    def _rare(self) -> Iterator[tuple[str, int]]:
        """What happens a limited number of times."""
        frames = (m.FillReport, m.OrderReport)
        yield from (("lose", n) for n, said in enumerate(self.heard) if isinstance(said, frames))
        for kind in ("trade", "end"):
            yield from ((kind, number) for number in range(len(self.venue.resting)))
        if self._cancellable():
            yield ("cancel", 0)
        if self._withdrawable():
            yield ("withdraw", 0)
        yield from ((kind, 0) for kind in ("wish", "wait", "die", "return"))

    def _cancellable(self) -> list[str]:
        return [o.order_id for o in self.execution.book.open() if o.venue_order_id and o.resting]

    def _withdrawable(self) -> list[str]:
        """What the strategy may have thought of again, whether it rests by now or not."""
        book = self.execution.book.open()
        return [o.order_id for o in book if self.style == "make"]

    def take(self, choice: Choice) -> None:
        """Let it happen."""
        kind, number, how = choice
        if kind in self.left:
            self.left[kind] -= 1
        if kind == "arrive":
            self._arrive(self.wire.pop(number), how)
        elif kind in _SINGLES:
            getattr(self, _SINGLES[kind])()
        else:
            getattr(self, f"_{kind}")(number)

    def _hear(self, number: int) -> None:
        self._tell(EXECUTION, self.heard.pop(number))

    def _mail(self, number: int) -> None:
        name = tuple(self.mail)[number]
        self._tell(name, self.mail[name].pop(0))

    def _lose(self, number: int) -> None:
        self.heard.pop(number)

    def _trade(self, number: int) -> None:
        self.heard += self.venue.fill(self.venue.resting[number])

    def _end(self, number: int) -> None:
        self.heard += self.venue.end(self.venue.resting[number])

    def _late(self, number: int) -> None:
        frames, _ = self.venue.create(self.late.pop(number).request, 0)
        self.heard += frames

    def _arrive(self, message: m.Message, how: int) -> None:
        venue, now = self.venue, self.venue.now
        match message:
            case m.PlaceOrder():
                fate, taken = divmod(how, 3)
                lost = m.PlaceAmbiguous(
                    order_id=message.request.client_order_id, reason="lost", ts_recv=now
                )
                if fate in {BEFORE, LATE}:
                    self.late += [message] if fate == LATE else []
                    self.heard.append(lost)
                    return
                frames, answer = venue.create(message.request, taken)
                self.heard += [*frames, lost if fate == AFTER else answer]
            case m.CancelOrder():
                frames, answer = venue.cancel(message)
                self.heard += [*frames, answer]
            case m.QueryOrder():
                self.heard.append(venue.look(message))
            case m.QueryAccount():
                self.heard.append(venue.report())
            case _:
                raise TypeError(message)

    def _wish(self) -> None:
        now = self.venue.now
        closes = self.style == "close"
        wish = signal(
            signal_id=f"s{self.left['wish']}-{now}",
            style="take" if closes else self.style,
            price=Price(_PRICES[self.style]),
            outcome=Outcome.NO if closes else Outcome.YES,
            closes=closes,
            created=now,
            expires=Nanos(now + seconds(2)),
        )
        self._tell(RISK, wish)

    def _return(self) -> None:
        """The stream was gone and is back."""
        back = m.StreamChanged(
            stream=MARKET_STREAM, conn=1, state="open", reason="back", ts_recv=self.venue.now
        )
        self._tell(EXECUTION, back)

    def _cancel(self) -> None:
        order_id = self._cancellable()[0]
        self._tell(EXECUTION, m.CancelOwn(command_id="c", order_id=order_id, by="t", reason="t"))

    def _withdraw(self) -> None:
        wish = m.WithdrawOrder(
            order_id=self._withdrawable()[0],
            strategy="kelly_volatility",
            ticker=TICKER,
            code="moved",
            created=self.venue.now,
        )
        self._tell(EXECUTION, wish)

    def _wait(self) -> None:
        """Long enough for whatever was under way to be given up: nothing arrives after that."""
        self.venue.now = Nanos(self.venue.now + PATIENCE)
        self.late.clear()
        orders = [message for message in self.wire if isinstance(message, m.PlaceOrder)]
        self.wire = [message for message in self.wire if message not in orders]
        self.heard += [
            m.PlaceRejected(
                order_id=order.request.client_order_id,
                code="intent_expired",
                text="not sent",
                ts_recv=self.venue.now,
            )
            for order in orders
        ]
        self._show()
        for name in self._runners:
            self._tell(name, m.Tick(due=self.venue.now))

    def _die(self) -> None:
        """SIGKILL: what left the process may arrive, nobody hears the answer."""
        orders = [message for message in self.wire if isinstance(message, m.PlaceOrder)]
        self.late += orders
        self.wire, self.heard = [], []
        self.mail = {RISK: [], EXECUTION: []}
        self._start()

    # --- judging ---------------------------------------------------------------------------------

    def print(self) -> bytes:
        """Equal for worlds that cannot be told apart from here on."""
        execution, risk, venue = self.execution, self.risk, self.venue
        strays, questions = execution._news.strays, execution._questions
        quotes = execution._quotes
        own = (
            risk.ledger.dump(),
            sorted(risk._unknown),
            sorted(risk._doubts._since.items()),
            execution.book.dump(),
            sorted(questions._asked.items()),
            (questions._account_asked, questions._account_due, questions._deep),
            (sorted(quotes._until.items()), sorted(quotes._unwanted)),
            (sorted(quotes._cancelled.items()), quotes._allowed),
            sorted(strays._waiting.items()),
            strays._foreign.dump(),
        )
        bags = [sorted(map(_text, bag)) for bag in (self.wire, self.heard, self.late)]
        fifos = [list(map(_text, queue)) for queue in self.mail.values()]
        world = (venue.now, venue.orders, venue.fills, self.left)
        return msgspec.json.encode((own, bags, fifos, world))

    def calm(self) -> list[str]:
        """Let it come to rest on a good line; what is wrong then, or was before."""
        self.wrong += self._forgotten()
        for _ in range(_CALM_WAITS):
            self._drain()
            for order_id in self.venue.resting:
                self.heard += self.venue.end(order_id)
            self._drain()
            if not self._unsettled() and not self.risk.ledger.reservations:
                break
            self._wait()
        if self.venue.position < 0:
            self.wrong.append(f"an exit began a position: {self.venue.position}")
        wrong = [*self.wrong, *self._unsettled()]
        return wrong or [*self._blocked()]

    def _forgotten(self) -> list[str]:
        """Orders that may cost money while our books count them as ended."""
        coming = [o.request.client_order_id for o in self.late]
        coming += [o.request.client_order_id for o in self.wire if isinstance(o, m.PlaceOrder)]
        book = self.execution.book
        ended = [i for i in (*self.venue.resting, *coming) if not book.is_open(i)]
        return [f"ended here, not there: {ended}"] if ended else []

    def _drain(self) -> None:
        """Everything on its way comes, the newest news first: frames and answers have no order."""
        while True:
            if self.wire:
                self._arrive(self.wire.pop(0), 0)
            elif self.heard:
                self._tell(EXECUTION, self.heard.pop())
            elif self.mail[RISK] or self.mail[EXECUTION]:
                name = RISK if self.mail[RISK] else EXECUTION
                self._tell(name, self.mail[name].pop(0))
            else:
                return

    def _unsettled(self) -> list[str]:
        """Every way in which the two books differ."""
        ledger, venue = self.risk.ledger, self.venue
        booked = [e.trade_id for e in self.journal.events if isinstance(e, m.OrderFilled)]
        pairs = {
            "open orders": ([o.order_id for o in self.execution.book.open()], []),
            "reservations": (list(ledger.reservations), []),
            "cash": (ledger.cash, venue.cash),
            "position": (ledger.position(TICKER).quantity, venue.position),
            "fills": (sorted(booked), sorted(fill.trade_id for fill in venue.fills)),
            "arrivals": ([i for i, count in venue.arrivals.items() if count > 1], []),
        }
        return [f"{what}: {a} against {b}" for what, (a, b) in pairs.items() if a != b]

    def _blocked(self) -> Iterator[str]:
        """A market that takes no new order for any other reason than that enough is held."""
        before = self.risk.ledger.approvals
        now = self.venue.now
        wish = signal(created=now, expires=Nanos(now + seconds(2)), signal_id="last")
        self._show()
        answers = [answer for _, answer in self._judge(wish)]
        if self.risk.ledger.approvals == before and answers != ["no_room"]:
            yield f"the market takes no order: {answers}"

    def _judge(self, wish: m.Signal) -> list[tuple[str, str]]:
        said = self.risk.handle(wish, self.venue.now)
        out = []
        for answer in said:
            if isinstance(answer, m.OrderDenied):
                room = answer.code.startswith("no_room")
                out.append((RISK, "no_room" if room else answer.code))
            elif isinstance(answer, m.OrderApproved):
                self.risk.apply(answer)
        return out


def _text(message: m.Message) -> str:
    return f"{type(message).__name__}{message}"
