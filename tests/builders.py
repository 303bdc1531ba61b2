"""Plain makers of messages for tests: every field has a value that makes sense together."""

from __future__ import annotations

from typing import Final

import msgspec

from core import messages as m
from core.domain.rules import RiskLimits
from core.exchange.listing import MarketStatus, PriceRange
from core.exchange.records import Fill, Order, OrderRequest, OrderStatus, Outcome, Side, TimeInForce
from core.units import (
    INDEX_DOLLAR,
    ONE_CONTRACT,
    ONE_DOLLAR,
    SECOND,
    IndexValue,
    Money,
    Nanos,
    Price,
    Quantity,
    seconds,
)

CLOSE: Final = Nanos(1_795_360_500 * SECOND)
"""2026-11-22 15:15 UTC, 10:15 in New York."""
OPEN: Final = Nanos(CLOSE - 900 * SECOND)
NOW: Final = Nanos(CLOSE - 600 * SECOND)
TICKER: Final = "KXSOL15M-26NOV221015-15"
TAPERED: Final = (
    PriceRange(start=Price(0), end=Price(1000), step=Price(10)),
    PriceRange(start=Price(1000), end=Price(9000), step=Price(100)),
    PriceRange(start=Price(9000), end=Price(10_000), step=Price(10)),
)


def money(amount: float) -> Money:
    """Dollars as Money."""
    return Money(round(amount * ONE_DOLLAR))


def contracts(count: float) -> Quantity:
    """Whole or fractional contracts as Quantity."""
    return Quantity(round(count * ONE_CONTRACT))


def terms(**changes: object) -> m.MarketTerms:
    """An open SOL window with its strike."""
    made = m.MarketTerms(
        ticker=TICKER,
        event_ticker=TICKER[:-3],
        series="KXSOL15M",
        open_ns=OPEN,
        close_ns=CLOSE,
        strike=IndexValue(round(118.4213 * INDEX_DOLLAR)),
        digits=4,
        grid=TAPERED,
        status=MarketStatus.ACTIVE,
        shard=2,
    )
    return msgspec.structs.replace(made, **changes)


def view(**changes: object) -> m.MarketView:
    """A fresh picture: 0.46 bid for 300, 0.48 asked for 200, everything known now."""
    made = m.MarketView(
        market=terms(),
        bids=((Price(4600), contracts(300)), (Price(4500), contracts(500))),
        asks=((Price(4800), contracts(200)), (Price(4900), contracts(500))),
        book_fresh=True,
        index=IndexValue(round(118.5 * INDEX_DOLLAR)),
        proxy=False,
        known=0,
        known_sum=0,
        sigma=0.0001,
        warm=True,
        regime="normal",
        ts_book=NOW,
        ts_index=NOW,
        ts_event=NOW,
        ts_recv=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def signal(**changes: object) -> m.Signal:
    """A wish to buy YES at 0.48 with six cents of edge."""
    made = m.Signal(
        signal_id="kelly_volatility:1",
        strategy="kelly_volatility",
        ticker=TICKER,
        outcome=Outcome.YES,
        probability=0.56,
        price=Price(4800),
        edge=0.06,
        confidence=0.8,
        kelly_fraction=0.25,
        style="take",
        reason="test",
        values=(),
        created=NOW,
        expires=Nanos(NOW + seconds(2)),
        ts_event=NOW,
        ts_recv=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def limits(**changes: object) -> RiskLimits:
    """The user's defaults."""
    made = RiskLimits(
        bankroll=money(10_000),
        max_position=money(1_000),
        max_concurrent=5,
        max_exposure=money(5_000),
        max_daily_loss=money(500),
        breaker_loss=0.20,
        breaker_drawdown=0.15,
        min_edge=0.03,
        min_confidence=0.5,
        kelly_fraction=0.25,
        min_seconds_left=30,
        max_seconds_left=870,
        index_fresh=seconds(3),
        book_fresh=seconds(10),
        intent_ttl=seconds(2),
        resting_ttl=seconds(20),
    )
    return msgspec.structs.replace(made, **changes)


def request(order_id: str = "t-1", **changes: object) -> OrderRequest:
    """Buy 25 YES at 0.48 or not at all."""
    made = OrderRequest(
        ticker=TICKER,
        client_order_id=order_id,
        side=Side.BID,
        quantity=contracts(25),
        price=Price(4800),
        time_in_force=TimeInForce.IOC,
        shard=2,
    )
    return msgspec.structs.replace(made, **changes)


def approved(order_id: str = "t-1", **changes: object) -> m.OrderApproved:
    """Approval of `request(order_id)` under epoch 2."""
    fields = {key: changes.pop(key) for key in ("side", "price", "quantity") if key in changes}
    made = m.OrderApproved(
        request=request(order_id, **fields),
        signal_id="kelly_volatility:1",
        strategy="kelly_volatility",
        outcome=Outcome.YES,
        probability=0.56,
        edge=0.06,
        confidence=0.8,
        kelly_fraction=0.25,
        reserve=money(13),
        epoch=2,
        created=NOW,
        expires=Nanos(NOW + seconds(2)),
    )
    return msgspec.structs.replace(made, **changes)


def filled(trade_id: str = "f1", order_id: str = "t-1", **changes: object) -> m.OrderFilled:
    """A fill of the whole of `request()` at its price, fee 0.4368."""
    made = m.OrderFilled(
        trade_id=trade_id,
        order_id=order_id,
        ticker=TICKER,
        side=Side.BID,
        price=Price(4800),
        quantity=contracts(25),
        fee=money(0.4368),
        is_taker=True,
        ts_event=NOW,
        ts=NOW,
    )
    return msgspec.structs.replace(made, **changes)


def venue_fill(trade_id: str = "f1", venue_order_id: str = "v-1", **changes: object) -> Fill:
    """The same fill as the exchange reports it."""
    made = Fill(
        trade_id=trade_id,
        order_id=venue_order_id,
        ticker=TICKER,
        side=Side.BID,
        price=Price(4800),
        quantity=contracts(25),
        fee=money(0.4368),
        is_taker=True,
        ts=NOW,
        shard=2,
    )
    return msgspec.structs.replace(made, **changes)


def venue_order(order_id: str = "t-1", **changes: object) -> Order:
    """`request(order_id)` as the exchange's books have it: fully executed."""
    made = Order(
        order_id="v-1",
        client_order_id=order_id,
        ticker=TICKER,
        side=Side.BID,
        price=Price(4800),
        status=OrderStatus.EXECUTED,
        initial=contracts(25),
        filled=contracts(25),
        remaining=Quantity(0),
        taker_cost=money(12),
        maker_cost=Money(0),
        taker_fees=money(0.4368),
        maker_fees=Money(0),
        created=NOW,
        updated=NOW,
        expires=None,
        shard=2,
    )
    return msgspec.structs.replace(made, **changes)


def capital(amount: float = 10_000) -> m.CapitalSet:
    """The bankroll."""
    return m.CapitalSet(cash=money(amount), source="test", ts=NOW)


def permit(**changes: object) -> m.Permit:
    """Leave to trade for three seconds under epoch 2."""
    made = m.Permit(epoch=2, state="ACTIVE", expires=Nanos(NOW + seconds(3)))
    return msgspec.structs.replace(made, **changes)


def account(**changes: object) -> m.AccountReport:
    """An untouched account of $10,000."""
    made = m.AccountReport(
        cash=money(10_000),
        orders=(),
        fills=(),
        positions=(),
        settlements=(),
        as_of=NOW,
        ts_recv=NOW,
    )
    return msgspec.structs.replace(made, **changes)
