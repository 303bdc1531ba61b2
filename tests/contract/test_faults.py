"""Faults at requests and frames: what the client makes of each, and what has really happened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
import websocket

from core.exchange.fault_kinds import FaultKind
from core.exchange.faults import Fault, FaultBook, FaultError, read_script
from core.exchange.port import Ambiguous, RateLimited, Unauthorized, Unavailable
from core.exchange.records import Side
from core.exchange.venue_time import bounds
from core.exchange.wire.control_frames import StreamError
from core.exchange.wire.market_frames import OrderbookDelta, OrderbookSnapshot
from core.exchange.wire.private_frames import FillFrame
from core.exchange.wire.scalars import rfc3339
from core.units import SECOND, Nanos, seconds
from tests.contract.follower import WAIT, Follower, follow
from tests.contract.venue import CLOSES, TICKER, Venue, order
from web.exchange_options import ExchangeOptions, OptionsError

if TYPE_CHECKING:
    from pathlib import Path

CREATE = "POST /portfolio/events/orders"
START = rfc3339("2026-11-22T15:00:00Z")


def control(venue: Venue) -> str:
    assert venue.running is not None
    return f"{venue.running.announcement.base_url}/local/faults"


def inject(venue: Venue, kind: str, **more: object) -> int:
    answer = requests.post(control(venue), json={"kind": kind, **more}, timeout=WAIT)
    assert answer.status_code == 201, answer.text
    ids: list[int] = answer.json()["ids"]
    return ids[0]


def faults(venue: Venue) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = requests.get(control(venue), timeout=WAIT).json()["faults"]
    return found


def client_ids(venue: Venue) -> list[str]:
    return [row.client_order_id for row in venue.exchange.orders(ticker=TICKER)]


# --- requests


@pytest.mark.parametrize(
    ("kind", "landed"),
    [("lost_after", True), ("error_after", True), ("lost_before", False), ("error", False)],
)
def test_a_create_without_an_answer_is_ambiguous_and_its_own_id_finds_it_again(
    served: Venue, kind: str, landed: bool
) -> None:
    inject(served, kind, match=CREATE)
    with pytest.raises(Ambiguous):
        served.exchange.create_order(order("once", Side.BID, "0.40", "5"))
    assert client_ids(served) == (["once"] if landed else [])
    assert [row["done"] for row in faults(served)] == [1]


def test_a_burst_of_429_carries_out_nothing_and_then_ends(served: Venue) -> None:
    inject(served, "rate_limited", match=CREATE, count=2)
    for number in range(2):
        with pytest.raises(RateLimited):
            served.exchange.create_order(order(f"r{number}", Side.BID, "0.40", "5"))
    served.exchange.create_order(order("r2", Side.BID, "0.40", "5"))
    assert client_ids(served) == ["r2"]


def test_skipped_occasions_are_let_through(served: Venue) -> None:
    inject(served, "error", match=CREATE, skip=1)
    served.exchange.create_order(order("first", Side.BID, "0.40", "5"))
    with pytest.raises(Ambiguous):
        served.exchange.create_order(order("second", Side.BID, "0.40", "5"))
    assert client_ids(served) == ["first"]


@pytest.mark.parametrize("kind", ["slow", "slow_answer"])
def test_a_slow_answer_is_the_right_one(served: Venue, kind: str) -> None:
    inject(served, kind, match=CREATE, seconds=0.05)
    placed = served.exchange.create_order(order("slow", Side.BID, "0.40", "5"))
    assert client_ids(served) == ["slow"]
    assert placed.order_id == served.exchange.orders(ticker=TICKER)[0].order_id


def test_a_new_field_is_read_over(served: Venue) -> None:
    inject(served, "drift", match="*", count=0)
    served.exchange.create_order(order("new", Side.BID, "0.40", "5"))
    assert client_ids(served) == ["new"]
    assert served.exchange.order_book(TICKER).yes
    assert served.exchange.market(TICKER).ticker == TICKER


def test_a_list_of_orders_with_a_row_less_a_field_fails_whole(served: Venue) -> None:
    served.exchange.create_order(order("kept", Side.BID, "0.40", "5"))
    inject(
        served, "drift", match="GET /portfolio/orders", change="remove", field="remaining_count_fp"
    )
    with pytest.raises(Unavailable):
        served.exchange.orders(ticker=TICKER)
    assert client_ids(served) == ["kept"]


def test_a_number_where_a_string_was_has_the_same_value(served: Venue) -> None:
    served.exchange.create_order(order("kept", Side.BID, "0.40", "5.25"))
    before = served.exchange.orders(ticker=TICKER)
    inject(
        served, "drift", match="GET /portfolio/orders", change="retype", field="remaining_count_fp"
    )
    assert served.exchange.orders(ticker=TICKER) == before
    assert [row["done"] for row in faults(served)] == [1]


def test_a_create_answered_without_its_order_id_is_ambiguous(served: Venue) -> None:
    inject(served, "drift", match=CREATE, change="remove", field="order_id")
    with pytest.raises(Ambiguous):
        served.exchange.create_order(order("landed", Side.BID, "0.40", "5"))
    assert client_ids(served) == ["landed"]


def test_an_exchange_whose_clock_is_off_refuses_signatures(served: Venue) -> None:
    inject(served, "clock_skew", offset=60.0)
    with pytest.raises(Unauthorized):
        served.exchange.balance()
    requests.delete(control(served), timeout=WAIT)
    assert served.exchange.balance().cash > 0


@pytest.mark.parametrize("offset", [900.0, -900.0, 0.0])
def test_every_answer_tells_the_exchanges_time(served: Venue, offset: float) -> None:
    inject(served, "clock_skew", offset=offset)
    assert served.running is not None
    url = served.running.announcement.base_url
    for path in ("/exchange/status", "/portfolio/balance", "/nothing"):
        told = requests.get(f"{url}{path}", timeout=WAIT).headers["Date"]
        ahead = bounds(told, served.clock.now(), served.clock.now())
        assert ahead is not None
        assert ahead.lowest <= seconds(offset) < ahead.highest


@pytest.mark.parametrize("wrong", [{"fee_type": "flat"}, {"multiplier": -1.0}])
def test_fees_that_no_formula_describes_are_no_fault(served: Venue, wrong: dict[str, Any]) -> None:
    fault = {"kind": "fee_change", "match": "KXSOL15M", **wrong}
    answer = requests.post(control(served), json=fault, timeout=WAIT)
    assert answer.status_code == 400
    assert "fee_type must have a formula" in answer.text


# --- frames


def test_a_dropped_frame_is_a_gap_in_the_numbers(served: Venue, follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    inject(served, "drop", match="orderbook_delta", skip=1)
    for size in ("1", "2", "3"):
        served.quote(Side.BID, "0.40", size)
    follower.settle()
    assert [frame.seq for frame in follower.of(OrderbookDelta)] == [2, 4]


def test_frames_change_places_and_keep_their_numbers(served: Venue, follower: Follower) -> None:
    follower.subscribe("orderbook_delta")
    inject(served, "reorder", match="orderbook_delta")
    for size in ("1", "2", "3"):
        served.quote(Side.BID, "0.40", size)
    follower.settle()
    assert [frame.seq for frame in follower.of(OrderbookDelta)] == [3, 2, 4]


def test_a_fill_is_told_twice(served: Venue, follower: Follower) -> None:
    follower.subscribe("fill")
    served.quote(Side.ASK, "0.50", "5")
    inject(served, "duplicate", match="fill")
    served.exchange.create_order(order("twice", Side.BID, "0.50", "5"))
    follower.settle()
    first, second = follower.of(FillFrame)
    assert first == second


@pytest.mark.parametrize(("kind", "code"), [("overflow", 25), ("channel_error", 10)])
def test_a_subscription_ends_with_its_error_and_its_neighbours_live(
    served: Venue, follower: Follower, kind: str, code: int
) -> None:
    follower.subscribe("orderbook_delta", "trade")
    inject(served, kind, match="orderbook_delta")
    served.quote(Side.BID, "0.40", "1")
    follower.settle()
    assert [(e.msg.code, e.sid, e.seq) for e in follower.of(StreamError)] == [(code, 1, 2)]
    assert follower.of(OrderbookDelta) == []
    follower.subscribe("orderbook_delta")
    assert [frame.sid for frame in follower.of(OrderbookSnapshot)] == [1, 3]


def test_a_connection_is_cut(served: Venue) -> None:
    other = follow(served)
    other.subscribe("trade")
    inject(served, "disconnect", match="trade")
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        other.socket.recv()


def test_a_stalled_socket_is_silent_and_then_tells_everything(
    served: Venue, follower: Follower
) -> None:
    follower.subscribe("orderbook_delta")
    inject(served, "stall", seconds=0.2)
    served.quote(Side.BID, "0.40", "1")
    follower.settle()
    assert len(follower.of(OrderbookDelta)) == 1


# --- at their time


def test_trading_pauses_and_resumes_by_itself(served: Venue) -> None:
    inject(served, "pause_trading", at=5.0, seconds=10.0)
    states = []
    for _ in range(4):
        states.append(served.exchange.status().of_shard(2).trading_active)
        served.later(5.0)
    assert states == [True, False, False, True]


def test_a_market_paused_comes_back_without_its_orders(served: Venue) -> None:
    served.exchange.create_order(order("gone", Side.BID, "0.40", "5"))
    inject(served, "pause_market", match=TICKER, seconds=10.0)
    served.later(11.0)
    assert [row.status for row in served.exchange.orders(ticker=TICKER)] == ["canceled"]


def test_a_settlement_that_is_late_comes(served: Venue) -> None:
    served.quote(Side.ASK, "0.50", "5")
    served.exchange.create_order(order("held", Side.BID, "0.50", "5"))
    inject(served, "late_settlement", seconds=120.0)
    served.at(Nanos(CLOSES + 60 * SECOND))
    assert served.exchange.settlements() == ()
    served.at(Nanos(CLOSES + 130 * SECOND))
    assert [row.ticker for row in served.exchange.settlements()] == [TICKER]


def test_a_delay_taken_back_between_result_and_payout_settles_once(served: Venue) -> None:
    served.quote(Side.ASK, "0.50", "5")
    served.exchange.create_order(order("held", Side.BID, "0.50", "5"))
    inject(served, "late_settlement", seconds=30.0)
    served.at(Nanos(CLOSES + 2 * SECOND))
    inject(served, "late_settlement", seconds=0.0)
    served.at(Nanos(CLOSES + 60 * SECOND))
    assert [row.ticker for row in served.exchange.settlements()] == [TICKER]


# --- control and script


def test_faults_are_listed_and_cleared(served: Venue) -> None:
    first = inject(served, "error")
    inject(served, "drop", match="fill")
    assert [row["fault"]["kind"] for row in faults(served)] == ["error", "drop"]
    assert requests.delete(f"{control(served)}/{first}", timeout=WAIT).status_code == 200
    assert requests.delete(f"{control(served)}/{first}", timeout=WAIT).status_code == 404
    requests.delete(control(served), timeout=WAIT)
    assert faults(served) == []


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "explode"},
        {"kind": "error", "status": 404},
        {"kind": "drop", "chance": 0},
        {"kind": "pause_market", "match": "*"},
        {"kind": "drop", "cuont": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(served: Venue, body: dict[str, object]) -> None:
    assert requests.post(control(served), json=body, timeout=WAIT).status_code == 400
    assert faults(served) == []


def test_a_page_in_a_browser_cannot_add_one_unasked(served: Venue) -> None:
    body = msgspec.json.encode({"kind": "error"})
    answer = requests.post(
        control(served), data=body, headers={"Content-Type": "text/plain"}, timeout=WAIT
    )
    assert answer.status_code == 400
    assert faults(served) == []


TOML = b"""
[[faults]]
kind = "lost_after"
match = "POST /portfolio/events/orders"
skip = 2

