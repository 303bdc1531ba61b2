"""Signatures made ahead: right ones, fresh ones, and never too many."""

from __future__ import annotations

import pytest

from core.clock import VirtualClock
from core.exchange.auth import PrivateKey, generate_ed25519, generate_rsa, signed_text, verify
from core.exchange.presigned import LONGEST_SECONDS, PresigningSigner
from core.units import MILLISECOND, Nanos, seconds

START = Nanos(1_795_360_032_345_000_000)
PATH = "/trade-api/v2/portfolio/events/orders"
KEYS = {"rsa": generate_rsa(), "ed25519": generate_ed25519()}


class Desk:
    """A signer and its clock."""

    def __init__(self, key: PrivateKey) -> None:
        self.clock = VirtualClock(START)
        self.signer = PresigningSigner("key", key, self.clock)
        self.signer.keep("POST", PATH)

    def later(self, duration: Nanos) -> None:
        self.clock.advance_to(Nanos(self.clock.now() + duration))


@pytest.fixture(params=list(KEYS))
def desk(request: pytest.FixtureRequest) -> Desk:
    return Desk(KEYS[request.param])


def stamp(at: Nanos) -> str:
    return str(at // MILLISECOND)


def test_a_ready_signature_is_valid_for_its_own_time(desk: Desk) -> None:
    desk.signer.refresh()
    desk.later(seconds(0.4))
    signed = desk.signer.sign("POST", PATH)
    assert signed.timestamp_ms == stamp(START)
    text = signed_text(signed.timestamp_ms, "POST", PATH)
    key = next(k for k in KEYS.values() if k is desk.signer._key)
    assert verify(key.public_key(), text, signed.signature)
    assert desk.signer.in_line == 0


def test_an_old_one_is_made_in_line_and_counted(desk: Desk) -> None:
    desk.signer.refresh()
    desk.later(Nanos(seconds(LONGEST_SECONDS) + 1))
    assert not desk.signer.has_fresh("POST", PATH)
    assert desk.signer.sign("POST", PATH).timestamp_ms == stamp(desk.clock.now())
    assert desk.signer.in_line == 1


def test_a_signature_from_the_future_is_not_used(desk: Desk) -> None:
    desk.later(seconds(10))
    desk.signer.refresh()
    desk.signer._clock = VirtualClock(START)
    assert desk.signer.sign("POST", PATH).timestamp_ms == stamp(START)


def test_what_is_not_kept_is_signed_when_it_is_asked_for(desk: Desk) -> None:
    desk.signer.refresh()
    desk.later(seconds(0.1))
    other = desk.signer.sign("DELETE", f"{PATH}/o")
    assert other.timestamp_ms == stamp(desk.clock.now())
    assert other.signature != desk.signer.sign("POST", PATH).signature


def test_only_the_newest_cancels_lie_ready() -> None:
    desk = Desk(KEYS["ed25519"])
    for number in range(100):
        desk.signer.keep_awhile("DELETE", f"{PATH}/{number}")
        desk.signer.refresh()
    assert desk.signer.refresh() == 5
    assert desk.signer.has_fresh("DELETE", f"{PATH}/99")
    assert not desk.signer.has_fresh("DELETE", f"{PATH}/0")
    assert len(desk.signer._ready) == 5


def test_its_age_is_that_of_what_is_always_kept() -> None:
    desk = Desk(KEYS["ed25519"])
    assert desk.signer.age is None
    desk.signer.refresh()
    desk.later(seconds(0.2))
    assert desk.signer.age == seconds(0.2)
