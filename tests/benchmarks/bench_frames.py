"""From the text of a frame to a book, and to the picture a strategy sees.

The same frames in turn: a plain loop as a first bot would write it (`json`, floats, a dictionary
searched for its best price), decoding and book alone, and the whole market feed.
"""

from __future__ import annotations

import json
import time
from random import Random
from typing import TYPE_CHECKING, Final

from core.domain.book import Book
from core.exchange.wire.frames import Origin
from core.exchange.wire.translate import read_frame
from core.messages import BookDelta, BookSnapshot
from core.roles.feed_terms import MARKET_STREAM
from tests.benchmarks.measure import Row, in_turn, rows
from tests.builders import NOW, TICKER
from tests.roles.feed_bench import tape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TITLE = "frames a second through decoding and book"
_FRAMES: Final = 20_000
_TICKS: Final = 45
_ORIGIN: Final = Origin(stream=MARKET_STREAM, conn=1, ts_recv=NOW)


def _frames(seed: int) -> list[str]:
    """A snapshot and deltas around the touch, as the exchange spells them."""
    random = Random(seed)
    sizes = {
        (leg, cents): 100.0 + random.randrange(900)
        for leg in ("yes", "no")
        for cents in range(1, 46)
    }
    body: dict[str, object] = {"market_ticker": TICKER, "market_id": "m", "clock": 1}
    for leg in ("yes", "no"):
        body[f"{leg}_dollars_fp"] = [
            [f"{cents / 100:.4f}", f"{sizes[leg, cents]:.2f}"] for cents in range(1, _TICKS + 1)
        ]
    texts = [json.dumps({"type": "orderbook_snapshot", "sid": 1, "seq": 1, "msg": body})]
    for seq in range(2, _FRAMES + 2):
        leg, cents = random.choice(("yes", "no")), random.randint(30, _TICKS)
        change = max(-sizes[leg, cents] + 1, random.choice((-20.0, -5.0, 5.0, 20.0)))
        sizes[leg, cents] += change
        delta = {
            "market_ticker": TICKER,
            "market_id": "m",
            "clock": seq,
            "price_dollars": f"{cents / 100:.4f}",
            "delta_fp": f"{change:.2f}",
            "side": leg,
            "ts_ms": NOW // 10**6,
        }
        texts.append(json.dumps({"type": "orderbook_delta", "sid": 1, "seq": seq, "msg": delta}))
    return texts


def _plain(texts: Sequence[str]) -> float:
    """Best bid and ask after each frame, the way one writes it first."""
    books: dict[str, dict[float, float]] = {"yes": {}, "no": {}}
    best = 0.0
    for text in texts:
        body = json.loads(text)["msg"]
        if "price_dollars" in body:
            book, price = books[body["side"]], float(body["price_dollars"])
            book[price] = book.get(price, 0.0) + float(body["delta_fp"])
            if book[price] <= 0:
                del book[price]
        else:
            for leg, book in books.items():
                book.update({float(p): float(q) for p, q in body[f"{leg}_dollars_fp"]})
        best = max(books["yes"]) + 1 - max(books["no"])
    return best


def _decode_and_book(texts: Sequence[str]) -> int:
    """The same through the wire's decoder and the domain's book."""
    book, best = Book(), 0
    for text in texts:
        (message,) = read_frame(text, _ORIGIN)
        if isinstance(message, BookDelta):
            book.apply(message.leg, message.price, message.delta, message.ts_event)
        elif isinstance(message, BookSnapshot):
            book.load(message.yes, message.no)
        best = book.bid
    return best


def _feed(texts: Sequence[str]) -> int:
    """The same through decoder and the whole market feed, which makes pictures."""
    bench, views = tape(), 0
    for text in texts:
        for message in read_frame(text, _ORIGIN):
            views += len(bench.send(message))
    return views


def _rate(work: Callable[[Sequence[str]], object], texts: Sequence[str]) -> Callable[[], float]:
    def measure() -> float:
        begun = time.perf_counter()
        work(texts)
        return len(texts) / (time.perf_counter() - begun)

    return measure


def run(rounds: int) -> list[Row]:
    """Frames a second of each."""
    texts = _frames(seed=7)
    plain = "plain loop: json, floats, dict"
    cases = {
        plain: _rate(_plain, texts),
        "decode and book": _rate(_decode_and_book, texts),
        "decode and market feed": _rate(_feed, texts),
    }
    return rows(in_turn(cases, rounds), "frames/s", plain)
