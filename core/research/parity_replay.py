"""Plays the tape of a session to the roles and compares with what was decided when it was live."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.fills import FillModel, LatencyModel
from core.journal import MemoryJournal
from core.research.backtest import World, assemble, fit, play
from core.research.parity import START_SECONDS, Parity, Terms, compare
from core.research.parity_decisions import Witness, decisions, round_trip
from core.research.tape import info
from core.research.tape_own import read_own
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings


def parity_of(tape: Path, settings: Settings, speed: float = 1.0) -> Parity:
    """The comparison for a tape with its decisions beside it; settings and `speed` are those of the
    session. Raises TapeError.

    The backtest's orders take as long as those of the session took (its median round trip).
    """
    live = list(read_own(tape))
    latency = round_trip(live)
    half = Nanos(latency // 2)
    model = LatencyModel(feed=half, entry=half, response=half, spread=0.0)
    fills = msgspec.structs.replace(FillModel(), latency=model)
    found = info(tape)
    fitted = fit(settings, found)[0]
    journal, witness = MemoryJournal(), Witness()
    world = World(assemble(fitted, journal.instance, fills, witness, speed), journal, found.first)
    play(tape, [world], found, lambda _: None)
    world.end()
    terms = Terms(
        start=found.first,
        starting=seconds(START_SECONDS * max(1.0, speed)),
        near=seconds(settings.signal_cooldown_seconds / 2),
        latency=latency,
    )
    return compare(decisions(live), decisions(witness.own), terms)
