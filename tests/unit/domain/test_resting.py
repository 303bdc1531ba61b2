"""Where an order may rest: the best price that keeps the edge, and when one that rests is moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.fees import FeeTerms, fill_fee
from core.domain.grid import TAPERED_DECI_CENT, price_grid
from core.domain.offers import Wish
from core.domain.resting import Patience, Place, resting_offer
from core.exchange.listing import FeeType
from core.exchange.records import Outcome
from core.units import DOLLAR_PRICE, ONE_CONTRACT, ONE_DOLLAR, Price, complement, price_dollars

GRID = price_grid(TAPERED_DECI_CENT)
WISH = Wish(outcome=Outcome.YES, probability=0.56, cautious=0.55, contracts=50, min_edge=0.03)
PLACE = Place(bid=Price(5_000), ask=Price(5_800), grid=GRID, fees=FeeTerms())
PATIENCE = Patience(requote=0.01, max_behind=0.02)
MAKER_FEES = FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES)

cents = st.integers(1, 99).map(lambda cent: Price(cent * 100))
wishes = st.builds(
    Wish,
    outcome=st.sampled_from(Outcome),
    probability=st.floats(0.01, 0.99),
    cautious=st.floats(0.01, 0.99),
    contracts=st.integers(1, 500),
    min_edge=st.floats(0, 0.2),
)
places = st.builds(
    Place,
    bid=cents,
    ask=cents,
    grid=st.just(GRID),
    fees=st.builds(
        FeeTerms, fee_type=st.sampled_from([t for t in FeeType if t is not FeeType.FLAT])
    ),
    resting=st.none() | cents,
).filter(lambda place: place.bid < place.ask)
patiences = st.builds(
    Patience, requote=st.floats(0, 0.1), max_behind=st.floats(0, 1, exclude_max=True)
)


def edge_at(wish: Wish, price: Price, fees: FeeTerms) -> float:
    fee = fill_fee(fees, price, ONE_CONTRACT, is_taker=False) / ONE_DOLLAR
    return wish.cautious - price_dollars(price) - fee


def test_it_bids_what_the_fair_value_allows() -> None:
    """0.55 less three cents of edge, and one more that it may lose before it is moved."""
    offer = resting_offer(WISH, PLACE, PATIENCE)
    assert offer is not None
    assert (offer.price, offer.style, offer.fee) == (5_100, "make", 0)
    assert offer.edge == WISH.cautious - 0.51


def test_a_series_with_maker_fees_is_bid_for_less() -> None:
    """A quarter of 7 % of 0.5 x 0.5 is not quite half a cent."""
    offer = resting_offer(WISH, replace(PLACE, fees=MAKER_FEES), PATIENCE)
    assert offer is not None
    assert offer.price == 5_000
    assert 0.004 < offer.fee < 0.005


def test_it_never_bids_where_it_would_trade() -> None:
    offer = resting_offer(WISH, replace(PLACE, bid=Price(4_000), ask=Price(4_500)), PATIENCE)
    assert offer is not None
    assert offer.price == 4_400


def test_far_behind_the_best_bid_it_would_fill_only_when_it_is_wrong() -> None:
    assert resting_offer(WISH, replace(PLACE, bid=Price(5_300)), PATIENCE) is not None
    assert resting_offer(WISH, replace(PLACE, bid=Price(5_400)), PATIENCE) is None


def test_what_rests_keeps_its_place_until_its_edge_is_gone() -> None:
    place = replace(PLACE, resting=Price(5_100))
    for cautious, price in ((0.5599, 5_100), (0.5401, 5_100), (0.5399, 4_900), (0.5601, 5_200)):
        offer = resting_offer(replace(WISH, cautious=cautious), place, PATIENCE)
        assert offer is not None
        assert offer.price == price


def test_what_rests_where_somebody_sells_now_is_moved() -> None:
    place = replace(PLACE, bid=Price(4_900), ask=Price(5_100), resting=Price(5_100))
    offer = resting_offer(WISH, place, PATIENCE)
    assert offer is not None
    assert offer.price == 5_000


@given(wishes, places, patiences)
def test_the_edge_is_kept_the_ask_is_not_touched_and_the_grid_is_met(
    wish: Wish, place: Place, patience: Patience
) -> None:
    offer = resting_offer(wish, place, patience)
    if offer is None:
        return
    yes = offer.price if wish.outcome is Outcome.YES else complement(offer.price)
    assert GRID.is_valid(yes) or offer.price == place.resting
    assert offer.price < place.ask
    assert offer.edge >= wish.min_edge - 1e-6
    assert abs(offer.edge - edge_at(wish, offer.price, place.fees)) < 1e-9
    if offer.price != place.resting:
        assert offer.edge >= wish.min_edge + patience.requote - 1e-6
        assert offer.price >= place.bid - patience.max_behind * DOLLAR_PRICE - 1


@given(wishes, places, patiences)
def test_no_higher_price_would_keep_the_edge(wish: Wish, place: Place, patience: Patience) -> None:
    fresh = replace(place, resting=None)
    offer = resting_offer(wish, fresh, replace(patience, max_behind=0.999))
    if offer is None:
        return
    yes = offer.price if wish.outcome is Outcome.YES else complement(offer.price)
    higher = GRID.next_up(yes) if wish.outcome is Outcome.YES else GRID.next_down(yes)
    if higher is None:
        return
    price = higher if wish.outcome is Outcome.YES else complement(higher)
    needed = wish.min_edge + patience.requote
    assert price >= fresh.ask or edge_at(wish, price, fresh.fees) < needed + 1e-6


@given(wishes, places, patiences)
def test_what_is_offered_stays_when_it_rests_and_nothing_else_changes(
    wish: Wish, place: Place, patience: Patience
) -> None:
    first = resting_offer(wish, place, patience)
    if first is None:
        return
    again = resting_offer(wish, replace(place, resting=first.price), patience)
    assert again is not None
    assert again.price == first.price
