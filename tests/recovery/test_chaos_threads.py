"""Chaos on real threads, sockets and files, for two minutes at most: every host falls and hangs.

In an order of the seed's. After each fault the daemon trades again, or is halted for a reason that
its policies give; the operator then resets, releases and arms. What must hold is read from the
journal and from the exchange's books. The same in virtual time, with more of everything, is
`make chaos`.
"""

from __future__ import annotations

import sys
import time
from contextlib import closing
from random import Random
from typing import TYPE_CHECKING, Final

import pytest

from core import messages as m
from core.exchange.records import OrderStatus, Side
from core.journal_reader import JournalReader
from core.topology import DASHBOARD, EXCHANGE, EXECUTION, FEED, RISK, SPOT, STREAM
from core.units import ONE_DOLLAR, Money, complement, notional
from tests.recovery.plant import HANG_SECONDS, Plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from actors.standing import Standing

pytestmark = pytest.mark.timeout(900)

BUDGET_SECONDS: Final = 110.0
"""Of the machine; a slow one inflicts fewer faults, and fails no sooner."""
HOSTS: Final = (
    RISK,
    EXECUTION,
    EXCHANGE,
    STREAM,
    FEED,
    SPOT,
    DASHBOARD,
    "strategy:kelly_volatility",
)
RIGHT: Final = {
    "restarts_exhausted",
    "inbox_age",
    "feed_silent",
    "index_missing",
    "unknown_order",
    "clock_skew",
}
"""Halts that faults of this kind may end in, on a machine that is busy with other things too."""
EXPOSURE: Final = 600


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path, max_total_exposure=EXPOSURE, max_position_size=EXPOSURE).start()
    yield made
    made.stop()


def test_every_host_falls_and_hangs_and_nothing_is_lost(plant: Plant) -> None:
    faults = [(kind, host) for kind in ("kill", "hang") for host in HOSTS]
    Random(1).shuffle(faults)
    ends = time.monotonic() + BUDGET_SECONDS
    done = []
    for kind, host in faults:
        if time.monotonic() > ends:
            break
        began = time.monotonic()
        inflict(plant, kind, host)
        standing = recover(plant)
        done.append(f"{kind} {host}: {standing.state} after {time.monotonic() - began:.2f} s")
        assert exposed(plant) <= Money((EXPOSURE + 2) * ONE_DOLLAR)
    sys.stdout.write("\n".join(done) + "\n")
    assert len(done) >= 4
    plant.control.stop(plant.ask("the end"), HANG_SECONDS)
    assert plant.resting() == 0
    audit(plant)


def inflict(plant: Plant, kind: str, host: str) -> None:
    before = plant.generation(host)
    trap = plant.traps[host]
    if kind == "kill":
        trap.kill()
    else:
        trap.hang()
    plant.poke(host)
    plant.until(lambda now: plant.generation(host) != before or now.state == "HALTED")


def recover(plant: Plant) -> Standing:
    """Until it trades; a halt must say why, be proven, and end by its operator's hand."""
    standing = plant.until(lambda now: settled(plant, now))
    if standing.state == "HALTED":
        assert {change.code for change in standing.latched} <= RIGHT, standing.latched
        assert all(change.reason for change in standing.latched)
        assert plant.control.reset_breaker(plant.ask("looked"), HANG_SECONDS).verdict == "done"
    for name in plant.standing().quarantined:
        plant.control.release(name, plant.ask("mended"), HANG_SECONDS)
    if standing.state != "ACTIVE":
        plant.until(lambda _: plant.control.start(plant.ask("go"), HANG_SECONDS).verdict == "done")
    return standing


def settled(plant: Plant, now: Standing) -> bool:
    if now.state == "HALTED":
        return now.proven is not None
    up = all(plant.generation(host) or host in now.quarantined for host in HOSTS)
    return now.state == "ACTIVE" and up


def exposed(plant: Plant) -> Money:
    """The exchange's own word."""
    exchange = plant.venue.exchange
    total = sum(held.cost for held in exchange.positions())
    for order in exchange.orders(status=OrderStatus.RESTING):
        price = order.price if order.side is Side.BID else complement(order.price)
        total += notional(price, order.remaining)
    return Money(total)


def audit(plant: Plant) -> None:
    """The whole journal: nothing unlatched, nothing booked or submitted twice or unasked."""
    state, halted = "STARTING", False
    submitted: set[str] = set()
    booked: set[str] = set()
    with closing(JournalReader(plant.journal)) as reader:
        events = [entry.event for entry in reader.entries()]
    for event in events:
        if isinstance(event, m.TradingStateChanged):
            assert not (halted and event.state != "HALTED" and event.code != "reset")
            state, halted = event.state, event.state == "HALTED"
        elif isinstance(event, m.OrderSubmitting):
            assert event.order_id not in submitted
            submitted.add(event.order_id)
        elif isinstance(event, m.OrderFilled):
            assert event.trade_id not in booked
            booked.add(event.trade_id)
    assert state in ("DISARMED", "HALTED")
    theirs = {fill.trade_id for fill in plant.venue.exchange.fills()}
    assert booked <= theirs
