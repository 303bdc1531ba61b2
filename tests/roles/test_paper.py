"""The paper venue: it follows the book, fills by it, answers late, and pays what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import messages as m
from core.exchange.engine_types import EngineConfig
from core.exchange.fills import NO_LATENCY, FillModel, LatencyModel
from core.exchange.listing import MarketStatus
from core.exchange.port import Rejected
from core.exchange.records import (
    CancelRequest,
    OrderRequest,
    OrderStatus,
    Outcome,
    Side,
    TimeInForce,
)
from core.exchange.simulated import SimulatedExchange
from core.journal import MemoryJournal
from core.research.backtest_loop import Loop
from core.roles.paper import Paper, PaperTerms
from core.roles.paper_outside import Outside
from core.topology import EXECUTION, PAPER, SUPERVISION
from core.units import (
    MILLISECOND,
    SECOND,
    Nanos,
    Price,
    Quantity,
    complement,
    parse_price,
    parse_quantity,
    seconds,
)
from tests.builders import CLOSE, NOW, OPEN, TICKER, money, request, terms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.messages import Message
    from core.runner import Role

Kind = TypeVar("Kind", bound="Message")
CASH = money(1_000)
FIXED = LatencyModel(
    feed=Nanos(40 * MILLISECOND),
    entry=Nanos(60 * MILLISECOND),
    response=Nanos(30 * MILLISECOND),
    spread=0.0,
)


class Desk:
    """Stands where execution and supervision stand, and keeps what comes back, with its time."""

    def __init__(self) -> None:
        self.name = EXECUTION
        self.got: list[tuple[Nanos, Message]] = []

    def handle(self, message: Message, now: Nanos) -> Sequence[Message]:
        if not isinstance(message, m.Begin | m.Tick):
            self.got.append((now, message))
        return ()

    def apply(self, event: Message) -> None:
        """Nothing is journalled here."""


class Bench:
    """A paper venue with one open market, $1,000, and somebody who asks."""

    def __init__(self, latency: LatencyModel = NO_LATENCY) -> None:
        self.paper = Paper(PaperTerms(cash=CASH, fills=FillModel(latency=latency)))
        self.desk = Desk()
        roles: dict[str, Role] = {PAPER: self.paper, EXECUTION: self.desk, SUPERVISION: self.desk}
        self.loop = Loop(roles, MemoryJournal(), OPEN)
        self.loop.begin()
        self.take(m.MarketListed(market=terms(), ts_recv=OPEN))
        self.loop.run_until(NOW)

    @property
    def now(self) -> Nanos:
        return self.loop.clock.now()

    def take(self, record: Message) -> None:
        self.loop.take(record, self.now)

    def pass_time(self, duration: float) -> None:
        self.loop.run_until(Nanos(self.now + seconds(duration)))

    def show(self, yes: Levels, no: Levels, seq: int = 1) -> None:
        self.take(snapshot(yes, no, self.now, seq))

    def move(self, leg: Outcome, price: str, change: str) -> None:
        self.take(delta(leg, price, change, self.now))

    def send(self, message: Message) -> None:
        self.loop.send(PAPER, message)

    def place(self, order_id: str = "t-1", **changes: object) -> None:
        self.send(place(request(order_id, **changes), self.now))

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [message for _, message in self.desk.got if isinstance(message, kind)]

    def one(self, kind: type[Kind]) -> Kind:
        [found] = self.all(kind)
        return found


Levels = dict[str, str]


def place(wanted: OrderRequest, now: Nanos) -> m.PlaceOrder:
    return m.PlaceOrder(request=wanted, epoch=2, deadline=Nanos(now + seconds(2)))


def levels(sizes: Levels) -> tuple[tuple[Price, Quantity], ...]:
    return tuple((parse_price(price), parse_quantity(size)) for price, size in sizes.items())


def snapshot(yes: Levels, no: Levels, now: Nanos, seq: int = 1) -> m.BookSnapshot:
    return m.BookSnapshot(
        ticker=TICKER,
        yes=levels(yes),
        no=levels(no),
        conn=1,
        sid=1,
        seq=seq,
        ts_event=now,
        ts_recv=now,
    )


def delta(leg: Outcome, price: str, change: str, now: Nanos) -> m.BookDelta:
    return m.BookDelta(
        ticker=TICKER,
        leg=leg,
        price=parse_price(price),
        delta=parse_quantity(change),
        conn=1,
        sid=1,
        seq=2,
        ts_event=now,
        ts_recv=now,
    )


def top(bid: str, ask: str, size: str, now: Nanos) -> m.TopOfBook:
    return m.TopOfBook(
        ticker=TICKER,
        bid=parse_price(bid),
        bid_size=parse_quantity(size),
        ask=parse_price(ask),
        ask_size=parse_quantity(size),
        ts_event=now,
        ts_recv=now,
    )


def determined(result: Outcome, now: Nanos) -> m.MarketDetermined:
    return m.MarketDetermined(ticker=TICKER, result=result, value=None, ts_event=now, ts_recv=now)


YES, NO = Outcome.YES, Outcome.NO


# --- filling


def test_an_order_takes_what_the_recorded_book_offers() -> None:
    bench = Bench()
    bench.show({"0.46": "300"}, {"0.52": "10"})  # YES is asked at 0.48 for 10
    bench.move(NO, "0.53", "5")  # and at 0.47 for 5

    bench.place()  # 25 at 0.48 or better, now

    answer = bench.one(m.PlaceAccepted)
    assert (answer.order_id, answer.filled, answer.remaining) == ("t-1", 1500, 0)
    fills = bench.all(m.FillReport)
    assert [(f.fill.price, f.fill.quantity, f.order_id) for f in fills] == [
        (4700, 500, "t-1"),
        (4800, 1000, "t-1"),
    ]
    assert all(f.fill.is_taker and f.fill.fee > 0 for f in fills)
    assert bench.all(m.OrderReport)[-1].order.status is OrderStatus.CANCELED


def test_what_was_taken_stays_taken_until_somebody_adds_to_it() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place("t-1")
    bench.show({}, {"0.52": "10"}, seq=2)  # the recorded book does not know us
    bench.place("t-2")
    bench.move(NO, "0.52", "3")
    bench.place("t-3")

    assert [accepted.filled for accepted in bench.all(m.PlaceAccepted)] == [1000, 0, 300]


def test_what_leaves_and_comes_back_after_we_took_is_new() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place("t-1")
    bench.move(NO, "0.52", "-4")
    bench.move(NO, "0.52", "4")
    bench.place("t-2")

    assert [accepted.filled for accepted in bench.all(m.PlaceAccepted)] == [1000, 400]


def test_best_prices_are_the_book_only_where_nothing_deeper_is_known() -> None:
    bench = Bench()
    bench.take(top("0.46", "0.48", "7", bench.now))
    bench.place("t-1")
    bench.show({"0.40": "1"}, {"0.45": "1"})
    bench.take(top("0.46", "0.48", "7", bench.now))
    bench.place("t-2")

    assert [accepted.filled for accepted in bench.all(m.PlaceAccepted)] == [700, 0]


def test_an_empty_side_offers_nothing() -> None:
    bench = Bench()
    bench.take(top("0.46", "0.48", "7", bench.now))
    bench.take(msgspec.structs.replace(top("0.46", "1.0", "7", bench.now), ask_size=Quantity(0)))
    bench.place()

    assert bench.one(m.PlaceAccepted).filled == 0


def test_a_resting_order_is_filled_by_a_quote_that_crosses_it() -> None:
    bench = Bench()
    bench.show({"0.46": "300"}, {"0.52": "10"})
    bench.place(time_in_force=TimeInForce.GTC, price=Price(4700), post_only=True)
    bench.move(NO, "0.53", "4")  # somebody offers YES at 0.47

    [fill] = [report.fill for report in bench.all(m.FillReport)]
    assert (fill.price, fill.quantity, fill.is_taker, fill.fee) == (4700, 400, False, 0)


def test_a_recorded_trade_reaches_an_order_when_the_queue_before_it_is_gone() -> None:
    bench = Bench()
    bench.show({"0.46": "10"}, {"0.52": "10"})
    bench.place(time_in_force=TimeInForce.GTC, price=Price(4600), post_only=True)

    def trade(size: str) -> m.TradePrint:
        return m.TradePrint(
            ticker=TICKER,
            trade_id=size,
            price=Price(4600),
            quantity=parse_quantity(size),
            taker_side=Side.ASK,
            ts_event=bench.now,
            ts_recv=bench.now,
        )

    bench.take(trade("6"))
    assert bench.all(m.FillReport) == []
    bench.take(trade("7"))

    assert bench.one(m.FillReport).fill.quantity == 300


def test_an_expired_order_is_told_within_a_tick() -> None:
    bench = Bench()
    bench.place(
        time_in_force=TimeInForce.GTC,
        price=Price(4000),
        post_only=True,
        expires=Nanos(NOW + seconds(20)),
    )
    bench.pass_time(21)

    report = bench.all(m.OrderReport)[-1]
    assert report.order.status is OrderStatus.CANCELED
    assert NOW + seconds(20) <= report.ts_recv <= NOW + seconds(21)


# --- refusing


def test_a_refusal_says_the_venues_code() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})

    bench.place("t-1", quantity=Quantity(1_000_000))
    bench.place("t-2", price=Price(4801))
    bench.place("t-3", ticker="KXSOL15M-26NOV221030-30")

    refused = {answer.order_id: answer.code for answer in bench.all(m.PlaceRejected)}
    assert refused == {
        "t-1": "insufficient_balance",
        "t-2": "invalid_price",
        "t-3": "market_not_found",
    }


def test_an_order_past_its_deadline_is_not_sent() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    late = msgspec.structs.replace(place(request(), bench.now), deadline=Nanos(bench.now - 1))

    bench.send(late)

    assert bench.one(m.PlaceRejected).code == "intent_expired"
    assert bench.paper.books().positions == ()


# --- latency


def test_an_order_meets_the_book_of_its_arrival_and_is_told_later() -> None:
    bench = Bench(FIXED)
    bench.show({}, {"0.52": "10"})
    bench.place()
    bench.pass_time(0.030)
    bench.move(NO, "0.52", "-8")  # while the order is under way
    bench.pass_time(1)

    answered = {type(message): at - NOW for at, message in bench.desk.got}
    assert answered[m.PlaceAccepted] == 90 * MILLISECOND
    assert answered[m.FillReport] == 100 * MILLISECOND
    assert bench.one(m.FillReport).fill.quantity == 200
    assert bench.one(m.FillReport).fill.ts == NOW + 60 * MILLISECOND
    assert bench.one(m.FillReport).ts_recv == NOW + 100 * MILLISECOND


def test_absence_is_no_proof_while_the_order_is_under_way() -> None:
    slow = msgspec.structs.replace(FIXED, entry=Nanos(5 * SECOND))
    bench = Bench(slow)
    bench.show({}, {"0.52": "10"})
    bench.place()
    bench.paper._latency = type(bench.paper._latency)(FIXED, 1)  # the question is faster
    question = m.QueryOrder(order_id="t-1", venue_order_id="", ticker=TICKER, since=NOW)
    bench.send(question)
    bench.pass_time(6)
    bench.send(question)
    bench.pass_time(6)

    before, after = bench.all(m.OrderLookup)
    assert (before.order, before.complete) == (None, False)
    assert after.complete
    assert after.order is not None
    assert after.order.filled == 1000
    assert [fill.quantity for fill in after.fills] == [1000]


def test_equal_seeds_give_equal_times() -> None:
    def play(seed: int) -> list[tuple[Nanos, Message]]:
        bench = Bench()
        model = FillModel(latency=LatencyModel(), seed=seed)
        bench.paper = Paper(PaperTerms(cash=CASH, fills=model))
        bench.desk = Desk()
        bench.loop = Loop({PAPER: bench.paper, EXECUTION: bench.desk}, MemoryJournal(), OPEN)
        bench.loop.begin()
        bench.take(m.MarketListed(market=terms(), ts_recv=OPEN))
        bench.show({}, {"0.52": "100"})
        for number in range(4):
            bench.place(f"t-{number}", quantity=Quantity(300))
            bench.pass_time(0.02)
        bench.pass_time(5)
        return bench.desk.got

    assert play(1) == play(1)
    assert [at for at, _ in play(1)] != [at for at, _ in play(2)]


# --- cancelling and asking


def test_a_cancel_takes_the_order_off_and_a_second_one_is_refused() -> None:
    bench = Bench()
    bench.place(time_in_force=TimeInForce.GTC, price=Price(4000))
    cancel = m.CancelOrder(order_id="t-1", venue_order_id="", ticker=TICKER, shard=2)

    bench.send(cancel)
    bench.send(cancel)

    assert bench.one(m.CancelAccepted).reduced_by == 2500
    assert bench.one(m.CancelRefused).order_id == "t-1"


def test_cancelling_everything_proves_that_nothing_rests() -> None:
    bench = Bench()
    for number in range(3):
        bench.place(f"t-{number}", time_in_force=TimeInForce.GTC, price=Price(1000 * number + 1000))

    bench.send(m.CancelAllOrders(reason="halted"))

    done = bench.one(m.CancelAllDone)
    assert (done.cancelled, done.resting, done.reason) == (3, 0, "halted")


def test_an_order_that_never_came_is_not_there_for_sure() -> None:
    bench = Bench()

    bench.send(m.QueryOrder(order_id="t-9", venue_order_id="", ticker=TICKER, since=NOW))

    lookup = bench.one(m.OrderLookup)
    assert (lookup.order, lookup.fills, lookup.complete) == (None, (), True)


def test_the_account_is_told_as_the_venue_has_it() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place("t-1")
    bench.place("t-2", time_in_force=TimeInForce.GTC, price=Price(1000), quantity=Quantity(100))

    bench.send(m.QueryAccount(since=OPEN))

    report = bench.one(m.AccountReport)
    fee = bench.one(m.FillReport).fill.fee
    [position] = report.positions
    assert (position.ticker, position.quantity, position.cost) == (TICKER, 1000, money(4.8))
    assert sorted(order.client_order_id for order in report.orders) == ["t-1", "t-2"]
    assert [fill.quantity for fill in report.fills] == [1000]
    assert report.cash + bench.paper.books().reserved == CASH - money(4.8) - fee


# --- the end of a window


@pytest.mark.parametrize(("result", "paid"), [(YES, money(10)), (NO, money(0))])
def test_a_position_is_paid_by_the_result_that_was_told(result: Outcome, paid: int) -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place()
    cash = bench.paper.books().cash
    bench.loop.run_until(Nanos(CLOSE + SECOND))
    bench.take(determined(result, bench.now))
    bench.loop.run_until(Nanos(CLOSE + 10 * SECOND))

    books = bench.paper.books()
    assert books.cash == cash + paid
    assert books.positions == ()


def test_without_a_result_a_position_stays_open() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place()
    bench.loop.run_until(Nanos(CLOSE + 3600 * SECOND))

    assert bench.paper.books().positions == ((TICKER, 1000),)


def test_a_late_result_pays_at_once() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place()
    bench.loop.run_until(Nanos(CLOSE + 3600 * SECOND))
    bench.take(determined(YES, bench.now))

    assert bench.paper.books().positions == ()


def test_a_result_from_a_clock_ahead_of_ours_waits_for_the_close() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place()
    bench.loop.run_until(Nanos(CLOSE - SECOND // 10))
    bench.take(determined(YES, bench.now))
    assert bench.paper.books().positions
    bench.loop.run_until(Nanos(CLOSE + 8 * SECOND))

    assert bench.paper.books().positions == ()


def test_nothing_trades_after_the_close() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.loop.run_until(CLOSE)
    bench.place()

    assert bench.one(m.PlaceRejected).code == "market_inactive"


def test_a_paused_market_takes_no_order_until_it_goes_on() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})

    def status(status: MarketStatus) -> m.MarketStatusChanged:
        return m.MarketStatusChanged(
            ticker=TICKER, status=status, ts_event=bench.now, ts_recv=bench.now
        )

    bench.take(status(MarketStatus.INACTIVE))
    bench.place("t-1")
    bench.take(status(MarketStatus.ACTIVE))
    bench.place("t-2")

    assert bench.one(m.PlaceRejected).order_id == "t-1"
    assert bench.one(m.PlaceAccepted).order_id == "t-2"


def test_a_listing_after_the_close_opens_nothing() -> None:
    bench = Bench()
    old = terms(ticker="KXSOL15M-26NOV221000-00", open_ns=OPEN - 900 * SECOND, close_ns=OPEN)
    bench.take(m.MarketListed(market=old, ts_recv=bench.now))
    bench.place(ticker=old.ticker)

    assert bench.one(m.PlaceRejected).code == "market_not_found"


# --- an engine that is told everything fills no differently

prices = st.sampled_from([4800, 5000, 5200])  # few, and mirrored, so that levels meet
sizes = st.integers(1, 20).map(lambda size: size * 100)
books = st.dictionaries(prices, sizes, max_size=4)
actions = st.one_of(
    st.tuples(st.just("delta"), st.sampled_from(Outcome), prices, st.integers(-20, 20)),
    st.tuples(st.just("snapshot"), books, books),
    st.tuples(
        st.just("order"),
        st.sampled_from(Side),
        prices,
        sizes,
        st.sampled_from([TimeInForce.IOC, TimeInForce.GTC]),
    ),
    st.tuples(st.just("trade"), prices, sizes, st.sampled_from(Side)),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)


class Reference:
    """The engine alone, told of everything at once."""

    def __init__(self) -> None:
        fills = FillModel(latency=NO_LATENCY)
        config = msgspec.structs.replace(fills.engine_config(), results_are_told=True)
        assert isinstance(config, EngineConfig)
        self.engine = SimulatedExchange(config)
        self.engine.open_account("paper", {2: CASH}, OPEN)
        Outside(self.engine).listed(m.MarketListed(market=terms(), ts_recv=OPEN), OPEN)
        self.ids: list[str] = []

    def snapshot(self, message: m.BookSnapshot, now: Nanos) -> None:
        asks = [(complement(price), size) for price, size in message.no]
        self.engine.observe_outside(TICKER, message.yes, asks, now)

    def delta(self, message: m.BookDelta, now: Nanos) -> None:
        is_bid = message.leg is YES
        price = message.price if is_bid else complement(message.price)
        side = Side.BID if is_bid else Side.ASK
        self.engine.apply_outside_delta(TICKER, side, price, message.delta, now)

    def order(self, wanted: OrderRequest, now: Nanos) -> None:
        try:
            placed = self.engine.create_order("paper", wanted, now)
            self.ids.append(placed.order_id)
        except Rejected:
            self.ids.append("")

    def cancel(self, number: int, now: Nanos) -> None:
        if number < len(self.ids):
            wanted = CancelRequest(order_id=self.ids[number], ticker=TICKER, shard=2)
            try:
                self.engine.cancel_order("paper", wanted, now)
            except Rejected:
                return


def told(engine: SimulatedExchange) -> object:
    fills = [(f.side, f.price, f.quantity, f.fee, f.ts) for f in engine.fills("paper")]
    orders = [(o.client_order_id, o.status, o.filled) for o in engine.orders("paper")]
    return fills, orders, engine.books("paper")


@settings(max_examples=300, deadline=None)
@given(steps=st.lists(actions, max_size=40))
def test_what_the_engine_is_spared_changes_no_fill(steps: list[tuple[object, ...]]) -> None:
    bench, reference = Bench(), Reference()
    for step in steps:
        bench.pass_time(0.1)
        _play(step, bench, reference)

    assert told(bench.paper.engine) == told(reference.engine)


def _play(step: tuple[object, ...], bench: Bench, reference: Reference) -> None:
    now = bench.now
    match step:
        case ("delta", Outcome() as leg, int(price), int(change)):
            moved = msgspec.structs.replace(
                delta(leg, "0.5", "1", now), price=Price(price), delta=Quantity(change * 100)
            )
            bench.take(moved)
            reference.delta(moved, now)
        case ("snapshot", dict(yes), dict(no)):
            shown = msgspec.structs.replace(
                snapshot({}, {}, now), yes=tuple(yes.items()), no=tuple(no.items())
            )
            bench.take(shown)
            reference.snapshot(shown, now)
        case ("order", Side() as side, int(price), int(size), TimeInForce() as how):
            wanted = request(
                f"t-{len(reference.ids)}",
                side=side,
                price=Price(price),
                quantity=Quantity(size),
                time_in_force=how,
            )
            bench.send(place(wanted, now))
            reference.order(wanted, now)
        case ("trade", int(price), int(size), Side() as taker):
            trade = m.TradePrint(
                ticker=TICKER,
                trade_id="x",
                price=Price(price),
                quantity=Quantity(size),
                taker_side=taker,
                ts_event=now,
                ts_recv=now,
            )
            bench.take(trade)
            reference.engine.outside_trade(TICKER, trade.price, trade.quantity, taker, now)
        case ("cancel", int(number)):
            bench.send(
                m.CancelOrder(order_id=f"t-{number}", venue_order_id="", ticker=TICKER, shard=2)
            )
            reference.cancel(number, now)
        case _:
            pytest.fail(f"no such step: {step}")


def test_places_in_queues_are_those_of_the_book() -> None:
    bench = Bench()
    bench.show({"0.47": "12.50"}, {"0.50": "10"})
    bench.place(price=Price(4700), time_in_force=TimeInForce.GTC)
    venue_id = bench.one(m.PlaceAccepted).venue_order_id
    ask = m.QueryPlaces(tickers=(TICKER,), expires=bench.now)
    (told,) = bench.paper.handle(ask, bench.now)
    assert isinstance(told, m.PlacesTold)
    assert told.places == (m.QueuePlace(venue_order_id=venue_id, ahead=Quantity(1250)),)
    elsewhere = m.QueryPlaces(tickers=("KXBTC15M-X",), expires=bench.now)
    (nothing,) = bench.paper.handle(elsewhere, bench.now)
    assert isinstance(nothing, m.PlacesTold)
    assert nothing.places == ()


def test_an_order_to_rest_that_would_trade_is_refused_by_that_name() -> None:
    bench = Bench()
    bench.show({}, {"0.52": "10"})
    bench.place(time_in_force=TimeInForce.GTC, post_only=True)
    assert bench.one(m.PlaceRejected).code == "post_only_cross"
