"""Candlesticks of the local exchange: of one market, of several, and of archived ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from flask import Blueprint, Response

from core.exchange.engine.refusals import invalid_parameters, market_not_found
from core.exchange.wire.candles import (
    CandleJson,
    CandlesPage,
    MarketCandlesJson,
    MarketsCandlesPage,
    OldCandleJson,
)
from core.exchange.wire.scalars import from_seconds
from core.units import SECOND, Nanos
from web.exchange_requests import answer, number, text

if TYPE_CHECKING:
    from core.exchange.candles import Candle
    from web.exchange_host import ExchangeHost

_PERIODS: Final = (1, 60, 1440)
_MOST_MARKETS: Final = 100
_MOST_CANDLES: Final = 10_000


class _Asked(NamedTuple):
    """What stretch of time, in which pieces."""

    first: Nanos
    last: Nanos
    period: Nanos


def candle_endpoints(host: ExchangeHost) -> Blueprint:
    """All three ways to ask."""
    routes = Blueprint("candles", __name__)

    @routes.get("/series/<series>/markets/<ticker>/candlesticks")
    def one(series: str, ticker: str) -> Response:
        asked = _asked()
        if host.ask(lambda engine, _: engine.market(ticker)).series_ticker != series:
            raise market_not_found(ticker)
        return answer(CandlesPage(ticker, _json(_candles(host, ticker, asked))))

    @routes.get("/markets/candlesticks")
    def several() -> Response:
        asked = _asked()
        tickers = [name for name in (text("market_tickers") or "").split(",") if name]
        if not 1 <= len(tickers) <= _MOST_MARKETS:
            msg = f"market_tickers must name 1 to {_MOST_MARKETS} markets"
            raise invalid_parameters(msg)
        found = [(ticker, _candles(host, ticker, asked)) for ticker in dict.fromkeys(tickers)]
        if sum(len(candles) for _, candles in found) > _MOST_CANDLES:
            msg = f"more than {_MOST_CANDLES} candlesticks: ask for less time or fewer markets"
            raise invalid_parameters(msg)
        rows = tuple(MarketCandlesJson(ticker, _json(candles)) for ticker, candles in found)
        return answer(MarketsCandlesPage(rows))

    @routes.get("/historical/markets/<ticker>/candlesticks")
    def archived(ticker: str) -> Response:
        asked = _asked()
        host.ask(lambda engine, _: engine.market(ticker))
        rows = [OldCandleJson.from_candle(candle) for candle in _candles(host, ticker, asked)]
        return answer({"ticker": ticker, "candlesticks": rows})

    return routes


def _candles(host: ExchangeHost, ticker: str, asked: _Asked) -> tuple[Candle, ...]:
    return host.ask(lambda _engine, _now: host.memory.candles.between(ticker, *asked))


def _asked() -> _Asked:
    """The parameters, all of which are required."""
    start, end, minutes = number("start_ts"), number("end_ts"), number("period_interval")
    if start is None or end is None or minutes is None:
        raise invalid_parameters("start_ts, end_ts and period_interval are required")
    if minutes not in _PERIODS:
        raise invalid_parameters("period_interval must be 1, 60 or 1440")
    if end < start:
        raise invalid_parameters("end_ts is before start_ts")
    period = Nanos(minutes * 60 * SECOND)
    return _Asked(from_seconds(start), from_seconds(end), period)


def _json(candles: tuple[Candle, ...]) -> tuple[CandleJson, ...]:
    return tuple(CandleJson.from_candle(candle) for candle in candles)
