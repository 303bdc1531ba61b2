"""The role `paper`: the simulated exchange, for paper trading and backtests.

It follows a real or recorded exchange (`paper_outside`): its markets, its book and its results are
theirs. Own orders trade against that book in price-time priority (`core.exchange.simulated`), after
the time that it takes to get there, and what comes of them is told after the time that it takes to
come back (`core.exchange.fills`): answers to requests by one way, reports of fills and orders by a
stream of their own, so a fill may be told before the answer to its order, as in life.

Nothing here is journalled, but the customer's books are: a venue that is started again takes the
account up as they have it (`paper_past`). Deterministic by seed. Its thread is its host's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.domain.fold import Fold
from core.exchange.engine_types import CRYPTO_SHARD
from core.exchange.fills import FillModel, Latency
from core.exchange.simulated import SimulatedExchange
from core.roles.base import HandlingRole
from core.roles.paper_desk import ACCOUNT, Desk
from core.roles.paper_outside import Outside
from core.roles.paper_past import Awaited, past_of
from core.topology import PAPER
from core.units import Money, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from core.exchange.engine_types import AccountBooks
    from core.messages import Message
    from core.roles.base import Handler


class PaperTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The account, and how far it is from the venue."""

    cash: Money
    shard: int = CRYPTO_SHARD
    fills: FillModel = FillModel()


class PaperArrival(m.Message, frozen=True, kw_only=True):
    """A request reaches the venue. The role sends it to itself."""

    request: m.Message
    request_id: str


class PaperReturn(m.Message, frozen=True, kw_only=True):
    """What the venue said reaches us. The role sends it to itself and passes it on."""

    said: tuple[m.Message, ...]


