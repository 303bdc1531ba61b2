"""The numbered matrix that every exchange behind the port passes."""

from __future__ import annotations

import msgspec
import pytest

from core.exchange.listing import FeeType, MarketStatus
from core.exchange.port import Rejected
from core.exchange.records import (
    AmendRequest,
    CancelRequest,
    DecreaseRequest,
    OrderStatus,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from core.units import SECOND, Money, Nanos, Price, Quantity, mean_index, parse_price
from tests.contract.venue import (
    CASH,
    CLOSES,
    NEXT,
    OPENS,
    STRIKE,
    TICKER,
    Venue,
    index_at,
    order,
)
from web.exchange import ACCOUNT

IOC = TimeInForce.IOC
FOK = TimeInForce.FOK
HALF_FEE = Money(1_750_000)
"""Of 100 contracts at 0.50, taken."""


def cancel(order_id: str) -> CancelRequest:
    return CancelRequest(order_id=order_id, ticker=TICKER, shard=2)


def refusal(caught: pytest.ExceptionInfo[Rejected]) -> tuple[str, int]:
    return caught.value.code, caught.value.status


# --- creating


def test_c01_an_ioc_takes_what_is_there_at_the_resting_prices_and_drops_the_rest(
    venue: Venue,
) -> None:
    venue.quote(Side.ASK, "0.46", "3")
    venue.quote(Side.ASK, "0.47", "15")
    placed = venue.exchange.create_order(order("c01", Side.BID, "0.47", "25", time_in_force=IOC))
    row = venue.exchange.order(placed.order_id)
    assert (placed.filled, placed.remaining) == (Quantity(1800), Quantity(0))
    assert placed.client_order_id == "c01"
    assert (row.status, row.filled, row.remaining) == (
        OrderStatus.CANCELED,
        Quantity(1800),
        Quantity(0),
    )
    assert row.taker_cost == Money(8_430_000)
    assert [fill.price for fill in venue.exchange.fills()] == [parse_price("0.47"), 4600]


def test_c02_an_ioc_that_finds_nothing_is_accepted_with_nothing_filled(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c02", Side.BID, "0.47", "25", time_in_force=IOC))
    assert (placed.filled, placed.remaining, placed.average_price) == (0, 0, None)
    assert venue.exchange.order(placed.order_id).status is OrderStatus.CANCELED
    assert venue.exchange.fills() == ()


def test_c03_a_resting_order_shows_in_the_book_and_reserves_cash(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c03", Side.ASK, "0.60", "10"))
    book = venue.exchange.order_book(TICKER)
    assert placed.remaining == Quantity(1000)
    assert [(level.price, level.quantity) for level in book.no] == [(4000, 1000)]
    assert venue.exchange.balance().on_shard(2) <= CASH - 4_000_000


def test_c04_a_cancel_takes_the_order_off_and_gives_the_cash_back(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c04", Side.BID, "0.40", "10"))
    canceled = venue.exchange.cancel_order(cancel(placed.order_id))
    assert canceled.reduced_by == Quantity(1000)
    assert canceled.client_order_id == "c04"
    assert venue.exchange.order_book(TICKER).yes == ()
    assert venue.exchange.balance().on_shard(2) == CASH


def test_c05_a_used_client_order_id_is_refused_and_places_nothing(venue: Venue) -> None:
    venue.exchange.create_order(order("c05", Side.BID, "0.40", "10"))
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c05", Side.BID, "0.41", "10"))
    assert refusal(caught) == ("order_already_exists", 409)
    assert len(venue.exchange.orders()) == 1


def test_c06_cash_that_is_not_on_the_shard_is_refused(venue: Venue) -> None:
    elsewhere = Money(100_000_000_000)
    venue.control(lambda engine, now: engine.deposit(ACCOUNT, 0, elsewhere, now))
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c06", Side.BID, "0.50", "10000"))
    assert refusal(caught) == ("insufficient_balance", 400)
    assert venue.exchange.orders() == ()


@pytest.mark.parametrize("price", ["0.4650", "0.0995", "0.8550", "0.9005"])
def test_c07_a_price_off_the_grid_is_refused(venue: Venue, price: str) -> None:
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c07", Side.BID, price, "1"))
    assert refusal(caught) == ("invalid_price", 400)


@pytest.mark.parametrize("price", ["0.4600", "0.0990", "0.9010", "0.1000", "0.9000", "0.0010"])
def test_c08_a_price_on_the_tapered_grid_is_taken(venue: Venue, price: str) -> None:
    assert venue.exchange.create_order(order("c08", Side.BID, price, "1")).remaining == 100


def test_c09_a_fill_or_kill_that_cannot_fill_is_refused_and_burns_its_id(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.47", "1")
    request = order("c09", Side.BID, "0.47", "2", time_in_force=FOK)
    with pytest.raises(Rejected) as killed:
        venue.exchange.create_order(request)
    with pytest.raises(Rejected) as again:
        venue.exchange.create_order(request)
    assert refusal(killed) == ("fill_or_kill_insufficient_resting_volume", 409)
    assert refusal(again) == ("order_already_exists", 409)


def test_c10_a_post_only_order_that_would_cross_is_refused(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.47", "1")
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c10", Side.BID, "0.47", "1", post_only=True))
    assert refusal(caught) == ("invalid_order", 400)
    assert "post only cross" in caught.value.details


def test_c11_reduce_only_needs_ioc_and_stops_at_flat(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "5")
    venue.exchange.create_order(order("open", Side.BID, "0.50", "5", time_in_force=IOC))
    venue.quote(Side.BID, "0.48", "50")
    closing = order("close", Side.ASK, "0.48", "20", time_in_force=IOC, reduce_only=True)
    placed = venue.exchange.create_order(closing)
    assert placed.filled == Quantity(500)
    assert venue.exchange.positions()[0].quantity == 0
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c11", Side.ASK, "0.48", "1", reduce_only=True))
    assert refusal(caught) == ("invalid_parameters", 400)


def test_c12_an_expired_order_is_cancelled_and_expiry_needs_gtc(venue: Venue) -> None:
    expires = Nanos(OPENS + 90 * SECOND)
    placed = venue.exchange.create_order(order("c12", Side.BID, "0.40", "1", expires=expires))
    venue.later(31)
    row = venue.exchange.order(placed.order_id)
    assert (row.status, row.expires) == (OrderStatus.CANCELED, expires)
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(
            order("c12b", Side.BID, "0.40", "1", expires=CLOSES, time_in_force=IOC)
        )
    assert refusal(caught) == ("invalid_parameters", 400)


def test_c13_own_orders_never_trade_with_each_other(venue: Venue) -> None:
    resting = venue.exchange.create_order(order("maker", Side.ASK, "0.50", "5"))
    taker = venue.exchange.create_order(order("taker", Side.BID, "0.50", "5"))
    assert (taker.filled, venue.exchange.order(resting.order_id).status) == (
        0,
        OrderStatus.RESTING,
    )
    stp = order("c13", Side.BID, "0.50", "5", self_trade_prevention=SelfTradePrevention.MAKER)
    assert venue.exchange.create_order(stp).remaining == Quantity(500)
    assert venue.exchange.order(resting.order_id).status is OrderStatus.CANCELED
    assert venue.exchange.fills() == ()


def test_c14_dust_trades_and_less_than_a_hundredth_does_not_exist(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "0.01")
    placed = venue.exchange.create_order(order("c14", Side.BID, "0.50", "1", time_in_force=IOC))
    assert placed.filled == Quantity(1)
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c14b", Side.BID, "0.50", "0"))
    assert refusal(caught) == ("invalid_parameters", 400)


def test_c15_an_unknown_market_or_a_wrong_shard_is_not_found(venue: Venue) -> None:
    with pytest.raises(Rejected) as wrong_shard:
        venue.exchange.create_order(order("c15", Side.BID, "0.40", "1", shard=0))
    assert refusal(wrong_shard) == ("market_not_found", 404)
    with pytest.raises(Rejected) as unknown:
        venue.exchange.market("KXSOL15M-26NOV221016-16")
    assert refusal(unknown) == ("market_not_found", 404)


def test_c16_without_a_shard_the_order_is_routed_by_its_ticker(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c16", Side.BID, "0.40", "1", shard=None))
    assert venue.exchange.order(placed.order_id).shard == 2


# --- cancelling, amending


def test_c17_a_cancel_without_ticker_and_shard_looks_on_shard_0(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c17", Side.BID, "0.40", "1"))
    with pytest.raises(Rejected) as caught:
        venue.exchange.cancel_order(CancelRequest(order_id=placed.order_id))
    assert caught.value.status == 404
    assert venue.exchange.order(placed.order_id).status is OrderStatus.RESTING
    by_ticker = CancelRequest(order_id=placed.order_id, ticker=TICKER)
    assert venue.exchange.cancel_order(by_ticker).reduced_by == Quantity(100)


def test_c18_a_cancel_of_a_filled_order_is_not_found(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "1")
    placed = venue.exchange.create_order(order("c18", Side.BID, "0.50", "1"))
    with pytest.raises(Rejected) as caught:
        venue.exchange.cancel_order(cancel(placed.order_id))
    assert refusal(caught) == ("order_not_found", 404)
    assert venue.exchange.order(placed.order_id).status is OrderStatus.EXECUTED


def test_c19_an_amend_counts_what_is_filled_already(venue: Venue) -> None:
    """In its place in the queue, and at another price."""
    placed = venue.exchange.create_order(order("c19", Side.BID, "0.50", "10"))
    venue.outsider(Side.ASK, "0.50", "4")
    for price, total in ((5000, 500), (4900, 450)):
        venue.exchange.amend_order(
            AmendRequest(
                order_id=placed.order_id,
                ticker=TICKER,
                side=Side.BID,
                price=Price(price),
                total=Quantity(total),
                shard=2,
            )
        )
        row = venue.exchange.order(placed.order_id)
        assert (row.price, row.filled, row.remaining) == (price, 400, total - 400)


def test_c20_a_decrease_keeps_the_order_and_shrinks_it(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c20", Side.BID, "0.50", "10"))
    reduced = venue.exchange.decrease_order(
        DecreaseRequest(order_id=placed.order_id, ticker=TICKER, reduce_by=Quantity(400), shard=2)
    )
    assert reduced.remaining == Quantity(600)
    assert venue.exchange.order_book(TICKER).yes[0].quantity == Quantity(600)


def test_c21_cancel_all_leaves_nothing_resting(venue: Venue) -> None:
    for n in range(3):
        venue.exchange.create_order(order(f"c21-{n}", Side.BID, f"0.4{n}", "1"))
    venue.exchange.cancel_all_orders()
    assert venue.exchange.orders(status=OrderStatus.RESTING) == ()
    assert venue.exchange.balance().on_shard(2) == CASH


# --- money


def test_c22_a_taker_pays_its_own_leg_and_the_fee(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "100")
    placed = venue.exchange.create_order(order("c22", Side.BID, "0.50", "100", time_in_force=IOC))
    (fill,) = venue.exchange.fills(order_id=placed.order_id)
    (position,) = venue.exchange.positions()
    assert (fill.fee, fill.is_taker, fill.side, fill.shard) == (HALF_FEE, True, Side.BID, 2)
    assert placed.average_fee == Money(17_500)
    assert (position.quantity, position.cost, position.fees) == (10_000, 50_000_000, HALF_FEE)
    assert venue.exchange.balance().on_shard(2) == CASH - 50_000_000 - HALF_FEE


def test_c23_a_maker_pays_no_fee_and_an_ask_costs_the_no_leg(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c23", Side.ASK, "0.21", "20"))
    venue.outsider(Side.BID, "0.21", "20")
    row = venue.exchange.order(placed.order_id)
    (position,) = venue.exchange.positions()
    assert (row.status, row.maker_cost, row.maker_fees) == (
        OrderStatus.EXECUTED,
        Money(15_800_000),
        0,
    )
    assert (position.quantity, position.cost) == (Quantity(-2000), Money(15_800_000))
    assert venue.exchange.balance().on_shard(2) == CASH - 15_800_000


def test_c24_selling_what_is_held_nets_and_realises(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "10")
    venue.exchange.create_order(order("buy", Side.BID, "0.50", "10", time_in_force=IOC))
    venue.quote(Side.BID, "0.60", "25")
    venue.exchange.create_order(order("sell", Side.ASK, "0.60", "25", time_in_force=IOC))
    (position,) = venue.exchange.positions()
    assert (position.quantity, position.realized) == (Quantity(-1500), Money(1_000_000))
    assert position.cost == Money(6_000_000)


def test_c25_lists_are_newest_first_and_filtered(venue: Venue) -> None:
    for n in range(4):
        venue.exchange.create_order(order(f"c25-{n}", Side.BID, "0.40", "1"))
        venue.later(2)
    ids = [row.client_order_id for row in venue.exchange.orders()]
    recent = venue.exchange.orders(since=Nanos(OPENS + 64 * SECOND))
    assert ids == ["c25-3", "c25-2", "c25-1", "c25-0"]
    assert [row.client_order_id for row in recent] == ["c25-3", "c25-2"]
    assert venue.exchange.orders(ticker=NEXT.market_ticker) == ()


def test_c26_more_rows_than_a_page_all_come(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "2000")
    for n in range(1050):
        venue.exchange.create_order(order(f"c26-{n}", Side.BID, "0.50", "0.01", time_in_force=IOC))
    assert len({fill.trade_id for fill in venue.exchange.fills()}) == 1050


# --- markets


def test_c27_a_closed_market_refuses_orders_and_cancels(venue: Venue) -> None:
    placed = venue.exchange.create_order(order("c27", Side.BID, "0.40", "1"))
    venue.at(CLOSES)
    with pytest.raises(Rejected) as creating:
        venue.exchange.create_order(order("c27b", Side.BID, "0.40", "1"))
    with pytest.raises(Rejected) as cancelling:
        venue.exchange.cancel_order(cancel(placed.order_id))
    assert creating.value.code == cancelling.value.code == "market_inactive"
    venue.later(1)
    assert venue.exchange.order(placed.order_id).status is OrderStatus.CANCELED
    assert venue.exchange.balance().on_shard(2) == CASH


def test_c28_a_market_not_open_yet_refuses_orders(venue: Venue) -> None:
    request = order("c28", Side.BID, "0.40", "1")
    request = msgspec.structs.replace(request, ticker=NEXT.market_ticker)
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(request)
    assert caught.value.code == "market_inactive"


def test_c29_terms_quotes_and_series_are_told(venue: Venue) -> None:
    venue.quote(Side.BID, "0.46", "256.50")
    venue.quote(Side.ASK, "0.48", "204")
    market = venue.exchange.market(TICKER)
    series = venue.exchange.series("KXSOL15M")
    assert (market.opens, market.closes, market.strike) == (OPENS, CLOSES, STRIKE)
    assert (market.status, market.round_digits, market.shard) == (MarketStatus.ACTIVE, 4, 2)
    assert (market.yes_bid, market.yes_bid_size) == (4600, 25_650)
    assert (market.yes_ask, market.yes_ask_size) == (4800, 20_400)
    assert [part.step for part in market.price_ranges] == [10, 100, 10]
    assert (series.fee_type, series.fee_multiplier_bps, series.shard) == (
        FeeType.QUADRATIC,
        10_000,
        2,
    )


def test_c30_a_window_settles_on_the_mean_of_its_last_sixty_prints(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.50", "10")
    venue.exchange.create_order(order("yes", Side.BID, "0.50", "10", time_in_force=IOC))
    paid = venue.exchange.balance().on_shard(2)
    venue.at(Nanos(CLOSES + 12 * SECOND))
    prints = [index_at(Nanos(CLOSES - n * SECOND)) for n in range(1, 61)]
    market = venue.exchange.market(TICKER)
    (settlement,) = venue.exchange.settlements()
    assert market.settlement_value == mean_index(sum(prints), 60, 4)
    assert (market.status, market.result) == (MarketStatus.FINALIZED, Outcome.YES)
    assert (settlement.result, settlement.yes_quantity, settlement.revenue) == (
        Outcome.YES,
        Quantity(1000),
        Money(10_000_000),
    )
    assert venue.exchange.balance().on_shard(2) == paid + 10_000_000
    assert venue.exchange.positions() == ()


def test_c31_the_next_strike_is_the_settlement_value_before(venue: Venue) -> None:
    venue.at(Nanos(CLOSES + 12 * SECOND))
    before, after = (venue.exchange.market(w) for w in (TICKER, NEXT.market_ticker))
    assert after.strike == before.settlement_value is not None


def test_c32_rest_shows_the_strike_and_the_result_later_than_they_are(served: Venue) -> None:
    served.at(Nanos(CLOSES + SECOND))
    assert served.exchange.market(NEXT.market_ticker).strike is None
    served.at(Nanos(CLOSES + 8 * SECOND))
    assert served.exchange.market(TICKER).status is MarketStatus.CLOSED


def test_c33_a_trading_pause_stops_orders_and_lets_cancels_pass(venue: Venue) -> None:
    kept = venue.exchange.create_order(order("kept", Side.BID, "0.40", "1"))
    gone = venue.exchange.create_order(order("gone", Side.BID, "0.41", "1", cancel_on_pause=True))
    venue.control(lambda engine, now: engine.pause_trading(2, now))
    with pytest.raises(Rejected) as caught:
        venue.exchange.create_order(order("c33", Side.BID, "0.40", "1"))
    assert caught.value.code == "trading_is_paused"
    assert venue.exchange.order(gone.order_id).status is OrderStatus.CANCELED
    assert venue.exchange.cancel_order(cancel(kept.order_id)).reduced_by == Quantity(100)
    status = venue.exchange.status()
    assert status.trading_active
    assert not status.of_shard(2).trading_active


def test_c34_the_public_tape_names_the_taker(venue: Venue) -> None:
    venue.quote(Side.ASK, "0.47", "12")
    venue.exchange.create_order(order("c34", Side.BID, "0.47", "12", time_in_force=IOC))
    (trade,) = venue.exchange.trades(TICKER)
    assert (trade.price, trade.quantity, trade.taker_side) == (4700, 1200, Side.BID)


def test_c35_portfolio_reads_reach_up_to_now(venue: Venue) -> None:
    assert venue.exchange.user_data_timestamp() == venue.clock.now()


def test_c36_markets_are_found_by_status_and_by_ticker(venue: Venue) -> None:
    opened = venue.exchange.markets(series="KXSOL15M", status=MarketStatus.ACTIVE)
    coming = venue.exchange.markets(series="KXSOL15M", status=MarketStatus.INITIALIZED)
    named = venue.exchange.markets(tickers=(TICKER,))
    assert [m.ticker for m in opened] == [m.ticker for m in named] == [TICKER]
    assert [m.ticker for m in coming] == [NEXT.market_ticker]


def test_c37_the_book_can_be_cut_to_its_best_levels(venue: Venue) -> None:
    for price in ("0.40", "0.41", "0.42"):
        venue.quote(Side.BID, price, "1")
    book = venue.exchange.order_book(TICKER, depth=2)
    assert [level.price for level in book.yes] == [4200, 4100]


def test_c38_the_account_knows_its_limits(venue: Venue) -> None:
    limits = venue.exchange.limits()
    assert (limits.write_refill, limits.read_refill) == (100, 200)
