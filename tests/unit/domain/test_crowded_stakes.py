"""Stakes beside open bets: one coin in one window is one bet, other coins move along."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import caps
from core.domain.ledger import Ledger
from core.domain.rules import Facts
from core.domain.sizing import COIN_CORRELATION
from core.domain.windows import market_ticker
from core.exchange.records import Outcome, Side
from core.units import Nanos, Price, complement, dollars, money_from_dollars, seconds
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    approved,
    capital,
    contracts,
    filled,
    limits,
    request,
    signal,
    view,
)

BTC = market_ticker("KXBTC15M", CLOSE)
LATER = market_ticker("KXBTC15M", Nanos(CLOSE + seconds(900)))
BANKROLL = 10_000.0


def facts(ledger: Ledger, **changes: object) -> Facts:
    return Facts(
        signal=signal(**{"probability": 0.60, "price": Price(4_800), **changes}),
        view=view(),
        state="ACTIVE",
        ledger=ledger,
        unknown=frozenset(),
        equity=money_from_dollars(BANKROLL),
        day_pnl=money_from_dollars(0),
        limits=limits(),
        now=NOW,
    )


def books() -> Ledger:
    ledger = Ledger()
    ledger.apply(capital(BANKROLL))
    return ledger


def holding(ticker: str, count: int, *, yes: bool = True, price: int = 4_800) -> Ledger:
    """A ledger that bought `count` contracts of an outcome at its own `price`."""
    ledger = books()
    side, at = (Side.BID, Price(price)) if yes else (Side.ASK, complement(Price(price)))
    ledger.apply(filled(ticker=ticker, side=side, price=at, quantity=contracts(count)))
    return ledger


def room(ledger: Ledger, **changes: object) -> float:
    return dollars(caps.kelly_room(facts(ledger, **changes)))


def test_alone_it_is_a_quarter_of_kelly() -> None:
    """(0.60 - 0.4975) / (1 - 0.4975) of $10,000, by a quarter; fee 1.75 cents, 0.02 of slack."""
    assert room(books()) == pytest.approx(509.9, abs=1.0)


def test_the_same_bet_counts_in_full() -> None:
    held = room(holding(TICKER, 500))

    assert held == pytest.approx(room(books()) - 500 * 0.48, rel=0.05)


def test_the_other_outcome_of_the_market_leaves_the_stake() -> None:
    assert room(holding(TICKER, 500, yes=False)) == room(books())


def test_another_coin_of_the_window_counts_by_its_correlation() -> None:
    lost = room(books()) - room(holding(BTC, 500))

    assert lost == pytest.approx(COIN_CORRELATION * 500 * 0.48, rel=0.05)


def test_another_window_does_not_count() -> None:
    assert room(holding(LATER, 500)) == room(books())


def test_an_order_that_may_still_fill_counts_like_a_position() -> None:
    ledger = books()
    wish = request("t-1", ticker=BTC, quantity=contracts(500))
    ledger.apply(approved(request=wish, reserve=money_from_dollars(250)))

    reserved = dollars(ledger.reserved)
    assert room(books()) - room(ledger) == pytest.approx(COIN_CORRELATION * reserved, rel=0.05)


def test_no_outcome_of_no_signal_is_mirrored() -> None:
    """Holding NO of both coins crowds a NO as holding YES crowds a YES."""
    held = holding(BTC, 500, yes=False)

    assert room(held, outcome=Outcome.NO) == room(holding(BTC, 500))


def test_a_name_that_tells_no_window_is_feared_to_be_this_one() -> None:
    assert room(holding("SOMETHING", 500)) == room(holding(BTC, 500))


def test_full_is_full_and_nothing_is_bought_beyond() -> None:
    crowded = facts(holding(BTC, 3_000))

    assert caps.kelly_room(crowded) < 0
    assert caps.size(crowded).quantity == 0
    assert caps.size(crowded).binding == "kelly"


@given(st.sampled_from([TICKER, BTC, LATER]), st.integers(1, 3_000), st.booleans())
def test_no_position_ever_raises_a_stake(ticker: str, count: int, yes: bool) -> None:
    assert room(holding(ticker, count, yes=yes)) <= room(books())


@given(st.floats(0.0, 1.0), st.integers(100, 9_900))
def test_what_kelly_rejects_is_rejected(probability: float, price: int) -> None:
    wish = facts(books(), probability=probability, price=Price(price))

    if probability <= price / 10_000:
        assert caps.kelly_room(wish) == 0
        assert caps.size(wish).quantity == 0
