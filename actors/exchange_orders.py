"""Writes to the exchange: what is sent, what is refused before sending, and what answers mean.

All methods block and run on worker threads. An order is sent only under a permit that is valid at
that very moment for an order of its kind, of its own epoch, before its deadline, and while there is
no HALT file; a cancel is always sent. Nothing is sent twice.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.permission import may_leave
from core.exchange.express import ExpressExchange, Withheld
from core.exchange.port import (
    Ambiguous,
    ExchangeError,
    RateLimited,
    Rejected,
    Unauthorized,
    Unavailable,
)
from core.exchange.records import CancelRequest, DecreaseRequest, OrderStatus
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.line import Line
    from core.clock import Clock
    from core.exchange.port import Exchange
    from core.exchange.records import Order, Placed

_RESTARTING: Final = "exchange_restarting"
RATE_LIMITED: Final = "rate_limited"
DUPLICATE: Final = "order_already_exists"
_UNSENT: Final = {RateLimited: RATE_LIMITED, Unavailable: "unavailable"}


class DeskTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the exchange actor. `proof_margin` is in the clock's time, seconds are real."""

    series: tuple[str, ...]
    """Those that are traded: their shards hold the cash that counts."""
    halt_file: Path | None = None
    """While this file exists no order leaves."""
    workers: int = 2
    proof_margin: Nanos = seconds(2.0)
    """A sent order that cannot be found is proven absent only by data this much younger: the
    request may have been under way for a while."""
    sweep_seconds: float = 10.0
    """How long one `CancelAllOrders` goes on looking."""
    sweep_pause_seconds: float = 0.2
    """Between two looks."""
    prepare_seconds: float = 0.25
    """Between two renewals of what orders will need, of the machine; see `actors.ahead`."""
    cancel_again: Nanos = seconds(5.0)
    """For so long a cancel is sent again that the venue turned away for its rate limit."""


