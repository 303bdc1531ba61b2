"""Whatever is bought, sold, closed by hand, told late and restarted: an exit ends, never begins.

The exchange here does not know reduce-only: it fills all that is asked of it, so our own books
alone keep an exit from turning into a position on the other side.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from core import messages as m
from core.domain.fold import folded
from core.exchange.records import Outcome, Side
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.units import Money, Nanos, Price, Quantity, complement
from tests.builders import NOW, TICKER, capital, contracts, filled, limits, money, signal, view

NAMES = ("kelly_volatility", "mean_reversion")
LIMITS = limits(
    kelly_fraction=1.0,
    max_position=money(300),
    breaker_loss=1.0,
    breaker_drawdown=1.0,
    max_daily_loss=money(10_000),
)


class Bench:
    """Risk with its journal, and a venue that may tell late of what it has filled."""

    def __init__(self) -> None:
        self.journal = MemoryJournal(events=(capital(1_000),))
        self.at_venue = 0
        self.number = 0
        self.untold: list[m.Message] = []
        self.start(self.journal.events)

    def start(self, events: list[m.Message]) -> None:
        """A (new) host."""
        self.risk = Risk(LIMITS, "test01")
        for event in events:
            self.risk.apply(event)
        self.risk.handle(m.Permit(epoch=2, state="ACTIVE", expires=Nanos(NOW + 10**9)), NOW)
        self.show(5_000)

    def restart(self, *, folds: bool) -> None:
        """From every entry, or from the state that stands for them."""
        events = list(self.journal.events)
        self.start([folded(events).state(len(events), NOW)] if folds else events)

    def show(self, yes: int) -> None:
        """Somebody bids and asks, not always for much."""
        size = contracts(3.5 + yes % 700)
        self.risk.handle(
            view(bids=((Price(yes - 100), size),), asks=((Price(yes + 100), size),)), NOW
        )

    def ask(self, message: m.Message) -> m.OrderApproved | None:
        """What risk approves; it is written as a host writes it."""
        said = self.risk.handle(message, NOW)
        order = next((one for one in said if isinstance(one, m.OrderApproved)), None)
        if order is not None:
            self.write(order, m.OrderSubmitting(order_id=order.request.client_order_id, ts=NOW))
        return order

    def write(self, *events: m.Message) -> None:
        for event in events:
            self.journal.append((event,), NOW)
            self.risk.apply(event)

    def wish(self, name: str, outcome: Outcome, yes: int, *, closes: bool) -> m.Signal:
        self.number += 1
        own = yes + 100 if outcome is Outcome.YES else complement(Price(yes - 100))
        return signal(
            signal_id=f"s:{self.number}",
            strategy=name,
            outcome=outcome,
            price=Price(own),
            probability=min(0.99, own / 10_000 + 0.2),
            edge=0.1,
            closes=closes,
        )

    def trade(self, order: m.OrderApproved, part: float, *, late: bool) -> int:
        """The venue fills a part at once and ends the rest; signed contracts that it filled."""
        self.number += 1
        wanted, order_id = order.request, order.request.client_order_id
        size = Quantity(round(wanted.quantity * part))
        news: list[m.Message] = []
        if size:
            news.append(
                filled(
                    f"f{self.number}",
                    order_id,
                    side=wanted.side,
                    price=wanted.price,
                    quantity=size,
                    fee=Money(0),
                )
            )
        news.append(m.OrderClosed(order_id=order_id, reason="canceled", filled=size, ts=NOW))
        self.untold += news
        if not late:
            self.tell()
        signed = int(size) if wanted.side is Side.BID else -int(size)
        self.at_venue += signed
        return signed

    def tell(self) -> None:
        """What was on its way has come, fills twice."""
        for event in self.untold:
            self.write(event)
            if isinstance(event, m.OrderFilled):
                self.risk.apply(event)
        self.untold = []


MOVES = st.lists(
    st.tuples(
        st.sampled_from(("enter", "exit", "exit", "close", "some", "tell", "restart", "fold")),
        st.sampled_from(NAMES),
        st.sampled_from(Outcome),
        st.integers(20, 80),
        st.sampled_from((0.0, 0.13, 0.5, 1.0, 1.0)),
        st.booleans(),
    ),
    min_size=2,
    max_size=40,
)


Move = tuple[str, str, Outcome, int, float, bool]
"""What happens, whose it is, of which outcome, the price, the part that fills, whether late."""


def _asked(bench: Bench, move: Move) -> m.OrderApproved | None:
    kind, name, outcome, yes, part, _ = move
    if kind in {"enter", "exit"}:
        return bench.ask(bench.wish(name, outcome, yes * 100, closes=kind == "exit"))
    some = Quantity(max(1, round(abs(bench.at_venue) * part))) if kind == "some" else None
    return bench.ask(
        m.ClosePosition(
            command_id=f"c{bench.number}", ticker=TICKER, quantity=some, by="ann", reason="test"
        )
    )


@settings(max_examples=250, deadline=None)
@given(moves=MOVES)
def test_no_exit_begins_a_position_or_sells_what_is_not_its_own(
    moves: list[Move],
) -> None:
    bench = Bench()
    bought = dict.fromkeys(NAMES, 0)
    for move in moves:
        kind, name, _, yes, part, late = move
        if kind == "tell":
            bench.tell()
        elif kind in {"restart", "fold"}:
            bench.restart(folds=kind == "fold")
        else:
            bench.show(yes * 100)
            before = bench.at_venue
            order = _asked(bench, move)
            if order is None:
                continue
            signed = bench.trade(order, part, late=late)
            if not order.request.reduce_only:
                bought[name] += signed
                continue
            assert kind != "enter"
            assert before * signed <= 0
            assert abs(signed) <= abs(before)
            assert before * bench.at_venue >= 0
            if kind == "exit":
                assert abs(order.request.quantity) <= abs(bought[name])
                assert bought[name] * signed <= 0
                bought[name] += signed
            else:
                bought = _taken(bought, signed)
        ledger = bench.risk.ledger
        assert (ledger.cash or 0) - ledger.reserved >= 0
    bench.tell()
    assert bench.risk.ledger.position(TICKER).quantity == bench.at_venue


def _taken(bought: dict[str, int], signed: int) -> dict[str, int]:
    """What an operator sells comes from those that hold it; here only the bound matters."""
    left = dict(bought)
    for name, held in bought.items():
        part = min(abs(signed), abs(held)) if held * signed < 0 else 0
        left[name] = held + (part if signed > 0 else -part)
        signed += part if signed < 0 else -part
    return left
