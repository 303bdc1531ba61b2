"""Serve the page over a playback, to look at it by eye: `python tests/browser/play.py --help`."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from config.effective import effective
from config.settings import load
from tests.browser.playback import Playback, Player
from web.app import create_app
from web.hub import Hub
from web.server import serve
from web.settings import WebSettings

TOKEN = "for-looking-only-" + "x" * 32


@click.command()
@click.option("--seconds", default=700, help="Market seconds played before the page opens.")
@click.option("--speed", default=1.0, help="Market seconds a second after that.")
@click.option("--seed", default=3)
@click.option("--port", default=0)
def main(seconds: int, speed: float, seed: int, port: int) -> None:
    """Play, serve, print the address."""
    os.chdir(tempfile.mkdtemp())
    settings = load({})
    hub = Hub()
    playback = Playback(hub, settings, seed)
    playback.run(seconds)
    player = Player(playback, speed)
    player.start()
    web = WebSettings(token=TOKEN, config=effective(settings))
    server = serve(create_app(hub, playback, web), "127.0.0.1", port)
    click.echo(f"http://127.0.0.1:{server.port}/?token={TOKEN}")
    threading.Event().wait()


if __name__ == "__main__":
    main()
