"""The counter of the paper venue: requests that have arrived become answers, events reports.

Every answer is stamped with the time at which it will be back with us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.recent import Newest
from core.exchange.engine_events import Filled, OrderChanged
from core.exchange.port import Rejected
from core.exchange.records import CancelRequest, DecreaseRequest, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.exchange.engine_events import EngineEvent
    from core.exchange.records import Order
    from core.exchange.simulated import SimulatedExchange
    from core.messages import Message
    from core.roles.paper_past import PaperPast
    from core.units import Money, Nanos

ACCOUNT: Final = "paper"
_ORDERS: Final = 10_000
"""Orders whose id at the venue is remembered: those of two busy days, as in our own books."""


class Desk:
    """Serves the one account. `now` is the venue's time, `back` when the answer will be with us."""

    def __init__(self, engine: SimulatedExchange) -> None:
        self._engine = engine
        self._venue_ids: Newest[str] = Newest(_ORDERS)
        """Our id -> the venue's."""
        self._under_way: set[str] = set()
        """Orders sent that have not arrived: a question may overtake them."""
        self._before: dict[str, Order] = {}
        """Orders that ended with the venue before this one."""

    def open(self, cash: Mapping[int, Money], now: Nanos) -> None:
        """Open the account, once."""
        self._engine.open_account(ACCOUNT, cash, now)

    def regain(self, past: PaperPast, now: Nanos) -> None:
        """Open the account as it was before the venue was started again, once."""
        self._engine.regain_account(ACCOUNT, past.account, now)
        self._before = {order.client_order_id: order for order in past.orders}

    def expect(self, order_id: str) -> None:
        """An order was sent and has not arrived yet."""
        self._under_way.add(order_id)

    def answer(self, request: Message, now: Nanos, back: Nanos) -> Message:
        """What the venue says to a request. What that caused is told by `report`."""
        match request:
            case m.PlaceOrder():
                return self._place(request, now, back)
            case m.CancelOrder():
                return self._cancel(request, now, back)
            case m.DecreaseOrder():
                return self._decrease(request, now, back)
            case m.CancelAllOrders():
                return self._cancel_all(request, now, back)
            case m.QueryOrder():
                return self._look_up(request, now, back)
            case m.QueryAccount():
                return self._account(request, now, back)
            case m.QueryPlaces():
                return self._places(request, now, back)
            case _:
                msg = f"the paper venue has no answer to {type(request).__name__}"
                raise TypeError(msg)

    def report(self, event: EngineEvent, back: Nanos) -> Message | None:
        """What the streams of own orders say of an event, if anything."""
        if isinstance(event, Filled):
            return m.FillReport(fill=event.fill, order_id=event.client_order_id, ts_recv=back)
        if isinstance(event, OrderChanged):
            return m.OrderReport(order=event.order, ts_recv=back)
        return None

    def _place(self, request: m.PlaceOrder, now: Nanos, back: Nanos) -> Message:
        wanted = request.request
        self._under_way.discard(wanted.client_order_id)
        try:
            placed = self._engine.create_order(ACCOUNT, wanted, now)
        except Rejected as refusal:
            return m.PlaceRejected(
                order_id=wanted.client_order_id,
                code=refusal.reason,
                text=f"{refusal.message} {refusal.details}".strip(),
                ts_recv=back,
            )
        self._venue_ids[wanted.client_order_id] = placed.order_id
        return m.PlaceAccepted(
            order_id=wanted.client_order_id,
            venue_order_id=placed.order_id,
            filled=placed.filled,
            remaining=placed.remaining,
            ts_event=placed.ts,
            ts_recv=back,
        )

    def _cancel(self, request: m.CancelOrder, now: Nanos, back: Nanos) -> Message:
        venue_id = request.venue_order_id or self._venue_ids.get(request.order_id, "")
        wanted = CancelRequest(order_id=venue_id, ticker=request.ticker, shard=request.shard)
        try:
            canceled = self._engine.cancel_order(ACCOUNT, wanted, now)
        except Rejected as refusal:
            return m.CancelRefused(order_id=request.order_id, code=refusal.code, ts_recv=back)
        return m.CancelAccepted(
            order_id=request.order_id,
            reduced_by=canceled.reduced_by,
            ts_event=canceled.ts,
            ts_recv=back,
        )

    def _decrease(self, request: m.DecreaseOrder, now: Nanos, back: Nanos) -> Message:
        wanted = DecreaseRequest(
            order_id=request.venue_order_id or self._venue_ids.get(request.order_id, ""),
            ticker=request.ticker,
            reduce_to=request.remaining,
            shard=request.shard,
        )
        try:
            reduced = self._engine.decrease_order(ACCOUNT, wanted, now)
        except Rejected as refusal:
            return m.DecreaseRefused(order_id=request.order_id, code=refusal.code, ts_recv=back)
        return m.DecreaseAccepted(
            order_id=request.order_id,
            remaining=reduced.remaining,
            ts_event=reduced.ts,
            ts_recv=back,
        )

    def _cancel_all(self, request: m.CancelAllOrders, now: Nanos, back: Nanos) -> Message:
        canceled = self._engine.cancel_all_orders(ACCOUNT, now)
        resting = self._engine.orders(ACCOUNT, status=OrderStatus.RESTING)
        return m.CancelAllDone(
            cancelled=canceled,
            resting=len(resting),
            reason=request.reason,
            epoch=request.epoch,
            ts_recv=back,
        )

    def _look_up(self, request: m.QueryOrder, now: Nanos, back: Nanos) -> Message:
        """The order and its fills. Absence is proof unless the order is still under way."""
        self._engine.advance(now)
        venue_id = self._venue_ids.get(request.order_id, request.venue_order_id)
        order: Order | None
        try:
            order = self._engine.order(ACCOUNT, venue_id)
        except Rejected:
            order = self._before.get(request.order_id)
        fills = self._engine.fills(ACCOUNT, order_id=venue_id) if order is not None else ()
        return m.OrderLookup(
            order_id=request.order_id,
            order=order,
            fills=fills,
            complete=request.order_id not in self._under_way,
            ts_recv=back,
        )

    def _account(self, request: m.QueryAccount, now: Nanos, back: Nanos) -> Message:
        engine, since = self._engine, request.since
        engine.advance(now)
        return m.AccountReport(
            cash=engine.balance(ACCOUNT).cash,
            orders=tuple(
                order
                for order in (*self._before.values(), *engine.orders(ACCOUNT))
                if order.status is OrderStatus.RESTING or order.created >= since
            ),
            fills=tuple(fill for fill in engine.fills(ACCOUNT) if fill.ts >= since),
            positions=engine.positions(ACCOUNT),
            settlements=tuple(row for row in engine.settlements(ACCOUNT) if row.settled >= since),
            as_of=now,
            ts_recv=back,
        )

    def _places(self, request: m.QueryPlaces, now: Nanos, back: Nanos) -> Message:
        engine = self._engine
        engine.advance(now)
        places = tuple(
            m.QueuePlace(
                venue_order_id=order.order_id, ahead=engine.queue_ahead(ACCOUNT, order.order_id)
            )
            for order in engine.orders(ACCOUNT, status=OrderStatus.RESTING)
            if order.ticker in request.tickers
        )
        return m.PlacesTold(places=places, ts_recv=back)
