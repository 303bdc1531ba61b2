"""Notifications: what is news, how much of it, and that a bad address hurts nobody."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

from actors.notifications import Notice, Notifier, NotifyTerms, addresses, notifier
from config.settings import Settings, SettingsError, load
from core.units import Nanos, seconds
from tests.builders import NOW, approved, filled
from tests.roles.dashboard_stage import Stage, marked, state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from core import messages as m
    from core.messages import Message

WAIT = 30
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Desk:
    """Takes notices as an address does; each can be waited for."""

    def __init__(self) -> None:
        self.mail: SimpleQueue[Notice] = SimpleQueue()
        self.now = 0.0

    def send(self, title: str, text: str) -> bool:
        self.mail.put(Notice(title=title, text=text))
        return True

    def wait(self) -> Notice:
        return self.mail.get(timeout=WAIT)


def frames(*played: Message, after: float = 0.0) -> Sequence[m.ScreenFrame]:
    """What the real dashboard role says to these messages."""
    stage = Stage()
    stage.flush()
    for message in played:
        stage.take(message, after=after)
    stage.flush()
    return stage.frames


def told(terms: NotifyTerms, sent: Sequence[m.ScreenFrame]) -> list[Notice]:
    """The notices that leave for these frames."""
    desk = Desk()
    teller = Notifier(desk.send, terms)
    teller.start()
    for frame in sent:
        teller.take(frame)
    assert teller.stop(WAIT)
    return [desk.mail.get_nowait() for _ in range(desk.mail.qsize())]


def halted(epoch: int = 2) -> m.TradingStateChanged:
    return state("HALTED", epoch, code="daily_loss_breaker", reason="too much lost")


def test_an_alert_is_told_once_with_the_mode(capsys: pytest.CaptureFixture[str]) -> None:
    played = frames(halted(), halted())
    (notice,) = told(NotifyTerms(), [*played, *played])
    assert notice.title == "Quarterhour LOCAL CRITICAL"
    assert "too much lost" in notice.text
    assert capsys.readouterr().out == ""


def test_what_is_below_the_level_is_not_told() -> None:
    assert told(NotifyTerms(level="critical"), frames(state("ACTIVE"))) == []
    assert len(told(NotifyTerms(level="info"), frames(state("ACTIVE")))) == 1


def test_fills_are_told_where_wanted() -> None:
    played = frames(approved("a"), filled("f1", "a"))
    assert told(NotifyTerms(fills=False), played) == []
    (notice,) = told(NotifyTerms(fills=True), played)
    assert notice.title.endswith("FILL")


def test_what_the_journal_brought_back_is_not_told_again() -> None:
    stage = Stage()
    stage.role.apply(halted())
    stage.now = Nanos(NOW + seconds(3_600))
    stage.flush()
    assert any(frame.topic == "alert" for frame in stage.frames)
    assert told(NotifyTerms(), stage.frames) == []


def test_the_day_is_summed_up_when_new_york_goes_on_to_the_next() -> None:
    stage = Stage()
    night = Nanos(1_795_323_540_000_000_000)  # 23:59 in New York, winter
    for ts in (night, Nanos(night + seconds(120)), Nanos(night + seconds(240))):
        stage.take(marked(ts=ts), after=1)
        stage.flush()
    (notice,) = told(NotifyTerms(), stage.frames)
    assert notice.title.endswith("DAY")
    assert notice.text.startswith("2026-11-21: +0.00 $")


def test_beyond_the_rate_notices_are_counted_and_told_in_the_next_one() -> None:
    desk = Desk()
    teller = Notifier(desk.send, NotifyTerms(per_minute=2), clock=lambda: desk.now)
    teller.start()
    for epoch in range(2, 7):
        for frame in frames(halted(epoch)):
            teller.take(frame)
    first = [desk.wait(), desk.wait()]
    assert [notice.text.count("not sent") for notice in first] == [0, 0]
    settle(teller)
    desk.now = 61.0
    for frame in frames(halted(9)):
        teller.take(frame)
    assert "and 3 more" in desk.wait().text
    assert teller.stop(WAIT)


def settle(teller: Notifier) -> None:
    """Until everything that waits was looked at."""
    done = threading.Event()
    while not teller.drained():
        done.wait(0.01)


def test_an_address_that_raises_does_not_end_the_sender() -> None:
    desk = Desk()
    failed = threading.Event()

    def send(title: str, text: str) -> bool:
        if not failed.is_set():
            failed.set()
            msg = "a defect of a library"
            raise RuntimeError(msg)
        return desk.send(title, text)

    teller = Notifier(send, NotifyTerms())
    teller.start()
    for epoch in (2, 3):
        for frame in frames(halted(epoch)):
            teller.take(frame)
    assert "too much lost" in desk.wait().text
    assert teller.stop(WAIT)


@pytest.fixture
def receiver() -> Iterator[tuple[str, SimpleQueue[dict[str, Any]]]]:
    """An HTTP server that takes notifications, and what it was sent."""
    mail: SimpleQueue[dict[str, Any]] = SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            mail.put(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}/", mail
    server.shutdown()
    server.server_close()


def test_a_notification_arrives_over_http(
    receiver: tuple[str, SimpleQueue[dict[str, Any]]],
) -> None:
    address, mail = receiver
    teller = notifier(Settings(notify_urls=address))
    assert teller is not None
    teller.start()
    for frame in frames(halted()):
        teller.take(frame)
    assert mail.get(timeout=WAIT)["title"] == "Quarterhour LOCAL CRITICAL"
    assert teller.stop(WAIT)


def test_addresses_may_hold_commas() -> None:
    text = "mailto://me:pw@host?to=a@x.org,b@x.org, tgram://1:AB/2\njson://h"
    assert addresses(text) == (
        "mailto://me:pw@host?to=a@x.org,b@x.org",
        "tgram://1:AB/2",
        "json://h",
    )


def test_an_address_that_nobody_understands_stops_the_start_and_is_not_told() -> None:
    with pytest.raises(SettingsError, match="NOTIFY_URLS: address 2") as refusal:
        notifier(Settings(notify_urls="json://127.0.0.1 secretword://x"))
    assert "secretword" not in str(refusal.value)


def test_nobody_is_told_without_addresses() -> None:
    assert notifier(Settings()) is None


def test_the_addresses_are_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_URLS", "json://user:hush-hush@127.0.0.1/")
    assert "hush-hush" not in repr(load())
