"""Where a daemon trades: the venue of each mode as clock, client, and hosts that do its I/O.

| mode | market data | orders |
|---|---|---|
| local | the local exchange's stream | the local exchange |
| paper | Kalshi's stream | the role `paper`, in this process |
| live | Kalshi's stream | Kalshi |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from actors.canceller import Account
from actors.exchange import ExchangeActor
from actors.exchange_orders import DeskTerms
from actors.gate import Gate
from actors.sockets import KalshiStream, KalshiTerms
from actors.spot_stream import SpotStream
from actors.stream import Opener, StreamActor
from core.clock import Clock, ScaledClock, SystemClock, patience
from core.domain.series import source_of
from core.exchange.auth import PrivateKey, Signer, parse_private_key, read_private_key
from core.exchange.engine_types import CRYPTO_SHARD
from core.exchange.express import connect_express
from core.exchange.kalshi import Timeouts, connect
from core.exchange.port import Exchange
from core.exchange.presigned import PresigningSigner
from core.exchange.spot.venue import VENUES
from core.roles.feed_terms import MARKET_STREAM
from core.roles.paper import Paper, PaperTerms
from core.topology import EXCHANGE, MARKETS, PAPER, STREAM, Routing

if TYPE_CHECKING:
    from actors.host import Station
    from actors.venue_process import VenueAddress
    from config.settings import Settings
    from core.domain.fold import Fold
    from core.runner import Role

PROOF_MARGIN_SECONDS = 2.0
"""Of the machine: a request may have been under way for so long."""
CANCEL_AGAIN_SECONDS = 5.0
"""Of the machine: for so long a cancel is sent again that a rate limit turned away."""


class StartHost(Protocol):
    """Starts a host at its station; called in the supervisor's thread."""

    def __call__(self, station: Station, routing: Routing) -> object:
        """Start it, or raise what makes that impossible."""


class Venue(msgspec.Struct, frozen=True, kw_only=True):
    """One venue, ready to be traded; connects to nothing by itself."""

    clock: Clock
    exchange: Exchange
    """A client for the main thread's own questions."""
    key_id: str
    shard: int
    account: Account | None
    """For a client of one's own to where orders go; None where they stay in this process."""
    hosts: Mapping[str, StartHost]
    names: tuple[str, ...]
    """All names that the hosts answer to."""
    paper: PaperTerms | None = None
    """Orders stay in this process, in an account of these terms."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles that only this venue needs."""
        return (PAPER,) if self.paper is not None else ()

    def make(self, name: str, past: Callable[[], Fold]) -> Role | None:
        """One of `roles`; None for all others. `past` folds the journal as it is then."""
        if name != PAPER or self.paper is None:
            return None
        return Paper(self.paper, past=past)


def open_venue(settings: Settings, address: VenueAddress | None) -> Venue:
    """The venue of the settings' mode; `address` is that of a local exchange of ours.

    Raises InvalidKey for a key that cannot be read. Nothing is connected yet.
    """
    clock: Clock = SystemClock() if address is None else ScaledClock.from_spec(address.clock)
    signer = account_signer(settings, address, clock)
    rest = settings.rest_url if address is None else address.base_url
    stream = settings.stream_url if address is None else address.ws_url
    timeouts = Timeouts(
        connect=settings.connect_timeout_seconds, read=settings.request_timeout_seconds
    )
    on_paper = settings.mode == "paper"
    road = connect_express if settings.fast_orders else connect
    account = Account(
        client=partial(road, rest, signer, timeouts),
        slow_client=partial(connect, rest, signer, timeouts),
        gate=Gate(clock),
        terms=_desk_terms(settings, clock),
        clock=clock,
    )
    return Venue(
        clock=clock,
        exchange=connect(rest, signer, timeouts),
        key_id=signer.key_id,
        shard=CRYPTO_SHARD,
        account=None if on_paper else account,
        hosts={
            EXCHANGE: _exchange_host(account),
            STREAM: _stream_host(settings, signer, stream),
        },
        names=(MARKETS, STREAM) if on_paper else (EXCHANGE, MARKETS, STREAM),
        paper=PaperTerms(cash=settings.bankroll) if on_paper else None,
    )


def account_signer(settings: Settings, address: VenueAddress | None, clock: Clock) -> Signer:
    """Signs for the account of the settings, or of a local exchange. Raises InvalidKey."""
    kind = PresigningSigner if settings.fast_orders else Signer
    if address is not None and address.private_key_path is not None:
        return kind(address.key_id, read_private_key(Path(address.private_key_path)), clock)
    assert settings.kalshi_api_key is not None
    return kind(settings.kalshi_api_key, account_key(settings), clock)


def account_key(settings: Settings) -> PrivateKey:
    """The private key of the settings; they must have one. Raises InvalidKey."""
    pem = settings.private_key_pem
    if pem is not None:
        return parse_private_key(pem, "KALSHI_PRIVATE_KEY")
    assert settings.kalshi_private_key_path is not None
    return read_private_key(settings.kalshi_private_key_path)


def _desk_terms(settings: Settings, clock: Clock) -> DeskTerms:
    return DeskTerms(
        series=settings.series,
        halt_file=settings.halt_path,
        workers=settings.request_workers,
        proof_margin=patience(clock, PROOF_MARGIN_SECONDS),
        cancel_again=patience(clock, CANCEL_AGAIN_SECONDS),
        prepare_seconds=settings.presign_milliseconds / 1_000,
    )


def _exchange_host(account: Account) -> StartHost:
    return lambda station, routing: ExchangeActor.start(
        station, routing, lambda: account.client(account.gate), account.terms, account.gate
    )


def _stream_host(settings: Settings, signer: Signer, url: str) -> StartHost:
    terms = KalshiTerms(
        url=url,
        series=settings.series,
        connect_seconds=settings.connect_timeout_seconds,
        silence_seconds=settings.stream_silence_seconds,
    )
    openers: dict[str, Opener] = {
        MARKET_STREAM: lambda opening: KalshiStream(opening, terms, signer),
        **_spot_openers(settings),
    }
    return lambda station, routing: StreamActor.start(station, routing, openers)


def _spot_openers(settings: Settings) -> dict[str, Opener]:
    """One stream for each wanted spot venue, with the products of all our series."""
    products = tuple(dict.fromkeys(source_of(series).product for series in settings.series))
    venues = [VENUES[name] for name in settings.wanted_spot_sources]
    return {
        venue.stream: partial(
            SpotStream,
            venue=venue,
            products=products,
            connect_seconds=settings.connect_timeout_seconds,
        )
        for venue in venues
    }
