"""Orders of strategies rest as long as they are wanted and allowed; those of a person are left."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from core import messages as m
from core.exchange.records import TimeInForce
from core.units import Nanos, Price, seconds
from tests.builders import NOW, TICKER, approved, contracts, permit, request
from tests.roles.test_execution import Desk, placed

LEASE = 6.0


def resting(strategy: str = "kelly_volatility") -> m.OrderApproved:
    made = request("t-1", price=Price(4600), time_in_force=TimeInForce.GTC, post_only=True)
    return replace(approved(), request=made, strategy=strategy)


def at(after: float) -> Nanos:
    return Nanos(NOW + seconds(after))


def live(strategy: str = "kelly_volatility") -> Desk:
    """Submitted at `NOW`, and it rests."""
    desk = Desk()
    wish = resting(strategy)
    desk.tell(permit(expires=at(3600)), wish, placed(filled=0, remaining=25))
    return desk


def keep(until: float) -> m.KeepOrder:
    return m.KeepOrder(order_id="t-1", expires=at(until))


def withdraw() -> m.WithdrawOrder:
    return m.WithdrawOrder(
        order_id="t-1", strategy="kelly_volatility", ticker=TICKER, code="moved", created=NOW
    )


def cancels(desk: Desk, message: m.Message, after: float) -> list[str]:
    left = desk.tell(message, at=at(after))
    return [one.venue_order_id for one in left if isinstance(one, m.CancelOrder)]


def tick(desk: Desk, after: float) -> list[str]:
    return cancels(desk, m.Tick(due=at(after)), after)


def test_what_nobody_asks_to_keep_leaves_after_its_lease() -> None:
    desk = live()
    assert tick(desk, LEASE - 0.1) == []
    assert tick(desk, LEASE) == ["v-1"]
    assert tick(desk, LEASE + 0.5) == [], "the answer may still come"
    assert tick(desk, LEASE + 1) == ["v-1"]


def test_what_is_kept_rests_on() -> None:
    desk = live()
    desk.tell(keep(9), at=at(3))
    desk.tell(keep(8), at=at(3))
    assert tick(desk, 8.9) == []
    assert tick(desk, 9) == ["v-1"]


def test_what_is_withdrawn_leaves_at_once_and_is_not_kept_again() -> None:
    desk = live()
    assert cancels(desk, withdraw(), 1) == ["v-1"]
    desk.tell(keep(60), at=at(1))
    assert cancels(desk, withdraw(), 1.5) == []
    assert tick(desk, 2) == ["v-1"]


def test_what_is_withdrawn_before_it_rests_leaves_as_soon_as_it_does() -> None:
    desk = Desk()
    desk.tell(permit(expires=at(3600)), resting())
    assert cancels(desk, withdraw(), 0.1) == []
    assert tick(desk, 0.5) == []
    desk.tell(placed(filled=0, remaining=25), at=at(0.6))
    assert tick(desk, 1) == ["v-1"]


@pytest.mark.parametrize("state", ["REDUCING", "DISARMED"])
def test_what_a_strategy_lets_rest_leaves_when_trading_ends(state: m.TradingState) -> None:
    desk = live()
    desk.tell(keep(60), at=at(1))
    end = m.TradingStateChanged(state=state, epoch=3, code="x", reason="x", by="x", ts=NOW)
    desk.tell(end, at=at(1))
    assert tick(desk, 1.5) == ["v-1"]


def test_without_a_living_supervisor_it_leaves_too() -> None:
    desk = live()
    desk.tell(permit(expires=at(3)), at=at(1))
    desk.tell(keep(60), at=at(1))
    assert tick(desk, 2) == []
    assert tick(desk, 2 + LEASE - 0.5) == []
    assert tick(desk, 2 + LEASE) == ["v-1"]


def test_what_a_person_lets_rest_is_left_alone() -> None:
    desk = live(m.MANUAL)
    end = m.TradingStateChanged(state="REDUCING", epoch=3, code="x", reason="x", by="x", ts=NOW)
    assert tick(desk, 60) == []
    desk.tell(end, at=at(60))
    assert tick(desk, 61) == []


def test_after_a_restart_an_order_has_a_lease_to_be_asked_for_again() -> None:
    before = live()
    desk = Desk(resting(), *before.journal.events)
    desk.tell(m.Begin(recovered=3), at=at(30))
    assert tick(desk, 30.5) == []
    assert tick(desk, 30 + LEASE) == ["v-1"]


def test_what_has_ended_is_forgotten() -> None:
    desk = live()
    assert cancels(desk, withdraw(), 1) == ["v-1"]
    gone = m.CancelAccepted(order_id="t-1", reduced_by=contracts(25), ts_event=at(1), ts_recv=at(1))
    desk.tell(gone, at=at(1))
    assert cancels(desk, withdraw(), 3) == []
    assert tick(desk, 60) == []
