"""Kill-and-recover rounds with real processes: the daemon dies by SIGKILL, its exchange goes on.

One local exchange runs at high speed for all rounds, with faults armed at its control endpoint. In
each round the daemon starts on the journal it left, reconciles, trades, and is killed at a
journalled step or at some moment. While it trades, its journal is folded from outside and held
against the exchange's own books until both agree.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import requests

from core import messages as m
from core.clock import ScaledClock
from core.domain.fold import Fold
from core.exchange.auth import Signer, read_private_key
from core.exchange.books import Books, ledger_books, of_one_moment
from core.exchange.kalshi import Timeouts, connect
from core.exchange.port import ExchangeError
from core.journal import Codec
from core.units import ONE_CENT
from tests.recovery.books import Tally

if TYPE_CHECKING:
    from core.domain.ledger import Ledger
    from core.exchange.endpoints import KalshiExchange
    from core.exchange.records import Fill, Order, Settlement

ROOT: Final = Path(__file__).resolve().parents[2]
START_S: Final = 180.0
AGREE_S: Final = 120.0
STOP_S: Final = 120.0
PATIENCE_S: Final = 60.0
"""With the exchange's control endpoints. All are for a machine that is busy with others."""
MARKET_START: Final = "2026-06-01T14:01:00Z"
"""A minute into a window of a Monday: what a market does depends on its clock, a test must not."""
_GLANCE_S: Final = 0.03
EAGER: Final = {
    "STRATEGY__KELLY_VOLATILITY__MIN_EDGE": "0.005",
    "MIN_EDGE": "0.005",
    "SIGNAL_COOLDOWN_SECONDS": "5",
    "STRATEGY__KELLY_VOLATILITY__EXIT_GAIN": "0",
    "STRATEGY__MEAN_REVERSION__EXIT_GAIN": "0",
    "CIRCUIT_BREAKER_LOSS_THRESHOLD": "1",
    "CIRCUIT_BREAKER_DRAWDOWN_THRESHOLD": "1",
    "MAX_DAILY_LOSS": "1000000",
}
"""So that there is always something to lose, some of it is sold again, and no breaker stops the
drill."""
FAULTS: Final[tuple[dict[str, object], ...]] = (
    {"kind": "lost_after", "match": "POST /portfolio/events/orders", "chance": 0.08, "count": 0},
    {"kind": "lost_before", "match": "POST /portfolio/events/orders", "chance": 0.04, "count": 0},
    {"kind": "error_after", "match": "POST /portfolio/events/orders", "chance": 0.05, "count": 0},
    {"kind": "error", "match": "POST /portfolio/events/orders", "chance": 0.04, "count": 0},
    {"kind": "rate_limited", "match": "POST /portfolio/*", "chance": 0.03, "count": 0},
    {"kind": "error", "match": "GET /portfolio/*", "chance": 0.03, "count": 0},
    {"kind": "lost_before", "match": "GET /portfolio/*", "chance": 0.02, "count": 0},
    {"kind": "drop", "match": "fill", "chance": 0.1, "count": 0},
    {"kind": "drop", "match": "user_orders", "chance": 0.1, "count": 0},
    {"kind": "duplicate", "match": "fill", "chance": 0.1, "count": 0},
)


