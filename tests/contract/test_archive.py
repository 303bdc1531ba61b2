"""What is older than the cutoff leaves the live endpoints, and is found in the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from core.exchange.port import Rejected
from core.exchange.records import Outcome, Side, TimeInForce
from core.exchange.reference import Stretch
from core.units import SECOND, Nanos
from tests.contract.test_rest_face import Raw
from tests.contract.venue import CLOSES, NEXT, OPENS, TICKER, Venue, order, served_venue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.exchange.endpoints import KalshiExchange

MINUTES = 5 / 1440
"""Days after which rows are archived here."""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Venue]:
    """A venue that archives after five minutes, six minutes after its first window was paid.

    One order was filled, one cancelled, and in the next window one rests and one was filled.
    """
    venue = served_venue(tmp_path, archive_days=MINUTES)
    venue.at(Nanos(OPENS + 60 * SECOND))
    venue.quote(Side.ASK, "0.50", "5")
    venue.exchange.create_order(
        order("filled", Side.BID, "0.50", "5", time_in_force=TimeInForce.IOC)
    )
    venue.exchange.create_order(order("gone", Side.BID, "0.30", "5"))
    venue.at(Nanos(CLOSES + 60 * SECOND))
    late = order("rests", Side.BID, "0.30", "5")
    venue.exchange.create_order(msgspec.structs.replace(late, ticker=NEXT.market_ticker))
    venue.at(Nanos(CLOSES + 7 * 60 * SECOND))
    yield venue
    assert venue.running is not None
    venue.exchange.close()  # type: ignore[attr-defined]
    venue.running.stop()


@pytest.fixture
def raw(old: Venue) -> Iterator[Raw]:
    client = Raw(old)
    yield client
    client.session.close()


def rows(raw: Raw, path: str, key: str, field: str) -> list[Any]:
    answer = raw.ask("GET", path)
    assert answer.status_code == 200, answer.text
    return [row[field] for row in answer.json()[key]]


def test_the_cutoff_is_told(old: Venue) -> None:
    client: KalshiExchange = old.exchange  # type: ignore[assignment]
    cutoff = client.cutoff()
    assert {cutoff.markets, cutoff.fills, cutoff.orders, cutoff.positions} == {
        old.clock.now() - 300 * SECOND
    }


def test_old_orders_and_fills_are_in_the_archive_alone(old: Venue) -> None:
    client: KalshiExchange = old.exchange  # type: ignore[assignment]
    assert [row.client_order_id for row in client.orders()] == ["rests"]
    assert client.fills() == ()
    archived = client.archived_orders()
    assert {row.client_order_id for row in archived} == {"filled", "gone"}
    (fill,) = client.archived_fills(ticker=TICKER)
    assert fill.order_id in {row.order_id for row in archived}
    with pytest.raises(Rejected) as caught:
        client.order(fill.order_id)
    assert caught.value.status == 404
    assert [row.ticker for row in client.settlements()] == [TICKER]


def test_old_markets_trades_and_positions_are_in_the_archive_alone(old: Venue, raw: Raw) -> None:
    with pytest.raises(Rejected):
        old.exchange.market(TICKER)
    assert [row.ticker for row in old.exchange.markets()] == [NEXT.market_ticker]
    assert old.exchange.trades(TICKER) == ()
    assert rows(raw, "/historical/markets", "markets", "ticker") == [TICKER]
    assert raw.ask("GET", f"/historical/markets/{TICKER}").json()["market"]["result"] == "yes"
    assert raw.ask("GET", f"/historical/markets/{NEXT.market_ticker}").status_code == 404
    assert rows(raw, "/historical/trades", "trades", "ticker") == [TICKER]
    assert rows(raw, "/historical/positions", "market_positions", "ticker") == [TICKER]


def test_the_client_reads_what_everybody_may_see_of_the_archive(old: Venue) -> None:
    client: KalshiExchange = old.exchange  # type: ignore[assignment]
    assert [row.ticker for row in client.archived_markets(series="KXSOL15M")] == [TICKER]
    assert client.archived_markets(tickers=(NEXT.market_ticker,)) == ()
    assert client.archived_market(TICKER).result is Outcome.YES
    with pytest.raises(Rejected):
        client.archived_market(NEXT.market_ticker)
    (trade,) = client.archived_trades(ticker=TICKER)
    assert (trade.quantity, trade.price) == (500, 5_000)
    assert client.archived_trades(since=Nanos(CLOSES)) == ()
    hour = Stretch(first=OPENS, last=Nanos(OPENS + 3_600 * SECOND), minutes=60)
    (candle,) = client.archived_candlesticks(TICKER, hour)
    assert candle.price is not None
    assert (candle.price.close, candle.volume) == (5_000, 500)


def test_the_client_reads_its_own_settled_positions_in_the_archive(old: Venue) -> None:
    client: KalshiExchange = old.exchange  # type: ignore[assignment]
    assert [row.ticker for row in client.archived_positions()] == [TICKER]
    assert client.archived_positions(ticker=NEXT.market_ticker) == ()


def test_archived_candlesticks_have_names_without_units(raw: Raw) -> None:
    first, last = OPENS // SECOND, OPENS // SECOND + 3_600
    query = f"start_ts={first}&end_ts={last}&period_interval=60"
    answer = raw.ask("GET", f"/historical/markets/{TICKER}/candlesticks?{query}").json()
    (candle,) = answer["candlesticks"]
    assert candle["price"]["close"] == "0.5000"
    assert candle["volume"] == "5.00"
    assert set(candle["yes_bid"]) == {"open", "high", "low", "close"}


def test_own_parts_of_the_archive_need_a_signature(raw: Raw) -> None:
    for path in ("fills", "orders", "positions"):
        assert raw.public(f"/historical/{path}").status_code == 401
    assert raw.public("/historical/cutoff").status_code == 200


def test_settled_positions_stay_live_until_the_cutoff(served: Venue) -> None:
    raw = Raw(served)
    served.quote(Side.ASK, "0.50", "5")
    served.exchange.create_order(order("p", Side.BID, "0.50", "5"))
    path = "/portfolio/positions?settlement_status="
    assert rows(raw, f"{path}all", "market_positions", "ticker") == [TICKER]
    assert rows(raw, f"{path}settled", "market_positions", "ticker") == []
    served.at(Nanos(CLOSES + 60 * SECOND))
    assert rows(raw, f"{path}settled", "market_positions", "ticker") == [TICKER]
    assert rows(raw, f"{path}unsettled", "market_positions", "ticker") == []
    held = rows(raw, f"{path}all&count_filter=position", "market_positions", "ticker")
    assert held == []
    raw.session.close()
