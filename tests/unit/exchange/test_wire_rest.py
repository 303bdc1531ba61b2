"""Recorded REST answers are read whole, and what the local exchange writes the client reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from core.exchange.listing import FeeType, MarketStatus
from core.exchange.records import (
    AmendRequest,
    DecreaseRequest,
    Fill,
    OrderRequest,
    OrderStatus,
    Outcome,
    Side,
    TimeInForce,
)
from core.exchange.wire.account import FillJson, OrderJson
from core.exchange.wire.books import OrderBookJson
from core.exchange.wire.errors import ErrorBody, bare_error, nested_error, read_error
from core.exchange.wire.holdings import BalanceJson, PositionJson, SettlementJson
from core.exchange.wire.markets import MarketJson
from core.exchange.wire.pages import FillsPage, MarketPage, MarketsPage, OrdersPage, SeriesPage
from core.exchange.wire.trading import AmendJson, CreateOrderJson, DecreaseJson, PlacedJson
from core.exchange.wire.venue import LimitsJson, StatusJson
from core.units import Money, Nanos, Price, Quantity, parse_index

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = "rest_samples"
decode = msgspec.json.decode


def sample(recorded: Path, name: str) -> bytes:
    return (recorded / SAMPLES / name).read_bytes()


# --- recorded answers


@pytest.mark.parametrize(
    ("name", "strike", "bid", "size"),
    [
        ("market_KXBTC15M_active_20260827.json", "80202.34", 8800, 6502),
        ("market_KXBTC15M_active_20260919.json", "81263.65", 8600, 276_070),
    ],
)
def test_recorded_markets_are_read(
    recorded: Path, name: str, strike: str, bid: int, size: int
) -> None:
    text = sample(recorded, name)
    if b'"markets"' in text:
        (row,) = decode(text, type=MarketsPage).markets
        market = decode(row, type=MarketJson).read()
    else:
        market = decode(text, type=MarketPage).market.read()
    assert (market.series_ticker, market.status, market.shard) == (
        "KXBTC15M",
        MarketStatus.ACTIVE,
        2,
    )
    assert (market.strike, market.round_digits) == (parse_index(strike), 2)
    assert (market.yes_bid, market.yes_bid_size) == (bid, size)
    assert market.closes - market.opens == 900_000_000_000
    assert [part.step for part in market.price_ranges] == [10, 100, 10]
    assert (market.result, market.settlement_value, market.settled) == (None, None, None)


def test_a_recorded_book_is_read_best_level_first(recorded: Path) -> None:
    text = sample(recorded, "orderbook_KXBTC15M_20260919.json")
    book = decode(text, type=OrderBookJson).read("T")
    assert [(level.price, level.quantity) for level in book.yes][:2] == [
        (5400, 167_079),
        (5300, 276_850),
    ]
    assert book.no[0].price == 4500
    assert len(book.yes) == len(book.no) == 6


def test_a_recorded_series_is_read(recorded: Path) -> None:
    series = decode(sample(recorded, "series_KXBTC15M_20260824.json"), type=SeriesPage)
    record = series.series.read()
    assert (record.fee_type, record.fee_multiplier_bps, record.shard) == (
        FeeType.QUADRATIC,
        10_000,
        2,
    )


def test_every_recorded_order_is_read(recorded: Path) -> None:
    page = decode(sample(recorded, "portfolio_orders_sanitised.json"), type=OrdersPage)
    orders = [row.read() for row in page.orders]
    assert len(orders) == len(decode(sample(recorded, "portfolio_orders_sanitised.json"))["orders"])
    partly = next(order for order in orders if order.client_order_id == "client-9")
    assert (partly.status, partly.side) == (OrderStatus.CANCELED, Side.ASK)
    assert (partly.filled, partly.remaining, partly.maker_cost) == (1010, 0, 6_565_000)
    for order in orders:
        own_leg = order.price if order.side is Side.BID else 10_000 - order.price
        if order.taker_cost == 0:
            assert order.maker_cost == own_leg * order.filled


def test_every_recorded_fill_is_read(recorded: Path) -> None:
    page = decode(sample(recorded, "portfolio_fills_sanitised.json"), type=FillsPage)
    fills = [row.read() for row in page.fills]
    assert len(fills) == len(decode(sample(recorded, "portfolio_fills_sanitised.json"))["fills"])
    first, sold = fills[0], fills[1]
    assert (first.side, first.price, first.fee) == (Side.BID, 9540, 3100)
    assert (sold.side, sold.price, sold.is_taker) == (Side.ASK, 910, True)
    assert len({fill.trade_id for fill in fills}) == len(set(map(repr, fills)))


# --- drift of the schema


def market(**change: Any) -> bytes:  # noqa: ANN401
    body = {
        "ticker": "KXSOL15M-26NOV221015-15",
        "event_ticker": "KXSOL15M-26NOV221015",
        "status": "finalized",
        "open_time": "2026-11-22T15:00:00Z",
        "close_time": "2026-11-22T15:15:00Z",
        "price_ranges": [{"start": "0.0000", "end": "1.0000", "step": "0.0100"}],
        "yes_bid_dollars": "0.0000",
        "yes_ask_dollars": "1.0000",
        "result": "yes",
        "expiration_value": "84,120.55",
        "settlement_ts": "2026-11-22T15:15:11.604Z",
        "floor_strike": None,
        **change,
    }
    return msgspec.json.encode({key: value for key, value in body.items() if value != "gone"})


def test_a_settlement_value_with_commas_is_read() -> None:
    record = decode(market(), type=MarketJson).read()
    assert record.settlement_value == parse_index("84120.55")
    assert (record.result, record.strike) == (Outcome.YES, None)


@pytest.mark.parametrize(
    "change",
    [
        {"brand_new": {"deep": [1]}},
        {"yes_bid_dollars": 0.0},
        {"floor_strike": "118.4213"},
        {"floor_strike": 118},
        {"settlement_ts": None},
        {"custom_strike": {"round_digits": 4}},
    ],
)
def test_new_fields_and_numbers_for_strings_do_no_harm(change: dict[str, Any]) -> None:
    assert decode(market(**change), type=MarketJson).read().closes


@pytest.mark.parametrize(
    "name", ["ticker", "status", "close_time", "price_ranges", "yes_bid_dollars", "result"]
)
def test_a_missing_field_that_we_need_fails(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        decode(market(**{name: "gone"}), type=MarketJson)


def test_the_old_book_under_its_old_key_fails() -> None:
    with pytest.raises(msgspec.ValidationError, match="orderbook_fp"):
        decode(b'{"orderbook":{"yes":[[46,10]],"no":[]}}', type=OrderBookJson)
    with pytest.raises(msgspec.ValidationError, match="no_dollars"):
        decode(b'{"orderbook_fp":{"yes_dollars":[]}}', type=OrderBookJson)


# --- both directions


def request(**change: Any) -> OrderRequest:  # noqa: ANN401
    fields: dict[str, Any] = {
        "ticker": "T",
        "client_order_id": "c",
        "side": Side.ASK,
        "quantity": Quantity(2500),
        "price": Price(4700),
        "time_in_force": TimeInForce.GTC,
        "expires": Nanos(1_795_360_490_000_000_000),
        "post_only": True,
        "cancel_on_pause": True,
        "shard": 2,
    }
    return OrderRequest(**{**fields, **change})


@pytest.mark.parametrize(
    "change", [{}, {"expires": None, "shard": None}, {"reduce_only": True, "post_only": False}]
)
def test_an_order_request_survives_the_wire(change: dict[str, Any]) -> None:
    sent = request(**change)
    body = msgspec.json.encode(CreateOrderJson.from_request(sent))
    assert decode(body, type=CreateOrderJson).read() == sent


def test_an_expiry_is_never_later_than_asked_for() -> None:
    late = request(expires=Nanos(1_795_360_490_999_999_999))
    assert CreateOrderJson.from_request(late).expiration_time == 1_795_360_490


def test_index_minus_one_asks_for_routing() -> None:
    body = msgspec.structs.replace(CreateOrderJson.from_request(request()), exchange_index=-1)
    assert body.read().shard is None


def test_amend_and_decrease_survive_the_wire() -> None:
    amend = AmendRequest(
        order_id="o", ticker="T", side=Side.BID, price=Price(4700), total=Quantity(300), shard=2
    )
    decrease = DecreaseRequest(order_id="o", ticker="T", reduce_to=Quantity(0), shard=2)
    amended = msgspec.json.encode(AmendJson.from_request(amend))
    decreased = msgspec.json.encode(DecreaseJson.from_request(decrease))
    assert decode(amended, type=AmendJson).read("o") == amend
    assert decode(decreased, type=DecreaseJson).read("o") == decrease


def test_a_fill_survives_the_wire() -> None:
    fill = Fill(
        trade_id="t",
        order_id="o",
        ticker="T",
        side=Side.ASK,
        price=Price(2100),
        quantity=Quantity(2000),
        fee=Money(232_300),
        is_taker=True,
        ts=Nanos(1_795_360_032_418_733_000),
        shard=2,
    )
    assert decode(msgspec.json.encode(FillJson.from_fill(fill)), type=FillJson).read() == fill


def test_an_answer_without_averages_has_none() -> None:
    body = b'{"order_id":"o","fill_count":"0.00","remaining_count":"0.00","ts_ms":1}'
    placed = decode(body, type=PlacedJson).read()
    assert (placed.average_price, placed.average_fee, placed.filled) == (None, None, 0)


def test_the_documented_answers_are_read() -> None:
    balance = decode(
        b"""{"balance": 48213, "balance_dollars": "482.131400", "portfolio_value": 51240,
        "updated_ts": 1795360032, "balance_breakdown": [
        {"exchange_index": 0, "balance": "12.000000"},
        {"exchange_index": 2, "balance": "470.131400"}]}""",
        type=BalanceJson,
    ).read()
    assert balance.cash == 482_131_400
    assert (balance.on_shard(2), balance.on_shard(3)) == (470_131_400, 0)
    position = decode(
        b"""{"ticker": "T", "exchange_index": 2, "position_fp": "-6.00",
        "total_traded_dollars": "3.180000", "market_exposure_dollars": "3.180000",
        "realized_pnl_dollars": "-0.500000", "fees_paid_dollars": "0.104700",
        "last_updated_ts": "2026-11-22T15:09:41.249101Z"}""",
        type=PositionJson,
    ).read()
    assert (position.quantity, position.realized) == (-600, -500_000)
    limits = decode(
        b"""{"usage_tier":"basic","read":{"refill_rate":200,"bucket_capacity":600},
        "write":{"refill_rate":100,"bucket_capacity":100},"grants":[
        {"exchange_instance":"event_contract","level":"expert","source":"volume"}]}""",
        type=LimitsJson,
    ).record()
    assert (limits.tier, limits.read_capacity) == ("basic", 600)


def test_without_a_split_the_whole_cash_counts() -> None:
    balance = decode(b'{"balance": 48213}', type=BalanceJson).read()
    assert (balance.cash, balance.on_shard(2)) == (482_130_000, 482_130_000)


def test_revenue_is_exact_where_cents_are_not() -> None:
    row = decode(
        b"""{"ticker": "T", "market_result": "yes", "yes_count_fp": "0.37", "revenue": 37,
        "settled_time": "2026-11-22T15:15:11Z", "value": 100}""",
        type=SettlementJson,
    )
    cut = msgspec.structs.replace(row, yes_count_fp="12.34", revenue=1233)
    void = msgspec.structs.replace(row, market_result="scalar", revenue=1850)
    assert row.read().revenue == 370_000
    assert cut.read().revenue == 12_340_000
    assert (void.read().result, void.read().revenue) == (None, 18_500_000)


def test_status_without_shards_falls_back_to_the_top() -> None:
    bare = decode(b'{"exchange_active": true, "trading_active": false}', type=StatusJson).read()
    null = decode(
        b'{"exchange_active":true,"trading_active":true,"exchange_index_statuses":null}',
        type=StatusJson,
    ).read()
    assert not bare.of_shard(2).trading_active
    assert null.of_shard(2).trading_active


def test_an_order_whose_client_id_is_null_is_read() -> None:
    text = b"""{"order_id":"o","ticker":"T","book_side":"bid","status":"resting",
      "yes_price_dollars":"0.47","initial_count_fp":"1","fill_count_fp":"0",
      "remaining_count_fp":"1","created_time":"2026-11-22T15:09:41Z","client_order_id":null}"""
    assert decode(text, type=OrderJson).read().client_order_id == ""


# --- errors


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (
            b'{"error":{"code":"insufficient_balance","message":"m","details":"d"}}',
            ErrorBody(code="insufficient_balance", message="m", details="d"),
        ),
        (
            b'{"code":"insufficient_balance","message":"m"}',
            ErrorBody(code="insufficient_balance", message="m"),
        ),
        (
            b'{"error":"too many requests"}',
            ErrorBody(code="too_many_requests", message="too many requests"),
        ),
        (b'{"error":{"code":"MARKET_INACTIVE"}}', ErrorBody(code="market_inactive")),
        (b'{"error":{"code":"x","service":"old"}}', ErrorBody(code="x")),
        (b"<html>bad gateway</html>", ErrorBody(message="<html>bad gateway</html>")),
        (b"", ErrorBody()),
        (b"\xff\xfe", ErrorBody(message="\ufffd\ufffd")),
        (b"[1]", ErrorBody(message="[1]")),
        (b'{"error":null}', ErrorBody()),
    ],
)
def test_all_shapes_of_an_error_body_are_read(body: bytes, wanted: ErrorBody) -> None:
    assert read_error(body) == wanted


def test_written_errors_are_read_back() -> None:
    error = ErrorBody(code="a_b", message="m", details="d")
    assert read_error(nested_error(error)) == error
    assert read_error(bare_error("too many requests")).message == "too many requests"
