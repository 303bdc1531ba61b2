"""The express door: an order leaves on the thread that decided it.

A hand-over to another thread costs 30 to 200 us; the usual road has two (to the exchange actor,
to a worker). Where a connection stands, tokens are there and nothing more urgent waits, the order
is written here and now; a worker waits for the answer. Everywhere else the door stays shut, and the
order goes by the inbox like every message. The last look at an order is the same on both roads.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from actors.workers import Job
from core.exchange.costs import FREE, Call, bill
from core.exchange.endpoints import ORDERS
from core.exchange.express import Withheld
from core.exchange.port import ExchangeError
from core.exchange.throttle import Urgency

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from actors.exchange_orders import OrderDesk
    from actors.gate import Gate
    from actors.workers import Workers
    from core import messages as m
    from core.exchange.express import ExpressExchange
    from core.exchange.records import Placed

_log = logging.getLogger(__name__)


class ExpressDoor:
    """One for each exchange actor. `take` is called on the threads of those who send to it."""

    def __init__(
        self,
        exchange: ExpressExchange,
        desk: OrderDesk,
        gate: Gate,
        workers: Workers,
        deliver: Callable[[Iterable[m.Message]], None],
    ) -> None:
        self._exchange = exchange
        self._desk = desk
        self._gate = gate
        self._workers = workers
        self._deliver = deliver
        self.taken = 0
        """Orders that left by this door."""

    def take(self, order: m.PlaceOrder) -> bool:
        """Send it now, if nothing speaks against it; False: it is for the inbox. Never waits."""
        try:
            begun = self._begin(order)
        except Exception:  # noqa: BLE001 - border: a defect here must not bring the sender down
            _log.exception("an order was broken off")
            self._deliver((self._desk.broken_off(order),))
            return True
        if begun is None:
            return False
        self.taken += 1
        self._workers.submit(
            Job(
                Urgency.CANCEL,
                run=lambda: self._await(order, begun),
                dropped=lambda: self._deliver((begun.give_up(),)),
                bill=FREE,
            )
        )
        return True

    def _begin(self, order: m.PlaceOrder) -> Begun | None:
        """Write the order; None where the door stays shut."""
        if self._workers.waiting or not self._exchange.is_ready:
            return None
        price = bill(Call("POST", ORDERS, shard=order.request.shard))
        if self._gate.admit(price, Urgency.PLACE, order.deadline) != 0.0:
            return None
        with self._gate.errand(Urgency.PLACE, price):
            return begin(self._desk, self._exchange, order)

    def _await(self, order: m.PlaceOrder, begun: Begun) -> None:
        """On a worker's thread: whatever happens, execution gets an answer."""
        answer: m.Message | None = None
        try:
            answer = begun.wait()
        finally:
            self._deliver((answer or self._desk.broken_off(order),))


class Begun:
    """An order that was begun on one thread, to be ended on another by one of the two methods."""

    def __init__(
        self,
        desk: OrderDesk,
        order: m.PlaceOrder,
        answer: Callable[[], m.Message],
        abandon: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._order = order
        self._answer = answer
        self._abandon = abandon

    def wait(self) -> m.Message:
        """What became of it; waits for the exchange's answer."""
        try:
            return self._answer()
        finally:
            self._desk.line.end()

    def give_up(self) -> m.Message:
        """Nobody will wait: nobody knows what became of it."""
        self._abandon()
        self._desk.line.end()
        return self._desk.broken_off(self._order)


def begin(desk: OrderDesk, exchange: ExpressExchange, order: m.PlaceOrder) -> Begun:
    """Write an order to a connection that stands, after the last look at it. Hot.

    On the account's line from here until `Begun` ends, as `OrderDesk.place` is.
    """
    desk.line.begin()
    try:
        pending = exchange.begin_create(order.request, partial(desk.refusal, order))
    except Withheld as withheld:
        rejected = desk.rejected(order.request.client_order_id, withheld.code, "not sent")
        return Begun(desk, order, lambda: rejected)
    except ExchangeError as error:
        failed = error
        return Begun(desk, order, lambda: desk.answer(order, lambda: _raise(failed)))
    except BaseException:
        desk.line.end()
        raise
    return Begun(desk, order, lambda: desk.answer(order, pending.wait), pending.abandon)


def _raise(error: ExchangeError) -> Placed:
    raise error
