"""The exchange actor: last look, honest answers, cancels first, proof of a stop."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING

import msgspec
import pytest

from actors.exchange import ExchangeActor
from actors.exchange_orders import DeskTerms
from actors.gate import Gate as Gatekeeper
from core import messages as m
from core.exchange.listing import FeeChange, FeeType, Limits, MarketStatus
from core.exchange.port import Ambiguous, RateLimited, Rejected, Unauthorized, Unavailable
from core.exchange.records import OrderStatus, Side, TimeInForce
from core.exchange.throttle import Urgency
from core.topology import DASHBOARD, EXCHANGE, EXECUTION, FEED, MARKETS, SUPERVISION
from core.units import MILLISECOND, SECOND, Money, Nanos, Quantity, seconds
from tests.actors.outside_bench import HANG_SECONDS, Gate, Mailboxes, Troubled, settle
from tests.contract.venue import CASH, NEXT, TICKER, Venue, order, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.exchange.costs import Bill

pytestmark = pytest.mark.timeout(300)

EPOCH = 2
SHARD_2_EMPTIED: Bill = (("write:2", 100),)


class Bench:
    """The actor on a served local exchange, and the rest of the system as mailboxes."""

    def __init__(self, venue: Venue, halt_file: Path) -> None:
        self.venue = venue
        self.line = Troubled(venue.exchange)
        self.boxes = Mailboxes(venue.clock)
        self.halt_file = halt_file
        self.terms = DeskTerms(
            series=("KXSOL15M",),
            halt_file=halt_file,
            workers=2,
            proof_margin=seconds(2),
            sweep_seconds=5.0,
            sweep_pause_seconds=0.01,
        )

    def start(self, **changes: object) -> Bench:
        self.terms = msgspec.structs.replace(self.terms, **changes)
        station = self.boxes.station(EXCHANGE)
        self.gate = Gatekeeper(self.venue.clock)
        self.actor = ExchangeActor.start(
            station, self.boxes.routing, lambda: self.line, self.terms, self.gate
        )
        self.permit()
        return self

    def tell(self, message: m.Message, to: str = EXCHANGE) -> None:
        self.boxes.directory.tell(to, message)

    def answer(self, message: m.Message, to: str = EXECUTION) -> m.Message:
        self.tell(message)
        return self.boxes.get(to)

    def permit(self, **changes: object) -> None:
        now = self.venue.clock.now()
        made = m.Permit(epoch=EPOCH, state="ACTIVE", expires=Nanos(now + seconds(3)))
        self.tell(msgspec.structs.replace(made, **changes))

    def place(self, order_id: str = "a", **changes: object) -> m.PlaceOrder:
        """Buy two at 0.40: it rests, for nobody sells so low."""
        now = self.venue.clock.now()
        made = m.PlaceOrder(
            request=order(order_id, Side.BID, "0.40", "2"),
            epoch=EPOCH,
            deadline=Nanos(now + seconds(1)),
        )
        return msgspec.structs.replace(made, **changes)

    def resting(self) -> list[str]:
        listed = self.venue.exchange.orders(status=OrderStatus.RESTING)
        return sorted(row.client_order_id for row in listed)

    def stop(self) -> None:
        if self.actor.is_alive():
            self.actor.stop(block=True, timeout=HANG_SECONDS)


@pytest.fixture
def bench(served: Venue, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(served, tmp_path / "HALT")
    yield made
    made.stop()


# --- placing


def test_an_order_under_a_permit_is_placed_and_answered_with_both_ids(bench: Bench) -> None:
    answer = bench.start().answer(bench.place())
    assert isinstance(answer, m.PlaceAccepted)
    (row,) = bench.venue.exchange.orders(ticker=TICKER)
    assert (answer.order_id, answer.venue_order_id) == ("a", row.order_id)
    assert (answer.filled, answer.remaining) == (Quantity(0), Quantity(200))


def test_an_order_that_fills_at_once_says_how_much(bench: Bench) -> None:
    bench.venue.quote(Side.ASK, "0.45", "5")
    taking = bench.place(request=order("t", Side.BID, "0.45", "2", time_in_force=TimeInForce.IOC))
    answer = bench.start().answer(taking)
    assert isinstance(answer, m.PlaceAccepted)
    assert (answer.filled, answer.remaining) == (Quantity(200), Quantity(0))


@pytest.mark.parametrize(
    ("permit", "code"),
    [
        ({"expires": Nanos(0)}, "permit_expired"),
        ({"state": "HALTED"}, "permit_expired"),
        ({"state": "DISARMED"}, "permit_expired"),
        ({"state": "REDUCING"}, "permit_expired"),
        ({"epoch": EPOCH + 1}, "stale_epoch"),
    ],
)
def test_an_order_without_a_valid_permit_never_leaves(
    bench: Bench, permit: dict[str, object], code: str
) -> None:
    bench.start()
    bench.permit(**permit)
    answer = bench.answer(bench.place())
    assert isinstance(answer, m.PlaceRejected)
    assert (answer.code, bench.line.calls) == (code, [])


def test_while_paused_what_is_held_can_be_sold_and_no_more(bench: Bench) -> None:
    """Two are held; the exchange itself cuts an order for five to them."""
    bench.venue.quote(Side.ASK, "0.45", "2")
    bench.start()
    buying = order("in", Side.BID, "0.45", "2", time_in_force=TimeInForce.IOC)
    assert isinstance(bench.answer(bench.place(request=buying)), m.PlaceAccepted)
    bench.venue.quote(Side.BID, "0.40", "9")
    bench.permit(state="REDUCING")
    selling = order("out", Side.ASK, "0.40", "5", time_in_force=TimeInForce.IOC, reduce_only=True)
    sold = bench.answer(bench.place(request=selling))
    assert isinstance(sold, m.PlaceAccepted)
    assert (sold.filled, sold.remaining) == (Quantity(200), Quantity(0))
    assert not any(row.quantity for row in bench.venue.exchange.positions())


def test_before_the_first_permit_nothing_leaves(bench: Bench) -> None:
    bench.actor = ExchangeActor.start(
        bench.boxes.station(EXCHANGE),
        bench.boxes.routing,
        lambda: bench.line,
        bench.terms,
        Gatekeeper(bench.venue.clock),
    )
    answer = bench.answer(bench.place())
    assert isinstance(answer, m.PlaceRejected)
    assert answer.code == "permit_expired"


def test_an_order_past_its_deadline_never_leaves(bench: Bench) -> None:
    bench.start()
    answer = bench.answer(bench.place(deadline=bench.venue.clock.now()))
    assert isinstance(answer, m.PlaceRejected)
    assert (answer.code, bench.line.calls) == ("intent_expired", [])


def test_a_halt_file_stops_orders_and_no_cancel(bench: Bench) -> None:
    bench.start()
    accepted = bench.answer(bench.place())
    assert isinstance(accepted, m.PlaceAccepted)
    bench.halt_file.touch()
    refused = bench.answer(bench.place("b"))
    assert isinstance(refused, m.PlaceRejected)
    assert refused.code == "halted"
    canceled = bench.answer(_cancel("a", accepted.venue_order_id))
    assert isinstance(canceled, m.CancelAccepted)


def test_the_permit_counts_when_the_order_leaves_and_not_when_it_was_queued(bench: Bench) -> None:
    gate = Gate()
    bench.line.before["create"] = [gate]
    bench.start(workers=1)
    bench.tell(bench.place("a"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(bench.place("b"))
    bench.permit(state="HALTED")
    settle(bench.actor, bench.boxes, EXCHANGE)
    gate.open()
    first, second = bench.boxes.get(EXECUTION), bench.boxes.get(EXECUTION)
    assert isinstance(first, m.PlaceAccepted), "it was under way"
    assert isinstance(second, m.PlaceRejected)
    assert second.code == "permit_expired"


def test_a_refusal_of_the_exchange_carries_its_code(bench: Bench) -> None:
    bad = bench.place(request=order("x", Side.BID, "0.405", "2"))
    answer = bench.start().answer(bad)
    assert isinstance(answer, m.PlaceRejected)
    assert answer.code == "invalid_price"


def test_an_order_to_rest_that_would_trade_is_refused_by_that_name(bench: Bench) -> None:
    bench.venue.quote(Side.ASK, "0.40", "5")
    wanted = msgspec.structs.replace(order("x", Side.BID, "0.40", "2"), post_only=True)
    answer = bench.start().answer(bench.place(request=wanted))
    assert isinstance(answer, m.PlaceRejected)
    assert answer.code == "post_only_cross"


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (RateLimited("empty"), "rate_limited"),
        (Unavailable("no route"), "unavailable"),
        (Unauthorized("forbidden", 403), "unauthorized"),
    ],
)
def test_what_was_never_taken_is_a_rejection(bench: Bench, trouble: Exception, code: str) -> None:
    bench.line.before["create"] = [trouble]
    answer = bench.start().answer(bench.place())
    assert isinstance(answer, m.PlaceRejected)
    assert (answer.code, bench.resting()) == (code, [])


def test_a_lost_answer_is_unknown_and_the_order_is_found_when_asked_for(bench: Bench) -> None:
    bench.venue.quote(Side.ASK, "0.45", "5")
    bench.line.after["create"] = [Ambiguous("no answer")]
    taking = bench.place(request=order("t", Side.BID, "0.45", "2"))
    sent = bench.venue.clock.now()
    answer = bench.start().answer(taking)
    assert isinstance(answer, m.PlaceAmbiguous)
    lookup = bench.answer(_query("t", sent))
    assert isinstance(lookup, m.OrderLookup)
    assert lookup.order is not None
    assert (lookup.order.client_order_id, lookup.order.filled) == ("t", Quantity(200))
    assert [fill.quantity for fill in lookup.fills] == [Quantity(200)]
    assert bench.line.calls == ["create t"], "nothing is sent twice"


def test_an_order_that_never_arrived_is_proven_absent_only_by_younger_data(bench: Bench) -> None:
    bench.start()
    sent = bench.venue.clock.now()
    early = bench.answer(_query("ghost", sent))
    assert isinstance(early, m.OrderLookup)
    assert (early.order, early.fills, early.complete) == (None, (), False)
    bench.venue.later(3)
    late = bench.answer(_query("ghost", sent))
    assert isinstance(late, m.OrderLookup)
    assert (late.order, late.complete) == (None, True)


def test_an_id_that_is_taken_is_looked_up_and_never_a_rejection(bench: Bench) -> None:
    bench.start()
    first = bench.answer(bench.place())
    assert isinstance(first, m.PlaceAccepted)
    again = bench.answer(bench.place())
    assert isinstance(again, m.OrderLookup)
    assert again.order is not None
    assert again.order.order_id == first.venue_order_id


def test_an_id_that_is_taken_by_an_order_not_listed_yet_is_unknown(bench: Bench) -> None:
    bench.line.before["create"] = [Rejected("order_already_exists", 409)]
    answer = bench.start().answer(bench.place())
    assert isinstance(answer, m.PlaceAmbiguous)


# --- cancelling


def test_a_cancel_names_ticker_and_shard_and_says_what_went(bench: Bench) -> None:
    bench.start()
    accepted = bench.answer(bench.place())
    assert isinstance(accepted, m.PlaceAccepted)
    canceled = bench.answer(_cancel("a", accepted.venue_order_id))
    assert isinstance(canceled, m.CancelAccepted)
    assert (canceled.order_id, canceled.reduced_by) == ("a", Quantity(200))
    assert bench.line.calls[-1] == f"cancel {TICKER} 2"
    gone = bench.answer(_cancel("a", accepted.venue_order_id))
    assert isinstance(gone, m.CancelRefused)
    assert gone.code in ("not_found", "order_not_found")


def test_a_cancel_whose_answer_is_lost_is_refused_as_ambiguous(bench: Bench) -> None:
    bench.line.before["cancel"] = [Ambiguous("no answer")]
    refused = bench.start().answer(_cancel("a", "v"))
    assert isinstance(refused, m.CancelRefused)
    assert refused.code == "ambiguous"


def test_a_cancel_overtakes_orders_that_wait(bench: Bench) -> None:
    bench.start(workers=1)
    accepted = bench.answer(bench.place("a"))
    assert isinstance(accepted, m.PlaceAccepted)
    gate = Gate()
    bench.line.before["create"] = [gate]
    bench.tell(bench.place("b"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(bench.place("c"))
    bench.tell(_cancel("a", accepted.venue_order_id))
    settle(bench.actor, bench.boxes, EXCHANGE)
    gate.open()
    bench.boxes.until(EXECUTION, m.PlaceAccepted, lambda answer: answer.order_id == "c")
    assert bench.line.calls == ["create a", "create b", f"cancel {TICKER} 2", "create c"]


def test_cancel_all_cancels_one_by_one_and_proves_that_nothing_rests(bench: Bench) -> None:
    bench.start()
    for name in ("a", "b", "c"):
        assert isinstance(bench.answer(bench.place(name)), m.PlaceAccepted)
    bench.tell(m.CancelAllOrders(reason="halt"))
    done = bench.boxes.until(SUPERVISION, m.CancelAllDone)
    assert (done.cancelled, done.resting, done.reason) == (3, 0, "halt")
    assert bench.line.calls.count(f"cancel {TICKER} 2") == 3
    assert bench.resting() == []


def test_cancel_all_also_takes_the_order_that_is_just_under_way(bench: Bench) -> None:
    gate = Gate()
    bench.line.before["create"] = [gate]
    bench.start()
    bench.tell(bench.place("a"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(m.CancelAllOrders(reason="halt"))
    settle(bench.actor, bench.boxes, EXCHANGE)
    gate.open()
    done = bench.boxes.until(SUPERVISION, m.CancelAllDone)
    assert (done.resting, bench.resting()) == (0, [])


def test_without_a_list_nothing_is_claimed(bench: Bench) -> None:
    bench.line.before["orders"] = [Unavailable("down")] * 10_000
    bench.start(sweep_seconds=0.05)
    failed = bench.answer(m.CancelAllOrders(reason="halt"), FEED)
    assert isinstance(failed, m.QueryFailed)
    assert (failed.what, failed.key) == ("cancel_all", "halt")


def test_a_list_that_may_be_old_proves_nothing(bench: Bench) -> None:
    """Nothing rests from the first look on: on a slow day that look may be the only one."""
    bench.start(sweep_seconds=0.05)
    unfilled = order("a", Side.BID, "0.40", "1", time_in_force=TimeInForce.IOC)
    assert isinstance(bench.answer(bench.place("a", request=unfilled)), m.PlaceAccepted)
    bench.line.lag = Nanos(bench.venue.clock.now() - seconds(5))
    bench.tell(m.CancelAllOrders(reason="halt"))
    failed = bench.boxes.until(FEED, m.QueryFailed)
    assert "last write" in failed.reason
    bench.line.lag = None
    bench.tell(m.CancelAllOrders(reason="again"))
    done = bench.boxes.until(SUPERVISION, m.CancelAllDone)
    assert (done.resting, done.reason) == (0, "again")


def test_requests_that_come_during_a_sweep_are_answered_by_one_more(bench: Bench) -> None:
    gate = Gate()
    bench.line.before["orders"] = [gate]
    bench.start()
    bench.tell(m.CancelAllOrders(reason="first"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(m.CancelAllOrders(reason="second"))
    bench.tell(m.CancelAllOrders(reason="third"))
    settle(bench.actor, bench.boxes, EXCHANGE)
    gate.open()
    first = bench.boxes.until(SUPERVISION, m.CancelAllDone)
    second = bench.boxes.until(SUPERVISION, m.CancelAllDone)
    assert (first.reason, second.reason) == ("first", "third")


# --- rate limits


def test_an_order_whose_tokens_come_too_late_is_refused_before_it_is_sent(bench: Bench) -> None:
    bench.start()
    assert bench.gate.admit(SHARD_2_EMPTIED, Urgency.CANCEL, None) == 0.0
    soon = Nanos(bench.venue.clock.now() + 299 * MILLISECOND)
    refused = bench.answer(bench.place(deadline=soon))
    assert isinstance(refused, m.PlaceRejected)
    assert (refused.code, bench.line.calls) == ("rate_limited", [])


def test_an_order_waits_for_its_tokens_and_a_cancel_passes_it(bench: Bench) -> None:
    bench.start()
    accepted = bench.answer(bench.place("a"))
    assert isinstance(accepted, m.PlaceAccepted)
    assert bench.gate.admit((("write:2", 80),), Urgency.CANCEL, None) == 0.0
    bench.tell(bench.place("b"))
    bench.tell(_cancel("a", accepted.venue_order_id))
    canceled = bench.boxes.get(EXECUTION)
    assert isinstance(canceled, m.CancelAccepted)
    assert bench.line.calls == ["create a", f"cancel {TICKER} 2"]
    bench.venue.later(0.4)
    late = bench.boxes.get(EXECUTION)
    assert isinstance(late, m.PlaceAccepted)
    assert late.order_id == "b"


def test_a_permit_that_ends_while_an_order_waits_for_tokens_ends_the_order(bench: Bench) -> None:
    bench.start()
    assert bench.gate.admit(SHARD_2_EMPTIED, Urgency.CANCEL, None) == 0.0
    bench.tell(bench.place("b"))
    bench.permit(state="HALTED")
    settle(bench.actor, bench.boxes, EXCHANGE)
    bench.venue.later(0.4)
    refused = bench.boxes.get(EXECUTION)
    assert isinstance(refused, m.PlaceRejected)
    assert (refused.code, bench.line.calls) == ("permit_expired", [])


def test_a_cancel_that_a_rate_limit_turned_away_is_sent_again(bench: Bench) -> None:
    bench.start()
    accepted = bench.answer(bench.place("a"))
    assert isinstance(accepted, m.PlaceAccepted)
    bench.line.before["cancel"] = [RateLimited("empty"), RateLimited("empty")]
    canceled = bench.answer(_cancel("a", accepted.venue_order_id))
    assert isinstance(canceled, m.CancelAccepted)
    assert bench.resting() == []


def test_a_cancel_that_is_turned_away_for_too_long_says_so(bench: Bench) -> None:
    bench.line.before["cancel"] = [RateLimited("empty")]
    refused = bench.start(cancel_again=Nanos(0)).answer(_cancel("a", "v"))
    assert isinstance(refused, m.CancelRefused)
    assert refused.code == "rate_limited"


def test_the_buckets_are_told_with_the_pulse_as_large_as_the_venue_says(bench: Bench) -> None:
    bench.line.before["limits"] = [Unavailable("down")]
    bench.line.tier = Limits(
        tier="premier", read_refill=1, read_capacity=1200, write_refill=1, write_capacity=1
    )
    bench.start()
    for _ in range(2):
        bench.tell(m.QueryAccount(since=Nanos(0)))
        bench.boxes.until(EXECUTION, m.AccountReport)
    bench.tell(m.Heartbeat(sent=bench.venue.clock.now()))
    gauge = bench.boxes.until(DASHBOARD, m.RequestGauge)
    assert gauge.tier == "premier"
    assert {row.bucket: row.capacity for row in gauge.buckets}["read"] == 1200


def test_the_exchanges_clock_is_compared_with_the_pulse(bench: Bench) -> None:
    bench.start()
    now = bench.venue.clock.now()
    bench.gate.told(formatdate(now // SECOND + 5, usegmt=True), now)
    bench.tell(m.Heartbeat(sent=now))
    compared = bench.boxes.until(SUPERVISION, m.ClockCompared)
    assert (compared.lowest, compared.highest) == (seconds(5), seconds(6))


# --- asking


def test_fees_that_change_at_an_announced_time_are_read_again_then(bench: Bench) -> None:
    """What is known of a series is kept for minutes, but not beyond that time."""
    bench.start()

    def fees() -> set[int]:
        bench.tell(m.QueryMarkets(series="KXSOL15M"), to=MARKETS)
        both = [bench.boxes.until(FEED, m.MarketListed).market for _ in range(2)]
        assert {market.ticker for market in both} == {TICKER, NEXT.market_ticker}
        return {market.fee_multiplier_bps for market in both}

    change = FeeChange(
        series_ticker="KXSOL15M",
        fee_type=FeeType.QUADRATIC,
        fee_multiplier_bps=20_000,
        scheduled=Nanos(bench.venue.clock.now() + seconds(30)),
    )
    bench.venue.control(lambda engine, now: engine.announce_fees(change, now))
    assert fees() == {10_000}
    bench.venue.later(31)
    bench.venue.control(lambda engine, now: engine.advance(now))
    assert fees() == {20_000}


def test_the_account_is_told_whole_and_its_cash_is_that_of_the_shard(bench: Bench) -> None:
    bench.venue.quote(Side.ASK, "0.45", "5")
    bench.venue.control(lambda engine, now: engine.deposit("trader", 0, Money(77_000_000), now))
    bench.start()
    took = bench.place("t", request=order("t", Side.BID, "0.45", "2"))
    assert isinstance(bench.answer(took), m.PlaceAccepted)
    assert isinstance(bench.answer(bench.place("r")), m.PlaceAccepted)
    bench.tell(m.QueryAccount(since=Nanos(bench.venue.clock.now() - seconds(60))))
    report = bench.boxes.until(EXECUTION, m.AccountReport)
    assert sorted(row.client_order_id for row in report.orders) == ["r", "t"]
    assert [fill.quantity for fill in report.fills] == [Quantity(200)]
    assert [row.quantity for row in report.positions] == [Quantity(200)]
    spent = CASH - report.cash
    assert Money(1_700_000) < spent < Money(1_800_000), "0.90 bought, 0.80 reserved, and fees"


def test_places_in_queues_are_told_for_the_screen(bench: Bench) -> None:
    bench.venue.quote(Side.BID, "0.40", "12.50")
    placed = bench.start().answer(bench.place())
    assert isinstance(placed, m.PlaceAccepted)
    expires = Nanos(bench.venue.clock.now() + seconds(5))
    told = bench.answer(m.QueryPlaces(tickers=(TICKER,), expires=expires), DASHBOARD)
    assert isinstance(told, m.PlacesTold)
    assert told.places == (
        m.QueuePlace(venue_order_id=placed.venue_order_id, ahead=Quantity(1250)),
    )


def test_places_that_would_be_told_too_late_are_not_asked_for(bench: Bench) -> None:
    bench.start()
    assert bench.gate.admit((("read", 600),), Urgency.CANCEL, None) == 0.0
    soon = Nanos(bench.venue.clock.now() + MILLISECOND)
    bench.tell(m.QueryPlaces(tickers=(TICKER,), expires=soon))
    bench.venue.later(60.0)
    later = Nanos(bench.venue.clock.now() + seconds(60))
    told = bench.answer(m.QueryPlaces(tickers=(TICKER,), expires=later), DASHBOARD)
    assert isinstance(told, m.PlacesTold)
    assert bench.boxes.empty(DASHBOARD)


def test_the_account_that_cannot_be_read_is_a_failed_question(bench: Bench) -> None:
    bench.line.before["orders"] = [Unavailable("down")]
    failed = bench.start().answer(m.QueryAccount(since=Nanos(0)), FEED)
    assert isinstance(failed, m.QueryFailed)
    assert failed.what == "account"


def test_markets_are_told_with_fee_and_shard_the_running_one_and_the_next(bench: Bench) -> None:
    bench.venue.later(30)
    bench.start()
    bench.tell(m.QueryMarkets(series="KXSOL15M"), to=MARKETS)
    first = bench.boxes.until(FEED, m.MarketListed).market
    second = bench.boxes.until(FEED, m.MarketListed).market
    assert (first.ticker, first.status, first.shard) == (TICKER, MarketStatus.ACTIVE, 2)
    assert first.strike is not None
    assert (first.digits, first.fee_type) == (4, FeeType.QUADRATIC)
    assert (second.ticker, second.status) == (NEXT.market_ticker, MarketStatus.INITIALIZED)
    assert second.strike is None


def test_a_series_nobody_knows_is_a_failed_question(bench: Bench) -> None:
    bench.start()
    bench.tell(m.QueryMarkets(series="KXNONE15M"), to=MARKETS)
    failed = bench.boxes.until(FEED, m.QueryFailed)
    assert (failed.what, failed.key) == ("markets", "KXNONE15M")


# --- life and death


def test_a_defect_in_a_worker_leaves_the_order_unknown_and_ends_the_actor(bench: Bench) -> None:
    bench.line.before["create"] = [RuntimeError("a defect")]
    bench.start()
    bench.tell(bench.place())
    assert isinstance(bench.boxes.get(EXECUTION), m.PlaceAmbiguous)
    failure = bench.boxes.until(SUPERVISION, m.ActorFailed)
    assert (failure.actor, failure.generation) == (EXCHANGE, 1)
    assert "a defect" in failure.error


def test_orders_that_had_not_begun_when_it_ended_are_told_to_be_unsent(bench: Bench) -> None:
    gate = Gate()
    bench.line.before["create"] = [gate]
    bench.start(workers=1)
    bench.tell(bench.place("a"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(bench.place("b"))
    settle(bench.actor, bench.boxes, EXCHANGE)
    bench.actor.stop(block=True, timeout=HANG_SECONDS)
    unsent = bench.boxes.get(EXECUTION)
    assert isinstance(unsent, m.PlaceRejected)
    assert (unsent.order_id, unsent.code) == ("b", "exchange_restarting")
    gate.open()
    late = bench.boxes.get(EXECUTION)
    assert isinstance(late, m.PlaceAccepted), "a late answer is still the truth"
    assert late.order_id == "a"


def test_a_retired_generation_sends_nothing_more(bench: Bench) -> None:
    gate = Gate()
    bench.line.before["create"] = [gate]
    bench.start(workers=1)
    bench.tell(bench.place("a"))
    assert gate.reached.wait(HANG_SECONDS)
    bench.tell(bench.place("b"))
    settle(bench.actor, bench.boxes, EXCHANGE)
    bench.boxes.directory.retire(EXCHANGE, 1)
    gate.open()
    both = [bench.boxes.get(EXECUTION), bench.boxes.get(EXECUTION)]
    (refused,) = [answer for answer in both if isinstance(answer, m.PlaceRejected)]
    assert (refused.order_id, refused.code) == ("b", "exchange_restarting")
    assert bench.line.calls == ["create a"]


def _cancel(order_id: str, venue_order_id: str) -> m.CancelOrder:
    return m.CancelOrder(order_id=order_id, venue_order_id=venue_order_id, ticker=TICKER, shard=2)


def _query(order_id: str, since: Nanos) -> m.QueryOrder:
    return m.QueryOrder(order_id=order_id, venue_order_id="", ticker=TICKER, since=since)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Venue]:
    """A local exchange behind real sockets, a minute after the open of a window."""
    made = served_venue(tmp_path)
    made.later(180)
    yield made
    made.exchange.close()  # type: ignore[attr-defined]
    assert made.running is not None
    made.running.stop()
