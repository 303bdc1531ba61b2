"""What a reader must know of a spot venue, and the venues there are.

The silence after which a connection is dead follows each venue's own heartbeat, three times and
more: Coinbase and Kraken send one every second, Gemini every five; Bitstamp answers ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from core.exchange.spot import bitstamp, coinbase, gemini, kraken
from core.exchange.spot.parser import SpotParser

_PREFIX: Final = "spot:"


class SpotVenue(msgspec.Struct, frozen=True, kw_only=True):
    """One venue. Seconds are those of the machine."""

    name: str
    url: str
    silence_seconds: float
    """Without a frame for so long the connection is dead."""
    ask: bytes = b""
    """Sent when nothing came for `ask_seconds`, for the venue to answer; empty: it talks itself."""
    ask_seconds: float = 0.0
    symbol: Callable[[str], str]
    """The venue's spelling of `SOL-USD`."""
    subscribe: Callable[[tuple[str, ...]], tuple[bytes, ...]]
    """What to send once connected, for these symbols."""
    parser: Callable[[Mapping[str, str]], SpotParser]
    """A parser for a new connection: venue's symbol -> our product."""

    @property
    def stream(self) -> str:
        """The name of its stream: `spot:coinbase`."""
        return stream_of(self.name)

    def greeting(self, products: tuple[str, ...]) -> tuple[bytes, ...]:
        """What to send once connected, for these products of ours."""
        return self.subscribe(tuple(self.symbol(product) for product in products))

    def parse(self, products: tuple[str, ...]) -> SpotParser:
        """A parser for a new connection."""
        return self.parser({self.symbol(product): product for product in products})


def stream_of(source: str) -> str:
    """`coinbase` -> `spot:coinbase`."""
    return _PREFIX + source


def source_of(stream: str) -> str:
    """`spot:coinbase` -> `coinbase`."""
    return stream.removeprefix(_PREFIX)


VENUES: Final = {
    venue.name: venue
    for venue in (
        SpotVenue(
            name="coinbase",
            url="wss://ws-feed.exchange.coinbase.com",
            silence_seconds=5.0,
            symbol=coinbase.symbol,
            subscribe=coinbase.subscribe,
            parser=coinbase.CoinbaseParser,
        ),
        SpotVenue(
            name="kraken",
            url="wss://ws.kraken.com/v2",
            silence_seconds=5.0,
            symbol=kraken.symbol,
            subscribe=kraken.subscribe,
            parser=kraken.KrakenParser,
        ),
        SpotVenue(
            name="bitstamp",
            url="wss://ws.bitstamp.net",
            silence_seconds=15.0,
            ask=bitstamp.HEARTBEAT,
            ask_seconds=5.0,
            symbol=bitstamp.symbol,
            subscribe=bitstamp.subscribe,
            parser=bitstamp.BitstampParser,
        ),
        SpotVenue(
            name="gemini",
            url="wss://api.gemini.com/v2/marketdata",
            silence_seconds=15.0,
            symbol=gemini.symbol,
            subscribe=gemini.subscribe,
            parser=gemini.GeminiParser,
        ),
    )
}
"""By name, in the order of their weight in the index as far as known."""
