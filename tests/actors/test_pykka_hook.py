"""We stand on a few of Pykka's private parts. This fails when they move, before anything else does.

Used: the inbox hook and its protocol, `Envelope`, `_ActorStop`, and the four steps of an actor's
life that the stepper takes one by one. Should a new version of Pykka break one of these tests, read
`pykka/_actor.py` against `actors/inbox.py`, `actors/host.py` and `actors/stepper.py`; then move the
pin here and in requirements.txt.
"""

from __future__ import annotations

import inspect
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pykka
import pytest
from pykka import _actor
from pykka._envelope import Envelope
from pykka.messages import _ActorStop

from actors.address import Directory
from actors.host import BaseActor, Station
from actors.inbox import Inbox
from core.clock import SystemClock

pytestmark = pytest.mark.timeout(300)  # a hang fails alone; nothing here depends on speed

PIN = "4.5.0"
REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"


def parameters(function: Any) -> list[str]:  # noqa: ANN401 - any callable
    return list(inspect.signature(function).parameters)


def start(kind: type[BaseActor] = BaseActor) -> pykka.ActorRef[BaseActor]:
    station = Station(name="x", generation=0, directory=Directory(), clock=SystemClock())
    return kind.start(station)


def test_the_version_that_was_read_is_pinned_and_installed() -> None:
    assert version("pykka") == PIN
    assert f"\npykka=={PIN}\n" in REQUIREMENTS.read_text()


def test_an_actor_gets_its_inbox_from_the_hook_and_its_ref_shares_it() -> None:
    ref = start()
    assert isinstance(ref.actor_inbox, Inbox)
    assert ref.stop()


def test_pykka_asks_an_inbox_for_nothing_but_put_get_and_empty() -> None:
    protocol = {name for name in vars(_actor.ActorInbox) if not name.startswith("_")}
    assert protocol == {"put", "get", "empty"}
    for name in protocol:
        theirs, ours = getattr(_actor.ActorInbox, name), getattr(Inbox, name)
        assert parameters(theirs) == parameters(ours)


def test_a_told_message_travels_in_an_envelope_unchanged() -> None:
    seen: list[Any] = []

    class Watched(Inbox):
        def put(self, envelope: Envelope[Any], /) -> None:
            seen.append(envelope)
            super().put(envelope)

    class Actor(BaseActor):
        @staticmethod
        def _create_actor_inbox() -> Inbox:
            return Watched()

        def on_receive(self, message: Any) -> object:  # noqa: ANN401 - Pykka's signature
            return message

    ref = start(Actor)
    delivery = ("x", "content")
    ref.tell(delivery)
    ref.ask(delivery)
    ref.stop()
    told, asked, stopped = seen
    assert (type(told), told.message is delivery, told.reply_to) == (Envelope, True, None)
    assert (asked.message is delivery, asked.reply_to.get()) == (True, delivery)
    assert type(stopped.message) is _ActorStop


def test_the_loop_is_started_in_the_callers_thread_after_construction() -> None:
    steps: list[tuple[str, threading.Thread]] = []

    class Actor(BaseActor):
        def __init__(self, station: Station) -> None:
            super().__init__(station)
            steps.append(("constructed", threading.current_thread()))

        def _start_actor_loop(self) -> None:
            steps.append(("loop", threading.current_thread()))
            super()._start_actor_loop()

    ref = start(Actor)
    here = threading.current_thread()
    assert steps == [("constructed", here), ("loop", here)]
    ref.stop()


def test_an_actors_life_has_the_steps_that_the_stepper_takes() -> None:
    taken: list[str] = []

    class Actor(BaseActor):
        def _actor_loop_setup(self) -> None:
            taken.append("setup")
            super()._actor_loop_setup()

        def _actor_loop_running(self) -> None:
            taken.append("running")
            super()._actor_loop_running()

        def _actor_loop_teardown(self) -> None:
            super()._actor_loop_teardown()
            taken.append("teardown")
            done.set()

    done = threading.Event()
    start(Actor).stop()
    done.wait()
    assert taken == ["setup", "running", "teardown"]


def test_a_failed_start_is_followed_by_no_message_and_no_hook() -> None:
    called: list[str] = []

    class Actor(BaseActor):
        def on_start(self) -> None:
            raise ZeroDivisionError("on_start")

        def on_failure(self, *_: object) -> None:
            called.append("on_failure")

        def on_stop(self) -> None:
            called.append("on_stop")

        def _actor_loop_teardown(self) -> None:
            super()._actor_loop_teardown()
            done.set()

    done = threading.Event()
    ref = start(Actor)
    done.wait()
    assert not ref.is_alive()
    assert called == []


def test_a_dead_actor_refuses_what_it_is_told() -> None:
    ref = start()
    ref.stop()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(("x", "content"))
