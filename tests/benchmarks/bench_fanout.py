"""The local exchange's stream with many clients: latency of a frame, the server's CPU, its order.

The exchange runs in this process, the clients in another one, so that the CPU counted is the
exchange's alone. One market changes at 200 levels a second; each change is one frame to everybody.
"""

from __future__ import annotations

import multiprocessing
import selectors
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import msgspec
import websocket

from core.exchange.records import Side
from core.units import SECOND, Nanos
from tests.benchmarks.measure import Row
from tests.contract.follower import signed_headers
from tests.contract.venue import OPENS, TICKER, Venue, served_venue

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

TITLE = "the exchange's stream: one frame to 1 and to 50 clients, 200 frames a second"

_RATE: Final = 200
_FRAMES: Final = 600
_CLIENTS: Final = (1, 50)


class _Frame(msgspec.Struct, frozen=True):
    type: str
    seq: int = 0


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    p50_us: float
    p99_us: float
    cpu_percent: float
    in_order: bool


def run(rounds: int) -> list[Row]:
    """Medians over the rounds, clients few and many in turn."""
    found: dict[int, list[_Outcome]] = {count: [] for count in _CLIENTS}
    for _ in range(rounds):
        for count in _CLIENTS:
            found[count].append(_measure(count))
    rows = []
    for count, outcomes in found.items():
        name = f"{count} client" + ("s" if count > 1 else "")
        rows += [
            _row(f"{name}, p50", [o.p50_us for o in outcomes], "us"),
            _row(f"{name}, p99", [o.p99_us for o in outcomes], "us"),
            _row(f"{name}, CPU of the exchange", [o.cpu_percent for o in outcomes], "%"),
            _row(f"{name}, all in order", [float(o.in_order) for o in outcomes], "of 1"),
        ]
    return rows


def _row(case: str, values: list[float], unit: str) -> Row:
    return Row(case=case, value=median(values), unit=unit)


def _measure(count: int) -> _Outcome:
    with tempfile.TemporaryDirectory() as folder:
        venue = served_venue(Path(folder), streams=count)
        venue.at(Nanos(OPENS + 60 * SECOND))
        assert venue.running is not None
        url = venue.running.announcement.ws_url
        headers = [signed_headers(venue) for _ in range(count)]
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        clients = context.Process(target=_clients, args=(url, headers, theirs))
        clients.start()
        assert ours.recv() == "ready"
        sent, cpu = _send(venue)
        arrivals: list[tuple[list[int], list[int]]] = ours.recv()
        clients.join()
        venue.exchange.close()  # type: ignore[attr-defined]
        venue.running.stop()
    delays = sorted(
        (at - sent[seq - 2]) / 1000
        for seqs, times in arrivals
        for seq, at in zip(seqs, times, strict=True)
    )
    wanted = list(range(2, _FRAMES + 2))
    return _Outcome(
        p50_us=delays[len(delays) // 2],
        p99_us=delays[len(delays) * 99 // 100],
        cpu_percent=cpu,
        in_order=all(seqs == wanted for seqs, _ in arrivals),
    )


def _send(venue: Venue) -> tuple[list[int], float]:
    """When each change was made, and the share of a core that this process used meanwhile."""
    sent = []
    began, used = time.monotonic(), time.process_time()
    for n in range(_FRAMES):
        time.sleep(max(0.0, began + n / _RATE - time.monotonic()))
        sent.append(time.monotonic_ns())
        venue.quote(Side.BID, "0.40", str(1 + n % 2))
    return sent, 100 * (time.process_time() - used) / (time.monotonic() - began)


def _clients(url: str, headers: list[list[str]], pipe: Connection) -> None:
    """All connections in one process, read in turn as they have something."""
    sockets = [
        websocket.create_connection(url, header=each, timeout=60, skip_utf8_validation=True)
        for each in headers
    ]
    wanted = {"channels": ["orderbook_delta"], "market_tickers": [TICKER]}
    command = {"id": 1, "cmd": "subscribe", "params": wanted}
    seen: dict[websocket.WebSocket, tuple[list[int], list[int]]] = {}
    with selectors.DefaultSelector() as waiting:
        for client in sockets:
            client.send(msgspec.json.encode(command).decode())
            client.recv()
            client.recv()
            seen[client] = ([], [])
            assert client.sock is not None
            waiting.register(client.sock, selectors.EVENT_READ, client)
        pipe.send("ready")
        while any(len(seqs) < _FRAMES for seqs, _ in seen.values()):
            for key, _ in waiting.select():
                frame = msgspec.json.decode(key.data.recv(), type=_Frame)
                if frame.type == "orderbook_delta":
                    seqs, times = seen[key.data]
                    seqs.append(frame.seq)
                    times.append(time.monotonic_ns())
    pipe.send(list(seen.values()))
    for client in sockets:
        client.close()
