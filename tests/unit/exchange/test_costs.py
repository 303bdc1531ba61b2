"""Every request draws what the venue bills for it, from the bucket that the venue bills."""

from __future__ import annotations

import pytest

from core.exchange.costs import BALANCE, FREE, READ, WRITE, Call, bill, write_bucket
from core.exchange.kalshi import Outgoing
from core.exchange.records import CancelRequest, OrderRequest, Side, TimeInForce
from core.exchange.wire.batches import BatchCancelItemJson, BatchCancelJson
from core.exchange.wire.trading import CreateOrderJson, DecreaseJson
from core.units import Price, Quantity

ORDERS = "/portfolio/events/orders"
ANY_SHARD = (WRITE, write_bucket(1), write_bucket(2), write_bucket(3))


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/portfolio/orders", ((READ, 10),)),
        ("GET", "/portfolio/orders/abc-1", ((READ, 2),)),
        ("GET", "/portfolio/orders/queue_positions", ((READ, 10),)),
        ("GET", "/portfolio/orders/abc-1/queue_position", ((READ, 10),)),
        ("GET", "/portfolio/fills", ((READ, 10),)),
        ("GET", "/portfolio/balance", ((BALANCE, 1),)),
        ("GET", "/cfbenchmarks/history/values", ((READ, 50),)),
        ("POST", "/account/api_usage_level/upgrade", ((WRITE, 30),)),
        ("POST", "/portfolio/intra_exchange_instance_transfer", ((WRITE, 10),)),
        ("DELETE", ORDERS, ((WRITE, 2),)),
    ],
)
def test_the_cost_of_a_call_is_that_of_its_route(
    method: str, path: str, expected: tuple[tuple[str, int], ...]
) -> None:
    assert bill(Call(method, path)) == expected


def test_without_a_signature_nothing_is_drawn() -> None:
    assert bill(Call("GET", "/markets", signed=False)) == FREE


@pytest.mark.parametrize(
    ("shard", "buckets"),
    [(2, ("write:2",)), (1, ("write:1",)), (0, (WRITE,)), (None, ANY_SHARD), (-1, ANY_SHARD)],
)
@pytest.mark.parametrize(
    ("method", "path", "cost"),
    [
        ("POST", ORDERS, 10),
        ("DELETE", f"{ORDERS}/abc-1", 2),
        ("POST", f"{ORDERS}/abc-1/amend", 10),
        ("POST", f"{ORDERS}/abc-1/decrease", 10),
    ],
)
def test_a_named_shard_is_billed_alone_and_routing_bills_them_all(
    method: str, path: str, cost: int, shard: int | None, buckets: tuple[str, ...]
) -> None:
    assert bill(Call(method, path, shard=shard)) == tuple((bucket, cost) for bucket in buckets)


@pytest.mark.parametrize(("method", "each"), [("POST", 10), ("DELETE", 2)])
def test_a_batch_is_billed_per_item_and_without_shard(method: str, each: int) -> None:
    call = Call(method, f"{ORDERS}/batched", shard=2, items=7)
    assert bill(call) == ((WRITE, 7 * each),)


# --- what the client makes of its own requests


def test_the_client_bills_an_order_to_its_shard() -> None:
    request = OrderRequest(
        ticker="KXSOL15M-26NOV221015-15",
        client_order_id="a",
        side=Side.BID,
        quantity=Quantity(100),
        price=Price(4000),
        time_in_force=TimeInForce.GTC,
        shard=2,
    )
    body = CreateOrderJson.from_request(request)
    assert Outgoing(method="POST", path=ORDERS, body=body).bill == (("write:2", 10),)


def test_the_client_bills_a_cancel_by_its_query() -> None:
    cancel = CancelRequest(order_id="x", ticker="T", shard=2)
    query = {"market_ticker": cancel.ticker, "exchange_index": cancel.shard}
    outgoing = Outgoing(method="DELETE", path=f"{ORDERS}/x", query=query)
    assert outgoing.bill == (("write:2", 2),)


def test_the_client_bills_a_change_without_shard_to_every_shard() -> None:
    outgoing = Outgoing(method="POST", path=f"{ORDERS}/x/decrease", body=DecreaseJson())
    assert [bucket for bucket, _ in outgoing.bill] == list(ANY_SHARD)


def test_the_client_counts_the_items_of_a_batch() -> None:
    body = BatchCancelJson(tuple(BatchCancelItemJson(order_id=str(n)) for n in range(5)))
    outgoing = Outgoing(method="DELETE", path=f"{ORDERS}/batched", body=body)
    assert outgoing.bill == ((WRITE, 10),)


def test_the_client_pays_nothing_for_public_reads_and_reads_for_its_own() -> None:
    assert Outgoing(method="GET", path="/markets", signed=False).bill == FREE
    assert Outgoing(method="GET", path="/portfolio/positions").bill == ((READ, 10),)
