"""The page over the daemon itself: `run.py trade` in a process of its own, on the local exchange.

One daemon trades for all tests of this file. Each waits for what it is about, however long the
machine takes, and leaves the daemon ACTIVE.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.browser.chromium import module
from tests.browser.conftest import Watched
from tests.browser.daemon import PATIENCE_S, World
from tests.browser.test_page import dollars, eventually, gain, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.xdist_group("daemon")
SPEED = 20.0
"""A window in 45 seconds; ages are in market time, so a slow machine must keep up with it."""
REFUSED = r"status of (409|422) "
GONE = r"net::ERR_|WebSocket connection to|status of 503 "
PATIENT = {
    "FEED_SILENT_SECONDS": "600",
    "INDEX_MISSING_SECONDS": "60",
    "MAX_CLOCK_SKEW_SECONDS": "60",
    "MAX_INBOX_AGE_SECONDS": "300",
    "UNKNOWN_ORDER_SECONDS": "600",
}
"""A machine that stands still for a while must not halt what is looked at."""
ROUNDS = 20
"""Tries of an order that the end of its window may overtake."""


@pytest.fixture(scope="module")
def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    del browser  # without one nothing is started
    world = World(tmp_path_factory.mktemp("daemon"), SPEED, **PATIENT)
    world.start()
    yield world
    world.end()


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """As everywhere, with a patience for settlements."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_S * 1000)
    yield Watched(context.new_page())
    context.close()


def enter(watched: Watched, world: World, token: str = "token") -> Page:  # noqa: S107 - a file's name
    watched.page.goto(f"{world.url}/?token={world.token(token)}")
    watched.page.wait_for_selector(".link-live #book .ladder")
    return watched.page


def confirm(page: Page, reason: str = "") -> bool:
    """Answer the dialog; whether the daemon proved it."""
    if reason:
        page.fill("dialog input", reason)
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done, dialog .outcome.failed")
    done = page.locator("dialog .outcome.done").count() == 1
    page.click("dialog >> text=Close")
    page.wait_for_selector("dialog", state="detached")
    return done


def same(page: Page, shown: Callable[[], Any], told: Callable[[], Any]) -> None:
    """Until page and API say the same, the API before and after the page was read."""

    def equal() -> bool:
        before = told()
        return bool(shown() == before == told())

    eventually(page, equal, PATIENCE_S)


def quiet(watched: Watched, world: World, noted: str = REFUSED) -> None:
    """No error, no breach of the policy, nothing asked of anybody else.

    `noted`: what the browser writes by itself where the daemon refuses or is not there.
    """
    assert [text for text in watched.complaints if not re.search(noted, text)] == []
    assert {urlsplit(url).netloc for url in watched.requests} == {f"127.0.0.1:{world.port}"}


def sentence(world: World) -> str:
    """The verdict as the page writes it."""
    said: str = world.api("performance")["verdict"]["sentence"]
    return f"{said}.".lower()


def enabled(world: World) -> bool:
    return "mean_reversion" in world.api("status")["enabled_strategies"]


def press(page: Page, selector: str) -> bool:
    """Press what is there at this moment; False where it is not, or no longer."""
    return bool(
        page.evaluate(
            "(selector) => { const one = document.querySelector(selector); one?.click();"
            " return Boolean(one); }",
            selector,
        )
    )


def buy(page: Page, level: str, how: str) -> bool:
    """An order by way of ladder and ticket; False where a gate shut or its window ended first."""
    page.click(".nav a[href='#trade']")
    price = page.locator(f"#book {level} td:first-child .price")
    if not price.count():
        return False
    price.first.click()
    page.wait_for_selector(".page.ticket")
    page.click(f".choice >> text={how}")
    page.fill("input[name=quantity]", "3")
    page.wait_for_selector(".quote-told:not(.stale), .ticket-form .outcome.failed")
    return press(page, ".ticket-form button[type=submit]:not([disabled])") and confirm(page)


