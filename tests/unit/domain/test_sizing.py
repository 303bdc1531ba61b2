"""Kelly after fees: the share, the caps, the book, and bets that move together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.fees import FeeTerms, fill_fee
from core.domain.sizing import (
    COIN_CORRELATION,
    Bet,
    Exposure,
    SizedBet,
    Stake,
    correlated_shrink,
    crowding,
    kelly_fraction,
    size_bet,
)
from core.exchange.records import Outcome
from core.units import (
    DOLLAR_PRICE,
    ONE_CONTRACT,
    SECOND,
    Nanos,
    Price,
    Quantity,
    dollars,
    money_from_dollars,
    price_dollars,
)

if TYPE_CHECKING:
    from core.domain.book import Level

PROBABILITIES = st.floats(0.0, 1.0)
COSTS = st.floats(0.01, 0.99)
LADDERS = st.lists(
    st.tuples(st.integers(100, 9_800).map(Price), st.integers(1, 50_000).map(Quantity)),
    max_size=6,
    unique_by=lambda level: level[0],
).map(lambda levels: tuple(sorted(levels)))
STAKES = st.builds(
    Stake,
    bankroll=st.integers(1, 20_000).map(money_from_dollars),
    fraction=st.floats(0.01, 1.0),
    shrink=st.floats(0.1, 1.0),
    most_money=st.integers(0, 2_000).map(money_from_dollars),
    most_share=st.floats(0.001, 1.0),
)


def bet(probability: float, *levels: Level, limit: int = 9_999) -> Bet:
    return Bet(probability=probability, ladder=levels, fees=FeeTerms(), limit=Price(limit))


def level(price: int, contracts: int) -> Level:
    return Price(price), Quantity(contracts * ONE_CONTRACT)


def growth(share: float, probability: float, cost: float) -> float:
    """Expected log of wealth after betting `share` of it."""
    win, lose = 1 - share + share / cost, 1 - share
    return probability * math.log(win) + (1 - probability) * math.log(lose)


@given(PROBABILITIES, COSTS)
def test_kelly_maximises_growth(probability: float, cost: float) -> None:
    best = min(kelly_fraction(probability, cost), 0.999)

    for share in (best * 0.9, min(best * 1.1 + 0.01, 0.999)):
        assert growth(best, probability, cost) >= growth(share, probability, cost) - 1e-12


@given(PROBABILITIES, COSTS)
def test_kelly_bets_only_on_an_advantage(probability: float, cost: float) -> None:
    share = kelly_fraction(probability, cost)

    assert 0.0 <= share <= 1.0
    assert (share > 0.0) is (probability > cost)


@pytest.mark.parametrize(
    ("probability", "cost", "share"),
    [(0.60, 0.50, 0.20), (0.60, 0.60, 0.0), (0.99, 1.0, 0.0), (1.0, 1.2, 0.0), (1.0, 0.4, 1.0)],
)
def test_kelly_of_known_bets(probability: float, cost: float, share: float) -> None:
    assert kelly_fraction(probability, cost) == pytest.approx(share)


def test_a_fee_can_turn_an_advantage_into_a_rejection() -> None:
    stake = Stake(bankroll=money_from_dollars(10_000), fraction=1.0)

    assert size_bet(bet(0.51, level(5_000, 100)), stake).purchase.quantity == 0
    assert size_bet(bet(0.53, level(5_000, 100)), stake).purchase.quantity > 0


def test_a_quarter_kelly_of_a_deep_book() -> None:
    """P 0.60 at 0.50 plus 1.75 cents fee: Kelly 17.10 %, a quarter of $1,000 is $42.75."""
    stake = Stake(bankroll=money_from_dollars(1_000), fraction=0.25)

    sized = size_bet(bet(0.60, level(5_000, 10_000)), stake)

    assert sized.kelly == pytest.approx((0.60 - 0.5175) / (1 - 0.5175))
    assert sized.purchase.quantity == 82 * ONE_CONTRACT
    assert dollars(sized.outlay) == pytest.approx(82 * 0.5175)


@pytest.mark.parametrize(
    ("stake", "contracts"),
    [
        (Stake(bankroll=money_from_dollars(1_000), fraction=1.0), 330),
        (Stake(bankroll=money_from_dollars(1_000), fraction=1.0, shrink=0.5), 165),
        (
            Stake(
                bankroll=money_from_dollars(1_000), fraction=1.0, most_money=money_from_dollars(50)
            ),
            96,
        ),
        (Stake(bankroll=money_from_dollars(1_000), fraction=1.0, most_share=0.02), 38),
    ],
)
def test_each_cap_binds(stake: Stake, contracts: int) -> None:
    sized = size_bet(bet(0.60, level(5_000, 10_000)), stake)

    assert sized.purchase.quantity == contracts * ONE_CONTRACT


def test_depth_and_the_limit_bind() -> None:
    rich = Stake(bankroll=money_from_dollars(1_000_000), fraction=1.0)
    ladder = (level(4_000, 7), level(4_500, 5), level(5_900, 1_000))

    assert size_bet(bet(0.60, *ladder, limit=4_500), rich).purchase.quantity == 12 * ONE_CONTRACT
    assert size_bet(bet(0.60, *ladder, limit=4_400), rich).purchase.quantity == 7 * ONE_CONTRACT
    assert size_bet(bet(0.60), rich).purchase.quantity == 0


def test_dust_is_no_depth() -> None:
    rich = Stake(bankroll=money_from_dollars(1_000_000), fraction=1.0)

    dust = (Price(4_000), Quantity(83))

    assert size_bet(bet(0.90, dust), rich).purchase.quantity == 0
    assert size_bet(bet(0.90, dust, level(4_100, 2)), rich).purchase.quantity == 2 * ONE_CONTRACT


@given(PROBABILITIES, LADDERS, STAKES)
def test_no_size_breaks_a_cap_and_one_contract_more_would(
    probability: float, ladder: tuple[Level, ...], stake: Stake
) -> None:
    offer = Bet(probability=probability, ladder=ladder, fees=FeeTerms())

    sized = size_bet(offer, stake)

    assert sized.purchase.quantity % ONE_CONTRACT == 0
    assert sized.outlay <= stake.room(sized.kelly) or not sized.purchase.quantity
    assert sized.outlay <= min(stake.most_money, stake.bankroll)
    more = one_more(offer, sized)
    assert more is None or more.outlay > stake.room(more.kelly)


def one_more(offer: Bet, sized: SizedBet) -> SizedBet | None:
    """The purchase of one contract more, if the ladder has it."""
    wanted = sized.purchase.quantity + ONE_CONTRACT
    if wanted > sum(size for _, size in offer.ladder):
        return None
    rich = Stake(bankroll=money_from_dollars(10**9), fraction=1.0)
    certain = Bet(probability=1.0, ladder=cut(offer.ladder, wanted), fees=offer.fees)
    bought = size_bet(certain, rich)
    average = bought.outlay / (bought.purchase.quantity * DOLLAR_PRICE)
    return SizedBet(
        purchase=bought.purchase,
        fees=bought.fees,
        kelly=kelly_fraction(offer.probability, average),
    )


def cut(ladder: tuple[Level, ...], quantity: int) -> tuple[Level, ...]:
    """The ladder's first `quantity`."""
    kept, left = [], quantity
    for price, size in ladder:
        kept.append((price, Quantity(min(size, left))))
        left -= kept[-1][1]
    return tuple((price, size) for price, size in kept if size)


