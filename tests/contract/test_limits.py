"""Rate limits of the local exchange: who pays what, from which bucket, and how a 429 looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from core.exchange.port import RateLimited
from core.exchange.records import CancelRequest, Side
from core.exchange.tiers import TIERS
from core.units import SECOND, Nanos
from tests.contract.test_rest_face import Raw
from tests.contract.venue import OPENS, TICKER, Venue, order, served_venue
from web.exchange_options import ExchangeOptions, OptionsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Venue]:
    made = served_venue(tmp_path, tier="basic")
    made.at(Nanos(OPENS + 60 * SECOND))
    yield made
    made.exchange.close()  # type: ignore[attr-defined]
    assert made.running is not None
    made.running.stop()


def test_ten_creates_empty_the_write_bucket_and_a_tenth_of_a_second_buys_one(
    limited: Venue,
) -> None:
    for number in range(10):
        limited.exchange.create_order(order(f"c{number}", Side.BID, "0.40", "1"))
    with pytest.raises(RateLimited):
        limited.exchange.create_order(order("c10", Side.BID, "0.40", "1"))
    limited.later(0.1)
    limited.exchange.create_order(order("c10", Side.BID, "0.40", "1"))
    with pytest.raises(RateLimited):
        limited.exchange.create_order(order("c11", Side.BID, "0.40", "1"))
    limited.later(10)
    found = limited.exchange.orders(ticker=TICKER)
    assert {row.client_order_id for row in found} == {f"c{number}" for number in range(11)}


def test_a_cancel_costs_a_fifth_of_a_create(limited: Venue) -> None:
    placed = [
        limited.exchange.create_order(order(f"c{number}", Side.BID, "0.40", "1"))
        for number in range(9)
    ]
    for each in placed[:5]:
        limited.exchange.cancel_order(CancelRequest(order_id=each.order_id, ticker=TICKER, shard=2))
    with pytest.raises(RateLimited):
        limited.exchange.cancel_order(
            CancelRequest(order_id=placed[5].order_id, ticker=TICKER, shard=2)
        )


def test_the_balance_has_a_bucket_of_its_own_of_one_a_second(limited: Venue) -> None:
    limited.exchange.balance()
    with pytest.raises(RateLimited):
        limited.exchange.balance()
    assert limited.exchange.positions() == ()
    limited.later(1)
    limited.exchange.balance()


def test_who_does_not_sign_pays_nothing(limited: Venue) -> None:
    for _ in range(100):
        limited.exchange.market(TICKER)


def test_a_429_is_a_bare_string_without_any_header_of_limits(limited: Venue) -> None:
    raw = Raw(limited)
    raw.ask("GET", "/portfolio/balance")
    refused = raw.ask("GET", "/portfolio/balance")
    assert (refused.status_code, refused.json()) == (429, {"error": "too many requests"})
    assert not [
        name for name in refused.headers if "ratelimit" in name.lower() or name == "Retry-After"
    ]


def test_an_order_that_the_venue_routes_bills_the_unscoped_bucket_and_every_shard(
    limited: Venue,
) -> None:
    for number in range(10):
        limited.exchange.create_order(order(f"c{number}", Side.BID, "0.40", "1", shard=None))
    with pytest.raises(RateLimited):
        limited.exchange.create_order(order("direct", Side.BID, "0.40", "1", shard=2))


def test_costs_are_listed(limited: Venue) -> None:
    told = Raw(limited).ask("GET", "/account/endpoint_costs").json()
    costs = {(row["method"], row["path"]): row["cost"] for row in told["endpoint_costs"]}
    assert told["default_cost"] == 10
    assert costs["DELETE", "/trade-api/v2/portfolio/events/orders/{order_id}"] == 2


def test_a_tier_has_its_own_limits_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    made = served_venue(tmp_path, tier="premier")
    limits = made.exchange.limits()
    made.exchange.close()  # type: ignore[attr-defined]
    assert made.running is not None
    made.running.stop()
    assert limits == TIERS["premier"]
    with pytest.raises(OptionsError, match="platinum"):
        ExchangeOptions(tier="platinum").check()
