"""The supervisor on real threads: hosts that fall, hang, are poisoned; a journal that fails."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from core import messages as m
from core.journal import JournalError
from core.topology import DASHBOARD, EXCHANGE, EXECUTION, FEED, RISK, SPOT, STREAM
from tests.builders import NOW, venue_fill
from tests.builders import view as market_view
from tests.recovery.plant import HANG_SECONDS, Plant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

STRATEGY = "strategy:kelly_volatility"
HOSTS = (RISK, EXECUTION, STRATEGY, FEED, SPOT, DASHBOARD, EXCHANGE, STREAM)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    made = Plant(tmp_path).start()
    yield made
    made.stop()


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_hangs_is_seen_and_replaced(plant: Plant, name: str) -> None:
    before = plant.generation(name)
    plant.traps[name].hang()
    plant.poke(name)
    assert plant.traps[name].hanging.wait(HANG_SECONDS)
    took = plant.until_replaced(name, before)
    sys.stdout.write(f"{name} hung: replaced after {took:.2f} s\n")
    assert plant.until(lambda now: now.state in ("ACTIVE", "HALTED")).state == "ACTIVE"


@pytest.mark.parametrize("name", HOSTS)
def test_a_host_that_falls_is_replaced_and_trading_goes_on(plant: Plant, name: str) -> None:
    before = plant.generation(name)
    plant.traps[name].kill()
    plant.poke(name)
    took = plant.until_replaced(name, before)
    sys.stdout.write(f"{name} fell: replaced after {took:.2f} s\n")
    assert plant.standing().state == "ACTIVE"


def test_a_poisonous_message_is_set_aside_after_its_second_victim(plant: Plant) -> None:
    """Each time it comes with another arrival time, as news from the exchange do."""
    trap = plant.traps[STRATEGY]
    trap.poison(lambda message: isinstance(message, m.MarketView) and message.sigma == 0.123)
    view = market_view(sigma=0.123)
    for generation in (1, 2):
        assert plant.generation(STRATEGY) == generation
        plant.directory.tell(STRATEGY, msgspec.structs.replace(view, ts_recv=NOW + generation))
        plant.until_replaced(STRATEGY, generation)
    plant.directory.tell(STRATEGY, msgspec.structs.replace(view, ts_recv=NOW + 3))
    plant.settle(STRATEGY)
    assert plant.generation(STRATEGY) == 3
    assert plant.standing().state == "ACTIVE"


def test_what_was_set_aside_is_handled_again_after_a_reset(plant: Plant) -> None:
    """The running generation takes it: the defect was elsewhere, or has been mended."""
    question = m.QueryMarkets(series="KXSOL15M")
    trap = plant.traps[EXCHANGE]
    heard = threading.Event()

    def deadly(message: m.Message) -> bool:
        return isinstance(message, m.QueryMarkets)

    trap.poison(deadly)
    for generation in (1, 2):
        plant.directory.tell(EXCHANGE, question)
        plant.until_replaced(EXCHANGE, generation)
    plant.until(lambda now: now.code == "poison_message" and now.proven is not None)

    def notice(message: m.Message) -> bool:
        if deadly(message):
            heard.set()
        return False

    trap.poison(notice)
    plant.directory.tell(EXCHANGE, question)
    plant.settle(EXCHANGE)
    assert not heard.is_set()
    assert plant.control.reset_breaker(plant.ask("mended"), HANG_SECONDS).verdict == "done"
    plant.directory.tell(EXCHANGE, question)
    assert heard.wait(HANG_SECONDS)


def test_poison_of_a_host_of_money_halts_with_its_content(plant: Plant) -> None:
    fill = m.FillReport(fill=venue_fill("poison"), order_id="", ts_recv=NOW)
    trap = plant.traps[EXECUTION]
    trap.poison(lambda message: isinstance(message, m.FillReport) and "poison" in repr(message))
    for generation in (1, 2):
        plant.directory.tell(EXECUTION, msgspec.structs.replace(fill, ts_recv=NOW + generation))
        plant.until_replaced(EXECUTION, generation)
    standing = plant.until(lambda now: now.state == "HALTED")
    assert standing.code == "poison_message"
    assert "FillReport" in standing.reason


def test_an_exhausted_host_of_money_halts_and_comes_back_by_its_operators_hand(
    plant: Plant,
) -> None:
    plant.traps[RISK].kill_for_good()
    standing = plant.until(lambda now: now.quarantined == (RISK,))
    assert (standing.state, standing.code) == ("HALTED", "restarts_exhausted")
    plant.traps[RISK].open()
    early = plant.control.reset_breaker(plant.ask("looked"), HANG_SECONDS)
    assert early.verdict == "done"
    refused = plant.control.start(plant.ask("go"), HANG_SECONDS)
    assert (refused.verdict, RISK in refused.message) == ("refused", True)
    assert plant.control.release(RISK, plant.ask("fixed"), HANG_SECONDS).verdict == "done"
    plant.until(lambda now: not now.quarantined and plant.generation(RISK) > 0)
    plant.settle(RISK)
    plant.until(lambda _: plant.control.start(plant.ask("go"), HANG_SECONDS).verdict == "done")
    assert plant.standing().state == "ACTIVE"


# --- the journal


def test_a_journal_that_fails_ends_in_a_halt_that_the_next_start_keeps(plant: Plant) -> None:
    plant.rest(2)
    plant.disk_full.set()
    while plant.directory.ref("supervision") is not None:  # nothing can be journalled: it falls
        plant.control.pause(plant.ask("write something"), HANG_SECONDS)
        time.sleep(0.01)
    while plant.resting():
        time.sleep(0.01)
    assert "journal" in (plant.halt_file.read() or "")
    plant.system.stop("test", HANG_SECONDS)
    plant.disk_full.clear()
    plant.start_again()
    standing = plant.until(lambda now: now.state not in ("STARTING", "ACTIVE"))
    assert (standing.state, standing.code) == ("HALTED", "halt_file")


def test_a_host_that_cannot_write_halts_trading(plant: Plant) -> None:
    """The supervisor itself still can: the halt is in the journal."""

    def fail(message: m.Message) -> bool:
        if isinstance(message, m.Tick):
            raise JournalError("disk I/O error")
        return False

    plant.traps[RISK].poison(fail)
    standing = plant.until(lambda now: now.state == "HALTED")
    plant.traps[RISK].poison(lambda _: False)
    assert standing.code == "journal_failed"
