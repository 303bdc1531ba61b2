"""Commands of the feed: what they look like on the wire, and that the exchange reads them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core.exchange.wire.commands import decode_command, encode_command
from core.messages import SendCommand


def command(**fields: Any) -> SendCommand:  # noqa: ANN401
    given: dict[str, Any] = {"stream": "market", "conn": 1, "command_id": 4, **fields}
    return SendCommand(**given)


@pytest.mark.parametrize(
    ("sent", "wanted"),
    [
        (
            command(command="subscribe", channels=("orderbook_delta", "trade"), tickers=("A",)),
            {
                "id": 4,
                "cmd": "subscribe",
                "params": {
                    "channels": ["orderbook_delta", "trade"],
                    "market_tickers": ["A"],
                    "use_yes_price": False,
                },
            },
        ),
        (
            command(command="subscribe", channels=("fill", "user_orders")),
            {"id": 4, "cmd": "subscribe", "params": {"channels": ["fill", "user_orders"]}},
        ),
        (
            command(
                command="subscribe",
                channels=("cfbenchmarks_value_5hz",),
                tickers=("SOLUSD_RTI",),
            ),
            {
                "id": 4,
                "cmd": "subscribe",
                "params": {"channels": ["cfbenchmarks_value_5hz"], "index_ids": ["SOLUSD_RTI"]},
            },
        ),
        (
            command(command="add_markets", sid=2, tickers=("A", "B")),
            {
                "id": 4,
                "cmd": "update_subscription",
                "params": {"sid": 2, "action": "add_markets", "market_tickers": ["A", "B"]},
            },
        ),
        (
            command(command="get_snapshot", sid=2, tickers=("A",)),
            {
                "id": 4,
                "cmd": "update_subscription",
                "params": {"sid": 2, "action": "get_snapshot", "market_tickers": ["A"]},
            },
        ),
        (
            command(command="unsubscribe", sid=2),
            {"id": 4, "cmd": "unsubscribe", "params": {"sids": [2]}},
        ),
    ],
)
def test_commands_look_as_documented(sent: SendCommand, wanted: dict[str, Any]) -> None:
    assert msgspec.json.decode(encode_command(sent)) == wanted


def test_a_command_is_read_back() -> None:
    sent = command(command="subscribe", channels=("orderbook_delta",), tickers=("A", "B"))
    read = decode_command(encode_command(sent))
    assert read.params is not None
    assert (read.id, read.cmd, read.params.tickers()) == (4, "subscribe", ("A", "B"))
    assert read.params.use_yes_price is False


def test_one_market_may_be_named_alone() -> None:
    read = decode_command('{"id":1,"cmd":"subscribe","params":{"market_ticker":"A","new":1}}')
    assert read.params is not None
    assert read.params.tickers() == ("A",)
