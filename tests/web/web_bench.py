"""A served app over a real hub, and a door to the real supervision role."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final

import requests
import websocket

from config.settings import Settings
from core import messages as m
from core.journal import MemoryJournal
from core.roles.supervision import Supervision, SupervisionTerms
from core.runner import Runner
from core.screen.market_rows import BookRow, Line
from core.screen.system_rows import AlertRow
from core.topology import SUPERVISION, Routing
from core.units import Nanos, seconds
from tests.browser.playback import Playback
from tests.builders import NOW
from tests.roles.dashboard_stage import Stage
from web.app import create_app
from web.hub import Hub
from web.server import serve
from web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.messages import ControlAnswer, ControlRequest, Message, OperatorCommand
    from web.control import Control

TOKEN: Final = "t" * 43
WAIT: Final = 30
AUTH: Final = {"Authorization": f"Bearer {TOKEN}"}


class Door:
    """`web.control.Control` over the real supervision role; nothing rests on this exchange."""

    def __init__(self) -> None:
        self.role = Supervision(SupervisionTerms(auto_arm=False))
        self.silent = False
        self.switched = {"kelly_volatility": True, "mean_reversion": True}
        self.requests: list[ControlRequest] = []
        self._lock = threading.Lock()
        self._market: Playback | None = None
        self._runner = Runner({SUPERVISION: self.role}, Routing((SUPERVISION,)), MemoryJournal())
        self._runner.run(SUPERVISION, m.Begin(recovered=0), NOW)
        reconciled = m.Reconciled(complete=True, differences=(), foreign=0, ts=NOW)
        self._runner.run(SUPERVISION, reconciled, NOW)

    def start(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._tell(request, timeout, m.ArmTrading(by=request.by, reason=request.reason))

    def stop(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._tell(request, timeout, m.DisarmTrading(by=request.by, reason=request.reason))

    def pause(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._tell(request, timeout, m.PauseTrading(by=request.by, reason=request.reason))

    def halt(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        command = m.HaltTrading(by=request.by, reason=request.reason, code="operator")
        return self._tell(request, timeout, command)

    def reset_breaker(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._tell(request, timeout, m.ResetBreaker(by=request.by, reason=request.reason))

    def cancel_all(self, request: ControlRequest, timeout: float) -> ControlAnswer:
        command = m.CancelEverything(by=request.by, reason=request.reason)
        return self._tell(request, timeout, command)

    def enable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._switch(name, request, timeout, enabled=True)

    def disable_strategy(self, name: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        return self._switch(name, request, timeout, enabled=False)

    def release(self, actor: str, request: ControlRequest, timeout: float) -> ControlAnswer:
        command = m.ReleaseActor(actor=actor, by=request.by, reason=request.reason)
        return self._tell(request, timeout, command)

    def operate(self, command: OperatorCommand, timeout: float) -> ControlAnswer:
        """By the system's own roles, in a market of their own."""
        with self._lock:
            if self._market is None:
                self._market = Playback(Hub(), Settings())
                self._market.run(60)
        return self._market.operate(command, timeout)

    def _switch(
        self, name: str, request: ControlRequest, timeout: float, *, enabled: bool
    ) -> ControlAnswer:
        assert timeout > 0
        self.requests.append(request)
        if name not in self.switched:
            return m.ControlAnswer(verdict="refused", code="not_found", message="no such strategy")
        self.switched[name] = enabled
        return m.ControlAnswer(verdict="done")

    def _tell(self, request: ControlRequest, timeout: float, command: Message) -> ControlAnswer:
        assert timeout > 0
        with self._lock:
            self.requests.append(request)
            if self.silent:
                return m.ControlAnswer(verdict="unanswered", actor="supervisor")
            self._runner.run(SUPERVISION, command, NOW)
            state = self.role.breaker.state
            if self.role.refusal:
                return m.ControlAnswer(
                    verdict="refused", code="not_allowed", message=self.role.refusal, state=state
                )
            done = m.CancelAllDone(cancelled=0, resting=0, reason="test", ts_recv=NOW)
            self._runner.run(SUPERVISION, done, NOW)
            return m.ControlAnswer(verdict="done", state=state, cancelled=0, resting=0)


class Site:
    """A running server with its hub and its door."""

    def __init__(
        self,
        hub: Hub | None = None,
        control: Control | None = None,
        **changes: Any,  # noqa: ANN401
    ) -> None:
        self.hub = hub or Hub()
        self.door = Door()
        self.settings = WebSettings(**{"token": TOKEN, **changes})
        self.app = app = create_app(self.hub, control or self.door, self.settings)
        self.server = serve(app, "127.0.0.1", 0, threads=self.settings.max_streams + 8)
        self.host = f"127.0.0.1:{self.server.port}"
        self.url = f"http://{self.host}"

    def close(self) -> None:
        self.server.stop()

    def get(self, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        more.setdefault("headers", AUTH)
        return requests.get(self.url + path, timeout=WAIT, allow_redirects=False, **more)

    def post(self, path: str, **more: Any) -> requests.Response:  # noqa: ANN401
        more.setdefault("headers", AUTH)
        return requests.post(self.url + path, timeout=WAIT, **more)

    def stream(self, query: str = "", **more: Any) -> websocket.WebSocket:  # noqa: ANN401
        more.setdefault("header", [f"Authorization: Bearer {TOKEN}"])
        more.setdefault("suppress_origin", True)
        return websocket.create_connection(f"ws://{self.host}/ws{query}", timeout=WAIT, **more)

    def play(self, *played: Message) -> Stage:
        """What the real dashboard role says to these messages goes to the hub."""
        stage = Stage()
        stage.flush()
        for message in played:
            stage.take(message, after=1)
        stage.flush()
        for frame in stage.frames:
            self.hub.publish(frame)
        return stage


def told(stream: websocket.WebSocket) -> dict[str, Any]:
    """The next message of a stream."""
    message: dict[str, Any] = json.loads(stream.recv())
    return message


def until(stream: websocket.WebSocket, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first message that fits."""
    while True:
        message = told(stream)
        if fits(message):
            return message


def alert(number: int, text: str = "x") -> m.ScreenFrame:
    """A frame whose row carries a number."""
    row = AlertRow(
        id=str(number), level="info", code="test", text=text, source="test", count=1, at=""
    )
    return m.ScreenFrame(topic="alert", data=row, ts=Nanos(NOW + number))


def line(*values: float, name: str = "KXSOL15M:index") -> m.ScreenFrame:
    """Points of a chart line at whole seconds from `values[0]`."""
    points = tuple((int(value) * 1000, value) for value in values)
    return m.ScreenFrame(topic="index", data=Line(line=name, points=points), ts=NOW)


def book(bid: float) -> m.ScreenFrame:
    """A book frame."""
    row = BookRow(
        series="KXSOL15M",
        ticker="T",
        bids=((bid, 1.0),),
        asks=(),
        bids_no=(round(1 - bid, 4),),
        asks_no=(),
        bid=bid,
        ask=None,
        mid=None,
        spread=None,
        fresh=True,
        book_at=None,
        at="",
    )
    return m.ScreenFrame(topic="book", data=row, ts=Nanos(NOW + seconds(1)))
