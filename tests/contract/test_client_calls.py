"""Every call of the client beyond the port, against the local exchange over sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import pytest
import requests

from core.exchange.engine_types import SOL_15M
from core.exchange.hours import is_open
from core.exchange.kalshi import OpenGate
from core.exchange.listing import PriceSpan
from core.exchange.port import Ambiguous, Rejected, Unauthorized, Unavailable
from core.exchange.records import (
    Canceled,
    CancelRequest,
    OrderStatus,
    Placed,
    Side,
    TimeInForce,
)
from core.exchange.reference import Stretch
from core.exchange.wire.event_fees import EventFeeChangesPage
from core.exchange.wire.private_frames import GroupFrame, UserOrder
from core.exchange.wire.scalars import rfc3339
from core.units import SECOND, Money, Nanos, Price, Quantity
from tests.contract.follower import WAIT, Follower
from tests.contract.test_faults import inject
from tests.contract.venue import CASH, CLOSES, NEXT, OPENS, TICKER, Venue, index_at, order

if TYPE_CHECKING:
    from core.exchange.endpoints import KalshiExchange

IOC = TimeInForce.IOC
INDEX = SOL_15M.index_id


@pytest.fixture
def client(served: Venue) -> KalshiExchange:
    return served.exchange  # type: ignore[return-value]


# --- what everybody may ask


def test_k01_the_schedule_knows_thursdays_maintenance(client: KalshiExchange) -> None:
    hours = client.schedule()
    assert is_open(hours, OPENS)
    assert not is_open(hours, rfc3339("2026-11-26T09:00:00Z"))
    assert is_open(hours, rfc3339("2026-11-26T10:00:00Z"))
    assert not is_open(hours, rfc3339("2026-12-03T08:00:00Z"))
    assert len(hours.maintenance) == 1


def test_k02_series_and_fee_changes_are_read(client: KalshiExchange) -> None:
    assert [row.ticker for row in client.all_series()] == ["KXSOL15M"]
    assert client.fee_changes("KXSOL15M") == ()


def test_k03_an_events_sources_and_fee_changes_are_read(client: KalshiExchange) -> None:
    (event, *_) = client.events("KXSOL15M")
    assert client.sources(event.event_ticker) == ("CF Benchmarks",)
    assert client.event_fee_changes() == ()


def test_k03_an_announced_change_of_an_events_fees_is_understood() -> None:
    page = msgspec.json.decode(
        b"""{"cursor": "", "event_fee_changes": [
          {"id": "1", "event_ticker": "E-1", "scheduled_ts": "2026-12-01T05:00:00Z",
           "fee_type_override": "quadratic_with_maker_fees", "fee_multiplier_override": 0.5},
          {"event_ticker": "E-2", "scheduled_ts": "2026-12-01T05:00:00Z"}]}""",
        type=EventFeeChangesPage,
    )
    first, second = (row.read() for row in page.event_fee_changes)
    assert (first.fee_type, first.fee_multiplier_bps) == ("quadratic_with_maker_fees", 5_000)
    assert (second.event_ticker, second.fee_type, second.fee_multiplier_bps) == ("E-2", None, None)
    assert first.scheduled == second.scheduled == 1_796_101_200_000_000_000


def test_k03_events_are_read_with_their_fee_override(client: KalshiExchange) -> None:
    rows = client.events("KXSOL15M")
    assert [row.event_ticker for row in rows] == [TICKER[:-3], NEXT.event_ticker]
    assert client.event(TICKER[:-3]) == rows[0]
    assert (rows[0].closes, rows[0].shard, rows[0].fee_type) == (CLOSES, 2, None)


def test_k04_several_books_come_with_one_request(served: Venue, client: KalshiExchange) -> None:
    served.quote(Side.BID, "0.40", "5")
    books = {book.ticker: book for book in client.order_books((TICKER, NEXT.market_ticker))}
    assert books[TICKER] == client.order_book(TICKER)
    assert books[NEXT.market_ticker].yes == ()
    with pytest.raises(ValueError, match="1 to 100"):
        client.order_books(())


def test_k05_candlesticks_are_the_quotes_and_trades_of_each_minute(
    served: Venue, client: KalshiExchange
) -> None:
    served.quote(Side.BID, "0.40", "50")
    served.quote(Side.ASK, "0.50", "50")
    served.later(10)
    served.outsider(Side.BID, "0.50", "2")
    served.outsider(Side.ASK, "0.40", "6")
    served.at(Nanos(OPENS + 185 * SECOND))
    served.quote(Side.BID, "0.45", "50")
    first, quiet, third = client.candlesticks(
        "KXSOL15M", TICKER, Stretch(first=OPENS, last=Nanos(OPENS + 240 * SECOND))
    )[-3:]
    ends = [candle.end - OPENS for candle in (first, quiet, third)]
    assert ends == [120 * SECOND, 180 * SECOND, 240 * SECOND]
    assert first.price == PriceSpan(
        open=Price(5000), high=Price(5000), low=Price(4000), close=Price(4000)
    )
    assert first.volume == Quantity(800)
    assert quiet.price is None
    assert (quiet.bid.open, quiet.bid.close, quiet.volume) == (4000, 4000, 0)
    assert (third.bid.open, third.bid.close, third.ask.close) == (4000, 4500, 5000)


def test_k06_candlesticks_of_hours_add_up_those_of_minutes(
    served: Venue, client: KalshiExchange
) -> None:
    served.quote(Side.ASK, "0.50", "50")
    served.outsider(Side.BID, "0.50", "2")
    served.later(120)
    served.outsider(Side.BID, "0.50", "3")
    hour = Stretch(first=OPENS, last=Nanos(OPENS + 3_600 * SECOND), minutes=60)
    rows = client.candlesticks_of((TICKER, NEXT.market_ticker), hour)
    assert [row.volume for row in rows[TICKER]] == [500]
    assert rows[NEXT.market_ticker] == ()


@pytest.mark.parametrize(
    "query",
    [
        {"start_ts": 1, "end_ts": 2},
        {"start_ts": 1, "end_ts": 2, "period_interval": 5},
        {"start_ts": 2, "end_ts": 1, "period_interval": 1},
    ],
)
def test_k07_candlesticks_need_a_known_period_and_both_ends(
    served: Venue, query: dict[str, int]
) -> None:
    assert served.running is not None
    url = f"{served.running.announcement.base_url}/series/KXSOL15M/markets/{TICKER}/candlesticks"
    answer = requests.get(url, params=query, timeout=WAIT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameters")


def test_k08_the_index_of_an_hour_is_read_back(served: Venue, client: KalshiExchange) -> None:
    served.at(Nanos(OPENS + 70 * SECOND))
    prints = client.index_history(INDEX, OPENS)
    assert prints == tuple(
        (stamp, index_at(stamp)) for stamp in (Nanos(OPENS + n * SECOND) for n in range(71))
    )
    with pytest.raises(ValueError, match="beginning of an hour"):
        client.index_history(INDEX, Nanos(OPENS + SECOND))


def test_k09_a_venue_that_is_down_still_tells_its_status(
    served: Venue, client: KalshiExchange
) -> None:
    for shard in (0, 2):
        served.control(lambda engine, now, shard=shard: engine.pause_exchange(shard, now))  # type: ignore[misc]
    assert served.running is not None
    url = f"{served.running.announcement.base_url}/exchange/status"
    assert requests.get(url, timeout=WAIT).status_code == 503
    assert not client.status().of_shard(2).exchange_active


def test_k20_a_change_of_fees_is_announced_and_then_charged(served: Venue) -> None:
    venue, client = served, cast("KalshiExchange", served.exchange)
    inject(venue, "fee_change", match="KXSOL15M", seconds=30.0, multiplier=2.0)
    (announced,) = client.fee_changes("KXSOL15M")
    assert announced.scheduled == venue.clock.now() + 30 * SECOND
    assert announced.fee_multiplier_bps == 20_000
    assert client.fee_changes("KXBTC15M") == ()
    assert client.series("KXSOL15M").fee_multiplier_bps == 10_000
    venue.quote(Side.ASK, "0.50", "100")
    before = client.create_order(order("f1", Side.BID, "0.50", "10", time_in_force=IOC))
    rests = client.create_order(order("f2", Side.BID, "0.40", "10"))
    reserved = client.balance().on_shard(2)
    venue.later(30)
    assert client.fee_changes() == ()
    assert client.series("KXSOL15M").fee_multiplier_bps == 20_000
    assert client.balance().on_shard(2) < reserved, "what rests reserves the new fee"
    after = client.create_order(order("f3", Side.BID, "0.50", "10", time_in_force=IOC))
    assert before.average_fee is not None
    assert after.average_fee == 2 * before.average_fee
    assert client.order(rests.order_id).status is OrderStatus.RESTING


# --- batches and queues


def test_k10_a_batch_gives_each_order_its_own_answer(client: KalshiExchange) -> None:
    answers = client.create_orders(
        [order("b1", Side.BID, "0.40", "5"), order("b2", Side.BID, "0.4050", "5")]
    )
    assert isinstance(answers[0], Placed)
    assert isinstance(answers[1], Rejected)
    assert (answers[0].client_order_id, answers[0].remaining) == ("b1", Quantity(500))
    assert answers[1].code == "invalid_price"
    assert [row.client_order_id for row in client.orders()] == ["b1"]


def test_k11_a_batch_cancel_gives_each_order_its_own_answer(client: KalshiExchange) -> None:
    placed = client.create_order(order("b3", Side.BID, "0.40", "5"))
    wanted = [
        CancelRequest(order_id=placed.order_id, ticker=TICKER, shard=2),
        CancelRequest(order_id="nowhere", ticker=TICKER, shard=2),
    ]
    gone, missing = client.cancel_orders(wanted)
    assert isinstance(gone, Canceled)
    assert gone.reduced_by == Quantity(500)
    assert isinstance(missing, Rejected)
    assert missing.code == "order_not_found"


def test_k12_a_batch_whose_answer_is_lost_or_short_is_ambiguous(
    served: Venue, client: KalshiExchange
) -> None:
    path = "POST /portfolio/events/orders/batched"
    inject(served, "lost_after", match=path)
    with pytest.raises(Ambiguous):
        client.create_orders([order("b4", Side.BID, "0.40", "5")])
    inject(served, "drift", match=path, change="remove", field="fill_count")
    with pytest.raises(Ambiguous):
        client.create_orders([order("b5", Side.BID, "0.40", "5")])
    assert sorted(row.client_order_id for row in client.orders()) == ["b4", "b5"]


def test_k13_the_contracts_ahead_of_an_order_are_told(
    served: Venue, client: KalshiExchange
) -> None:
    served.quote(Side.BID, "0.40", "12.50")
    placed = client.create_order(order("q1", Side.BID, "0.40", "5"))
    assert client.queue_position(placed.order_id) == Quantity(1250)
    assert client.queue_positions((TICKER,)) == {placed.order_id: Quantity(1250)}
    assert client.queue_positions((NEXT.market_ticker,)) == {}


# --- order groups


def test_k14_a_group_lives_from_create_to_delete(
    served: Venue, client: KalshiExchange, follower: Follower
) -> None:
    follower.subscribe("order_group_updates", "user_orders")
    name = client.create_group(Quantity(1000), 2)
    placed = client.create_order(order("g1", Side.BID, "0.40", "30", group=name))
    assert client.groups() == (name,)
    made = client.group(name)
    assert (made.limit, made.shard, made.orders) == (Quantity(1000), 2, (placed.order_id,))
    served.outsider(Side.ASK, "0.40", "10")
    assert client.group(name).is_triggered
    assert client.order(placed.order_id).status is OrderStatus.CANCELED
    with pytest.raises(Rejected) as caught:
        client.create_order(order("g2", Side.BID, "0.40", "1", group=name))
    assert caught.value.code == "invalid_order"
    client.reset_group(name, 2)
    client.limit_group(name, 2, Quantity(2050))
    client.trigger_group(name, 2)
    client.delete_group(name, 2)
    assert client.groups() == ()
    follower.settle()
    frames = follower.of(GroupFrame)
    assert [frame.msg.event_type for frame in frames] == [
        "created",
        "triggered",
        "reset",
        "limit_updated",
        "triggered",
        "deleted",
    ]
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert frames[3].msg.contracts_limit_fp == "20.50"
    assert {frame.msg.order_group_id for frame in follower.of(UserOrder)} == {name}


def test_k15_a_group_without_its_shard_is_on_shard_0_and_of_no_use(
    client: KalshiExchange,
) -> None:
    name = client.create_group(Quantity(1000), 0)
    with pytest.raises(Rejected) as caught:
        client.create_order(order("g3", Side.BID, "0.40", "1", group=name))
    assert caught.value.code == "invalid_parameters"
    with pytest.raises(Rejected) as missing:
        client.reset_group(name, 2)
    assert missing.value.status == 404


# --- the account


def test_k16_costs_upgrade_and_resting_value_are_told(client: KalshiExchange) -> None:
    costs = client.endpoint_costs()
    assert costs["DELETE", "/trade-api/v2/portfolio/events/orders/{order_id}"] == 2
    with pytest.raises(Unauthorized):
        client.upgrade()
    client.create_order(order("v1", Side.ASK, "0.60", "10"))
    assert client.resting_value()[2] >= Money(4_000_000)
    client.upgrade()
    assert client.limits().tier == "advanced"


def test_k17_cash_is_swept_to_its_shares(client: KalshiExchange) -> None:
    assert client.allocation() == {}
    client.allocate({0: 25, 2: 75})
    balance = client.balance()
    assert (balance.on_shard(0), balance.on_shard(2)) == (CASH // 4, CASH // 4 * 3)
    assert client.allocation() == {0: 25, 2: 75}
    with pytest.raises(ValueError, match="total 100"):
        client.allocate({2: 99})


def test_k18_writes_of_a_group_are_billed_to_the_shard_that_they_name(served: Venue) -> None:
    bills: list[object] = []

    class Noting(OpenGate):
        def enter(self, bill: object) -> None:
            bills.append(bill)

    client: KalshiExchange = served.exchange  # type: ignore[assignment]
    client._http._gate = Noting()  # type: ignore[attr-defined]
    name = client.create_group(Quantity(1000), 2)
    client.reset_group(name, 2)
    assert bills == [(("write:2", 10),), (("write:2", 10),)]


def test_k19_an_answer_that_is_no_answer_is_unavailable(
    served: Venue, client: KalshiExchange
) -> None:
    inject(served, "drift", match="GET /exchange/schedule", change="remove", field="monday")
    with pytest.raises(Unavailable):
        client.schedule()
    assert is_open(client.schedule(), OPENS)
