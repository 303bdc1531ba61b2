"""A browser, and the page served over a market that is being played."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.effective import effective
from config.settings import load
from tests.browser import chromium
from tests.browser.playback import Playback, Player
from web.app import create_app
from web.hub import Hub
from web.server import Server, serve
from web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

TOKEN = "b" * 43
VIEWER = "v" * 43
PLAYED = 640
"""Market seconds before the page opens: warm, traded, and some minutes before the close."""


class Stand:
    """Hub, played market and server; the server may be stopped and started again."""

    def __init__(self) -> None:
        self.settings = load({})
        self.port = 0
        self.history = Path("history.sqlite").absolute()
        self.begin()

    def begin(self, played: int = PLAYED) -> None:
        """As a daemon that starts: a new hub, the same token, the same port, the same history."""
        self.hub = Hub()
        self.playback = Playback(self.hub, self.settings)
        self.playback.run(played)
        self.player = Player(self.playback, speed=2.0)
        self.player.start()
        web = WebSettings(
            token=TOKEN,
            viewer_token=VIEWER,
            config=effective(self.settings),
            history_path=self.history,
        )
        app = create_app(self.hub, self.playback, web)
        self.server: Server = serve(app, "127.0.0.1", self.port)
        self.port = self.server.port
        self.url = f"http://127.0.0.1:{self.port}"

    def end(self) -> None:
        self.server.stop()
        self.player.stop()


@pytest.fixture
def stand(bare: Path) -> Iterator[Stand]:
    del bare
    stand = Stand()
    yield stand
    stand.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; where it or Playwright is missing, the test skips and says so."""
    pytest.importorskip(
        "playwright.sync_api", reason="browser tests need Playwright: pip install playwright"
    )
    if chromium.found() is None:
        pytest.skip("browser tests need Chromium: apt-get install chromium")
    with chromium.launched() as browser:
        yield browser


class Watched:
    """A page, and everything that it complained about or asked for."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _said(self, message: object) -> None:
        kind: str = message.type  # type: ignore[attr-defined] # ConsoleMessage
        if kind in ("error", "warning"):
            self.complaints.append(message.text)  # type: ignore[attr-defined]


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh profile at the size for which the page is made."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)
    yield Watched(context.new_page())
    context.close()
