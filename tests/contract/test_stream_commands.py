"""Commands of the stream and their answers, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from core.exchange.records import Side
from core.exchange.wire.control_frames import StreamError, Subscribed
from core.exchange.wire.market_frames import (
    OrderbookSnapshot,
)
from tests.contract.venue import NEXT, TICKER, Venue

if TYPE_CHECKING:
    from tests.contract.follower import Follower


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"cmd": "subscribe"}, 2),
        ({"cmd": "subscribe", "params": {}}, 3),
        ({"cmd": "subscribe", "params": {"channels": ["orderbook"]}}, 8),
        ({"cmd": "subscribe", "params": {"channels": ["orderbook_delta"]}}, 14),
        ({"cmd": "subscribe", "params": {"channels": "trade"}}, 11),
        (
            {
                "cmd": "subscribe",
                "params": {"channels": ["trade"], "market_ticker": "A", "market_tickers": ["B"]},
            },
            11,
        ),
        ({"cmd": "follow", "params": {}}, 5),
        ({"cmd": "unsubscribe", "params": {}}, 4),
        ({"cmd": "unsubscribe", "params": {"sids": [99]}}, 7),
        ({"cmd": "update_subscription", "params": {"action": "add_markets"}}, 12),
        ({"cmd": "update_subscription", "params": {"sid": 99, "action": "add_markets"}}, 7),
        ({"cmd": "update_subscription", "params": {"sid": 1}}, 15),
        ({"cmd": "update_subscription", "params": {"sid": 1, "action": "get_snapshot"}}, 13),
        ({"cmd": "update_subscription", "params": {"sid": 1, "action": "add_markets"}}, 14),
    ],
)
def test_s18_a_bad_command_is_answered_with_its_code(
    follower: Follower, command: dict[str, object], code: int
) -> None:
    follower.subscribe("trade", market_tickers=[TICKER])
    follower.command(id=5, **command)
    follower.settle()
    (error,) = follower.of(StreamError)
    assert error.msg.code == code
    assert error.id in {5, 0}
    assert error.seq == 0


def test_s19_text_that_is_no_json_is_answered_and_the_connection_lives(
    follower: Follower,
) -> None:
    follower.socket.send("{not json")
    follower.settle()
    assert [frame.msg.code for frame in follower.of(StreamError)] == [1]


def test_s20_a_second_subscription_merges_into_the_first(follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    follower.subscribe("orderbook_delta", market_tickers=[TICKER, NEXT.market_ticker])
    sids = {frame.msg.sid for frame in follower.of(Subscribed)}
    snapshots = [frame.msg.market_ticker for frame in follower.of(OrderbookSnapshot)]
    follower.command(id=30, cmd="list_subscriptions")
    answer = follower.read()
    assert sids == {1}
    assert snapshots == [TICKER, NEXT.market_ticker]
    assert msgspec.json.decode(follower.raw[-1])["msg"] == [
        {"channel": "orderbook_delta", "sid": 1}
    ]
    assert answer.seq == 0


def test_s21_an_unknown_market_is_subscribed_in_silence(follower: Follower) -> None:
    follower.subscribe("orderbook_delta", market_tickers=["KXSOL15M-26NOV221016-16"])
    assert follower.of(OrderbookSnapshot) == []
    assert len(follower.of(Subscribed)) == 1


def test_s22_deleted_markets_are_followed_no_more(served: Venue, follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    params = {"sid": 1, "action": "delete_markets", "market_tickers": [TICKER]}
    follower.command(id=6, cmd="update_subscription", params=params)
    follower.settle()
    served.quote(Side.BID, "0.40", "1")
    assert follower.settle() == []
