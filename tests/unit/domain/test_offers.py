"""Offers: the price of the size that is wanted, and the edge left after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.fees import FeeTerms
from core.domain.offers import Offer, Wish, best_offer, cost_each
from core.exchange.records import Outcome
from core.units import ONE_CONTRACT, Price, Quantity, price_dollars

if TYPE_CHECKING:
    from core.domain.book import Level

FEES = FeeTerms()
LADDERS = st.lists(
    st.tuples(st.integers(10, 9_990).map(Price), st.integers(1, 30_000).map(Quantity)),
    max_size=6,
    unique_by=lambda level: level[0],
).map(lambda levels: tuple(sorted(levels)))


def level(price: int, contracts: float) -> Level:
    return Price(price), Quantity(round(contracts * ONE_CONTRACT))


def wish(probability: float, contracts: int = 50, cautious: float | None = None) -> Wish:
    return Wish(
        outcome=Outcome.YES,
        probability=probability,
        cautious=probability if cautious is None else cautious,
        contracts=contracts,
        min_edge=0.03,
    )


def offered(wanted: Wish, *levels: Level) -> Offer:
    offer = best_offer(wanted, levels, FEES)
    assert offer is not None
    return offer


def test_the_edge_is_probability_less_price_and_fee() -> None:
    offer = offered(wish(0.60, cautious=0.58), level(5_000, 100))

    assert offer.fee == pytest.approx(0.0175)
    assert offer.cost == pytest.approx(0.5175)
    assert offer.raw_edge == pytest.approx(0.0825)
    assert offer.edge == pytest.approx(0.0625)
    assert offer.kelly == pytest.approx((0.60 - 0.5175) / (1 - 0.5175))
    assert offer.confidence == pytest.approx(0.0625 / 0.0825)


def test_levels_are_gathered_until_the_size_is_there() -> None:
    offer = offered(wish(0.70), level(5_000, 20), level(5_100, 20), level(5_200, 20))

    assert (offer.price, offer.quantity) == (5_200, 50 * ONE_CONTRACT)
    assert offered(wish(0.70, contracts=40), level(5_000, 20), level(5_100, 20)).price == 5_100


def test_a_level_without_the_least_edge_is_left() -> None:
    offer = offered(wish(0.56), level(5_000, 20), level(5_200, 500))

    assert (offer.price, offer.quantity) == (5_000, 20 * ONE_CONTRACT)


def test_dust_alone_is_no_offer_and_is_climbed_over() -> None:
    assert best_offer(wish(0.60), (level(1_000, 0.83),), FEES) is None
    assert offered(wish(0.60), level(1_000, 0.83), level(5_000, 5)).price == 5_000


def test_an_offer_without_edge_is_still_told() -> None:
    offer = offered(wish(0.40), level(5_000, 100), level(5_100, 100))

    assert (offer.price, offer.confidence, offer.kelly) == (5_000, 0.0, 0.0)
    assert offer.edge < 0


def test_an_empty_ladder_offers_nothing() -> None:
    assert best_offer(wish(0.99), (), FEES) is None


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.2), st.integers(1, 300), LADDERS)
def test_every_contract_of_an_offer_has_the_edge_or_none_can_be_had(
    probability: float, doubt: float, contracts: int, levels: tuple[Level, ...]
) -> None:
    wanted = wish(probability, contracts, cautious=probability - doubt)

    offer = best_offer(wanted, levels, FEES)

    total = sum(size for _, size in levels)
    assert (offer is None) is (total < ONE_CONTRACT)
    if offer is None:
        return
    within = sum(size for price, size in levels if price <= offer.price)
    assert offer.quantity == min(within, contracts * ONE_CONTRACT)
    assert offer.quantity >= ONE_CONTRACT
    assert offer.edge == pytest.approx(wanted.cautious - offer.cost)
    cheaper = sum(size for price, size in levels if price < offer.price)
    if offer.edge < wanted.min_edge:
        assert cheaper < ONE_CONTRACT
    assert cheaper < contracts * ONE_CONTRACT
    assert 0.0 <= offer.confidence <= 1.0
    assert offer.cost >= price_dollars(offer.price)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 100_000))
def test_a_dearer_contract_costs_more_with_its_fee_too(one: int, two: int, bps: int) -> None:
    fees = FeeTerms(multiplier_bps=bps)
    low, high = sorted((one, two))

    assert cost_each(Price(low), fees) <= cost_each(Price(high), fees) + 1e-12
