"""Sequences of trades, life cycle, index and groups: what is a gap, and what came twice."""

from __future__ import annotations

import pytest

from core import messages as m
from core.exchange.wire.frames import Numbers, Origin, encode_frame
from core.exchange.wire.sequence import Sequences
from core.exchange.wire.translate import follow_frame
from core.units import Nanos

ORIGIN = Origin(stream="market", conn=3, ts_recv=Nanos(5))
TRADE = (
    b'{"trade_id":"t","market_ticker":"KXSOL15M-26NOV221015-15","yes_price_dollars":"0.4700",'
    b'"count_fp":"1.00","taker_book_side":"bid","ts_ms":1795360032418}'
)


class Line:
    """A connection; frames in, messages out."""

    def __init__(self) -> None:
        self.sequences = Sequences()

    def frame(self, kind: str, body: bytes | None, sid: int, seq: int) -> tuple[m.Message, ...]:
        text = encode_frame(kind, body, Numbers(sid, seq), 1)
        return follow_frame(text, ORIGIN, self.sequences)

    def subscribed(self, channel: str, sid: int) -> None:
        self.frame("subscribed", b'{"channel":"%b","sid":%d}' % (channel.encode(), sid), 0, 0)

    def trade(self, seq: int, sid: int = 2) -> list[str]:
        return [type(message).__name__ for message in self.frame("trade", TRADE, sid, seq)]


@pytest.fixture
def line() -> Line:
    made = Line()
    made.subscribed("trade", 2)
    return made


def test_numbers_in_a_row_are_no_gap(line: Line) -> None:
    assert [line.trade(seq) for seq in (1, 2, 3)] == [["TradePrint"]] * 3


def test_a_gap_is_told_before_the_frame_that_shows_it_and_only_once(line: Line) -> None:
    line.trade(1)
    gap, trade = line.frame("trade", TRADE, 2, 5)
    assert gap == m.StreamGap(stream="market", conn=3, channel="trade", missed=3, ts_recv=Nanos(5))
    assert isinstance(trade, m.TradePrint)
    assert line.trade(6) == ["TradePrint"]


def test_the_first_message_of_a_subscription_must_be_its_first(line: Line) -> None:
    assert line.trade(2) == ["StreamGap", "TradePrint"]


def test_a_frame_that_comes_twice_or_late_is_dropped(line: Line) -> None:
    line.trade(1)
    assert line.trade(1) == []
    assert line.trade(3) == ["StreamGap", "TradePrint"]
    assert line.trade(2) == []


def test_control_replies_count_and_are_never_dropped(line: Line) -> None:
    line.trade(1)
    assert [type(x) for x in line.frame("ok", None, 2, 2)] == [m.StreamReply]
    assert line.trade(3) == ["TradePrint"]
    assert [type(x) for x in line.frame("ok", None, 2, 3)] == [m.StreamReply]


def test_a_frame_that_cannot_be_read_leaves_a_gap_at_the_next(line: Line) -> None:
    line.trade(1)
    assert [type(x) for x in line.frame("trade", b"{}", 2, 2)] == [m.FrameSkipped]
    assert line.trade(3) == ["StreamGap", "TradePrint"]


def test_books_are_counted_by_who_keeps_them() -> None:
    line = Line()
    line.subscribed("orderbook_delta", 1)
    body = b'{"market_ticker":"T","price_dollars":"0.4600","delta_fp":"1.00","side":"yes"}'
    told = [line.frame("orderbook_delta", body, 1, seq) for seq in (1, 5, 5)]
    assert [[type(x) for x in messages] for messages in told] == [[m.BookDelta]] * 3


def test_a_renewed_subscription_may_count_on(line: Line) -> None:
    line.trade(1)
    line.frame("error", b'{"code":25,"msg":"overflow"}', 2, 2)
    line.subscribed("trade", 4)
    assert line.trade(17, sid=4) == ["TradePrint"]
    assert line.trade(19, sid=4) == ["StreamGap", "TradePrint"]
