"""Whatever is wished, filled, refused and settled: exposure never passes its bounds.

And the limit on the day's loss ends at New York's midnight, also on days of 23 and 25 hours.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import messages as m
from core.domain.windows import day_start, market_ticker, next_roll, trading_day
from core.exchange.records import Outcome, Side
from core.journal import MemoryJournal
from core.roles.risk import Risk
from core.runner import Runner
from core.topology import DASHBOARD, EXECUTION, RISK, Routing
from core.units import MINUTE, Money, Nanos, Price, Quantity, complement, seconds
from tests.builders import CLOSE, NOW, capital, filled, limits, money, signal, terms, view

if TYPE_CHECKING:
    from core.domain.rules import RiskLimits

LIMITS = limits(
    max_position=money(60),
    max_exposure=money(150),
    max_correlated=money(100),
    max_concurrent=3,
    kelly_fraction=1.0,
    max_daily_loss=money(10_000),
    breaker_loss=1.0,
    breaker_drawdown=1.0,
)
TICKERS = tuple(
    market_ticker(series, CLOSE) for series in ("KXSOL15M", "KXBTC15M", "KXETH15M", "KXXRP15M")
)


class Bench:
    """Risk on a runner; a small exchange that fills as the drawn moves say."""

    def __init__(self, bounds: RiskLimits, *events: m.Message) -> None:
        self.journal = MemoryJournal(events=(capital(), *events))
        self.risk = Risk(bounds, "test01")
        self.runner = Runner({RISK: self.risk}, Routing((RISK, EXECUTION, DASHBOARD)), self.journal)
        self.runner.recover()
        self.now = NOW
        self.number = 0
        self.tell(
            m.TradingStateChanged(
                state="ACTIVE", epoch=2, code="command", reason="go", by="test", ts=NOW
            )
        )

    def tell(self, message: m.Message) -> list[m.Message]:
        return [told for _, told in self.runner.run(RISK, message, self.now)]

    def execute(self, event: m.Message) -> None:
        """An event of execution: journalled there, folded and heard here."""
        self.journal.append((event,), self.now)
        self.risk.apply(event)
        self.tell(event)

    def show(self, ticker: str, yes: int) -> None:
        market = msgspec.structs.replace(
            terms(), ticker=ticker, series=ticker.partition("-")[0], event_ticker=ticker[:-3]
        )
        self.tell(
            view(
                market=market,
                bids=((Price(yes - 100), Quantity(100_000)),),
                asks=((Price(yes + 100), Quantity(100_000)),),
                ts_book=self.now,
                ts_index=self.now,
            )
        )

    def wish(self, ticker: str, outcome: Outcome, own: int, share: float) -> m.Message | None:
        self.number += 1
        told = self.tell(
            signal(
                signal_id=f"s:{self.number}",
                ticker=ticker,
                outcome=outcome,
                price=Price(own),
                probability=min(0.99, own / 10_000 + 0.3),
                edge=0.2,
                kelly_fraction=share,
                created=self.now,
                expires=Nanos(self.now + seconds(2)),
            )
        )
        return next((one for one in told if isinstance(one, m.OrderApproved)), None)

    def fill(self, order: m.OrderApproved, quantity: int) -> None:
        self.number += 1
        request = order.request
        self.execute(
            filled(
                f"f{self.number}",
                request.client_order_id,
                ticker=request.ticker,
                side=request.side,
                price=request.price,
                quantity=Quantity(quantity),
                fee=Money(0),
                ts=self.now,
                ts_event=self.now,
            )
        )

    def close(self, order: m.OrderApproved) -> None:
        self.execute(
            m.OrderClosed(
                order_id=order.request.client_order_id,
                reason="canceled",
                filled=Quantity(0),
                ts=self.now,
            )
        )


MOVES = st.lists(
    st.tuples(
        st.sampled_from(TICKERS),
        st.sampled_from(Outcome),
        st.integers(10, 90),
        st.floats(0.05, 1.0),
        st.floats(0.0, 1.0),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(moves=MOVES)
def test_exposure_never_passes_its_bounds(
    moves: list[tuple[str, Outcome, int, float, float, bool]],
) -> None:
    bench = Bench(LIMITS)
    ledger = bench.risk.ledger
    for ticker, outcome, yes, share, part, closes in moves:
        bench.show(ticker, yes * 100)
        own = yes * 100 + 100 if outcome is Outcome.YES else complement(Price(yes * 100 - 100))
        order = bench.wish(ticker, outcome, own, share)
        assert ledger.exposure <= LIMITS.max_exposure
        if isinstance(order, m.OrderApproved):
            wanted = order.request.quantity
            bench.fill(order, max(1, round(wanted * part)))
            if closes:
                bench.close(order)
        assert ledger.exposure <= LIMITS.max_exposure
        assert all(held.cost <= LIMITS.max_position for held in ledger.positions.values())
        assert (ledger.cash or 0) - ledger.reserved >= 0
        held = {t for t, p in ledger.positions.items() if p.quantity}
        held |= {r.ticker for r in ledger.reservations.values()}
        assert len(held) <= LIMITS.max_concurrent


# --- the day


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-15", 24)],
)
def test_the_limit_on_the_days_loss_ends_at_new_yorks_midnight(day: str, hours: int) -> None:
    began = day_start(date.fromisoformat(day))
    midnight = next_roll(began)
    assert midnight - began == hours * 60 * MINUTE
    bench = Bench(limits(max_daily_loss=money(100)))
    bench.now = Nanos(began + MINUTE)
    bench.tell(m.Tick(due=bench.now))
    assert bench.risk.ledger.day == day
    held = filled("f-loss", quantity=Quantity(100), price=Price(100), fee=money(150))
    bench.execute(held)  # a hundred and fifty dollars are gone
    bench.execute(
        m.OrderClosed(order_id="t-1", reason="executed", filled=Quantity(100), ts=bench.now)
    )

    def refused(at: Nanos) -> set[str]:
        bench.now = at
        bench.tell(m.Tick(due=at))
        ticker = market_ticker("KXSOL15M", Nanos((at // (15 * MINUTE) + 1) * 15 * MINUTE))
        close = Nanos((at // (15 * MINUTE) + 1) * 15 * MINUTE)
        market = msgspec.structs.replace(
            terms(), ticker=ticker, close_ns=close, open_ns=Nanos(close - 15 * MINUTE)
        )
        bench.tell(view(market=market, ts_book=at, ts_index=at))
        told = bench.tell(
            signal(ticker=ticker, created=at, expires=Nanos(at + seconds(2)), signal_id=f"s:{at}")
        )
        return {one.code for one in told if isinstance(one, m.OrderDenied)}

    assert refused(Nanos(midnight - 2 * MINUTE)) == {"daily_loss"}
    assert trading_day(Nanos(midnight - 1)).isoformat() == day
    assert refused(Nanos(midnight + 2 * MINUTE)) == set()
    assert bench.risk.ledger.day != day


def test_no_side_is_left_out() -> None:
    """The moves above reach both sides of the book."""
    bench = Bench(LIMITS)
    bench.show(TICKERS[0], 5_000)
    order = bench.wish(TICKERS[0], Outcome.NO, 5_100, 1.0)
    assert isinstance(order, m.OrderApproved)
    assert order.request.side is Side.ASK
