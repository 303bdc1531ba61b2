"""A book in motion, and two ways to look at it: by the stream and over REST."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from core.exchange.records import Outcome, Side
from core.exchange.wire.market_frames import (
    OrderbookDelta,
    OrderbookSnapshot,
)
from tests.contract.venue import TICKER, Venue, order

if TYPE_CHECKING:
    from tests.contract.follower import Follower


def rebuilt(follower: Follower, ticker: str = TICKER) -> dict[Outcome, dict[str, int]]:
    """The book of the frames so far: a snapshot, and the deltas after it added up."""
    book: dict[Outcome, dict[str, int]] = {Outcome.YES: {}, Outcome.NO: {}}
    for frame in follower.frames:
        match frame:
            case OrderbookSnapshot(msg=body) if body.market_ticker == ticker:
                book = {
                    Outcome.YES: {str(p): _hundredths(q) for p, q in body.yes_dollars_fp},
                    Outcome.NO: {str(p): _hundredths(q) for p, q in body.no_dollars_fp},
                }
            case OrderbookDelta(msg=body) if body.market_ticker == ticker:
                side, price = book[body.side], str(body.price_dollars)
                side[price] = side.get(price, 0) + _hundredths(body.delta_fp)
                assert side[price] >= 0, f"level {price} fell below zero"
                if not side[price]:
                    del side[price]
            case _:
                pass
    return book


def shown(venue: Venue) -> dict[Outcome, dict[str, int]]:
    """The same book over REST."""
    book = venue.exchange.order_book(TICKER)
    return {
        leg: {f"{level.price / 10_000:.4f}": level.quantity for level in levels}
        for leg, levels in ((Outcome.YES, book.yes), (Outcome.NO, book.no))
    }


def _hundredths(text: object) -> int:
    return round(float(str(text)) * 100)


def stir(venue: Venue, seed: int, steps: int) -> None:
    """Outside liquidity comes and goes, takers come, own orders too; repeatable."""
    draw = random.Random(seed)
    for n in range(steps):
        cents = draw.randint(30, 48), draw.randint(52, 70)
        venue.quote(Side.BID, f"0.{cents[0]}", str(draw.randint(0, 40)))
        venue.quote(Side.ASK, f"0.{cents[1]}", str(draw.randint(0, 40)))
        if n % 3 == 0:
            venue.outsider(Side.BID, "0.60", "5.5")
        if n % 4 == 0:
            side = Side.BID if n % 8 else Side.ASK
            venue.exchange.create_order(order(f"s{seed}-{n}", side, "0.5000", "3"))
        venue.later(0.5)
