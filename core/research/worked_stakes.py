"""The worked numbers of `docs/pricing.md` on fees, stakes, the blend and the verdict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from core.domain.blend import DEFAULT_BLEND, Blend, Look, settings_of_trust
from core.domain.fees import FeeTerms, OrderFees, fill_fee, trade_fee
from core.domain.sizing import Exposure, correlated_shrink, crowding, kelly_fraction
from core.domain.verdict import Track, half_width, windows_for
from core.exchange.listing import FeeType
from core.exchange.records import Outcome
from core.units import (
    ONE_CENT,
    ONE_CONTRACT,
    SECOND,
    Nanos,
    Price,
    Quantity,
    dollars,
    notional,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

CLOSE: Final = Nanos(1_795_360_500 * SECOND)
"""A window's close: 2026-11-22 15:15 UTC."""


def fees() -> str:
    """Fees of takers and makers."""
    rows = []
    for price, count in ((5000, 100.0), (5000, 1.0), (9000, 10.0), (9700, 25.0), (4700, 0.37)):
        size = Quantity(round(count * ONE_CONTRACT))
        cells = [
            fill_fee(terms, Price(price), size, is_taker=taker)
            for terms, taker in (
                (FeeTerms(), True),
                (FeeTerms(account_unit=ONE_CENT), True),
                (FeeTerms(fee_type=FeeType.QUADRATIC_WITH_MAKER_FEES), False),
            )
        ]
        shown = [f"${dollars(fee):.4f}" for fee in cells]
        rows.append((f"{count:g} at ${price / 10_000:.2f}", *shown))
    head = ("fill", "taker", "taker, account in cents", "maker, where makers pay")
    return table(head, rows)


def partial_fills() -> str:
    """Three fills of one order, one contract each at 50 cents, of an account in cents."""
    terms, order, rows = FeeTerms(account_unit=ONE_CENT), OrderFees(), []
    for number in range(1, 5):
        price, size = Price(5000), Quantity(ONE_CONTRACT)
        trade = trade_fee(terms, price, size, is_taker=True)
        charged = order.next_fee(terms, trade, notional(price, size))
        order = order.add(trade, charged)
        rows.append(
            (
                str(number),
                f"${dollars(trade):.4f}",
                f"${dollars(charged):.2f}",
                f"${dollars(order.owed):.4f}",
                f"${dollars(order.charged):.2f}",
                f"${dollars(order.rounding):.4f}",
            )
        )
    return table(("fill", "owed", "charged", "owed so far", "charged so far", "held"), rows)


def kelly() -> str:
    """Stakes of a bankroll of $10,000 at a quarter of Kelly, ten cents of price apart."""
    rows = []
    for probability, price in ((0.60, 5000), (0.53, 5000), (0.51, 5000), (0.95, 9000), (0.10, 600)):
        fee = fill_fee(FeeTerms(), Price(price), Quantity(ONE_CONTRACT), is_taker=True)
        cost = price / 10_000 + dollars(fee)
        share = kelly_fraction(probability, cost)
        rows.append(
            (
                f"{probability:.2f}",
                f"${price / 10_000:.2f}",
                f"${cost:.4f}",
                f"{probability - cost:+.4f}",
                f"{share:.4f}",
                f"${share / 4 * 10_000:.2f}",
            )
        )
    return table(("probability", "price", "with fee", "edge", "full Kelly", "a quarter"), rows)


def crowded() -> str:
    """A bet that alone deserves 5 % of the bankroll, beside one of 4 %; both cost 50 cents."""
    wanted = _bet("KXSOL15M", Outcome.YES, 0.0)
    cases = (
        ("nothing", ()),
        ("SOL YES, same window", (_bet("KXSOL15M", Outcome.YES, 0.04),)),
        ("BTC YES, same window", (_bet("KXBTC15M", Outcome.YES, 0.04),)),
        ("BTC NO, same window", (_bet("KXBTC15M", Outcome.NO, 0.04),)),
        ("BTC YES, next window", (_bet("KXBTC15M", Outcome.YES, 0.04, later=900),)),
    )
    rows = [(name, f"{max(0.0, 0.05 - crowding(wanted, held)):.4f}") for name, held in cases]
    alone = table(("held", "share of the bankroll that is left"), rows)
    six = [
        (str(n), f"{correlated_shrink(n):.3f}", f"{n * correlated_shrink(n):.2f}") for n in _MANY
    ]
    return alone + "\n\n" + table(("equal bets at once", "factor", "together"), six)


_MANY: Final = (1, 2, 3, 6)


def blend() -> str:
    """Model 0.90, market 0.50, ten minutes left; looks that turn out so."""
    rows = []
    for name, settings in (
        ("the scoreboard's", DEFAULT_BLEND),
        ("`MODEL_TRUST` 0.25", settings_of_trust(0.25)),
        ("`MODEL_TRUST` 0.8", settings_of_trust(0.8)),
    ):
        for windows, yes in ((0, True), (10, False), (10, True)):
            mixed = Blend(settings)
            for number in range(windows):
                look = Look(ticker=str(number), seconds_left=600, model=0.9, market=0.5)
                mixed.look(look)
                mixed.settle(str(number), yes=yes)
            after = f"{windows} windows that ended {'YES' if yes else 'NO'}" if windows else "none"
            rows.append(
                (name, after, f"{mixed.weight(600):.3f}", f"{mixed.mix(0.9, 0.5, 600):.3f}")
            )
    return table(("start", "settled", "weight of the model", "fair value"), rows)


def verdicts() -> str:
    """Sentences after results that alternate around a mean, one trade a window."""
    rows = []
    for windows, mean in ((41, 0.0), (400, 0.02), (400, 0.2), (400, -0.2)):
        track = Track()
        for number in range(windows):
            track = track.add(mean + (0.5 if number % 2 else -0.5))
        rows.append(
            (f"{windows} windows of mean {mean * 100:+.0f} cents", track.verdict().sentence)
        )
    said = table(("results", "sentence"), rows)
    widths = [(str(n), f"{half_width(n):.3f}", f"{1.96 / math.sqrt(n):.3f}") for n in _WINDOWS]
    needed = windows_for(0.02, 0.5)
    tail = f"A true mean of 2 cents with a deviation of 50 shows after about {needed:,} windows."
    head = ("windows", "half the interval, deviations", "an ordinary one")
    return said + "\n\n" + table(head, widths) + "\n\n" + tail


_WINDOWS: Final = (30, 200, 1_000, 10_000)


def _bet(series: str, outcome: Outcome, share: float, *, later: int = 0) -> Exposure:
    close = Nanos(CLOSE + later * SECOND)
    return Exposure(series=series, close_ns=close, outcome=outcome, cost=0.5, share=share)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
