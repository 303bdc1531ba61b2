"""SIGTERM under load, again and again: `python -m tests.recovery.terminate --runs 20`.

Each run starts the daemon on the same exchange, lets it trade, and asks it to end just as
orders leave. It must end in time, with exit code 0, and the exchange must list nothing that
rests. One JSON line; exit code 1 where any run failed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Final

import click

from core.exchange.records import OrderStatus
from tests.recovery.processes import Daemon, OurBooks, Venue

LIMIT_S: Final = 20.0
START_S: Final = 120.0


def terminate(runs: int, seed: int, speed: float, folder: Path) -> dict[str, Any]:
    """All runs; what to print."""
    random, venue = Random(seed), Venue(folder, seed, speed)
    name = f"journal-{venue.told['key_id'][:8]}.sqlite"
    books = OurBooks(folder / "var" / "local" / name)
    took: list[float] = []
    failures: list[str] = []
    try:
        for number in range(runs):
            failure = _one(venue, books, random, took)
            if failure:
                failures.append(f"run {number}: {failure}")
            click.echo(f"{number + 1} of {runs}: {failure or 'well'}", err=True)
        orders = len(venue.orders())
    finally:
        venue.end()
    return {
        "runs": runs,
        "well": runs - len(failures),
        "orders": orders,
        "longest_s": round(max(took, default=0.0), 2),
        "failures": failures,
    }


def _one(venue: Venue, books: OurBooks, random: Random, took: list[float]) -> str:
    """One run: what is wrong with it, or nothing."""
    books.follow()  # the end of the run before
    placement = random.choice(("actors", "fused"))
    daemon = Daemon(venue, venue.folder, at=0, before=False, placement=placement)
    before = len(books.wishes)
    deadline = time.monotonic() + START_S
    while len(books.wishes) == before and daemon.alive and time.monotonic() < deadline:
        books.follow()
        time.sleep(0.02)
    if len(books.wishes) == before:
        daemon.kill()
        return "never wanted to trade"
    time.sleep(random.uniform(0.0, 1.0))
    began = time.monotonic()
    code, result = daemon.stop()
    took.append(time.monotonic() - began)
    resting = venue.client.orders(status=OrderStatus.RESTING)
    wrong = {
        "exit code": code,
        "resting by its own word": result["resting"],
        "resting at the exchange": len(resting),
        "differences": len(result["differences"]),
        "too slow": int(took[-1] > LIMIT_S),
    }
    return ", ".join(f"{what} {value}" for what, value in wrong.items() if value)


@click.command()
@click.option("--runs", default=20, show_default=True, type=click.IntRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--speed", default=60.0, show_default=True, type=click.FloatRange(min=1))
def main(runs: int, seed: int, speed: float) -> None:
    """End the daemon so many times while it trades."""
    with tempfile.TemporaryDirectory(prefix="quarterhour-terminate-") as name:
        told = terminate(runs, seed, speed, Path(name))
    click.echo(json.dumps(told))
    sys.exit(0 if told["well"] == runs else 1)


if __name__ == "__main__":
    main()
