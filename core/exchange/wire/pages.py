"""The envelopes of REST answers: one object under its name, or a page of a list with its cursor."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from core.exchange.wire.account import FillJson, OrderJson
from core.exchange.wire.books import NamedOrderBookJson, TradeJson
from core.exchange.wire.holdings import EventPositionJson, PositionJson, SettlementJson
from core.exchange.wire.markets import MarketJson
from core.exchange.wire.series import EventJson, SeriesJson
from core.exchange.wire.venue import ScheduleJson


class OrderPage(msgspec.Struct, frozen=True):
    """GET /portfolio/orders/{order_id}."""

    order: OrderJson


class MarketPage(msgspec.Struct, frozen=True):
    """GET /markets/{ticker}."""

    market: MarketJson


class SeriesPage(msgspec.Struct, frozen=True):
    """GET /series/{ticker}."""

    series: SeriesJson


class SeriesListPage(msgspec.Struct, frozen=True):
    """GET /series."""

    series: tuple[SeriesJson, ...]


class EventPage(msgspec.Struct, frozen=True):
    """GET /events/{ticker}; the markets stand beside the event unless they are nested."""

    event: EventJson
    markets: tuple[MarketJson, ...] = ()


class SchedulePage(msgspec.Struct, frozen=True):
    """GET /exchange/schedule."""

    schedule: ScheduleJson


class OrderBooksPage(msgspec.Struct, frozen=True):
    """GET /markets/orderbooks."""

    orderbooks: tuple[NamedOrderBookJson, ...]


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; an empty cursor ends it."""

    cursor: str = ""


class OrdersPage(Page, frozen=True, kw_only=True):
    """GET /portfolio/orders."""

    orders: tuple[OrderJson, ...]


class FillsPage(Page, frozen=True, kw_only=True):
    """GET /portfolio/fills."""

    fills: tuple[FillJson, ...]


class PositionsPage(Page, frozen=True, kw_only=True):
    """GET /portfolio/positions."""

    market_positions: tuple[PositionJson, ...]
    event_positions: tuple[EventPositionJson, ...] = ()


class SettlementsPage(Page, frozen=True, kw_only=True):
    """GET /portfolio/settlements."""

    settlements: tuple[SettlementJson, ...]


class MarketsPage(Page, frozen=True, kw_only=True):
    """GET /markets; rows stay raw, so that a bad one fails alone."""

    markets: tuple[msgspec.Raw, ...]


class EventsPage(Page, frozen=True, kw_only=True):
    """GET /events."""

    events: tuple[EventJson, ...]


class TradesPage(Page, frozen=True, kw_only=True):
    """GET /markets/trades."""

    trades: tuple[TradeJson, ...]


P = TypeVar("P", bound=Page)
