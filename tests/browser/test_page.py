"""The page in a real browser, over a market that is played through the real roles."""

from __future__ import annotations

import re
import time
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import pytest

from core import messages as m
from core.units import Nanos, seconds
from tests.browser.chromium import module
from tests.browser.conftest import TOKEN
from web.app import create_app
from web.hub import Hub
from web.server import serve
from web.settings import WebSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from core.screen.trading_rows import TradeRow
    from tests.browser.conftest import Stand, Watched

PATIENCE = 60.0


def open_page(watched: Watched, stand: Stand) -> Page:
    watched.page.goto(f"{stand.url}/?token={TOKEN}")
    watched.page.wait_for_selector(".link-live #book .ladder")
    return watched.page


def eventually(page: Page, what: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Until it is so; fails with the page's words after a patience no machine needs."""
    deadline = time.monotonic() + patience
    while not what():
        assert time.monotonic() < deadline, page.inner_text("body")
        page.wait_for_timeout(50)


def texts(page: Page, selector: str) -> list[str]:
    return [text.strip() for text in page.locator(selector).all_inner_texts()]


def told(page: Page) -> int:
    """Number of the last frame that the page has folded."""
    return int(page.evaluate(f"{module('store')}.then((one) => one.store.seq)"))


def dollars(value: float) -> str:
    """As the page writes money: rounded half up from the decimals that were sent."""
    rounded = Decimal(str(abs(value))).quantize(Decimal("0.01"), ROUND_HALF_UP)
    sign = "\u2212" if value < 0 else ""
    return f"{sign}${rounded:,}"


def gain(value: float) -> str:
    """With its sign, where there is anything to tell of."""
    text = dollars(value).removeprefix("\u2212")
    if not re.search("[1-9]", text):
        return text
    return f"+{text}" if value > 0 else dollars(value)


# --- quiet --------------------------------------------------------------------------------------


def test_the_page_loads_without_a_complaint_and_asks_nobody_else(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    page.hover("#chart .plot.price")
    page.click("text=Windows")
    page.keyboard.press("t")
    seen = stand.hub.seq
    eventually(page, lambda: told(page) > seen + 40)
    assert watched.complaints == []
    assert {urlsplit(url).netloc for url in watched.requests} == {f"127.0.0.1:{stand.port}"}
    assert TOKEN not in page.url


def test_its_own_policy_forbids_inline_script(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1';"
        " document.body.append(s); }"
    )
    assert page.evaluate("window.evil") is None
    assert any("Content Security Policy" in complaint for complaint in watched.complaints)


def test_a_browser_without_the_token_sees_a_locked_page_and_can_open_it(
    watched: Watched, stand: Stand
) -> None:
    page = watched.page
    page.goto(stand.url)
    assert "locked" in page.inner_text("h1")
    page.fill("input", TOKEN)
    page.click("button")
    page.wait_for_selector(".link-live")
    assert page.url == f"{stand.url}/"


# --- true ---------------------------------------------------------------------------------------


def test_money_on_the_page_equals_the_frames(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)

    def equal() -> bool:
        account: Any = stand.hub.single("account")
        shown = texts(page, ".totals dd")
        return shown == [
            gain(account.daily_pnl),
            gain(account.unrealized_pnl),
            dollars(account.equity),
            dollars(account.exposure),
        ]

    eventually(page, equal)


def test_position_lines_equal_the_frames(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)

    def equal() -> bool:
        account: Any = stand.hub.single("account")
        (row,) = account.positions
        return texts(page, ".ending b") == [
            gain(row.pnl_now),
            gain(row.pnl_if_yes),
            gain(row.pnl_if_no),
        ]

    assert stand.hub.single("account").positions
    eventually(page, equal)


def ended(row: TradeRow) -> str:
    """What the page says of an order."""
    if row.status != "cancelled":
        return row.status.replace("_", " ")
    if row.filled_quantity:
        return "part filled"
    return "unfilled" if row.order_type == "ioc" else "cancelled"


def test_book_orders_and_decisions_equal_the_frames(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)

    def book_equal() -> bool:
        (row,) = stand.hub.rows("book")
        expected = [f"{row.bid * 100:.0f}", f"{row.spread * 100:.0f}", f"{row.ask * 100:.0f}"]
        return bool(texts(page, ".touch b") == expected)

    def orders_equal() -> bool:
        rows = stand.hub.rows("order")[::-1]
        shown = texts(page, "#orders tbody .status")
        return len(shown) == min(60, len(rows)) and shown == [ended(row) for row in rows]

    def decisions_equal() -> bool:
        newest = stand.hub.rows("decision")[::-1]
        kinds = [row.kind for row in sorted(newest, key=lambda row: row.last_at, reverse=True)][:80]
        return texts(page, "#decisions .kind") == kinds

    for check in (book_equal, orders_equal, decisions_equal):
        eventually(page, check)


def test_the_window_and_its_countdown_run_on_the_engines_clock(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    (market,) = stand.hub.rows("market")
    assert market.ticker.split("-")[1] in page.inner_text(".bar .window")

    def near() -> bool:
        (row,) = stand.hub.rows("market")
        minutes, rest = page.inner_text(".countdown b").split(":")
        return bool(abs(int(minutes) * 60 + int(rest) - row.seconds_left) <= 3)

    eventually(page, near)


def test_of_several_series_one_is_chosen_to_be_shown(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    assert page.locator(".markets button").count() == 0
    (market,) = stand.hub.rows("market")
    other = msgspec.structs.replace(market, series="KXBTC15M", ticker="KXBTC15M-26NOV221030-30")
    stand.hub.publish(m.ScreenFrame(topic="market", data=other, ts=stand.playback.now))
    page.click(".markets >> text=BTC")
    eventually(page, lambda: page.inner_text(".window b") == "BTC 10:30 ET")
    assert "No book" in page.inner_text("#book")
    page.keyboard.press("]")
    eventually(page, lambda: page.inner_text(".window b").startswith("SOL "))
    page.keyboard.press("[")
    eventually(page, lambda: page.inner_text(".window b").startswith("BTC "))
    assert page.inner_text(".markets [aria-pressed=true]").startswith("BTC")


def test_every_actor_is_on_the_health_board(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    assert len(texts(page, "#health .board:nth-child(2) tbody tr")) == len(stand.hub.rows("health"))


# --- old ----------------------------------------------------------------------------------------


def test_the_rate_limits_are_on_the_health_board(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)

    def equal() -> bool:
        (row,) = stand.hub.rows("limit")
        (shown,) = texts(page, "#health .board:nth-child(3) tbody tr")
        return shown.split() == ["read", "●", "open", str(row.tokens), "600", "0", "0"]

    eventually(page, equal)


def test_numbers_that_are_old_turn_grey_and_say_so(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    stand.player.stop()
    status: Any = stand.hub.single("status_update")
    later = Nanos(stand.playback.now + seconds(20))

    def told_again() -> bool:
        """The dashboard lives, but no price comes any more."""
        stand.hub.publish(m.ScreenFrame(topic="status_update", data=status, ts=later))
        return page.locator("#chart .body.stale").count() == 1

    eventually(page, told_again)
    assert "old" in page.inner_text("#chart .age")
    assert page.locator(".overlay").count() == 0


def test_a_dead_socket_covers_the_page_and_a_restart_brings_it_back(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    stand.end()
    page.wait_for_selector(".overlay")
    assert "No connection" in page.inner_text(".overlay")
    before = stand.hub.session
    stand.begin()
    page.wait_for_selector(".overlay", state="detached")
    assert stand.hub.session != before

    def equal() -> bool:
        account: Any = stand.hub.single("account")
        return dollars(account.equity) in texts(page, ".totals dd")

    eventually(page, equal)


def test_silence_on_an_open_socket_counts_as_dead(watched: Watched, stand: Stand) -> None:
    """And a new connection to a silent daemon does not make its old picture the present."""
    page = open_page(watched, stand)
    stand.player.stop()
    page.wait_for_selector(".link-silent .overlay")
    page.reload()
    page.wait_for_selector(".link-silent .overlay")
    assert "told nothing for" in page.inner_text(".overlay")
    assert page.locator("#chart .body.stale").count() == 1
    stand.playback.run(1)
    page.wait_for_selector(".link-live")


def test_a_daemon_that_has_told_nothing_yet_is_shown_as_that(
    watched: Watched, stand: Stand
) -> None:
    stand.end()
    app = create_app(Hub(), stand.playback, WebSettings(token=TOKEN))
    stand.server = serve(app, "127.0.0.1", stand.port)
    watched.page.goto(f"{stand.url}/?token={TOKEN}")
    watched.page.wait_for_selector(".link-silent .overlay")
    assert "has not told anything yet" in watched.page.inner_text(".overlay")
    assert watched.complaints == []


def test_a_missed_frame_makes_the_page_start_from_a_whole_picture(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    page.evaluate(f"{module('store')}.then((one) => {{ one.store.seq -= 5; }})")
    sockets = [url for url in watched.requests if url.startswith("ws")]
    eventually(
        page, lambda: len([u for u in watched.requests if u.startswith("ws")]) > len(sockets)
    )
    page.wait_for_selector(".link-live")


# --- steered ------------------------------------------------------------------------------------


def test_halt_asks_tells_the_consequence_and_shows_the_proof(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    page.click(".buttons .halt")
    assert "until the breaker is reset" in page.inner_text("dialog")
    page.click("dialog >> text=Cancel")
    assert stand.hub.single("status_update").state == "ACTIVE"
    page.keyboard.press("Shift+H")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    assert "Nothing rests at the exchange" in page.inner_text("dialog")
    page.click("dialog >> text=Close")
    page.wait_for_selector(".state.is-halted")
    assert stand.hub.single("status_update").state == "HALTED"


def test_a_reset_needs_a_reason_and_start_trades_again(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    stand.playback.tell(m.HaltTrading(by="test", reason="drill", code="operator"))
    page.click("text=Reset breaker")
    assert page.is_disabled("dialog button[type=submit]")
    page.fill("dialog input", "drill is over")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    page.click(".buttons >> text=Start")
    page.click("dialog button[type=submit]")
    page.wait_for_selector(".state.is-active")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog >> text=Close")
    page.click(".buttons >> text=Pause")
    page.click("dialog button[type=submit]")
    page.wait_for_selector(".state.is-paused")


def test_a_command_that_is_not_answered_is_told_as_not_confirmed(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    page.click(".buttons .halt")
    stand.server.stop()
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.failed")
    assert "Nothing is known about the outcome" in page.inner_text("dialog")


def test_who_trades_with_whose_money_is_in_colour_text_and_title(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    assert page.inner_text(".mode b") == "LOCAL"
    eventually(page, lambda: page.title().startswith("LOCAL · ACTIVE"))
    colours = set()
    status: Any = stand.hub.single("status_update")
    stand.player.stop()
    for mode in ("local", "paper", "live"):
        row = msgspec.structs.replace(status, mode=mode)
        stand.hub.publish(m.ScreenFrame(topic="status_update", data=row, ts=stand.playback.now))
        page.wait_for_selector(f".mode-{mode}")
        assert page.inner_text(".mode b") == mode.upper()
        colours.add(
            page.evaluate("getComputedStyle(document.querySelector('.bar')).borderTopColor")
        )
    assert len(colours) == 3


# --- seen ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_everything_fits_one_screen_without_scrolling(
    watched: Watched, stand: Stand, theme: str
) -> None:
    page = open_page(watched, stand)
    if theme == "light":
        page.keyboard.press("t")
    assert page.get_attribute("html", "data-theme") == theme
    size = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert size == [1440, 900]
    for panel in ("chart", "book", "position", "account", "orders", "decisions", "health"):
        box = page.locator(f"#{panel}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900


def test_both_charts_stand_on_one_time_axis(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.wait_for_selector("#chart .plot.quote .u-over")
    upper, lower = (page.locator(f"#chart .plot.{name} .u-over") for name in ("price", "quote"))

    def ends() -> list[tuple[float, float]]:
        boxes = [one.bounding_box() for one in (upper, lower)]
        return [(box["x"], box["x"] + box["width"]) for box in boxes if box is not None]

    eventually(page, lambda: len(set(ends())) == 1)


def test_the_chosen_theme_is_kept(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.keyboard.press("t")
    page.reload()
    page.wait_for_selector(".link-live")
    assert page.get_attribute("html", "data-theme") == "light"


def test_status_and_halt_are_usable_on_a_telephone(watched: Watched, stand: Stand) -> None:
    watched.page.set_viewport_size({"width": 360, "height": 640})
    page = open_page(watched, stand)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for selector in (".mode b", ".state b", ".countdown b", ".buttons .halt"):
        box = page.locator(selector).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 200
        assert box["x"] + box["width"] <= 360
    page.click(".buttons .halt")
    page.click("dialog button[type=submit]")
    page.wait_for_selector(".state.is-halted")


def test_what_the_page_loads_stays_small(watched: Watched, stand: Stand) -> None:
    sizes: list[int] = []
    watched.page.on("response", lambda answer: sizes.append(len(answer.body())))
    open_page(watched, stand)
    assert 50_000 < sum(sizes) < 250_000


def test_a_reload_asks_for_nothing_that_the_browser_has(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.reload()
    page.wait_for_selector(".link-live #book .ladder")
    wire = page.evaluate(
        "performance.getEntriesByType('resource').map((one) => [one.name, one.transferSize])"
    )
    parts = [size for name, size in wire if "/static/" in name]
    assert len(parts) > 20
    assert set(parts) == {0}