def insist(page: Page, attempt: Callable[[], bool]) -> None:
    """Again while the end of a window comes in between."""
    for _ in range(ROUNDS):
        if attempt():
            return
        page.wait_for_timeout(500)
    pytest.fail(page.inner_text("body"))


def test_a_window_is_traded_and_settled_on_the_screen(watched: Watched, world: World) -> None:
    page = enter(watched, world)
    page.wait_for_selector(".state.is-active")
    insist(page, lambda: buy(page, "tr.ask:has(+ .gap)", "Take now"))
    page.click(".nav a[href='#trade']")
    page.wait_for_selector("#orders td[title='manual']")
    page.click(".buttons >> text=Pause")
    assert confirm(page)
    page.wait_for_selector(".state.is-paused")
    page.wait_for_selector("#position .empty")
    page.click("#orders >> text=Windows")
    page.wait_for_selector("#orders table.windows tbody tr")

    def flat() -> list[str]:
        row, status = world.api("balance"), world.api("status")
        risk = status["risk_metrics"]
        return [
            gain(risk["daily_pnl"]),
            gain(risk["unrealized_pnl"]),
            dollars(row["equity"]),
            dollars(risk["total_exposure"]),
        ]

    same(page, lambda: texts(page, ".totals dd"), flat)
    same(
        page,
        lambda: texts(page, "#orders table.windows tbody td:last-child"),
        lambda: [gain(row["pnl"]) for row in world.api("windows?limit=60")["windows"]],
    )
    page.click("#orders >> text=Fills")
    same(
        page,
        lambda: texts(page, "#orders table.fills tbody td:nth-child(6)"),
        lambda: [dollars(row["fee"]) for row in world.api("fills?limit=60")["fills"]],
    )
    page.click(".nav a[href='#performance']")
    same(
        page,
        lambda: page.inner_text("#verdict .verdict").lower(),
        lambda: sentence(world),
    )
    page.click(".buttons >> text=Resume")
    assert confirm(page)
    page.wait_for_selector(".state.is-active")
    quiet(watched, world)


def test_a_position_is_closed_before_its_window_ends(watched: Watched, world: World) -> None:
    page = enter(watched, world)
    page.wait_for_selector(".state.is-active")

    def closed() -> bool:
        page.click(".nav a[href='#trade']")
        if not press(page, "#position .held button"):
            return buy(page, "tr.ask:has(+ .gap)", "Take now") and False
        page.wait_for_selector("dialog .told, dialog .outcome.failed")
        if page.is_disabled("dialog button[type=submit]"):
            page.keyboard.press("Escape")
            page.wait_for_selector("dialog", state="detached")
            return False
        page.click("dialog button[type=submit]")
        page.wait_for_selector("dialog .outcome.done, dialog .outcome.failed")
        done = page.locator("dialog .outcome.done").count() == 1
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        rows = world.api("trades?limit=1000")["trades"]
        return done and any(row["closes"] and row["filled_quantity"] for row in rows)

    insist(page, closed)
    page.wait_for_selector("#orders .exit")
    quiet(watched, world)


