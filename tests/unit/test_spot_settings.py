"""SPOT_SOURCES: which venues are read in which mode, and that role and readers agree on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from actors.venues import open_venue
from config.settings import Settings, SettingsError, load
from core import messages as m
from core.assembly import Assembly, Surroundings
from core.exchange.auth import generate_ed25519, write_private_key
from core.exchange.spot.venue import VENUES
from core.messages import Begin, OpenStream
from core.topology import SPOT, STREAM, Routing
from core.units import Nanos, seconds
from tests.actors.outside_bench import HANG_SECONDS, Mailboxes

if TYPE_CHECKING:
    from pathlib import Path

ALL = tuple(VENUES)


@pytest.fixture
def account(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private_key(generate_ed25519(), bare / "key.pem")
    monkeypatch.setenv("KALSHI_API_KEY", "key")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(bare / "key.pem"))


def opened(settings: Settings, mode: str, speed: float = 1.0) -> list[OpenStream]:
    role = Assembly(settings, Surroundings(mode=mode, speed=speed)).make(SPOT, "test")
    asked = role.handle(Begin(recovered=0), Nanos(1_795_360_000_000_000_000))
    return [message for message in asked if isinstance(message, OpenStream)]


@pytest.mark.usefixtures("bare")
def test_the_local_exchange_has_a_market_of_its_own_and_no_spot_venues() -> None:
    settings = load()
    assert settings.wanted_spot_sources == ()
    assert opened(settings, "local") == []


@pytest.mark.usefixtures("account")
def test_with_credentials_all_venues_are_read() -> None:
    settings = load()
    assert settings.wanted_spot_sources == ALL
    assert [ask.stream for ask in opened(settings, "paper")] == [f"spot:{name}" for name in ALL]


@pytest.mark.usefixtures("account")
def test_a_backtest_opens_nothing_whatever_is_set() -> None:
    assert opened(load(), "backtest") == []


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kraken", ("kraken",)),
        ("Coinbase, GEMINI,coinbase", ("coinbase", "gemini")),
        ('["bitstamp"]', ("bitstamp",)),
        ("none", ()),
        ("", ALL),
    ],
)
def test_venues_can_be_chosen(
    monkeypatch: pytest.MonkeyPatch, text: str, wanted: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SPOT_SOURCES", text)
    assert load().wanted_spot_sources == wanted


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("text", ["binance", "none,kraken", "coinbase,krakn"])
def test_a_venue_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SPOT_SOURCES", text)
    with pytest.raises(SettingsError, match="is not a spot venue"):
        load()


@pytest.mark.usefixtures("account")
def test_every_stream_that_the_role_asks_for_can_be_opened() -> None:
    """An unknown stream would end the actor; a far pause keeps it from connecting."""
    settings = load()
    venue = open_venue(settings, None)
    boxes = Mailboxes(venue.clock)
    actor = venue.hosts[STREAM](boxes.station(STREAM), Routing(("dashboard", STREAM)))
    for ask in opened(settings, "paper"):
        boxes.directory.tell(STREAM, m.OpenStream(stream=ask.stream, conn=1, delay=seconds(900)))
    actor.stop(block=True, timeout=HANG_SECONDS)  # type: ignore[attr-defined]
    left = [boxes.get("supervision")]
    assert [type(message) for message in left] == [m.ActorStarted]
    assert boxes.empty("supervision")