class Venue:
    """The local exchange as a process that outlives every daemon of a drill."""

    def __init__(self, folder: Path, seed: int, speed: float) -> None:
        self.folder = folder
        self._errors = (folder / "exchange.err").open("w")
        command = [sys.executable, str(ROOT / "run.py"), "exchange", "--with-parent"]
        options = {"--seed": seed, "--speed": speed, "--cash": 1_000_000, "--state-dir": folder}
        options["--start"] = MARKET_START
        command += [text for name, value in options.items() for text in (name, str(value))]
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            cwd=folder,
            env=_plain_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())
        clock = ScaledClock(**self.told["clock"])
        key = read_private_key(Path(self.told["private_key_path"]))
        self._signer = Signer(self.told["key_id"], key, clock)
        self.client: KalshiExchange = connect(
            self.told["base_url"], self._signer, Timeouts(connect=PATIENCE_S, read=PATIENCE_S)
        )

    @property
    def environment(self) -> dict[str, str]:
        """What a daemon needs to trade here."""
        return {
            "KALSHI_API_KEY": self.told["key_id"],
            "KALSHI_PRIVATE_KEY_PATH": self.told["private_key_path"],
            "KALSHI_BASE_URL": self.told["base_url"],
            "KALSHI_WS_URL": self.told["ws_url"],
        }

    def arm(self, faults: tuple[dict[str, object], ...]) -> bool:
        """Arm faults; False where this exchange has no such control."""
        url = f"{self.told['base_url']}/local/faults"
        return requests.post(url, json={"faults": faults}, timeout=PATIENCE_S).status_code < 300

    def disarm(self) -> int:
        """Disarm all; how many faults there were."""
        url = f"{self.told['base_url']}/local/faults"
        answer = requests.get(url, timeout=PATIENCE_S)
        if answer.status_code >= 300:
            return 0
        done = sum(row["done"] for row in answer.json()["faults"])
        requests.delete(url, timeout=PATIENCE_S)
        return int(done)

    def books(self) -> dict[str, Any]:
        """The exchange's own books of our account; never disturbed by faults."""
        url = f"{self.told['base_url']}/local/books"
        headers = self._signer.sign("GET", "/trade-api/v2/local/books").headers()
        found: dict[str, Any] = requests.get(url, headers=headers, timeout=PATIENCE_S).json()
        return found

    def orders(self) -> tuple[Order, ...]:
        """All orders ever."""
        return _patiently(self.client.orders)

    def fills(self) -> tuple[Fill, ...]:
        """All fills ever."""
        return _patiently(self.client.fills)

    def settlements(self) -> tuple[Settlement, ...]:
        """All payments ever."""
        return _patiently(self.client.settlements)

    def end(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
        self._errors.close()


def _patiently(question: Any) -> Any:  # noqa: ANN401 - any answer
    for _ in range(20):
        try:
            return question()
        except ExchangeError:
            time.sleep(0.1)
    return question()


def _plain_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT)}