[[faults]]
kind = "pause_trading"
at = 30.0
seconds = 20.0
"""


def test_a_script_is_read_as_toml_and_as_json() -> None:
    found = read_script(TOML, is_toml=True)
    assert [(row.kind, row.skip, row.seconds) for row in found] == [
        (FaultKind.LOST_AFTER, 2, 0.0),
        (FaultKind.PAUSE_TRADING, 0, 20.0),
    ]
    assert read_script(msgspec.json.encode({"faults": found}), is_toml=False) == found


def test_a_script_with_an_error_is_refused_before_anything_starts(tmp_path: Path) -> None:
    script = tmp_path / "faults.toml"
    script.write_bytes(TOML + b'\n[[faults]]\nkind = "explode"\n')
    with pytest.raises(OptionsError, match="explode"):
        ExchangeOptions(faults=script).check()
    with pytest.raises(FaultError):
        read_script(b"faults = 3", is_toml=True)


def test_equal_seeds_and_occasions_give_equal_faults() -> None:
    happened = []
    for seed in (7, 7, 8):
        book = FaultBook(seed)
        book.add(Fault(kind=FaultKind.DROP, chance=0.5, count=0), START)
        happened.append([bool(book.frame("trade")) for _ in range(64)])
    assert happened[0] == happened[1]
    assert happened[0] != happened[2]