class Paper(HandlingRole):
    """See the module. `engine` may be looked at, and is changed by nobody else.

    `past` tells what the journal knows of the account; without it the account is new.
    """

    def __init__(
        self, terms: PaperTerms, name: str = PAPER, past: Callable[[], Fold] = Fold
    ) -> None:
        config = terms.fills.engine_config()
        self.engine = SimulatedExchange(msgspec.structs.replace(config, results_are_told=True))
        self._terms = terms
        self._latency = Latency(terms.fills.latency, terms.fills.seed)
        self._desk = Desk(self.engine)
        self._outside = Outside(self.engine)
        self._past = past
        self._awaited = Awaited()
        super().__init__(name, self._table())

    def _table(self) -> dict[type[m.Message], Handler]:
        outside = self._outside
        return {
            m.Begin: self._begin,
            m.Tick: self._tick,
            m.MarketListed: self._followed(outside.listed),
            m.StrikePublished: self._followed(outside.struck),
            m.MarketStatusChanged: self._followed(outside.status_changed),
            m.GridChanged: self._followed(outside.regridded),
            m.MarketDetermined: self._determined,
            m.BookSnapshot: self._heard(outside.snapshot),
            m.BookDelta: self._heard(outside.delta),
            m.TopOfBook: self._heard(outside.top),
            m.TradePrint: self._heard(outside.traded),
            m.PlaceOrder: self._place,
            m.CancelOrder: self._cancel,
            m.DecreaseOrder: self._decrease,
            m.CancelAllOrders: self._cancel_all,
            m.QueryOrder: self._look_up,
            m.QueryAccount: self._account,
            m.QueryPlaces: self._places,
            PaperArrival: self._arrived,
            PaperReturn: lambda back, _: back.said,
        }

    @property
    def outside(self) -> Outside:
        """For who plays a recording in columns."""
        return self._outside

    def books(self) -> AccountBooks:
        """The account as the venue has it: what any other books must agree with."""
        return self.engine.books(ACCOUNT)

    def is_touched(self, ticker: str) -> bool:
        """Whether changes of a market's book can matter to own orders: one rests there, or took
        from a level what the outside has not replaced.
        """
        return self._outside.is_touched(ticker)

    def _begin(self, begin: m.Begin, now: Nanos) -> Sequence[Message]:
        del begin
        past = past_of(self._past(), self._terms.shard, now)
        if past is None:
            self._desk.open({self._terms.shard: self._terms.cash}, now)
        else:
            self._desk.regain(past, now)
            self._awaited.expect(past.account)
        return ()

    # --- following the outside

    def _tick(self, tick: m.Tick, now: Nanos) -> Sequence[Message]:
        del tick
        self.engine.advance(now)
        return [*self._awaited.questions(now), *self._reported(now)]

    def _followed(self, change: Callable[[Any, Nanos], None]) -> Handler:
        """A handler that lets the venue take a change, and tells what that did to our orders."""

        def follow(message: Message, now: Nanos) -> Sequence[Message]:
            change(message, now)
            return self._reported(now)

        return follow

    def _heard(self, change: Callable[[Any, Nanos], bool]) -> Handler:
        """The same for data of which most cannot matter to our orders."""

        def hear(message: Message, now: Nanos) -> Sequence[Message]:
            return self._reported(now) if change(message, now) else ()

        return hear

    def _determined(self, result: m.MarketDetermined, now: Nanos) -> Sequence[Message]:
        self._awaited.heard(result.ticker)
        due = self._outside.waits_until(result, now)
        if due is not None:
            return (m.Scheduled(due=due, to=self.name, message=result),)
        self._outside.determined(result, now)
        return self._reported(now)

    def _reported(self, now: Nanos) -> Sequence[Message]:
        """Fills and changes of own orders since the last call, on their way; usually none."""
        if not self.engine.has_events:
            return ()
        back = self._latency.arrival(now)
        reports: list[Message] = []
        for event in self.engine.drain():
            report = self._desk.report(event, back)
            if report is not None:
                reports.append(report)
                self._outside.note(event)
        return self._returned(reports, now, back)

    # --- requests on their way

    def _place(self, order: m.PlaceOrder, now: Nanos) -> Sequence[Message]:
        order_id = order.request.client_order_id
        if now > order.deadline:
            refused = m.PlaceRejected(
                order_id=order_id,
                code="intent_expired",
                text="not sent: its deadline had passed",
                ts_recv=now,
            )
            return (refused,)
        self._desk.expect(order_id)
        return self._send(order, order_id, now)

    def _cancel(self, request: m.CancelOrder, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"cancel {request.order_id} {now}", now)

    def _decrease(self, request: m.DecreaseOrder, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"decrease {request.order_id} {now}", now)

    def _cancel_all(self, request: m.CancelAllOrders, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"cancel all {now}", now)

    def _look_up(self, request: m.QueryOrder, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"order {request.order_id} {now}", now)

    def _account(self, request: m.QueryAccount, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"account {now}", now)

    def _places(self, request: m.QueryPlaces, now: Nanos) -> Sequence[Message]:
        return self._send(request, f"places {now}", now)

    def _send(self, request: Message, request_id: str, now: Nanos) -> Sequence[Message]:
        arrival = PaperArrival(request=request, request_id=request_id)
        due = Nanos(now + self._latency.entry(request_id))
        if due == now:
            return self._arrived(arrival, now)
        return (m.Scheduled(due=due, to=self.name, message=arrival),)

    def _arrived(self, arrival: PaperArrival, now: Nanos) -> Sequence[Message]:
        request = arrival.request
        if isinstance(request, m.PlaceOrder):
            self._outside.sync(request.request.ticker, now)
        back = Nanos(now + self._latency.response(arrival.request_id))
        answer = self._desk.answer(request, now, back)
        return [*self._returned([answer], now, back), *self._reported(now)]

    def _returned(self, said: list[Message], now: Nanos, back: Nanos) -> Sequence[Message]:
        if back == now or not said:
            return said
        message = PaperReturn(said=tuple(said))
        return (m.Scheduled(due=back, to=self.name, message=message),)
