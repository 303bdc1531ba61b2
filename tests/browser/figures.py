"""What the page costs, measured in Chromium over a daemon of its own: one line of JSON.

    python -m tests.browser.figures --speed 20

first_paint_ms     navigation to the first pixels; median of `--loads` fresh profiles
first_data_ms      navigation to the first picture with the daemon's numbers in it
again_data_ms      the same of a reload, with what the browser has kept
transfer_kb        bytes over the wire until then, and `requests`, how many
scripting_share    of one core, over `--seconds` at the daemon's full rate of frames
frames_per_second  that arrived meanwhile, and `pictures_per_second`, how often the page was drawn
"""

from __future__ import annotations

import json
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tests.browser.chromium import launched, module
from tests.browser.daemon import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

_ENOUGH = 20
"""Frames after which the daemon is in full swing."""
_MARK = """
new MutationObserver((_, watcher) => {
  if (!document.querySelector(".link-live .ladder td")) return;
  watcher.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => (window.dataAt = performance.now())));
}).observe(document, { childList: true, subtree: true, attributes: true });
"""
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_WIRE = """() => {
  const all = ['navigation', 'resource'].flatMap((kind) => performance.getEntriesByType(kind));
  return [all.length, all.reduce((sum, one) => sum + one.transferSize, 0)];
}"""
_STORE = module("store")
_COUNT = f"""{_STORE}.then(({{ store, subscribe }}) => {{
  window.began = store.seq;
  window.drawn = 0;
  subscribe(() => window.drawn++);
}})"""
_COUNTED = f"{_STORE}.then(({{ store }}) => [store.seq - window.began, window.drawn])"


def until(page: Page, holds: str) -> None:
    """Asked from outside: the page's own policy forbids evaluating a text inside it."""
    while not page.evaluate(holds):
        page.wait_for_timeout(20)


def load(browser: Browser, world: World) -> dict[str, float]:
    """One load in a fresh profile, and a reload."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(_MARK)
    page = context.new_page()
    page.goto(f"{world.url}/api/health")
    # The cookie first: the measured navigation is the page's, not the redirect's.
    context.request.get(f"{world.url}/?token={world.token()}")
    page.goto(world.url)
    until(page, "window.dataAt")
    requests, size = page.evaluate(_WIRE)
    found = {
        "paint": page.evaluate(_PAINTED),
        "data": page.evaluate("window.dataAt"),
        "requests": requests,
        "size": size,
    }
    page.reload()
    until(page, "window.dataAt")
    found["again"] = page.evaluate("window.dataAt")
    context.close()
    return found


def measure(session: CDPSession) -> dict[str, float]:
    told: dict[str, Any] = session.send("Performance.getMetrics")
    return {row["name"]: row["value"] for row in told["metrics"]}


def work(page: Page, seconds: float) -> dict[str, float]:
    """What the open page does in so many seconds."""
    until(page, f"{_STORE}.then((one) => one.store.seq > {_ENOUGH})")
    page.evaluate(_COUNT)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    before = measure(session)
    page.wait_for_timeout(seconds * 1000)
    after = measure(session)
    frames, drawn = page.evaluate(_COUNTED)
    passed = after["Timestamp"] - before["Timestamp"]
    return {
        "scripting_share": round((after["ScriptDuration"] - before["ScriptDuration"]) / passed, 4),
        "task_share": round((after["TaskDuration"] - before["TaskDuration"]) / passed, 4),
        "frames_per_second": round(frames / passed, 1),
        "pictures_per_second": round(drawn / passed, 1),
    }


def figures(browser: Browser, world: World, loads: int, seconds: float) -> dict[str, float]:
    """All of them."""
    found = [load(browser, world) for _ in range(loads)]

    def middle(name: str) -> float:
        return statistics.median(one[name] for one in found)

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{world.url}/?token={world.token()}")
    page.wait_for_selector(".link-live #book .ladder")
    busy = work(page, seconds)
    context.close()
    return {
        "first_paint_ms": round(middle("paint")),
        "first_data_ms": round(middle("data")),
        "again_data_ms": round(middle("again")),
        "transfer_kb": round(middle("size") / 1000, 1),
        "requests": round(middle("requests")),
        **busy,
    }


@click.command()
@click.option("--loads", default=7, show_default=True, help="Fresh profiles.")
@click.option("--seconds", default=20.0, show_default=True, help="Of the open page.")
@click.option("--speed", default=20.0, show_default=True, help="Of the local exchange.")
def main(loads: int, seconds: float, speed: float) -> None:
    """Measure the page over a daemon on the local exchange."""
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        world = World(Path(folder), speed)
        try:
            world.start()
            world.until(lambda: world.api("status")["state"] == "ACTIVE", "ACTIVE")
            click.echo(json.dumps(figures(browser, world, loads, seconds)))
        finally:
            world.end()


if __name__ == "__main__":
    main()
