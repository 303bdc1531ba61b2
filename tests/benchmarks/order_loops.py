"""Loops beside the daemon: the naive bot, the bare loop in Python, and the floor in C.

Each reads the stream of the paced exchange, and answers every change of the book with an order.
None of them has a journal, risk, pricing, supervision or a page: they show what the machine allows.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec
import requests
import websocket

from actors.fast_socket import FastSocket
from core.clock import ScaledClock
from core.exchange.auth import PrivateKey, Signer, read_private_key
from core.exchange.express import ExpressHttp
from core.exchange.kalshi import OpenGate, Outgoing, Timeouts
from core.exchange.presigned import PresigningSigner
from core.exchange.records import OrderRequest, Side, TimeInForce
from core.exchange.wire import trading
from core.units import Price, Quantity
from tests.contract.venue import TICKER

if TYPE_CHECKING:
    from actors.venue_process import VenueAddress

ORDERS: Final = "/portfolio/events/orders"
SIGNED: Final = "/trade-api/v2/portfolio/events/orders"
STREAM: Final = "/trade-api/ws/v2"
_C_ORDERS: Final = 400
_SUBSCRIBE: Final = {
    "id": 1,
    "cmd": "subscribe",
    "params": {"channels": ["orderbook_delta"], "market_tickers": [TICKER]},
}
_ORDER: Final = {
    "ticker": TICKER,
    "side": "bid",
    "count": "1.00",
    "price": "0.0100",
    "time_in_force": "immediate_or_cancel",
    "self_trade_prevention_type": "taker_at_cross",
    "exchange_index": 2,
}


class Body(msgspec.Struct, gc=False):
    """What a loop looks at in a frame."""

    price_dollars: str = ""
    delta_fp: str = ""
    side: str = ""


class Frame(msgspec.Struct, gc=False):
    """A frame of the stream."""

    type: str
    msg: Body = msgspec.field(default_factory=Body)


def _key(address: VenueAddress) -> tuple[PrivateKey, ScaledClock]:
    assert address.private_key_path is not None
    return read_private_key(Path(address.private_key_path)), ScaledClock.from_spec(address.clock)


def naive(address: VenueAddress, seconds: float) -> list[float]:
    """Microseconds of each order: the usual libraries at their defaults, signed in line."""
    key, clock = _key(address)
    signer = Signer(address.key_id, key, clock)
    headers = signer.sign("GET", STREAM).headers()
    stream = websocket.create_connection(address.ws_url, header=headers, timeout=5)
    stream.send(json.dumps(_SUBSCRIBE))
    session, took = requests.Session(), []
    books: dict[str, dict[float, float]] = {"yes": {}, "no": {}}
    written: list[int] = []
    session.hooks["response"].append(lambda *_args, **_more: None)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        frame = json.loads(stream.recv())
        read_at, body = time.monotonic_ns(), frame.get("msg", {})
        if frame["type"] != "orderbook_delta":
            continue
        book, price = books[body["side"]], float(body["price_dollars"])
        book[price] = book.get(price, 0.0) + float(body["delta_fp"])
        order = {**_ORDER, "client_order_id": f"naive-{time.monotonic_ns()}"}
        with watched(written):
            session.post(
                f"{address.base_url}{ORDERS}",
                json=order,
                headers=signer.sign("POST", SIGNED).headers(),
                timeout=5,
            )
        took.append((written[-1] - read_at) / 1e3)
    stream.close()
    session.close()
    return took


class watched:  # noqa: N801 - reads as a statement
    """Notes when `http.client` has handed a request over."""

    def __init__(self, written: list[int]) -> None:
        import http.client  # noqa: PLC0415 - what is watched

        self._connection = http.client.HTTPConnection
        self._plain = self._connection.send
        self._written = written

    def __enter__(self) -> None:
        plain, written = self._plain, self._written

        def send(connection: object, data: object) -> None:
            plain(connection, data)  # type: ignore[arg-type]
            written.append(time.monotonic_ns())

        self._connection.send = send  # type: ignore[method-assign, assignment]

    def __exit__(self, *_: object) -> None:
        self._connection.send = self._plain  # type: ignore[method-assign]


def bare(address: VenueAddress, seconds: float) -> list[float]:
    """Microseconds of each order: our own parts in one thread, with nothing between them."""
    key, clock = _key(address)
    signer = PresigningSigner(address.key_id, key, clock)
    signer.keep("POST", SIGNED)
    stream = FastSocket(skip_utf8_validation=True)
    stream.settimeout(5)
    headers = signer.sign("GET", STREAM).headers()
    stream.connect(address.ws_url, header=headers, suppress_origin=True)  # type: ignore[no-untyped-call]
    stream.send(json.dumps(_SUBSCRIBE))
    http = ExpressHttp(address.base_url, signer, Timeouts(), OpenGate())
    decode, took, number = msgspec.json.Decoder(Frame).decode, [], 0
    deadline, signed_at = time.monotonic() + seconds, 0.0
    while time.monotonic() < deadline:
        if time.monotonic() - signed_at > 0.25:
            signer.refresh()
            signed_at = time.monotonic()
        for text in stream.texts():
            read_at = time.monotonic_ns()
            if decode(text).type != "orderbook_delta":
                continue
            number += 1
            request = OrderRequest(
                ticker=TICKER,
                client_order_id=f"bare-{number}-{signed_at}",
                side=Side.BID,
                quantity=Quantity(100),
                price=Price(100),
                time_in_force=TimeInForce.IOC,
                shard=2,
            )
            body = trading.CreateOrderJson.from_request(request)
            sent = http.begin(Outgoing(method="POST", path=ORDERS, body=body))
            took.append((time.monotonic_ns() - read_at) / 1e3)
            sent.receive()
    stream.release()
    http.close()
    return took


def floor(address: VenueAddress, folder: Path) -> list[float]:
    """Microseconds of each order of the program in C; empty without a compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return []
    program = folder / "order_floor"
    source = Path(__file__).with_name("order_floor.c")
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)  # noqa: S603 - our own
    key, clock = _key(address)
    signer = Signer(address.key_id, key, clock)
    (folder / "hello").write_bytes(_hello(address, signer))
    (folder / "order").write_bytes(_request(address, signer))
    port = str(urlsplit(address.base_url).port)
    ran = subprocess.run(  # noqa: S603 - our own
        [program, port, port, str(_C_ORDERS), folder / "hello", folder / "order"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [int(line) / 1e3 for line in ran.stdout.split()]


def _hello(address: VenueAddress, signer: Signer) -> bytes:
    """The upgrade, and behind it the subscription, which is sent once the upgrade is answered."""
    headers = {
        "Host": urlsplit(address.ws_url).netloc,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
        **signer.sign("GET", STREAM).headers(),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    text = json.dumps(_SUBSCRIBE).encode()
    frame = websocket.ABNF.create_frame(text, websocket.ABNF.OPCODE_TEXT).format()
    return f"GET {STREAM} HTTP/1.1\r\n{head}\r\n".encode() + frame


def _request(address: VenueAddress, signer: Signer) -> bytes:
    body = json.dumps({**_ORDER, "client_order_id": "CLIENTORDERID00000000"}).encode()
    headers = {
        "Host": urlsplit(address.base_url).netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **signer.sign("POST", SIGNED).headers(),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {SIGNED} HTTP/1.1\r\n{head}\r\n".encode() + body
