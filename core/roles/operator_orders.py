"""Orders that an operator asks for: to buy, or to sell what is held. A part of the role `risk`.

A command is told what every gate says to it, and is carried out unless it is a preview or a gate
is shut. One that is sent again places nothing: the journal knows which order it has made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain import manual
from core.domain.fees import UnknownFee
from core.units import Money

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.domain.holdings import Holdings
    from core.domain.ledger import Ledger
    from core.domain.rules import Facts
    from core.messages import Message
    from core.units import Nanos, Price, Quantity

    Judge = Callable[[m.Signal, m.MarketView, Nanos], Facts]
    Approve = Callable[[Facts, Quantity], m.OrderApproved]

_KEPT: Final = 1_000


class OperatorOrders:
    """Mutable, inside the role: its memory is folded from the journal."""

    def __init__(
        self,
        views: Mapping[str, m.MarketView],
        books: tuple[Ledger, Holdings],
        collar: Price,
        doors: tuple[Judge, Approve],
    ) -> None:
        """`collar`: how far below the best bid a sale without a least price may go."""
        self._views = views
        self._ledger, self._holdings = books
        self._collar = collar
        self._judge, self._approve = doors
        self._orders: dict[str, str] = {}
        """Command -> order, so that a command that is sent again places nothing."""

    def apply(self, event: m.OrderApproved) -> None:
        """Note the order that a command has made."""
        if event.strategy != m.MANUAL:
            return
        command_id = event.signal_id.removeprefix(f"{m.MANUAL}:")
        self._orders[command_id] = event.request.client_order_id
        if len(self._orders) > _KEPT:
            del self._orders[next(iter(self._orders))]

    def place(self, order: m.PlaceManually, now: Nanos) -> list[Message]:
        """An order that buys: told what it would do, and placed unless it is a preview."""
        return self._answered(order) or self._placed(order, now)

    def close(self, command: m.ClosePosition, now: Nanos) -> list[Message]:
        """An order that sells what is held, whichever strategy bought it."""
        answered = self._answered(command)
        if answered:
            return answered
        held = self._holdings.of(m.MANUAL, command.ticker)
        if held is None:
            return [_refused(command, "nothing_held")]
        order = manual.sale(command, held, self._views[command.ticker], self._collar)
        if order is None:
            return [_refused(command, "no_room_depth")]
        return self._placed(order, now)

    def _answered(self, command: m.PlaceManually | m.ClosePosition) -> list[Message]:
        """What there is to say before any gate is asked; nothing where they are to be asked."""
        known = self._orders.get(command.command_id, "")
        if known:
            return [m.CommandAnswered(command_id=command.command_id, order_id=known)]
        if command.ticker not in self._views:
            return [_refused(command, "market_unknown")]
        return [_refused(command, "capital_unknown")] if self._ledger.cash is None else []

    def _placed(self, order: m.PlaceManually, now: Nanos) -> list[Message]:
        view = self._views[order.ticker]
        try:
            facts = msgspec.structs.replace(
                self._judge(manual.as_signal(order, view, now), view, now),
                has_opinion=order.probability is not None,
                replaced=order.replaces,
            )
            quote = self._based(manual.quote(facts, order.quantity))
        except UnknownFee:
            return [_refused(order, "fee_unknown")]
        refused = manual.refusal(quote)
        if refused is not None or order.preview:
            denials = manual.denials(facts, refused, order)
            return [*denials, manual.answered(order, quote, refused)]
        approved = self._approve(facts, order.quantity)
        return [approved, manual.answered(order, quote, None, approved.request.client_order_id)]

    def _based(self, quote: m.Quote) -> m.Quote:
        """A sale's quote with what the contracts were bought for, as the books count it."""
        held = self._ledger.position(quote.ticker)
        if not (quote.closes and held.quantity):
            return quote
        sold = quote.fillable or quote.quantity
        basis = Money(round(held.cost * sold / abs(held.quantity)))
        return msgspec.structs.replace(quote, basis=basis)


def _refused(command: m.PlaceManually | m.ClosePosition, code: str) -> m.CommandAnswered:
    return m.CommandAnswered(command_id=command.command_id, refusal=code)
