"""Where Chromium is, and how it is started."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome")


def module(name: str) -> str:
    """A promise of one of the page's own modules, for `evaluate`."""
    return f"import(document.querySelector('script[type=module]').src.replace('main', '{name}'))"


def found() -> str | None:
    """Its path: `CHROMIUM`, or the first that is installed; None without any."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser without a window. Raises FileNotFoundError with the remedy."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - not installed everywhere

    path = found()
    if path is None:
        msg = "no Chromium: apt-get install chromium, or name one in CHROMIUM"
        raise FileNotFoundError(msg)
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        chromium = playwright.chromium.launch(executable_path=path, args=arguments)
        yield chromium
        chromium.close()
