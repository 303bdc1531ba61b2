"""The tabs beside the first screen, in a real browser over a played market."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core import messages as m
from core.units import Nanos, seconds
from tests.browser.chromium import module
from tests.browser.conftest import VIEWER
from tests.browser.test_page import dollars, eventually, gain, open_page, texts, told

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Stand, Watched

HERE = Path(__file__).parent
MODULES = HERE / "node_modules"
TABS = ("trade", "performance", "strategies", "windows", "quant", "ticket", "system")
NO_TOOLS = "needs the page's check tools: npm ci --prefix tests/browser"
WINDOW = 900


def lock(stand: Stand) -> m.LockSet:
    now = stand.playback.now
    return m.LockSet(
        protection="loss_burst",
        scope="all",
        until=Nanos(now + seconds(1_800)),
        limit=6,
        value=6,
        reason="6 losing markets in a row within 180 minutes",
        ts=now,
    )


def tab(page: Page, name: str) -> None:
    page.click(f".nav a[href='#{name}']")
    page.wait_for_selector(f".page.{name} .panel")


def test_every_tab_opens_by_its_key_and_fits_the_screen(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    for key, name in enumerate(TABS, 1):
        page.keyboard.press(str(key))
        page.wait_for_selector(f".page.{name} .panel")
        size = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert size == [1440, 900], name
        assert page.locator(".nav a[aria-current=page]").inner_text().lower() == name
    seen = stand.hub.seq
    eventually(page, lambda: told(page) > seen + 20)
    assert watched.complaints == []


def test_results_on_the_page_equal_the_frames(watched: Watched, stand: Stand) -> None:
    stand.playback.run(WINDOW)
    page = open_page(watched, stand)
    tab(page, "performance")

    def equal() -> bool:
        row: Any = stand.hub.single("performance")
        verdict: Any = stand.hub.single("calibration").verdict
        shown = texts(page, "#verdict .facts dd")
        strategies = texts(page, "#results table:first-child tbody tr td:nth-child(4)")
        return (
            shown[:4] == [gain(row.pnl), dollars(row.fees), str(row.trades), str(row.windows)]
            and verdict.sentence.lower() in page.inner_text("#verdict").lower()
            and strategies == [gain(one.pnl) for one in row.strategies]
        )

    eventually(page, equal)
    assert page.locator("#score svg circle").count() > 0


def test_the_trades_are_downloaded_as_csv(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    with page.expect_download() as download:
        page.click("#orders >> text=CSV")
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("trade_id,order_id,ticker,side,")
    known = {row.trade_id for row in stand.hub.rows("order")}
    assert {line.split(",")[0] for line in lines[1:]} <= known
    assert len(lines) > 1
    assert watched.complaints == []


def test_a_strategy_is_switched_off_and_on(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    tab(page, "strategies")

    def enabled() -> bool:
        rows = {row.name: row.enabled for row in stand.hub.rows("strategy")}
        return bool(rows["mean_reversion"])

    for before, word in ((True, "off"), (False, "on")):
        page.wait_for_selector(f"#strategy-mean_reversion >> text=Switch {word}…")
        assert enabled() is before
        page.click(f"#strategy-mean_reversion >> text=Switch {word}…")
        page.click("dialog button[type=submit]")
        page.wait_for_selector("dialog .outcome.done")
        page.click("dialog >> text=Close")
        eventually(page, lambda before=before: enabled() is not before)  # type: ignore[misc]


def test_a_parameter_is_edited_and_a_wrong_one_is_refused(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    tab(page, "strategies")
    card = page.locator("#strategy-kelly_volatility")
    card.locator("input[name=min_edge]").fill("7")
    card.locator("text=Save 1").click()
    card.locator(".outcome.failed").wait_for()
    card.locator("input[name=min_edge]").fill("0.05")
    card.locator("text=Save 1").click()
    card.locator(".outcome.done").wait_for()
    (row,) = [one for one in stand.hub.rows("parameters") if one.name == "kelly_volatility"]
    (edge,) = [one for one in row.parameters if one.name == "min_edge"]
    assert (edge.value, edge.source) == (0.05, "operator")


def test_a_price_of_the_ladder_fills_the_ticket_and_the_order_is_placed_and_cancelled(
    watched: Watched, stand: Stand
) -> None:
    for name in ("kelly_volatility", "mean_reversion"):
        stand.playback.tell(m.EnableStrategy(strategy=name, enabled=False, by="test"))
    page = open_page(watched, stand)
    # From now on time passes with each preview alone: the market must not run away or close.
    stand.player.stop()
    page.click("#book tr.bid:nth-last-child(2) td:first-child .price")
    page.wait_for_selector(".page.ticket")
    price = float(page.input_value("input[name=price]"))
    (book,) = stand.hub.rows("book")
    assert any(abs(price - 100 * level) < 1e-6 for level, _ in book.bids) or price > 0
    page.fill("input[name=quantity]", "3")
    page.wait_for_selector(".ticket-form button[type=submit]:not([disabled])")
    facts = dict(zip(texts(page, ".quote-told dt"), texts(page, ".quote-told dd"), strict=True))
    assert facts["Cost"] == dollars(round(3 * price / 100, 2))
    page.click(".ticket-form button[type=submit]")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    page.wait_for_selector(".ladder .mine")
    page.click("#ticket-orders .actions >> text=Cancel")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    page.wait_for_selector(".ladder .mine", state="detached")
    (mine,) = [row for row in stand.hub.rows("order") if row.strategy_name == "manual"]
    assert mine.status == "cancelled"


def test_a_ticket_that_would_be_refused_names_its_gate(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    tab(page, "ticket")
    page.fill("input[name=price]", "40")
    page.fill("input[name=quantity]", "900000")
    page.wait_for_selector(".quote-told h3:has-text('refused')")
    assert page.is_disabled(".ticket-form button[type=submit]")
    assert page.locator(".gates .down").count() >= 1


def test_a_past_window_is_scrubbed_through(watched: Watched, stand: Stand) -> None:
    stand.playback.run(WINDOW)
    page = open_page(watched, stand)
    (settled, *_) = stand.hub.rows("window")
    page.goto(f"{stand.url}/#windows/{settled.ticker}")
    page.wait_for_selector("#then table")
    assert f"settled {settled.result.upper()}" in page.inner_text("#replay h2")
    last = page.inner_text("#then h2")
    page.focus("#replay input[type=range]")
    page.keyboard.press("Home")
    eventually(page, lambda: page.inner_text("#then h2") != last)
    early = page.locator("#events tbody tr").count()
    page.keyboard.press("End")
    eventually(page, lambda: page.locator("#events tbody tr").count() > early)
    assert watched.complaints == []


def test_a_window_from_before_the_last_start_is_scrubbed_through(
    watched: Watched, stand: Stand
) -> None:
    """What the running daemon never saw comes from the history: lines, decisions, orders, fills."""
    stand.playback.run(2 * WINDOW)
    page = open_page(watched, stand)
    tab(page, "windows")
    *_, settled = stand.hub.rows("window")
    page.wait_for_selector(f"#windows a[href='#windows/{settled.ticker}']")
    stand.end()
    page.wait_for_selector(".link-lost .overlay")
    stand.begin(played=1)
    page.wait_for_selector(".overlay", state="detached")
    assert not [row for row in stand.hub.rows("window") if row.ticker == settled.ticker]
    watched.complaints.clear()
    page.goto(f"{stand.url}/#windows/{settled.ticker}")
    page.wait_for_selector("#replay input[type=range]")
    assert f"settled {settled.result.upper()}" in page.inner_text("#replay h2")
    page.focus("#replay input[type=range]")
    page.keyboard.press("End")
    late = page.locator("#events tbody tr").count()
    assert late > 0
    page.keyboard.press("Home")
    eventually(page, lambda: page.locator("#events tbody tr").count() < late)
    # The browser itself notes that the running daemon answered 404 before the history did.
    assert all("404" in complaint for complaint in watched.complaints)


def test_a_decision_opens_its_moment(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    row = page.locator("#decisions tbody tr:has(.kind.approved)").first
    moment = row.locator("td").first.inner_text()
    row.locator("td").nth(1).click()
    page.wait_for_selector(".page.windows")
    eventually(page, lambda: moment in page.inner_text(".scrubber b"))


def test_the_drawn_mean_and_both_edges_equal_the_frames(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    tab(page, "quant")

    def equal() -> bool:
        (row,) = stand.hub.rows("quant")
        shown = texts(page, "#mean .facts dd")
        return bool(
            shown and shown[0].startswith(f"{row.drawn:.1%}") and shown[1] == f"{row.fat:.1%}"
        )

    eventually(page, equal)
    assert page.locator("#kelly tbody tr").count() == 2
    assert page.locator(".heat tbody tr").count() >= 1


def test_settings_and_commands_are_listed(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.keyboard.press("Shift+H")
    page.fill("dialog input", "a drill")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    tab(page, "system")
    page.wait_for_selector("#audit >> text=a drill")
    page.fill("#config input", "MIN_EDGE")
    eventually(page, lambda: page.locator("#config tbody tr").count() == 1)


def test_sound_is_off_until_it_is_switched_on(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    button = page.locator(".nav button[aria-label=sound]")
    assert button.get_attribute("aria-pressed") == "false"
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    page.reload()
    page.wait_for_selector(".link-live")
    assert button.get_attribute("aria-pressed") == "true"


def test_a_second_tab_shows_the_same(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    second = page.context.new_page()
    second.goto(f"{stand.url}/#quant")
    second.wait_for_selector(".link-live .page.quant")
    for one in (page, second):
        one.bring_to_front()
        seen = stand.hub.seq
        eventually(one, lambda one=one, seen=seen: told(one) > seen)  # type: ignore[misc]
    assert texts(second, ".mode b") == texts(page, ".mode b")


def test_who_may_only_look_sees_everything_and_is_offered_no_command(
    watched: Watched, stand: Stand
) -> None:
    stand.playback.remember(lock(stand))
    page = watched.page
    page.goto(f"{stand.url}/?token={VIEWER}")
    page.wait_for_selector(".link-live #book .ladder")
    page.wait_for_selector(".locks .lock")
    assert "VIEW ONLY" in page.inner_text(".bar .looking")
    page.keyboard.press("Shift+H")
    buttons = "button[class~=halt], button[class~=go], button[class~=warn], .lock button, dialog"
    for name in TABS:
        tab(page, name)
        assert page.locator(buttons).count() == 0, name
        assert page.locator(".page button[type=submit], .ladder button").count() == 0, name
    tab(page, "ticket")
    assert "View only" in page.inner_text("#ticket")
    answer = page.evaluate(f"{module('api')}.then((api) => api.command('emergency/halt', {{}}))")
    assert answer["body"]["code"] == "read_only"
    assert stand.hub.single("status_update").state == "ACTIVE"


def test_a_lock_is_shown_with_its_reason_and_cleared(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    assert "none holds" in page.inner_text(".locks")
    stand.playback.remember(lock(stand))
    page.wait_for_selector(".bar .flag:has-text('locked')")
    assert "6 losing markets" in page.inner_text(".locks .lock")
    page.click(".lock >> text=Clear")
    assert page.is_disabled("dialog button[type=submit]")
    page.fill("dialog input", "looked into it")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    page.wait_for_selector(".locks .lock", state="detached")
    page.wait_for_selector(".locks:has-text('looked into it')")
    (row,) = stand.hub.rows("lock")
    assert not row.active


def test_memory_is_bounded(watched: Watched, stand: Stand) -> None:
    """Once every line is full, PAGE_MINUTES more of frames leave the heap where it was."""
    page = open_page(watched, stand)
    stand.player.stop()
    session = page.context.new_cdp_session(page)

    def heap() -> float:
        session.send("HeapProfiler.collectGarbage")
        return float(session.send("Runtime.getHeapUsage")["usedSize"])

    def play(seconds: int) -> None:
        stand.playback.run(seconds)
        eventually(page, lambda: told(page) == stand.hub.seq)

    play(1_300)
    full = heap()
    play(60 * int(os.environ.get("PAGE_MINUTES", "5")))
    # What came in a burst may still be in the page's hands at the first look.
    eventually(page, lambda: heap() < 1.25 * full + 2_000_000)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_no_serious_violation(watched: Watched, stand: Stand, theme: str) -> None:
    source = MODULES / "axe-core" / "axe.min.js"
    if not source.exists():
        pytest.skip(f"axe {NO_TOOLS}")
    page = open_page(watched, stand)
    if theme == "light":
        page.keyboard.press("t")
    session = page.context.new_cdp_session(page)
    for name in TABS:
        tab(page, name)
        session.send("Runtime.evaluate", {"expression": source.read_text()})
        found = page.evaluate(
            "async () => (await axe.run(document, {resultTypes: ['violations']})).violations"
            ".filter((v) => ['serious', 'critical'].includes(v.impact))"
            ".map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(' | ')}`)"
        )
        assert found == [], name


def test_the_modules_are_typed_soundly() -> None:
    compiler = MODULES / ".bin" / "tsc"
    if not compiler.exists():
        pytest.skip(f"tsc {NO_TOOLS}")
    told_ = subprocess.run(  # noqa: S603 - our own tool
        [str(compiler), "-p", str(HERE / "tsconfig.json"), "--pretty", "false"],
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    ours = [line for line in told_.stdout.splitlines() if "static/vendor/" not in line]
    assert ours == []