@given(LADDERS.filter(bool), PROBABILITIES)
def test_what_is_bought_has_an_edge_after_fees(
    ladder: tuple[Level, ...], probability: float
) -> None:
    stake = Stake(bankroll=money_from_dollars(5_000), fraction=0.5)

    sized = size_bet(Bet(probability=probability, ladder=ladder, fees=FeeTerms()), stake)

    if sized.purchase.quantity:
        best, _ = ladder[0]
        assert probability > price_dollars(best)
        per_contract = sized.outlay / (sized.purchase.quantity * DOLLAR_PRICE)
        assert probability > per_contract
        assert sized.fees == sum(
            fill_fee(FeeTerms(), price, size, is_taker=True) for price, size in sized.purchase.fills
        )


def test_correlated_bets_share_one_stake() -> None:
    assert correlated_shrink(0) == correlated_shrink(1) == 1.0
    assert 6 * correlated_shrink(6) == pytest.approx(1.237, abs=1e-3)
    assert correlated_shrink(4, correlation=1.0) == 0.25
    assert correlated_shrink(4, correlation=0.0) == 1.0


# --- bets beside open bets


CLOSE = Nanos(1_795_360_500 * SECOND)
SERIES = st.sampled_from(["KXSOL15M", "KXBTC15M", "KXETH15M"])
OUTCOMES = st.sampled_from(Outcome)
EXPOSURES = st.builds(
    Exposure,
    series=SERIES,
    close_ns=st.sampled_from([CLOSE, Nanos(CLOSE + 900 * SECOND)]),
    outcome=OUTCOMES,
    cost=COSTS,
    share=st.floats(0.0, 0.3),
)


