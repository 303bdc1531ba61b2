"""The local exchange's REST answers byte for byte: shapes, codes, signatures, filters, batches."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from core.exchange.records import Side
from core.units import SECOND, Nanos
from tests.contract.venue import (
    CLOSES,
    NEXT,
    OPENS,
    TICKER,
    Venue,
    index_at,
    order,
    served_venue,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT = 60
PREFIX = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"
BODY: dict[str, Any] = {
    "ticker": TICKER,
    "client_order_id": "raw-1",
    "side": "bid",
    "count": "25.00",
    "price": "0.4700",
    "time_in_force": "immediate_or_cancel",
    "self_trade_prevention_type": "taker_at_cross",
    "post_only": False,
    "reduce_only": False,
    "cancel_order_on_pause": True,
    "subaccount": 0,
    "exchange_index": 2,
}


class Raw:
    """A client that builds and signs every request itself, with `cryptography` alone."""

    def __init__(self, venue: Venue) -> None:
        assert venue.running is not None
        told = venue.running.announcement
        assert told.private_key_path is not None
        self.base = told.base_url
        self.key_id = told.key_id
        self.clock = venue.clock
        pem = Path(told.private_key_path).read_bytes()
        self.key = serialization.load_pem_private_key(pem, password=None)
        self.session = requests.Session()

    def headers(self, method: str, path: str, shift_ms: int = 0) -> dict[str, str]:
        stamp = str(self.clock.now() // 1_000_000 + shift_ms)
        text = f"{stamp}{method}{PREFIX}{path.partition('?')[0]}".encode()
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            signature = self.key.sign(text)
        else:
            assert isinstance(self.key, rsa.RSAPrivateKey)
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
            signature = self.key.sign(text, pss, hashes.SHA256())
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": stamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
        }

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        headers = more.pop("headers", None) or self.headers(method, path)
        return self.session.request(method, self.base + path, headers=headers, timeout=WAIT, **more)

    def public(self, path: str) -> requests.Response:
        return self.session.get(self.base + path, timeout=WAIT)


@pytest.fixture
def raw(served: Venue) -> Iterator[Raw]:
    client = Raw(served)
    yield client
    client.session.close()


def error_of(answer: requests.Response) -> tuple[int, str]:
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"}
    return answer.status_code, error["code"]


# --- orders


def test_r01_a_create_answers_201_in_the_shape_of_the_venue(served: Venue, raw: Raw) -> None:
    served.quote(Side.ASK, "0.46", "3")
    served.quote(Side.ASK, "0.47", "15")
    answer = raw.ask("POST", ORDERS, json=BODY)
    body = answer.json()
    assert answer.status_code == 201
    assert set(body) == {
        "order_id",
        "client_order_id",
        "fill_count",
        "remaining_count",
        "average_fill_price",
        "average_fee_paid",
        "ts_ms",
    }
    assert (body["fill_count"], body["remaining_count"]) == ("18.00", "0.00")
    assert (body["average_fill_price"], body["average_fee_paid"]) == ("0.4683", "0.0174")
    assert body["ts_ms"] == served.clock.now() // 1_000_000


def test_r02_an_unfilled_ioc_answers_201_without_averages(raw: Raw) -> None:
    body = raw.ask("POST", ORDERS, json=BODY).json()
    assert (body["fill_count"], body["remaining_count"]) == ("0.00", "0.00")
    assert not {"average_fill_price", "average_fee_paid"} & set(body)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"count": "1.005"}, 400, "invalid_parameters"),
        ({"count": "-1"}, 400, "invalid_parameters"),
        ({"price": "0.47001"}, 400, "invalid_parameters"),
        ({"price": "0.4750"}, 400, "invalid_price"),
        ({"price": "1.0000"}, 400, "invalid_price"),
        ({"side": "yes"}, 400, "invalid_parameters"),
        ({"time_in_force": "GTT"}, 400, "invalid_parameters"),
        ({"client_order_id": "a b"}, 400, "invalid_parameters"),
        ({"client_order_id": "x" * 65}, 400, "invalid_parameters"),
        ({"expiration_time": 2_000_000_000}, 400, "invalid_parameters"),
        ({"subaccount": 3}, 400, "invalid_parameters"),
        ({"ticker": "KXSOL15M-26NOV221016-16"}, 404, "market_not_found"),
        ({"exchange_index": 0}, 404, "market_not_found"),
    ],
)
def test_r03_a_bad_field_is_refused_with_its_code(
    raw: Raw, change: dict[str, Any], status: int, code: str
) -> None:
    assert error_of(raw.ask("POST", ORDERS, json={**BODY, **change})) == (status, code)


@pytest.mark.parametrize("missing", ["ticker", "side", "count", "price", "time_in_force"])
def test_r04_a_missing_field_is_refused_and_named(raw: Raw, missing: str) -> None:
    body = {key: value for key, value in BODY.items() if key != missing}
    answer = raw.ask("POST", ORDERS, json=body)
    assert error_of(answer) == (400, "invalid_parameters")
    assert missing in answer.json()["error"]["details"]


def test_r05_a_body_that_is_no_json_is_a_bad_request(raw: Raw) -> None:
    assert error_of(raw.ask("POST", ORDERS, data=b"{")) == (400, "bad_request")


def test_r06_numbers_are_taken_where_strings_are_documented(raw: Raw) -> None:
    answer = raw.ask("POST", ORDERS, json={**BODY, "count": 25, "price": 0.47})
    assert answer.status_code == 201


def test_r07_cancel_all_answers_204_without_a_body(served: Venue, raw: Raw) -> None:
    served.exchange.create_order(order("r07", Side.BID, "0.40", "1"))
    answer = raw.ask("DELETE", ORDERS)
    assert (answer.status_code, answer.content) == (204, b"")
    assert raw.ask("GET", "/portfolio/orders?status=resting").json()["orders"] == []


def test_r08_a_batch_answers_each_item_for_itself(served: Venue, raw: Raw) -> None:
    served.quote(Side.ASK, "0.47", "1")
    rest = {**BODY, "time_in_force": "good_till_canceled", "price": "0.40"}
    answer = raw.ask(
        "POST",
        f"{ORDERS}/batched",
        json={
            "orders": [
                {**rest, "client_order_id": "a1"},
                {**rest, "client_order_id": "a2", "price": "0.47", "post_only": True},
                {**rest, "client_order_id": "a3", "count": "many"},
            ]
        },
    )
    placed, crossing, malformed = answer.json()["orders"]
    assert answer.status_code == 201
    assert (placed["client_order_id"], placed["remaining_count"]) == ("a1", "25.00")
    assert "error" not in placed
    assert (crossing["client_order_id"], crossing["error"]["code"]) == ("a2", "invalid_order")
    assert "order_id" not in crossing
    assert malformed["error"]["code"] == "invalid_parameters"

    gone = raw.ask(
        "DELETE",
        f"{ORDERS}/batched",
        json={
            "orders": [
                {"order_id": placed["order_id"], "exchange_index": 2, "market_ticker": TICKER},
                {"order_id": "nobody", "exchange_index": 2},
            ]
        },
    ).json()["orders"]
    assert (gone[0]["order_id"], gone[0]["reduced_by"]) == (placed["order_id"], "25.00")
    assert (gone[1]["reduced_by"], gone[1]["error"]["code"]) == ("0.00", "order_not_found")


def test_r09_a_batch_is_as_long_as_the_write_bucket_holds(raw: Raw) -> None:
    rows = [{**BODY, "client_order_id": f"b{n}"} for n in range(11)]
    assert raw.ask("POST", f"{ORDERS}/batched", json={"orders": rows[:10]}).status_code == 201
    refused = raw.ask("POST", f"{ORDERS}/batched", json={"orders": rows})
    assert error_of(refused) == (400, "invalid_parameters")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/portfolio/orders"),
        ("DELETE", "/portfolio/orders/x"),
        ("POST", "/portfolio/orders/x/amend"),
        ("POST", "/portfolio/orders/batched"),
    ],
)
def test_r10_the_endpoints_before_v2_are_gone(raw: Raw, method: str, path: str) -> None:
    assert error_of(raw.ask(method, path)) == (410, "deprecated_v1_order_endpoint")


def test_r11_the_queue_ahead_of_an_order_is_told(served: Venue, raw: Raw) -> None:
    served.quote(Side.BID, "0.40", "12.50")
    placed = served.exchange.create_order(order("r11", Side.BID, "0.40", "1"))
    one = raw.ask("GET", f"/portfolio/orders/{placed.order_id}/queue_position").json()
    many = raw.ask("GET", "/portfolio/orders/queue_positions").json()["queue_positions"]
    assert one == {"queue_position_fp": "12.50"}
    assert many == [
        {"order_id": placed.order_id, "market_ticker": TICKER, "queue_position_fp": "12.50"}
    ]


# --- who asks


def test_r12_a_request_without_headers_is_refused(raw: Raw) -> None:
    assert error_of(raw.public("/portfolio/balance")) == (401, "authentication_error")


def test_r13_an_unknown_key_a_wrong_text_and_a_wrong_time_are_refused(raw: Raw) -> None:
    path = "/portfolio/balance"
    good = raw.headers("GET", path)
    wrong: dict[str, Callable[[], dict[str, str]]] = {
        "NOT_FOUND": lambda: {**good, "KALSHI-ACCESS-KEY": "somebody"},
        "INCORRECT_API_KEY_SIGNATURE": lambda: raw.headers("POST", path),
        "authentication_error": lambda: raw.headers("GET", path, shift_ms=6_000),
    }
    for code, headers in wrong.items():
        assert error_of(raw.ask("GET", path, headers=headers())) == (401, code)
    seconds = {**good, "KALSHI-ACCESS-TIMESTAMP": good["KALSHI-ACCESS-TIMESTAMP"][:-3]}
    assert error_of(raw.ask("GET", path, headers=seconds)) == (401, "authentication_error")
    assert raw.ask("GET", path, headers=good).status_code == 200


def test_r14_the_query_is_not_signed_and_the_prefix_is(raw: Raw) -> None:
    assert raw.ask("GET", "/portfolio/orders?limit=5&status=resting").status_code == 200
    signed_with_query = raw.headers("GET", "/portfolio/orders")
    assert raw.ask("GET", "/portfolio/fills", headers=signed_with_query).status_code == 401


def test_r15_an_rsa_key_signs_as_well(tmp_path: Path) -> None:
    venue = served_venue(tmp_path, key_type="rsa")
    client = Raw(venue)
    answer = client.ask("GET", "/portfolio/balance")
    client.session.close()
    assert isinstance(client.key, rsa.RSAPrivateKey)
    assert answer.status_code == 200
    assert venue.running is not None
    venue.running.stop()


def test_r16_public_data_need_no_signature_but_a_wrong_one_is_told(raw: Raw) -> None:
    assert raw.public(f"/markets/{TICKER}").status_code == 200
    wrong = raw.headers("POST", f"/markets/{TICKER}")
    assert raw.ask("GET", f"/markets/{TICKER}", headers=wrong).status_code == 401


# --- portfolio


def test_r17_money_strings_have_six_decimals_and_balances_whole_cents(
    served: Venue, raw: Raw
) -> None:
    served.quote(Side.ASK, "0.47", "18")
    raw.ask("POST", ORDERS, json=BODY)
    balance = raw.ask("GET", "/portfolio/balance").json()
    assert balance["balance_dollars"] == "991.226100"
    assert balance["balance"] == 99_122
    assert balance["balance_breakdown"] == [
        {"exchange_index": 0, "balance": "0.000000"},
        {"exchange_index": 2, "balance": "991.226100"},
    ]
    (position,) = raw.ask("GET", "/portfolio/positions").json()["market_positions"]
    assert (position["position_fp"], position["market_exposure_dollars"]) == ("18.00", "8.460000")
    (fill,) = raw.ask("GET", "/portfolio/fills").json()["fills"]
    assert (fill["fee_cost"], fill["no_price_dollars"]) == ("0.313900", "0.5300")
    assert fill["fill_id"] == fill["trade_id"]
    assert "client_order_id" not in fill


def test_r18_an_ask_is_a_sale_of_yes_in_the_legacy_words(served: Venue, raw: Raw) -> None:
    placed = served.exchange.create_order(order("r18", Side.ASK, "0.60", "1"))
    row = raw.ask("GET", f"/portfolio/orders/{placed.order_id}").json()["order"]
    assert (row["side"], row["action"]) == ("yes", "sell")
    assert (row["outcome_side"], row["book_side"]) == ("no", "ask")
    assert row["expiration_time"] is None
    assert served.exchange.order(placed.order_id).side is Side.ASK, "read from the new words"


def test_r19_a_settlement_pays_in_whole_cents(served: Venue, raw: Raw) -> None:
    served.quote(Side.ASK, "0.50", "18")
    raw.ask("POST", ORDERS, json={**BODY, "price": "0.50", "count": "18"})
    served.at(Nanos(CLOSES + 12 * SECOND))
    (row,) = raw.ask("GET", "/portfolio/settlements").json()["settlements"]
    assert (row["revenue"], row["value"], row["market_result"]) == (1800, 100, "yes")
    assert (row["yes_count_fp"], row["no_count_fp"]) == ("18.00", "0.00")
    assert row["settled_time"] == "2026-11-22T15:15:07Z"


def test_r20_pages_follow_each_other_and_a_foreign_cursor_is_refused(
    served: Venue, raw: Raw
) -> None:
    for n in range(5):
        served.exchange.create_order(order(f"r20-{n}", Side.BID, "0.40", "1"))
    seen, cursor = [], ""
    while True:
        page = raw.ask("GET", f"/portfolio/orders?limit=2&cursor={cursor}").json()
        seen += [row["client_order_id"] for row in page["orders"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert seen == [f"r20-{n}" for n in (4, 3, 2, 1, 0)]
    for bad in ("cursor=nonsense", "cursor=%21", "limit=0", "limit=1001", "limit=x"):
        assert error_of(raw.ask("GET", f"/portfolio/orders?{bad}")) == (400, "invalid_parameters")


def test_r21_the_accounts_books_can_be_compared(served: Venue, raw: Raw) -> None:
    served.quote(Side.ASK, "0.47", "18")
    raw.ask("POST", ORDERS, json=BODY)
    books = raw.ask("GET", "/local/books").json()
    assert books["cash"] == 1_000_000_000 - 8_460_000 - 313_900
    assert (books["fees"], books["open_cost"], books["pnl"]) == (313_900, 8_460_000, -313_900)
    assert books["positions"] == [[TICKER, 1800]]


# --- listing


def test_r22_a_market_carries_every_required_field(raw: Raw) -> None:
    market = raw.public(f"/markets/{TICKER}").json()["market"]
    required = {
        "ticker",
        "event_ticker",
        "market_type",
        "yes_sub_title",
        "no_sub_title",
        "created_time",
        "updated_time",
        "open_time",
        "close_time",
        "latest_expiration_time",
        "settlement_timer_seconds",
        "status",
        "yes_bid_dollars",
        "yes_ask_dollars",
        "no_bid_dollars",
        "no_ask_dollars",
        "yes_bid_size_fp",
        "yes_ask_size_fp",
        "last_price_dollars",
        "previous_yes_bid_dollars",
        "previous_yes_ask_dollars",
        "previous_price_dollars",
        "volume_fp",
        "volume_24h_fp",
        "open_interest_fp",
        "notional_value_dollars",
        "result",
        "expiration_value",
        "can_close_early",
        "rules_primary",
        "rules_secondary",
        "price_level_structure",
        "price_ranges",
        "settlement_bounds_type",
        "exchange_index",
        "floor_strike",
        "custom_strike",
    }
    assert required <= set(market)
    assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.0000", "1.0000")
    assert market["floor_strike"] == 118.4213
    assert market["yes_sub_title"] == "Target Price: $118.4213"
    assert market["open_time"] == "2026-11-22T15:00:00Z"
    assert market["expected_expiration_time"] == "2026-11-22T15:20:00Z"


def test_r23_a_market_not_open_yet_has_no_strike(raw: Raw) -> None:
    market = raw.public(f"/markets/{NEXT.market_ticker}").json()["market"]
    assert (market["status"], market["floor_strike"]) == ("initialized", None)
    assert market["yes_sub_title"] == "Target Price: TBD"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("series_ticker=KXSOL15M", 2),
        ("series_ticker=KXBTC15M", 0),
        ("status=open", 1),
        ("status=unopened", 1),
        ("status=settled", 0),
        (f"tickers={TICKER},{NEXT.market_ticker}", 2),
        (f"event_ticker={NEXT.event_ticker}", 1),
        (f"max_close_ts={CLOSES // SECOND}", 1),
        (f"min_close_ts={CLOSES // SECOND + 1}", 1),
        ("status=unopened&min_created_ts=0", 1),
        ("limit=1", 1),
    ],
)
def test_r24_markets_are_filtered(raw: Raw, query: str, found: int) -> None:
    assert len(raw.public(f"/markets?{query}").json()["markets"]) == found


@pytest.mark.parametrize(
    "query",
    [
        "status=active",
        "status=open&min_close_ts=1",
        "status=open&max_settled_ts=1",
        "min_close_ts=soon",
    ],
)
def test_r25_filters_that_do_not_go_together_are_refused(raw: Raw, query: str) -> None:
    assert error_of(raw.public(f"/markets?{query}")) == (400, "invalid_parameters")


def test_r26_books_are_bids_ascending_with_both_keys(served: Venue, raw: Raw) -> None:
    for price in ("0.45", "0.46"):
        served.quote(Side.BID, price, "256.50")
    one = raw.public(f"/markets/{TICKER}/orderbook").json()
    many = raw.public(f"/markets/orderbooks?tickers={TICKER}&tickers={NEXT.market_ticker}").json()
    assert one == {
        "orderbook_fp": {
            "yes_dollars": [["0.4500", "256.50"], ["0.4600", "256.50"]],
            "no_dollars": [],
        }
    }
    assert [level.price for level in served.exchange.order_book(TICKER).yes] == [4600, 4500]
    assert [book["ticker"] for book in many["orderbooks"]] == [TICKER, NEXT.market_ticker]
    assert many["orderbooks"][0]["orderbook_fp"] == one["orderbook_fp"]
    refused = raw.public(f"/markets/{TICKER}/orderbook?depth=101")
    assert error_of(refused) == (400, "invalid_parameters")


def test_r27_series_events_status_and_schedule_are_served(raw: Raw) -> None:
    series = raw.public("/series/KXSOL15M").json()["series"]
    event = raw.public(f"/events/{NEXT.event_ticker}?with_nested_markets=true").json()["event"]
    status = raw.public("/exchange/status").json()
    schedule = raw.public("/exchange/schedule").json()["schedule"]
    assert (series["fee_type"], series["fee_multiplier"], series["exchange_index"]) == (
        "quadratic",
        1.0,
        2,
    )
    assert event["markets"][0]["ticker"] == NEXT.market_ticker
    assert (event["strike_date"], event["mutually_exclusive"]) == ("2026-11-22T15:30:00Z", False)
    assert [s["exchange_index"] for s in status["exchange_index_statuses"]] == [0, 2]
    assert schedule["standard_hours"][0]["thursday"] == [
        {"open_time": "00:00", "close_time": "03:00"},
        {"open_time": "05:00", "close_time": "00:00"},
    ]
    assert schedule["maintenance_windows"] == [
        {"start_datetime": "2026-11-26T08:00:00Z", "end_datetime": "2026-11-26T10:00:00Z"}
    ]
    assert error_of(raw.public("/series/KXNONE")) == (404, "not_found")
    assert error_of(raw.public("/events/KXNONE-26NOV221015")) == (404, "not_found")


def test_r28_the_public_tape_is_newest_first(served: Venue, raw: Raw) -> None:
    served.quote(Side.BID, "0.47", "12")
    for size in ("1", "2"):
        served.outsider(Side.ASK, "0.47", size)
        served.later(1)
    trades = raw.public(f"/markets/trades?ticker={TICKER}").json()["trades"]
    late = raw.public(f"/markets/trades?min_ts={OPENS // SECOND + 61}").json()["trades"]
    assert [trade["count_fp"] for trade in trades] == ["2.00", "1.00"]
    assert trades[0]["taker_outcome_side"] == "no"
    assert [trade["count_fp"] for trade in late] == ["2.00"]


def test_r29_an_unknown_path_or_method_has_the_error_shape_too(raw: Raw) -> None:
    assert error_of(raw.public("/nothing")) == (404, "not_found")
    assert error_of(raw.ask("PUT", "/portfolio/balance"))[0] == 405


def test_r30_the_freshness_of_portfolio_reads_is_told(served: Venue, raw: Raw) -> None:
    served.later(0.25)
    as_of = raw.public("/exchange/user_data_timestamp").json()
    assert as_of == {"as_of_time": "2026-11-22T15:01:00.25Z"}


def test_r31_cash_moves_between_shards_once_per_client_id(raw: Raw) -> None:
    body = {
        "source": "event_contract",
        "destination": "event_contract",
        "amount": 5_000_000,
        "source_exchange_shard": 2,
        "destination_exchange_shard": 0,
        "client_transfer_id": "0c5d0b9e-64f8-4f2a-a4f5-5d6a1d0f7b10",
    }
    path = "/portfolio/intra_exchange_instance_transfer"
    done = raw.ask("POST", path, json=body)
    again = raw.ask("POST", path, json=body)
    beyond = raw.ask("POST", path, json={**body, "amount": 10**9, "client_transfer_id": "another"})
    split = raw.ask("GET", "/portfolio/balance").json()["balance_breakdown"]
    one = raw.ask("GET", f"{path}s/{done.json()['transfer_id']}").json()["transfer"]
    assert (done.status_code, error_of(again)) == (200, (409, "transfer_already_exists"))
    assert error_of(beyond) == (400, "insufficient_balance")
    assert [part["balance"] for part in split] == ["500.000000", "500.000000"]
    assert (one["amount"], one["status"]) == ("500.000000", "complete")
    assert len(raw.ask("GET", f"{path}s").json()["transfers"]) == 1


def test_r32_the_index_of_an_hour_can_be_read_back(raw: Raw) -> None:
    query = "/cfbenchmarks/history/values?id=SOLUSD_RTI&timespan=HOUR&timestamp="
    payload = raw.ask("GET", query + "2026-11-22T15:00:00Z").json()["data"]["payload"]
    wrong = ("2026-11-22T15:01:00Z", "soon", "")
    assert len(payload) == 61
    assert payload[0]["time"] == OPENS // 1_000_000
    assert float(payload[0]["value"]) == index_at(OPENS) / 10**8
    for moment in wrong:
        assert error_of(raw.ask("GET", query + moment)) == (400, "invalid_parameters")
    assert error_of(raw.ask("GET", query.replace("SOLUSD", "XXX") + "2026-11-22T15:00:00Z")) == (
        404,
        "not_found",
    )
