"""Each gate just under its limit, at it, just over; the caps; what a shut gate says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from core import messages as m
from core.domain import caps, rules
from core.domain.ledger import Ledger
from core.domain.rules import Denial, Facts
from core.domain.sizing import COIN_CORRELATION
from core.domain.windows import market_ticker
from core.exchange.listing import FeeType
from core.exchange.records import Outcome, Side
from core.units import (
    Money,
    Nanos,
    Price,
    Quantity,
    complement,
    dollars,
    money_from_dollars,
    notional,
)
from tests.builders import (
    CLOSE,
    NOW,
    TICKER,
    approved,
    capital,
    contracts,
    filled,
    limits,
    money,
    request,
    signal,
    terms,
    view,
)

BTC = market_ticker("KXBTC15M", CLOSE)
MS = 1_000_000


def books(cash: float = 10_000.0) -> Ledger:
    ledger = Ledger()
    ledger.apply(capital(cash))
    return ledger


def facts(**changes: Any) -> Facts:  # noqa: ANN401 - any field
    made = Facts(
        signal=signal(),
        view=view(),
        state="ACTIVE",
        ledger=books(),
        unknown=frozenset(),
        equity=money(10_000),
        day_pnl=money(0),
        limits=limits(),
        now=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def limited(**changes: Any) -> Facts:  # noqa: ANN401 - any limit
    return facts(limits=limits(**changes))


def code(denial: Denial | None) -> str:
    return denial.code if denial is not None else ""


def lock(protection: str, scope: str, until: int) -> m.LockSet:
    return m.LockSet(
        protection=protection,
        scope=scope,
        until=Nanos(NOW + until),
        limit=3,
        value=4,
        reason="losses",
        ts=NOW,
    )


def loss(share: float, **changes: Any) -> Facts:  # noqa: ANN401 - any limit
    """A day that opened at $10,000 and lost this share of it; the peak was its opening."""
    ledger = books()
    ledger.apply(m.DayOpened(day="2026-02-25", equity=money(10_000), ts=NOW))
    lost = money(10_000 * share)
    return facts(
        ledger=ledger,
        equity=Money(money(10_000) - lost),
        day_pnl=Money(-lost),
        limits=limits(**changes),
    )


def aged(**changes: Any) -> Facts:  # noqa: ANN401 - times of the view
    return facts(view=view(**changes))


def left(seconds: float) -> Facts:
    """So many seconds before the close."""
    return facts(now=Nanos(CLOSE - round(seconds * 1_000 * MS)))


def priced(own: int, outcome: Outcome = Outcome.YES) -> Facts:
    """Pays `own` where the best ask of the outcome stands at 0.48 (YES) or 0.56 (NO)."""
    shown = view(
        asks=((Price(4_800), contracts(10)),),
        bids=((complement(Price(5_600)), contracts(10)),),
    )
    return facts(
        view=shown,
        signal=signal(price=Price(own), outcome=outcome),
        limits=limits(price_collar=Price(500)),
    )


def holding_markets(count: int) -> Ledger:
    ledger = books()
    for number in range(count):
        ticker = market_ticker("KXBTC15M", Nanos(CLOSE + number * 900 * 1_000 * MS))
        ledger.apply(filled(ticker=ticker, trade_id=f"t-{number}", quantity=contracts(1)))
    return ledger


CASES = [
    ("min_edge", rules.enough_edge, facts(signal=signal(edge=0.0299)), "min_edge"),
    ("min_edge", rules.enough_edge, facts(signal=signal(edge=0.03)), ""),
    ("min_edge", rules.enough_edge, facts(signal=signal(edge=0.0301)), ""),
    (
        "confidence",
        rules.enough_confidence,
        facts(signal=signal(confidence=0.499)),
        "min_confidence",
    ),
    ("confidence", rules.enough_confidence, facts(signal=signal(confidence=0.5)), ""),
    ("confidence", rules.enough_confidence, facts(signal=signal(confidence=0.501)), ""),
    ("positions", rules.few_positions, facts(ledger=holding_markets(3)), ""),
    ("positions", rules.few_positions, facts(ledger=holding_markets(4)), ""),
    ("positions", rules.few_positions, facts(ledger=holding_markets(5)), "concurrent_positions"),
    ("daily_loss", rules.daily_loss, facts(day_pnl=Money(-money(500) + 1)), ""),
    ("daily_loss", rules.daily_loss, facts(day_pnl=Money(-money(500))), "daily_loss"),
    ("daily_loss", rules.daily_loss, facts(day_pnl=Money(-money(500) - 1)), "daily_loss"),
    ("day_breaker", rules.own_breach, loss(0.1999, breaker_drawdown=1.0), ""),
    ("day_breaker", rules.own_breach, loss(0.20, breaker_drawdown=1.0), "daily_loss_breaker"),
    ("day_breaker", rules.own_breach, loss(0.2001, breaker_drawdown=1.0), "daily_loss_breaker"),
    ("drawdown", rules.own_breach, loss(0.1499), ""),
    ("drawdown", rules.own_breach, loss(0.15), "drawdown_breaker"),
    ("drawdown", rules.own_breach, loss(0.1501), "drawdown_breaker"),
    ("late", rules.window_open, left(29.999), "outside_window"),
    ("late", rules.window_open, left(30), ""),
    ("late", rules.window_open, left(30.001), ""),
    ("early", rules.window_open, left(869.999), ""),
    ("early", rules.window_open, left(870), ""),
    ("early", rules.window_open, left(870.001), "outside_window"),
    ("expired", rules.signal_fresh, facts(now=Nanos(NOW + 2_000 * MS - 1)), ""),
    ("expired", rules.signal_fresh, facts(now=Nanos(NOW + 2_000 * MS)), "signal_expired"),
    ("expired", rules.signal_fresh, facts(now=Nanos(NOW + 2_000 * MS + 1)), "signal_expired"),
    ("index", rules.index_fresh, aged(ts_index=Nanos(NOW - 3_000 * MS + 1)), ""),
    ("index", rules.index_fresh, aged(ts_index=Nanos(NOW - 3_000 * MS)), ""),
    ("index", rules.index_fresh, aged(ts_index=Nanos(NOW - 3_000 * MS - 1)), "index_stale"),
    ("book", rules.book_fresh, aged(ts_book=Nanos(NOW - 10_000 * MS + 1)), ""),
    ("book", rules.book_fresh, aged(ts_book=Nanos(NOW - 10_000 * MS)), ""),
    ("book", rules.book_fresh, aged(ts_book=Nanos(NOW - 10_000 * MS - 1)), "book_stale"),
    ("book", rules.book_fresh, aged(book_fresh=False), "book_stale"),
    ("collar", rules.price_collar, priced(5_299), ""),
    ("collar", rules.price_collar, priced(5_300), ""),
    ("collar", rules.price_collar, priced(5_301), "price_collar"),
    ("collar_no", rules.price_collar, priced(6_099, Outcome.NO), ""),
    ("collar_no", rules.price_collar, priced(6_100, Outcome.NO), ""),
    ("collar_no", rules.price_collar, priced(6_101, Outcome.NO), "price_collar"),
    ("rate", rules.order_rate, facts(recent_orders=9, limits=limits(orders_per_minute=10)), ""),
    (
        "rate",
        rules.order_rate,
        facts(recent_orders=10, limits=limits(orders_per_minute=10)),
        "order_rate",
    ),
    (
        "rate",
        rules.order_rate,
        facts(recent_orders=11, limits=limits(orders_per_minute=10)),
        "order_rate",
    ),
    ("lock", rules.unlocked, facts(locks=(lock("stop_guard", "KXBTC15M", 1),)), ""),
    (
        "lock",
        rules.unlocked,
        facts(locks=(lock("stop_guard", "KXSOL15M", 1),)),
        "locked_stop_guard",
    ),
    ("lock", rules.unlocked, facts(locks=(lock("loss_burst", "all", 1),)), "locked_loss_burst"),
    ("unknown", rules.outcome_known, facts(unknown=frozenset({TICKER})), "order_unknown"),
    ("unknown", rules.outcome_known, facts(unknown=frozenset({BTC})), ""),
    ("differ", rules.books_agree, facts(differing=frozenset({TICKER})), "books_differ"),
    ("differ", rules.books_agree, facts(differing=frozenset({BTC})), ""),
    ("state", rules.trading_state, facts(state="REDUCING"), "not_trading_reducing"),
    ("state", rules.trading_state, facts(state="HALTED"), "not_trading_halted"),
    ("state", rules.trading_state, facts(), ""),
]


@pytest.mark.parametrize(
    ("gate", "seen", "wanted"),
    [case[1:] for case in CASES],
    ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)],
)
def test_a_gate_at_its_limit(gate: Any, seen: Facts, wanted: str) -> None:  # noqa: ANN401
    assert code(gate(seen)) == wanted


@pytest.mark.parametrize("gate", rules.GATES)
def test_the_usual_case_passes_every_gate(gate: Any) -> None:  # noqa: ANN401
    assert gate(facts()) is None


def test_one_intent_a_market_whatever_its_side() -> None:
    ledger = books()
    ledger.apply(approved("t-1"))
    assert code(rules.one_intent(facts(ledger=ledger))) == "open_intent"
    other = books()
    other.apply(approved("t-1", request=request("t-1", ticker=BTC)))
    assert rules.one_intent(facts(ledger=other)) is None


def test_the_first_shut_gate_is_the_one_that_is_named() -> None:
    shut = loss(0.5)
    assert code(rules.first_denial(shut)) == "daily_loss_breaker"
    assert code(rules.first_denial(msgspec.structs.replace(shut, state="HALTED"))) == (
        "not_trading_halted"
    )


def test_a_denial_says_its_limit_and_what_broke_it() -> None:
    denial = rules.price_collar(priced(5_400))
    assert denial == Denial(code="price_collar", limit=0.05, value=0.06)


def test_without_an_ask_the_collar_stands_on_the_best_bid() -> None:
    shown = view(asks=(), bids=((Price(4_000), contracts(5)),))
    near, far = signal(price=Price(4_500)), signal(price=Price(4_501))
    collar = limits(price_collar=Price(500))
    assert rules.price_collar(facts(view=shown, signal=near, limits=collar)) is None
    assert code(rules.price_collar(facts(view=shown, signal=far, limits=collar))) == "price_collar"


# --- caps


def bet(ticker: str, count: float, outcome: Outcome = Outcome.YES, own: int = 5_000) -> Ledger:
    ledger = books()
    yes = outcome is Outcome.YES
    side, price = (Side.BID, Price(own)) if yes else (Side.ASK, complement(Price(own)))
    ledger.apply(filled(ticker=ticker, side=side, price=price, quantity=contracts(count)))
    return ledger


@pytest.mark.parametrize(
    ("ledger", "room"),
    [
        (books(), 100.0),
        (bet(TICKER, 100), 50.0),  # the same bet counts in full
        (bet(TICKER, 100, Outcome.NO), 100.0),  # its opposite makes no room, and takes none
        (bet(BTC, 100), 100.0 - 50.0 * COIN_CORRELATION),
        (bet(market_ticker("KXBTC15M", Nanos(CLOSE + 900 * 1_000 * MS)), 100), 100.0),
    ],
)
def test_correlated_exposure_counts_what_wins_and_loses_together(
    ledger: Ledger, room: float
) -> None:
    seen = facts(ledger=ledger, limits=limits(max_correlated=money(100)))
    assert dollars(caps.correlated_room(seen)) == pytest.approx(room, abs=1e-5)


@pytest.mark.parametrize(
    ("changes", "binding"),
    [
        ({"max_position": money(100)}, "max_position_size"),
        ({"max_exposure": money(100)}, "total_exposure"),
        ({"max_correlated": money(100)}, "correlated_exposure"),
    ],
)
def test_the_smallest_cap_decides_and_is_never_passed(
    changes: dict[str, object], binding: str
) -> None:
    deep = view(asks=((Price(4_800), Quantity(10_000_000)),))
    seen = facts(view=deep, signal=signal(probability=0.9, kelly_fraction=1.0))
    seen = msgspec.structs.replace(seen, limits=limits(kelly_fraction=1.0, **changes))
    sized = caps.size(seen)
    assert sized.binding == binding
    assert caps.reserve(seen, sized.quantity) <= money(100)
    assert caps.reserve(seen, Quantity(sized.quantity + 100)) > money(100)


def test_cash_on_the_shard_is_a_cap() -> None:
    deep = view(asks=((Price(4_800), Quantity(10_000_000)),))
    poor = facts(
        view=deep,
        signal=signal(probability=0.9, kelly_fraction=1.0),
        ledger=books(50.0),
        limits=limits(kelly_fraction=1.0),
    )
    sized = caps.size(poor)
    assert sized.binding == "cash"
    assert caps.reserve(poor, sized.quantity) <= money_from_dollars(50.0)


def test_what_rests_is_sized_by_the_fee_of_a_maker() -> None:
    """No fee on this series, a quarter of the taker's where makers pay."""
    fees = []
    for fee_type in (FeeType.QUADRATIC, FeeType.QUADRATIC_WITH_MAKER_FEES):
        shown = view(market=terms(fee_type=fee_type))
        for style in ("make", "take"):
            seen = facts(signal=signal(style=style), view=shown)
            cost = notional(seen.signal.price, contracts(100))
            fees.append(dollars(Money(caps.reserve(seen, contracts(100)) - cost)))
    makes, takes, makes_with_fee, takes_too = fees
    assert makes < 0.01
    assert takes == takes_too == pytest.approx(1.7472, abs=0.01)
    assert makes_with_fee == pytest.approx(1.7472 / 4, abs=0.01)


def test_a_maker_may_stake_more_than_a_taker_at_the_same_price() -> None:
    take, make = (facts(signal=signal(style=style)) for style in ("take", "make"))
    assert caps.kelly_room(make) > caps.kelly_room(take) > 0
