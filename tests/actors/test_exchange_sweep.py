"""The proof of a stop by clocks that do not agree: what was matched last must be in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.exchange_orders import DeskTerms, OrderDesk
from actors.exchange_sweep import Sweep
from actors.line import Line
from core import messages as m
from core.clock import VirtualClock
from core.exchange.records import OrderStatus, Side
from core.units import Nanos, seconds
from tests.contract.venue import Venue, order, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
BEHIND = seconds(0.9)
"""Our clock; less than what halts trading."""


@pytest.fixture
def lagging(tmp_path: Path) -> Iterator[Venue]:
    """An exchange whose lists are half a second behind its matching."""
    venue = served_venue(tmp_path, lag_seconds=0.5)
    venue.at(Nanos(venue.clock.now() + seconds(200)))
    yield venue
    venue.exchange.close()
    assert venue.running is not None
    venue.running.stop()


def test_a_list_of_before_the_last_order_proves_nothing_by_a_clock_that_is_behind(
    lagging: Venue,
) -> None:
    ours = VirtualClock(Nanos(lagging.clock.now() - BEHIND))
    terms = DeskTerms(series=("KXSOL15M",), sweep_seconds=0.05, sweep_pause_seconds=0.01)
    desk = OrderDesk(lagging.exchange, ours, terms, Line(ours.now()), lambda: False)
    desk.permit = m.Permit(epoch=1, state="ACTIVE", expires=Nanos(ours.now() + seconds(3)))
    wanted = m.PlaceOrder(
        request=order("a", Side.BID, "0.40", "2"), epoch=1, deadline=Nanos(ours.now() + seconds(1))
    )
    assert isinstance(desk.place(wanted), m.PlaceAccepted)
    told: list[m.Message] = []
    sweep = Sweep(lagging.exchange, desk, ours, terms)
    for _ in range(3):
        sweep.request(m.CancelAllOrders(reason="halted", epoch=2))
        sweep.run(told.append)
        lagging.later(1.0)
        ours.advance_to(Nanos(lagging.clock.now() - BEHIND))
    assert isinstance(told[0], m.QueryFailed), "the order rests, and is not listed yet"
    assert not isinstance(told[1], m.CancelAllDone) or told[1].resting, "and neither is its cancel"
    assert isinstance(told[2], m.CancelAllDone)
    assert told[2].resting == 0
    assert [row.status for row in lagging.exchange.orders()] == [OrderStatus.CANCELED]
