"""Trips: each at its limit, just under, just over; and the signs from which they are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from core import messages as m
from core.domain.trips import TRIPS, Signs, tripped
from core.exchange.records import Side
from core.units import INDEX_DOLLAR, MILLISECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import CLOSE, NOW, TICKER, contracts, money
from tests.roles.watch import AGREED, LIMITS, RESET, Watch, failed, of, pulse, started, trading

if TYPE_CHECKING:
    from collections.abc import Callable

EXPOSED = money(100)
NANO = Nanos(1)


def signs(**changes: object) -> Signs:
    return msgspec.structs.replace(Signs(exposure=EXPOSED, disk_free=10**12), **changes)


# --- the table: at the limit it fires, just under it does not


@pytest.mark.parametrize(
    ("code", "field", "at", "under", "over"),
    [
        ("feed_silent", "feed_age", seconds(30), seconds(30) - NANO, seconds(30) + NANO),
        ("index_missing", "index_age", seconds(5), seconds(5) - NANO, seconds(5) + NANO),
        ("unknown_order", "unknown_age", seconds(60), seconds(60) - NANO, seconds(60) + NANO),
        ("rejects_in_a_row", "rejects", 5, 4, 6),
        ("unparsed_frames", "unparsed", 4, 3, 5),
        ("clock_skew", "skew", seconds(1), seconds(1) - NANO, seconds(1) + NANO),
        ("clock_skew", "skew", -seconds(1), NANO - seconds(1), -seconds(1) - NANO),
        ("inbox_age", "inbox_age", seconds(3), seconds(3) - NANO, seconds(3) + NANO),
        ("memory", "memory", 2_000_000_000, 1_999_999_999, 2_000_000_001),
        ("disk", "disk_free", 200_000_000, 200_000_001, 199_999_999),
    ],
)
def test_a_trip_fires_at_its_limit_and_not_before(
    code: str, field: str, at: int, under: int, over: int
) -> None:
    assert tripped(signs(**{field: under}), LIMITS) == []
    for value in (at, over):
        (trip,) = tripped(signs(**{field: value}), LIMITS)
        assert trip.code == code


@pytest.mark.parametrize(
    ("bps", "lasting", "fires"),
    [
        (50.0, seconds(10), True),
        (49.999, seconds(10), False),
        (50.001, seconds(10), True),
        (50.0, seconds(10) - NANO, False),
        (50.0, seconds(10) + NANO, True),
    ],
)
def test_sources_must_disagree_by_so_much_and_for_so_long(
    bps: float, lasting: Nanos, *, fires: bool
) -> None:
    found = tripped(signs(disagreement_bps=bps, disagreement=lasting), LIMITS)
    assert [trip.code for trip in found] == ["sources_disagree"] * fires


def test_without_money_at_risk_a_silent_feed_is_no_reason() -> None:
    assert tripped(signs(exposure=money(0), feed_age=seconds(1_000)), LIMITS) == []


def test_a_trip_tells_its_numbers_in_the_units_of_its_setting() -> None:
    (trip,) = tripped(signs(feed_age=seconds(31.5)), LIMITS)
    assert (trip.limit, trip.value) == (30.0, 31.5)
    (trip,) = tripped(signs(disk_free=150_000_000), LIMITS)
    assert (trip.limit, trip.value) == (200.0, 150.0)


def test_every_trip_has_a_code_of_its_own() -> None:
    everything = signs(
        feed_age=seconds(99),
        disagreement_bps=99.0,
        disagreement=seconds(99),
        index_age=seconds(99),
        unknown_age=seconds(99),
        rejects=99,
        unparsed=99,
        skew=seconds(99),
        inbox_age=seconds(99),
        memory=10**12,
        disk_free=0,
    )
    codes = [trip.code for trip in tripped(everything, LIMITS)]
    assert len(set(codes)) == len(codes) == len(TRIPS)


# --- from what happens to a halt


def marked(quantity: float = 25, **changes: object) -> m.LedgerMarked:
    line = m.PositionLine(
        ticker=TICKER,
        quantity=contracts(quantity),
        cost=money(12),
        fees=money(0),
        realized=money(0),
        value=money(12),
        bid=Price(4800),
    )
    made = m.LedgerMarked(
        cash=money(9_988),
        reserved=money(0),
        positions=(line,) if quantity else (),
        exposure=money(12) if quantity else money(0),
        equity=money(10_000),
        realized=money(0),
        fees=money(0),
        unrealized=money(0),
        day_pnl=money(0),
        day_open=money(10_000),
        peak=money(10_000),
        drawdown=0.0,
        settled=0,
        ts=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def fed(watch: Watch, age: float = 0.0) -> m.FeedHealth:
    return m.FeedHealth(
        stream="market",
        state="open",
        conn=1,
        gaps=0,
        skipped=0,
        reconnects=0,
        age_ns=seconds(age),
        ts=watch.now,
    )


def printed(watch: Watch, value: float = 118.5, early: float = 0.0) -> m.IndexPrint:
    return m.IndexPrint(
        index_id="SOLUSD_RTI",
        value=IndexValue(round(value * INDEX_DOLLAR)),
        ts_event=Nanos(watch.now + seconds(early)),
        ts_recv=watch.now,
    )


def composed(watch: Watch, value: float = 118.5, spread: float = 0.0) -> m.CompositePrice:
    return m.CompositePrice(
        product="SOL-USD",
        price=IndexValue(round(value * INDEX_DOLLAR)),
        sources=("coinbase", "kraken"),
        spread_bps=spread,
        ts_event=watch.now,
        ts_recv=watch.now,
    )


def traded(watch: Watch, delay: float) -> m.TradePrint:
    return m.TradePrint(
        ticker=TICKER,
        trade_id="t",
        price=Price(4800),
        quantity=Quantity(100),
        taker_side=Side.BID,
        ts_event=Nanos(watch.now - seconds(delay)),
        ts_recv=watch.now,
    )


def unknown(watch: Watch) -> m.OrderUnknown:
    return m.OrderUnknown(order_id="t-1", reason="no answer", ts=watch.now)


def rejected(code: str = "insufficient_balance") -> m.OrderRejected:
    return m.OrderRejected(order_id="t-1", code=code, text="", ts=NOW)


def accepted() -> m.OrderAccepted:
    return m.OrderAccepted(
        order_id="t-1", venue_order_id="v", filled=Quantity(0), remaining=Quantity(1), ts=NOW
    )


def pass_seconds(watch: Watch, count: int, *each: Callable[[Watch], m.Message]) -> None:
    """Tick each second; every host answers, and `each` happens."""
    for _ in range(count):
        watch.later(1)
        watch.tell(*(pulse(child) for child in _ALIVE), *(make(watch) for make in each))
        watch.tick(0)


_ALIVE = ("risk", "execution", "exchange", "strategy:a", "feed:market", "dashboard")


def test_a_feed_that_says_its_data_are_old_halts_while_exposed() -> None:
    watch = trading()
    watch.tell(marked(), fed(watch, age=29))
    watch.tick(0.5)
    assert watch.state == "ACTIVE"
    watch.tick(0.5)
    assert (watch.state, watch.code) == ("HALTED", "feed_silent")


def test_a_feed_that_says_nothing_any_more_halts_while_exposed() -> None:
    watch = trading()
    watch.tell(marked())
    pass_seconds(watch, 29)
    assert watch.state == "ACTIVE"
    pass_seconds(watch, 1)
    assert (watch.state, watch.code) == ("HALTED", "feed_silent")


def test_a_lively_feed_never_halts() -> None:
    watch = trading()
    watch.tell(marked())
    pass_seconds(watch, 100, fed)
    assert watch.state == "ACTIVE"


def test_sources_that_disagree_for_long_halt() -> None:
    watch = trading()
    pass_seconds(watch, 10, fed, lambda w: composed(w, spread=60))
    assert watch.state == "ACTIVE"
    pass_seconds(watch, 1, fed, lambda w: composed(w, spread=60))
    assert (watch.state, watch.code) == ("HALTED", "sources_disagree")


def test_a_short_disagreement_is_forgotten() -> None:
    watch = trading()
    for _ in range(5):
        pass_seconds(watch, 8, fed, lambda w: composed(w, spread=60))
        pass_seconds(watch, 1, fed, composed)
    assert watch.state == "ACTIVE"


def test_the_index_counts_as_a_source() -> None:
    watch = trading()
    pass_seconds(watch, 11, fed, printed, lambda w: composed(w, value=119.3))
    assert (watch.state, watch.code) == ("HALTED", "sources_disagree")


def test_an_index_that_is_missing_in_the_final_minute_of_a_held_market_halts() -> None:
    watch = trading()
    watch.tell(marked())
    watch.now = Nanos(CLOSE - seconds(61))
    pass_seconds(watch, 5, fed, printed)
    pass_seconds(watch, 4, fed)
    assert watch.state == "ACTIVE"
    pass_seconds(watch, 1, fed)
    assert (watch.state, watch.code) == ("HALTED", "index_missing")


@pytest.mark.parametrize(("before", "quantity"), [(600, 25), (61, 0)])
def test_before_the_final_minute_or_without_a_position_it_may_be_missing(
    before: int, quantity: int
) -> None:
    watch = trading()
    watch.tell(marked(quantity))
    watch.now = Nanos(CLOSE - seconds(before))
    pass_seconds(watch, 20, fed)
    assert watch.state == "ACTIVE"


def test_an_order_that_stays_unknown_halts() -> None:
    watch = trading()
    watch.tell(unknown(watch))
    pass_seconds(watch, 59, fed)
    assert watch.state == "ACTIVE"
    pass_seconds(watch, 1, fed)
    assert (watch.state, watch.code) == ("HALTED", "unknown_order")
    assert "t-1" in watch.role.breaker.reason


def test_an_order_that_is_found_in_time_does_not() -> None:
    watch = trading()
    watch.tell(unknown(watch))
    pass_seconds(watch, 30, fed)
    watch.tell(accepted())
    pass_seconds(watch, 60, fed)
    assert watch.state == "ACTIVE"


def test_what_was_unknown_before_a_restart_is_unknown_after_it() -> None:
    watch = trading()
    event = unknown(watch)
    again = Watch(event)
    again.later(61)
    again.tell(m.Begin(recovered=1), m.Reconciled(complete=True, differences=(), foreign=0, ts=NOW))
    again.start_all()
    again.tick(0)
    assert (again.state, again.code) == ("HALTED", "unknown_order")


def test_rejects_in_a_row_halt() -> None:
    watch = trading()
    watch.tell(*[rejected()] * 4)
    watch.tick(0)
    assert watch.state == "ACTIVE"
    watch.tell(rejected())
    watch.tick(0)
    assert (watch.state, watch.code) == ("HALTED", "rejects_in_a_row")


def test_an_accepted_order_ends_the_row_and_what_was_never_sent_does_not_count() -> None:
    watch = trading()
    watch.tell(*[rejected()] * 4, accepted(), *[rejected()] * 4, *[rejected("no_permit")] * 9)
    watch.tell(*[rejected("post_only_cross")] * 9)
    watch.tick(0)
    assert watch.state == "ACTIVE"


def test_after_a_reset_the_row_begins_anew() -> None:
    watch = trading()
    watch.tell(*[rejected()] * 5)
    watch.tick(0)
    watch.tell(RESET, m.ArmTrading(by="ann", reason="account funded"))
    watch.tick(0)
    assert watch.state == "ACTIVE"


def test_frames_that_cannot_be_read_halt_when_they_come_fast() -> None:
    skipped = m.FrameSkipped(stream="market", conn=1, reason="x", sample="", ts_recv=NOW)
    slow = trading()
    for _ in range(12):
        pass_seconds(slow, 20, fed)
        slow.tell(skipped)
    assert slow.state == "ACTIVE"
    fast = trading()
    fast.tell(*[skipped] * 4)
    fast.tick(0)
    assert (fast.state, fast.code) == ("HALTED", "unparsed_frames")


def test_a_clock_ahead_of_the_exchanges_halts() -> None:
    watch = trading()
    pass_seconds(watch, 4, fed, lambda w: traded(w, 1.2))
    assert watch.state == "ACTIVE"
    pass_seconds(watch, 1, fed, lambda w: traded(w, 1.2))
    assert (watch.state, watch.code) == ("HALTED", "clock_skew")


def test_one_quick_arrival_clears_the_clock() -> None:
    watch = trading()
    watch.tell(traded(watch, 0.1))
    pass_seconds(watch, 30, fed, lambda w: traded(w, 5))
    assert watch.state == "ACTIVE"


def test_prints_from_the_future_say_that_our_clock_is_behind() -> None:
    watch = trading()
    pass_seconds(watch, 5, fed, lambda w: printed(w, early=1.5))
    assert (watch.state, watch.code) == ("HALTED", "clock_skew")


def test_late_prints_say_nothing_of_the_clock() -> None:
    watch = trading()
    pass_seconds(watch, 30, fed, lambda w: printed(w, early=-4))
    assert watch.state == "ACTIVE"


def compared(watch: Watch, lowest: float, highest: float) -> m.ClockCompared:
    return m.ClockCompared(lowest=seconds(lowest), highest=seconds(highest), ts=watch.now)


@pytest.mark.parametrize(
    ("lowest", "highest", "state"),
    [
        (1.0, 1.5, "HALTED"),
        (-1.5, -1.0, "HALTED"),
        (0.999, 1.9, "ACTIVE"),
        (-1.9, -0.999, "ACTIVE"),
        (-5.0, 5.0, "ACTIVE"),
    ],
)
def test_a_clock_halts_when_even_the_smallest_difference_is_at_the_limit(
    lowest: float, highest: float, state: str
) -> None:
    watch = trading()
    watch.tell(compared(watch, lowest, highest))
    watch.tick(0)
    assert watch.state == state


def test_an_old_comparison_says_nothing() -> None:
    watch = trading()
    comparison = compared(watch, 5, 6)
    watch.later(61)
    watch.tell(fed(watch), comparison)
    watch.tick(0)
    assert watch.state == "ACTIVE"


def test_a_start_waits_for_the_clock_says_so_once_and_goes_on_by_itself() -> None:
    watch = Watch()
    watch.tell(m.Begin(recovered=0))
    watch.start_all()
    watch.tell(compared(watch, 899, 900))
    watch.tick(0)
    assert (watch.state, watch.code) == ("STARTING", "clock_skew")
    said = watch.role.breaker.epoch
    watch.tick(0)
    watch.tell(AGREED)
    assert (watch.state, watch.role.breaker.epoch) == ("STARTING", said)
    watch.tell(compared(watch, -0.1, 0.2))
    watch.tick(0)
    assert (watch.state, watch.code) == ("ACTIVE", "reconciled")


def test_books_that_agree_do_not_arm_while_the_clock_is_off() -> None:
    watch = Watch()
    watch.tell(m.Begin(recovered=0))
    watch.start_all()
    watch.tell(compared(watch, 2, 3), AGREED)
    assert (watch.state, watch.code) == ("STARTING", "clock_skew")


def test_an_operator_cannot_arm_while_the_clock_is_off() -> None:
    watch = trading()
    watch.tell(m.DisarmTrading(by="ann", reason="look"), compared(watch, 2, 3))
    watch.tell(m.ArmTrading(by="ann", reason="go"))
    assert watch.state == "DISARMED"
    assert "our clock is behind the exchange's" in watch.role.refusal
    watch.tell(compared(watch, -0.1, 0.2), m.ArmTrading(by="ann", reason="go"))
    assert (watch.state, watch.role.refusal) == ("ACTIVE", "")


@pytest.mark.parametrize(
    ("actor", "waited", "state"),
    [
        ("risk", 3_000, "HALTED"),
        ("execution", 3_001, "HALTED"),
        ("exchange", 2_999, "ACTIVE"),
        ("dashboard", 9_000, "ACTIVE"),
    ],
)
def test_news_of_money_that_waited_too_long_halt(actor: str, waited: int, state: str) -> None:
    watch = trading()
    watch.tell(pulse(actor, oldest_ns=waited * MILLISECOND))
    watch.tick(0)
    assert watch.state == state


def test_the_mailbox_of_a_host_that_fell_is_no_measure() -> None:
    watch = trading()
    watch.tell(pulse("risk", oldest_ns=seconds(9)), failed("risk"), started("risk", 2))
    watch.tick(0)
    assert watch.state == "ACTIVE"


@pytest.mark.parametrize(
    ("memory", "disk", "code"),
    [(2_000_000_000, 10**12, "memory"), (1, 200_000_000, "disk"), (1, 10**12, "reconciled")],
)
def test_a_machine_at_its_bound_halts(memory: int, disk: int, code: str) -> None:
    watch = trading()
    watch.tell(m.MachineMeasured(memory=memory, disk_free=disk, ts=NOW))
    watch.tick(0)
    assert watch.code == code


def test_trips_are_judged_only_while_something_is_risked() -> None:
    watch = trading()
    watch.tell(m.DisarmTrading(by="ann", reason="x"))
    watch.tell(m.MachineMeasured(memory=10**12, disk_free=0, ts=NOW))
    watch.tick(0)
    assert watch.state == "DISARMED"
    watch.tell(m.ArmTrading(by="ann", reason="x"))
    watch.tick(0)
    assert (watch.state, watch.code) == ("HALTED", "memory")


def test_a_trip_keeps_its_numbers_over_a_restart() -> None:
    watch = trading()
    watch.tell(marked(), fed(watch, age=31.5))
    left = watch.tick(0)
    assert of(left, m.CancelDirectly)
    (halt,) = Watch(*watch.journal.events).role.breaker.latched.values()
    assert (halt.code, halt.limit, halt.value) == ("feed_silent", 30.0, 31.5)


def test_without_limits_nothing_is_watched() -> None:
    watch = trading(watched=None)
    watch.tell(marked(), fed(watch, age=1_000), m.MachineMeasured(memory=1, disk_free=0, ts=NOW))
    watch.tick(0)
    assert watch.state == "ACTIVE"
