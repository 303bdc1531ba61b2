"""Questions to the exchange about what everybody may see."""

from core.messages.base import Message
from core.units import Nanos


class QueryMarkets(Message, frozen=True, kw_only=True):
    """Ask for the markets of a series that are open or open next.

    `past` asks for the one that closed last as well, and for its result if there is one; `tickers`
    does so for others by name.
    """

    series: str
    past: bool = False
    tickers: tuple[str, ...] = ()


class QueryTrades(Message, frozen=True, kw_only=True):
    """Ask for public trades that the stream lost: all in [since, until] but those `known`."""

    ticker: str
    since: Nanos
    until: Nanos
    known: tuple[str, ...]
