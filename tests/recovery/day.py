"""A day at the local exchange with random faults: `python -m tests.recovery.day --speed 60`.

The exchange and the daemon are processes of their own, as a user runs them. Every quarter of an
hour of theirs other faults are drawn: lost requests and answers, errors, rate limits, slow answers,
frames dropped, doubled and out of order, cut and stalled connections, channels that end, portfolio
reads that lag. At the end the line is good for a while, the daemon is stopped in order, and cash,
fees, P&L and positions of both sides are printed as one JSON line. Exit code 1 where they differ by
a cent, an order was doubled, a fill lost, or the breaker tripped.
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

from core.units import ONE_CENT, dollars
from tests.recovery.processes import START_S, Daemon, OurBooks, Venue, both_books

REDRAW_S: Final = 900.0
"""Of the exchange's time between two draws of faults."""
QUIET_S: Final = 240.0
"""Real seconds within which both sides must agree at the end."""
_GLANCE_S: Final = 0.25
_ORDERS: Final = "POST /portfolio/events/orders"
_LIKELY: Final = (
    ("lost_after", _ORDERS, 0.10),
    ("lost_before", _ORDERS, 0.05),
    ("error_after", _ORDERS, 0.05),
    ("error", _ORDERS, 0.05),
    ("rate_limited", "POST /portfolio/*", 0.05),
    ("error", "GET /portfolio/*", 0.05),
    ("lost_before", "GET /portfolio/*", 0.03),
    ("drop", "fill", 0.15),
    ("drop", "user_orders", 0.15),
    ("duplicate", "fill", 0.15),
    ("reorder", "fill", 0.10),
    ("drop", "orderbook_delta", 0.002),
)
"""Kind, what it happens to, and the highest chance."""
_EVENTS: Final = (
    {"kind": "disconnect", "match": "*"},
    {"kind": "disconnect", "match": "fill"},
    {"kind": "stall", "match": "*", "seconds": 20.0},
    {"kind": "overflow", "match": "orderbook_delta"},
    {"kind": "channel_error", "match": "fill"},
    {"kind": "portfolio_lag", "seconds": 1.0},
    {"kind": "portfolio_lag", "seconds": 0.0},
)
"""Of these one or two happen at some moment of a quarter of an hour."""


def draw(random: Random) -> tuple[dict[str, object], ...]:
    """The faults of the next quarter of an hour; every fifth draw is a good line."""
    if random.random() < 0.2:
        return ()
    likely = [
        {"kind": kind, "match": match, "chance": random.uniform(0.001, most), "count": 0}
        for kind, match, most in _LIKELY
        if random.random() < 0.6
    ]
    events = random.sample(_EVENTS, random.randint(0, 2))
    timed = [{**event, "at": round(random.uniform(1, REDRAW_S), 1)} for event in events]
    return (*likely, *timed)


class Day:
    """One run. `speed` is the exchange's pace, `hours` are its hours."""

    def __init__(self, folder: Path, seed: int, speed: float, hours: float) -> None:
        self.random = Random(seed)
        self.hours, self.speed = hours, speed
        self.venue = Venue(folder, seed, speed)
        self.daemon = Daemon(self.venue, folder, at=0, before=False)
        name = f"journal-{self.venue.told['key_id'][:8]}.sqlite"
        self.books = OurBooks(folder / "var" / "local" / name)
        self.faults = 0

    def run(self) -> dict[str, Any]:
        """The whole of it; the result to print. The hours begin when the daemon trades."""
        try:
            self._await_trading()
            began = time.monotonic()
            while (passed := (time.monotonic() - began) * self.speed) < self.hours * 3600:
                self.faults += self.venue.disarm()
                self.venue.arm(draw(self.random))
                left = min(REDRAW_S, self.hours * 3600 - passed)
                self._pass(left / self.speed)
                click.echo(f"{passed / 3600:.2f} h, {self.faults} faults", err=True)
            self._end_well()
            code, result = self.daemon.stop()
            return self._compared(code, result)
        finally:
            if self.daemon.alive:
                self.daemon.kill()
            self.venue.end()

    def _await_trading(self) -> None:
        until = time.monotonic() + START_S
        while not self.books.actives and self.daemon.alive and time.monotonic() < until:
            self.books.follow()
            time.sleep(_GLANCE_S)

    def _pass(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.daemon.alive:
            self.books.follow()
            time.sleep(_GLANCE_S)

    def _end_well(self) -> None:
        """No more faults, until both sides agree or patience ends."""
        self.faults += self.venue.disarm()
        self.venue.arm(({"kind": "portfolio_lag", "seconds": 0.0},))
        until = time.monotonic() + QUIET_S
        while time.monotonic() < until and self.daemon.alive:
            self.books.follow()
            if not self.books.gap(self.venue.books()):
                return
            time.sleep(_GLANCE_S)

    def _compared(self, code: int, result: dict[str, Any]) -> dict[str, Any]:
        self.books.follow()
        ledger = self.books.fold.ledger
        ours, theirs = both_books(self.venue, ledger)
        told = {fill.trade_id for fill in self.venue.fills()}
        booked, placed = self.books.booked, self.venue.orders()
        pairs = {
            "cash": (ours.cash, theirs["cash"]),
            "fees": (ours.fees, theirs["fees"]),
            "pnl": (ours.pnl, theirs["pnl"]),
        }
        off = {name: abs(ours - other) for name, (ours, other) in pairs.items()}
        return {
            "hours": self.hours,
            "speed": self.speed,
            "faults": self.faults,
            "orders": len(placed),
            "fills": len(told),
            "lost": len(told ^ set(booked)),
            "duplicates": len(placed) - len({order.client_order_id for order in placed}),
            "windows": result["windows"],
            "ours": {name: dollars(pair[0]) for name, pair in pairs.items()},
            "theirs": {name: dollars(pair[1]) for name, pair in pairs.items()},
            "positions_equal": ours.positions == {t: q for t, q in theirs["positions"] if q},
            "difference": sum(off.values()) / ONE_CENT,
            "differences": result["differences"],
            "resting": result["resting"],
            "state": self.books.state,
            "halts": self.books.halts,
            "exit": code,
        }


def clean(result: dict[str, Any]) -> bool:
    """Whether the day ended as it must."""
    wrong = [result[name] for name in ("lost", "duplicates", "differences", "resting", "exit")]
    return result["positions_equal"] and result["difference"] < 1 and not any(wrong)


@click.command()
@click.option("--hours", default=24.0, show_default=True, type=click.FloatRange(min=0.01))
@click.option("--speed", default=60.0, show_default=True, type=click.FloatRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
def main(hours: float, speed: float, seed: int) -> None:
    """Trade a day with faults, then hold both sides' books together."""
    with tempfile.TemporaryDirectory(prefix="quarterhour-day-") as name:
        result = Day(Path(name), seed, speed, hours).run()
    click.echo(json.dumps(result))
    sys.exit(0 if clean(result) else 1)


if __name__ == "__main__":
    main()