def sol(cost: float = 0.5, share: float = 0.0, outcome: Outcome = Outcome.YES) -> Exposure:
    return Exposure(series="KXSOL15M", close_ns=CLOSE, outcome=outcome, cost=cost, share=share)


def btc(cost: float = 0.5, share: float = 0.0, outcome: Outcome = Outcome.YES) -> Exposure:
    return Exposure(series="KXBTC15M", close_ns=CLOSE, outcome=outcome, cost=cost, share=share)


def test_bets_on_one_coin_in_one_window_are_one_bet() -> None:
    assert crowding(sol(), [sol(share=0.03)]) == pytest.approx(0.03)
    assert crowding(sol(), [sol(share=0.03), sol(share=0.02)]) == pytest.approx(0.05)


def test_another_coin_in_the_window_takes_its_correlation() -> None:
    assert crowding(sol(), [btc(share=0.03)]) == pytest.approx(COIN_CORRELATION * 0.03)


def test_a_cheap_contract_is_the_wilder_bet() -> None:
    """A dollar on 20-cent contracts varies four times as much as one on 80-cent contracts."""
    assert crowding(sol(cost=0.8), [sol(cost=0.2, share=0.01)]) == pytest.approx(0.04)
    assert crowding(sol(cost=0.2), [sol(cost=0.8, share=0.04)]) == pytest.approx(0.01)


def test_another_window_takes_nothing_and_a_hedge_gives_nothing() -> None:
    later = Exposure(
        series="KXSOL15M",
        close_ns=Nanos(CLOSE + 900 * SECOND),
        outcome=Outcome.YES,
        cost=0.5,
        share=0.1,
    )

    assert crowding(sol(), [later]) == 0.0
    assert crowding(sol(), [btc(share=0.1, outcome=Outcome.NO)]) == 0.0
    assert crowding(sol(), []) == 0.0


def test_a_hedge_makes_room_only_for_what_it_hedges() -> None:
    crowded = [sol(share=0.05), btc(share=0.02, outcome=Outcome.NO)]

    assert crowding(sol(), crowded) == pytest.approx(0.05 - COIN_CORRELATION * 0.02)


@given(EXPOSURES, st.lists(EXPOSURES, max_size=6))
def test_no_open_bet_ever_raises_a_stake(wanted: Exposure, held: list[Exposure]) -> None:
    crowd = crowding(wanted, held)
    stake = Stake(bankroll=money_from_dollars(10_000), fraction=0.25, crowd=crowd)
    alone = Stake(bankroll=money_from_dollars(10_000), fraction=0.25)

    assert crowd >= 0.0
    assert 0 <= stake.room(0.2) <= alone.room(0.2)


@given(EXPOSURES, st.lists(EXPOSURES, max_size=6))
def test_the_two_outcomes_are_treated_alike(wanted: Exposure, held: list[Exposure]) -> None:
    def turned(exposure: Exposure) -> Exposure:
        other = exposure.outcome.other
        return msgspec.structs.replace(exposure, outcome=other)

    flipped = crowding(turned(wanted), [turned(one) for one in held])

    assert flipped == pytest.approx(crowding(wanted, held))


@given(st.floats(0.2, 0.8), st.floats(0.01, 0.04), st.floats(0.0, 0.1))
def test_the_stake_beside_a_bet_is_the_best_one(
    cost: float, edge: float, held_share: float
) -> None:
    """Growth over the four outcomes of two correlated bets, by brute force."""
    probability = cost + edge
    full = kelly_fraction(probability, cost)
    wanted, other = sol(cost=cost), btc(cost=cost, share=held_share)

    stake = max(0.0, full - crowding(wanted, [other]))

    shares = [step * full / 200 for step in range(201)]
    best = max(shares, key=lambda share: joint_growth(share, held_share, probability, cost))
    assert stake == pytest.approx(best, abs=0.15 * full + 0.02 * held_share + full / 200)


def joint_growth(one: float, two: float, probability: float, cost: float) -> float:
    """Expected log of wealth of two bets of one probability whose outcomes correlate."""
    both = probability**2 + COIN_CORRELATION * probability * (1 - probability)
    single = probability - both
    neither = 1 - both - 2 * single
    win = 1 / cost - 1
    return (
        both * math.log1p(one * win + two * win)
        + single * (math.log1p(one * win - two) + math.log1p(two * win - one))
        + neither * math.log1p(-one - two)
    )