def test_the_operator_steers_it(watched: Watched, world: World) -> None:
    page = enter(watched, world)
    page.wait_for_selector(".state.is-active")
    page.keyboard.press("Shift+H")
    assert confirm(page, "a drill")
    page.wait_for_selector(".state.is-halted")
    assert world.api("status")["state"] == "HALTED"
    assert world.api("orders")["orders"] == []
    page.click("text=Reset breaker")
    assert page.is_disabled("dialog button[type=submit]")
    assert confirm(page, "the drill is over")
    page.wait_for_selector(".state.is-disarmed")
    page.click(".buttons >> text=Start")
    assert confirm(page)
    page.wait_for_selector(".state.is-active")
    page.click(".nav a[href='#strategies']")
    card = page.locator("#strategy-mean_reversion")
    for word in ("off", "on"):
        card.locator(f"text=Switch {word}…").click()
        assert confirm(page)
        card.locator(f".light:has-text('{word}')").wait_for()
        eventually(page, lambda word=word: enabled(world) is (word == "on"))  # type: ignore[misc]
    card.locator("input[name=min_edge]").fill("7")
    card.locator("text=Save 1").click()
    card.locator(".outcome.failed").wait_for()
    card.locator("input[name=min_edge]").fill("0.04")
    card.locator("text=Save 1").click()
    card.locator(".outcome.done").wait_for()
    rows = world.api("strategies/mean_reversion/params")["parameters"]
    assert [row["value"] for row in rows if row["name"] == "min_edge"] == [0.04]
    page.click(".nav a[href='#system']")
    page.wait_for_selector("#audit >> text=the drill is over")
    quiet(watched, world)


def test_a_manual_order_rests_and_is_cancelled(watched: Watched, world: World) -> None:
    page = enter(watched, world)
    page.wait_for_selector(".state.is-active")

    def manual() -> int:
        rows = world.api("trades?limit=1000")["trades"]
        return sum(row["strategy_name"] == "manual" for row in rows)

    def placed_and_cancelled() -> bool:
        before = manual()
        if not buy(page, "tr.bid:last-child", "Rest at the price"):
            return False
        eventually(page, lambda: manual() > before)
        cancel = "#ticket-orders tr:has(td[title='manual']) .actions .warn"
        return press(page, cancel) and confirm(page)

    insist(page, placed_and_cancelled)
    page.wait_for_selector("#ticket-orders .order.cancelled")
    ours = [row for row in world.api("trades")["trades"] if row["strategy_name"] == "manual"]
    assert any(row["status"] == "cancelled" for row in ours)
    quiet(watched, world)


def test_a_second_tab_and_a_viewer_see_the_same(watched: Watched, world: World) -> None:
    page = enter(watched, world)
    page.wait_for_selector(".state.is-active")
    second = page.context.new_page()
    second.goto(f"{world.url}/#strategies")
    second.wait_for_selector(".link-live #strategy-kelly_volatility")
    other = page.context.browser
    assert other is not None
    context = other.new_context()
    context.set_default_timeout(PATIENCE_S * 1000)
    viewer = Watched(context.new_page())
    enter(viewer, world, "token-viewer")
    assert viewer.page.locator(".buttons").count() == 0
    assert "VIEW ONLY" in viewer.page.inner_text(".bar")
    page.bring_to_front()
    page.click(".buttons >> text=Pause")
    assert confirm(page)
    for one in (page, second, viewer.page):
        one.bring_to_front()
        one.wait_for_selector(".state.is-paused")
    page.bring_to_front()
    page.click(".buttons >> text=Resume")
    assert confirm(page)
    page.wait_for_selector(".state.is-active")
    quiet(viewer, world)
    context.close()
    quiet(watched, world)


def test_a_killed_daemon_covers_the_page_and_comes_back_whole(
    watched: Watched, world: World
) -> None:
    page = enter(watched, world)
    page.click("#orders >> text=Windows")
    page.wait_for_selector("#orders table.windows tbody tr")
    session = f"{module('store')}.then((one) => one.store.session)"
    before = page.evaluate(session)
    quiet(watched, world)
    world.kill()
    page.wait_for_selector(".link-lost .overlay")
    assert "No connection" in page.inner_text(".overlay")
    world.start()
    page.wait_for_selector(".link-live")
    page.wait_for_selector(".overlay", state="detached")
    assert page.evaluate(session) != before
    page.wait_for_selector(".state.is-active")
    same(
        page,
        lambda: texts(page, "#orders table.windows tbody td:last-child"),
        lambda: [gain(row["pnl"]) for row in world.api("windows?limit=60")["windows"]],
    )
    quiet(watched, world, GONE)
