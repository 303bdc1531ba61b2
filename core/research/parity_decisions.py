"""What was decided in a session: every signal, its answer, and its fills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.research.tally import Tally
from core.research.tape_own import OWN_KINDS
from core.units import Money, Nanos, Price, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from core.messages import Message

_OWN: Final = frozenset(OWN_KINDS)


class Witness(Tally):
    """A tally that also keeps what was decided, as a recorder does."""

    def __init__(self) -> None:
        super().__init__()
        self.own: list[tuple[Nanos, Message]] = []

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        """Keep, then count."""
        if type(message) in _OWN:
            self.own.append((now, message))
        return super().handle(message, now)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A signal and what became of it."""

    strategy: str
    ticker: str
    at: Nanos
    """When the picture behind it had arrived."""
    outcome: str
    limit: Price
    answer: str
    """`approved`, or the code of the refusal."""
    quantity: Quantity
    """Contracts asked for."""
    filled: Quantity
    paid: Money
    """For the fills, in YES prices times contracts."""

    @property
    def price(self) -> float:
        """Average YES price of the fills in dollars; 0 without any."""
        return self.paid / self.filled / 10_000 if self.filled else 0.0


def decisions(own: Iterable[tuple[Nanos, Message]]) -> list[Decision]:
    """Signals with their answers and fills, in order."""
    found: dict[str, Decision] = {}
    orders: dict[str, str] = {}
    for _, message in own:
        match message:
            case m.Signal():
                found[message.signal_id] = _decided(message)
            case m.OrderDenied(signal_id=signal) if signal in found:
                found[signal] = msgspec.structs.replace(found[signal], answer=message.code)
            case m.OrderApproved(signal_id=signal) if signal in found:
                orders[message.request.client_order_id] = signal
                found[signal] = msgspec.structs.replace(
                    found[signal], answer="approved", quantity=message.request.quantity
                )
            case m.OrderFilled(order_id=order) if order in orders:
                before = found[orders[order]]
                found[orders[order]] = msgspec.structs.replace(
                    before,
                    filled=Quantity(before.filled + message.quantity),
                    paid=Money(before.paid + message.price * message.quantity),
                )
            case _:
                pass
    return sorted(found.values(), key=lambda decision: decision.at)


def _decided(signal: m.Signal) -> Decision:
    return Decision(
        strategy=signal.strategy,
        ticker=signal.ticker,
        at=signal.ts_recv,
        outcome=signal.outcome.value,
        limit=signal.price,
        answer="",
        quantity=Quantity(0),
        filled=Quantity(0),
        paid=Money(0),
    )


def round_trip(own: Iterable[tuple[Nanos, Message]]) -> Nanos:
    """Median time from `OrderSubmitting` to `OrderAccepted`; 0 where no order was accepted."""
    sent: dict[str, Nanos] = {}
    took: list[int] = []
    for _, message in own:
        if isinstance(message, m.OrderSubmitting):
            sent[message.order_id] = message.ts
        elif isinstance(message, m.OrderAccepted) and message.order_id in sent:
            took.append(message.ts - sent[message.order_id])
    return Nanos(sorted(took)[len(took) // 2]) if took else Nanos(0)