class OrderDesk:
    """Places and cancels. Safe on several threads."""

    def __init__(
        self,
        exchange: Exchange,
        clock: Clock,
        terms: DeskTerms,
        line: Line,
        is_fenced: Callable[[], bool],
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._terms = terms
        self._is_fenced = is_fenced
        self.line = line
        self.permit: m.Permit | None = None
        """The newest; written by the actor's thread, read by the workers."""

    # --- placing -------------------------------------------------------------------------------

    def place(self, order: m.PlaceOrder) -> m.Message:
        """Send an order, once; what became of it."""
        with self.line.leaving():
            refusal = self.refusal(order)
            if refusal:
                return self.rejected(order.request.client_order_id, refusal, "not sent")
            return self._send(order)

    def refusal(self, order: m.PlaceOrder) -> str:
        """The look before the order leaves; empty where it may. The fast road asks right before the
        write, for a connection may take long to stand; a worker asks before it opens one, too.
        """
        permit, now, halt = self.permit, self._clock.now(), self._terms.halt_file
        if self._is_fenced():
            return _RESTARTING
        if halt is not None and halt.exists():
            return "halted"
        if permit is None or not may_leave(permit, order.request, now):
            return "permit_expired"
        if permit.epoch != order.epoch or not self.line.allows(order.epoch):
            return "stale_epoch"
        return "intent_expired" if now >= order.deadline else ""

    def _send(self, order: m.PlaceOrder) -> m.Message:
        exchange = self._exchange
        if isinstance(exchange, ExpressExchange):
            look = partial(self.refusal, order)
            return self.answer(order, lambda: exchange.begin_create(order.request, look).wait())
        return self.answer(order, lambda: exchange.create_order(order.request))

    def answer(self, order: m.PlaceOrder, wait: Callable[[], Placed]) -> m.Message:
        """What the exchange's answer, or its absence, means."""
        order_id = order.request.client_order_id
        try:
            placed = wait()
        except Rejected as error:
            if error.code == DUPLICATE:
                return self._found_again(order)
            return self.rejected(order_id, error.reason, str(error))
        except Unauthorized as error:
            return self.rejected(order_id, "unauthorized", str(error))
        except Withheld as error:
            return self.rejected(order_id, error.code, "not sent")
        except (RateLimited, Unavailable) as error:
            return self.rejected(order_id, _UNSENT[type(error)], str(error))
        except Ambiguous as error:
            return self._unknown(order_id, str(error))
        finally:
            self.line.wrote(self._clock.now())
        self.line.wrote(placed.ts)  # by its clock, which ours may be behind
        if placed.remaining and isinstance(self._exchange, ExpressExchange):
            self._exchange.may_cancel(placed.order_id)
        return m.PlaceAccepted(
            order_id=order_id,
            venue_order_id=placed.order_id,
            filled=placed.filled,
            remaining=placed.remaining,
            ts_event=placed.ts,
            ts_recv=self._clock.now(),
        )

    def _found_again(self, order: m.PlaceOrder) -> m.Message:
        """The id is taken: an earlier attempt of ours arrived after all. Never a rejection."""
        request = order.request
        try:
            listed = self._exchange.orders(ticker=request.ticker)
            found = order_of(listed, request.client_order_id, "")
            if found is None:
                return self._unknown(request.client_order_id, f"{DUPLICATE}, but not listed yet")
            fills = self._exchange.fills(ticker=request.ticker, order_id=found.order_id)
        except ExchangeError as error:
            return self._unknown(request.client_order_id, f"{DUPLICATE}; look-up failed: {error}")
        return m.OrderLookup(
            order_id=request.client_order_id,
            order=found,
            fills=fills,
            complete=False,
            ts_recv=self._clock.now(),
        )

    def rejected(self, order_id: str, code: str, text: str) -> m.PlaceRejected:
        """It does not exist at the exchange, and why."""
        return m.PlaceRejected(order_id=order_id, code=code, text=text, ts_recv=self._clock.now())

    def _unknown(self, order_id: str, reason: str) -> m.PlaceAmbiguous:
        return m.PlaceAmbiguous(order_id=order_id, reason=reason, ts_recv=self._clock.now())

    def never_sent(self, order: m.PlaceOrder) -> m.PlaceRejected:
        """The actor ended before a worker took the order up."""
        return self.rejected(order.request.client_order_id, _RESTARTING, "not sent")

    def without_tokens(self, order: m.PlaceOrder) -> m.PlaceRejected:
        """The account's write tokens would have come at the order's deadline or after."""
        return self.rejected(order.request.client_order_id, RATE_LIMITED, "not sent: no tokens")

    def broken_off(self, order: m.PlaceOrder) -> m.PlaceAmbiguous:
        """A defect came up while an order was placed: nobody knows how far it got."""
        return self._unknown(order.request.client_order_id, "a defect here; the log has it")

    # --- cancelling ----------------------------------------------------------------------------

    def patience(self) -> Nanos:
        """Until when a cancel that is asked for now may be sent again."""
        return Nanos(self._clock.now() + self._terms.cancel_again)

    def cancel(self, order: m.CancelOrder) -> m.Message:
        """Cancel one order. A refusal says little: look before concluding (kalshi.md, trap 13)."""
        request = CancelRequest(
            order_id=order.venue_order_id, ticker=order.ticker, shard=order.shard
        )
        try:
            done = self._exchange.cancel_order(request)
        except ExchangeError as error:
            return m.CancelRefused(
                order_id=order.order_id, code=_code(error), ts_recv=self._clock.now()
            )
        finally:
            self.line.wrote(self._clock.now())
        self.line.wrote(done.ts)
        return m.CancelAccepted(
            order_id=order.order_id,
            reduced_by=done.reduced_by,
            ts_event=done.ts,
            ts_recv=self._clock.now(),
        )

    def cancel_listed(self, order: Order) -> bool:
        """Cancel an order from the exchange's list; whether it was still there."""
        told = self.cancel(
            m.CancelOrder(
                order_id=order.client_order_id,
                venue_order_id=order.order_id,
                ticker=order.ticker,
                shard=order.shard,
            )
        )
        return isinstance(told, m.CancelAccepted)

    def decrease(self, order: m.DecreaseOrder) -> m.Message:
        """Leave less of one order. Sent once: a person waits for it and can ask again."""
        request = DecreaseRequest(
            order_id=order.venue_order_id,
            ticker=order.ticker,
            reduce_to=order.remaining,
            shard=order.shard,
        )
        try:
            done = self._exchange.decrease_order(request)
        except ExchangeError as error:
            return m.DecreaseRefused(
                order_id=order.order_id, code=_code(error), ts_recv=self._clock.now()
            )
        finally:
            self.line.wrote(self._clock.now())
        self.line.wrote(done.ts)
        return m.DecreaseAccepted(
            order_id=order.order_id,
            remaining=done.remaining,
            ts_event=done.ts,
            ts_recv=self._clock.now(),
        )


def order_of(listed: tuple[Order, ...], order_id: str, venue_order_id: str) -> Order | None:
    """Our order in a list, by either id."""
    for order in listed:
        if order.client_order_id == order_id or order.order_id == venue_order_id:
            return order
    return None


def resting(exchange: Exchange) -> tuple[Order, ...]:
    """All orders of the account that rest, ours or not."""
    return exchange.orders(status=OrderStatus.RESTING)


def _code(error: ExchangeError) -> str:
    match error:
        case Rejected():
            return error.code
        case Ambiguous():
            return "ambiguous"
        case Unauthorized():
            return "unauthorized"
        case _:
            return _UNSENT.get(type(error), "unavailable")
