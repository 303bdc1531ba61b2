"""A local exchange that runs already: found at KALSHI_BASE_URL, followed by its own clock.

Only a local exchange tells its clock, so whatever else answers on this machine is refused: mode
`local` begins to trade by itself, and must not do so with real money behind some relay.
"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from actors.venue_process import VenueAddress, VenueProcessError
from core.clock import ClockSpec

if TYPE_CHECKING:
    from config.settings import Settings

_CLOCK: Final = "/exchange/clock"
_DECODER: Final = msgspec.json.Decoder(ClockSpec)


def find_local_exchange(settings: Settings) -> VenueAddress:
    """Where it listens and what time it has. Raises VenueProcessError. Blocks."""
    assert settings.kalshi_api_key is not None
    base_url = settings.rest_url.rstrip("/")
    return VenueAddress(
        base_url=base_url,
        ws_url=settings.stream_url,
        key_id=settings.kalshi_api_key,
        private_key_path=None,
        clock=_clock(base_url, settings.connect_timeout_seconds),
    )


def _clock(base_url: str, timeout: float) -> ClockSpec:
    place = urlsplit(base_url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
    try:
        connection.request("GET", f"{place.path}{_CLOCK}")
        return _DECODER.decode(connection.getresponse().read())
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        msg = (
            f"KALSHI_BASE_URL={base_url} is on this machine, but no local exchange answers there "
            f"({error}): start one (`run.py exchange --port ...`), or unset KALSHI_BASE_URL"
        )
        raise VenueProcessError(msg) from error
    finally:
        connection.close()