class OurBooks:
    """The journal's fold, followed from outside entry by entry."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fold = Fold()
        self.seq = 0
        self.actives = 0
        self.state = ""
        self.halts: list[str] = []
        """What the breaker tripped for, each time."""
        self.wishes: dict[str, str] = {}
        self.booked = Counter[str]()
        self._codec = Codec()

    def follow(self) -> None:
        """Take what was written since."""
        if not self.path.exists():
            return
        with sqlite3.connect(f"file:{self.path}?mode=ro", uri=True) as db:
            try:
                query = "SELECT seq, body FROM entries WHERE seq > ? ORDER BY seq"
                rows = db.execute(query, (self.seq,)).fetchall()
            except sqlite3.OperationalError:  # just being made
                rows = []
        db.close()
        for seq, body in rows:
            event = self._codec.decode(body)
            self.fold.apply(event)
            self.seq = seq
            match event:
                case m.TradingStateChanged():
                    self.state = event.state
                    self.actives += event.state == "ACTIVE"
                    if event.state == "HALTED":
                        self.halts.append(f"{event.code}: {event.reason}")
                case m.OrderApproved():
                    self.wishes[event.request.client_order_id] = event.signal_id
                case m.OrderFilled():
                    self.booked[event.trade_id] += 1
                case _:
                    pass

    def gap(self, theirs: dict[str, Any]) -> int:
        """Money by which both sides differ, a contract counted as a dollar."""
        ours = ledger_books(self.fold.ledger)
        return gap(ours, theirs) if ours is not None else int(theirs["cash"])


def gap(ours: Books, theirs: dict[str, Any]) -> int:
    """Money by which both sides differ, a contract counted as a dollar."""
    positions = Counter(dict(theirs["positions"]))
    positions.subtract(ours.positions)
    return (
        abs(ours.cash - theirs["cash"])
        + abs(ours.fees - theirs["fees"])
        + sum(abs(quantity) for quantity in positions.values()) * int(ONE_CENT)
    )


def both_books(venue: Venue, ledger: Ledger) -> tuple[Books, dict[str, Any]]:
    """Our books and theirs, of one moment: the exchange goes on when the daemon has ended."""
    ours = ledger_books(ledger)
    assert ours is not None, "the daemon never learnt its capital"
    return of_one_moment(ours, ledger, venue.settlements, venue.books)


class Daemon:
    """One run of the daemon, to be killed."""

    def __init__(
        self, venue: Venue, folder: Path, *, at: int, before: bool, placement: str = "actors"
    ) -> None:
        environment = {
            **_plain_environment(),
            **venue.environment,
            **EAGER,
            "STATE_DIR": str(folder / "var"),
            "PLACEMENT": placement,
            "DRILL_KILL_AT": str(at),
            "DRILL_KILL_BEFORE": str(int(before)),
        }
        self._errors = (folder / "daemon.err").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.recovery.victim", "trade", "--port", "0", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and wait for the body."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._errors.close()

    def stop(self) -> tuple[int, dict[str, Any]]:
        """Ask it to end in order; its exit code and its own comparison."""
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=STOP_S)
        self._errors.close()
        return self.process.returncode, json.loads(out.splitlines()[-1])


class ProcessDrill:
    """Rounds on one exchange, one account, one journal."""

    def __init__(self, seed: int, folder: Path, speed: float = 200.0) -> None:
        self.random = Random(seed)
        self.folder = folder
        self.tally = Tally()
        self.venue = Venue(folder, seed, speed)
        self.venue.arm(FAULTS)
        name = f"journal-{self.venue.told['key_id'][:8]}.sqlite"
        self.books = OurBooks(folder / "var" / "local" / name)

    def round(self) -> None:
        """Start, reconcile, trade, agree, die."""
        random, tally = self.random, self.tally
        at = random.randint(1, 60) if random.random() < 0.7 else 0
        daemon = Daemon(
            self.venue,
            self.folder,
            at=at,
            before=random.random() < 0.5,
            placement=random.choice(("actors", "fused")),
        )
        began = self.books.actives
        try:
            if self._until(daemon, START_S, lambda: self.books.actives > began):
                agreed = self._until(daemon, AGREE_S, lambda: not self._gap())
                if not agreed and daemon.alive:
                    self._fail(f"books differ by {self._gap()} {AGREE_S} s after the start")
                self._until(daemon, random.uniform(0.5, 4.0), lambda: False)
            elif daemon.alive:
                self._fail(f"not ACTIVE within {START_S} s but {self.books.state}")
        finally:
            daemon.kill()
        tally.kills += 1
        tally.rounds += 1
        time.sleep(random.choice((0.0, 0.1, 0.5)))

    def _gap(self) -> int:
        theirs = self.venue.books()
        self.books.follow()
        return self.books.gap(theirs)

    def _gap_at_the_end(self) -> int:
        self.books.follow()
        ours, theirs = both_books(self.venue, self.books.fold.ledger)
        return gap(ours, theirs)

    def _until(self, daemon: Daemon, seconds: float, happened: Any) -> bool:  # noqa: ANN401
        """Wait until it happened; False where time is over or the daemon has died."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and daemon.alive:
            self.books.follow()
            if happened():
                return True
            time.sleep(_GLANCE_S)
        return False

    def _fail(self, what: str) -> None:
        self.tally.failures += (f"process round {self.tally.rounds}: {what}",)

    def finish(self) -> Tally:
        """A last run without faults, ended in order; what it all came to."""
        tally, venue = self.tally, self.venue
        tally.faults += venue.disarm()
        try:
            daemon = Daemon(venue, self.folder, at=0, before=False)
            began = self.books.actives
            if not self._until(daemon, START_S, lambda: self.books.actives > began):
                self._fail(f"the last run is {self.books.state}")
            code, result = daemon.stop()
            if code or result["differences"] or result["resting"]:
                self._fail(f"the last run ended with {code}: {json.dumps(result)}")
            self._compare()
        finally:
            venue.end()
        return tally

    def _compare(self) -> None:
        self.books.follow()
        tally, orders, fills = self.tally, self.venue.orders(), self.venue.fills()
        told = {fill.trade_id for fill in fills}
        tally.lost += len(told ^ set(self.books.booked))
        of_wish = Counter(
            self.books.wishes.get(order.client_order_id, order.client_order_id) for order in orders
        )
        both = (*of_wish.values(), *self.books.booked.values())
        tally.duplicates += sum(count - 1 for count in both)
        tally.difference += self._gap_at_the_end() / ONE_CENT
        tally.orders += len(orders)
        tally.fills += len(fills)


def run_process_rounds(seed: int, rounds: int, folder: Path) -> Tally:
    """Play so many rounds with real processes."""
    drill = ProcessDrill(seed, folder)
    for _ in range(rounds):
        drill.round()
    return drill.finish()
