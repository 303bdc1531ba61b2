"""What a trader must not miss, and what makes acting fast, in a browser over a played market."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from core import messages as m
from tests.browser.conftest import VIEWER
from tests.browser.test_page import dollars, eventually, gain, open_page, texts

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Stand, Watched

LONG = (
    "the drawdown from the peak of the equity is 15.2 % against a breaker of 15 %, counted over "
    "every market of the day, and nothing trades until somebody has looked into it"
)


def publish(stand: Stand, topic: str, row: Any) -> None:  # noqa: ANN401 - a row of any topic
    stand.hub.publish(m.ScreenFrame(topic=topic, data=row, ts=stand.playback.now))


def newest_filled(stand: Stand) -> Any:  # noqa: ANN401
    return [row for row in stand.hub.rows("order") if row.filled_quantity > 0][-1]


def test_a_fill_is_told_once_and_what_was_there_before_is_not(
    watched: Watched, stand: Stand
) -> None:
    before = newest_filled(stand)
    page = open_page(watched, stand)
    stand.player.stop()
    said = f"Bought 7 of 9 {before.side.upper()} at 61¢"
    assert said not in page.inner_text(".toasts")
    row = msgspec.structs.replace(
        before,
        trade_id="seen-for-the-first-time",
        quantity=9,
        filled_quantity=7,
        average_fill_price=0.61,
        status="cancelled",
    )
    publish(stand, "order", row)
    page.wait_for_selector(f".toast.good:has-text('{said}')")
    assert page.locator(f".toast:has-text('{said}')").count() == 1
    assert "part filled" in texts(page, "#orders tbody .status")
    page.click(f".toast:has-text('{said}') button")
    page.wait_for_selector(f".toast:has-text('{said}')", state="detached")
    late = {"trade_id": "late", "filled_quantity": 0.0, "average_fill_price": None}
    for kind, says in (("ioc", "unfilled"), ("limit", "cancelled")):
        publish(stand, "order", msgspec.structs.replace(row, order_type=kind, **late))
        page.wait_for_selector(f"#orders tbody tr:first-child .status:text-is('{says}')")
    publish(stand, "order", msgspec.structs.replace(row, status="rejected", trade_id="no"))
    page.wait_for_selector(".toast.bad:has-text('rejected')")


def test_a_halt_is_told_in_full_and_nothing_is_pushed_off_the_screen(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    stand.playback.tell(m.HaltTrading(by="risk", reason=LONG, code="drawdown"))
    page.wait_for_selector(".halted")
    shown = page.locator(".halted span")
    assert LONG in shown.inner_text()
    assert shown.evaluate("(one) => one.scrollWidth <= one.clientWidth")
    page.wait_for_selector(".toast.bad")
    size = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert size == [1440, 900]
    eventually(page, lambda: page.title().startswith("LOCAL · HALTED"))
    page.click(".halted >> text=Reset")
    assert "Reset the breaker" in page.inner_text("dialog")


def test_a_stream_that_is_open_and_silent_is_not_shown_in_green(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    page.wait_for_selector("#health .board .light.open")
    status: Any = stand.hub.single("status_update")
    assert page.locator(".nav .healthy.up").count() == int(status.client_health.healthy)
    stand.player.stop()
    stream: Any = stand.hub.rows("feed")[0]
    publish(stand, "feed", msgspec.structs.replace(stream, stale=True, age=41.0))
    ill = msgspec.structs.replace(status.client_health, healthy=False)
    publish(stand, "status_update", msgspec.structs.replace(status, client_health=ill))
    page.wait_for_selector("#health .light.stale")
    page.wait_for_selector(f".nav .healthy.warn:has-text('{stream.stream} is stale')")


def test_a_cold_market_says_for_how_long_prices_must_still_come(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    stand.player.stop()
    (market,) = stand.hub.rows("market")
    publish(stand, "market", msgspec.structs.replace(market, warm=False, warm_in=182.0))
    page.wait_for_selector("#chart .reading:has-text('warm in 182 s')")


def test_trades_are_put_in_order_and_filtered(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    stand.player.stop()
    rows = stand.hub.rows("order")
    cells = "#orders table.orders tbody td:nth-child(5)"
    eventually(page, lambda: len(texts(page, cells)) == min(60, len(rows)))

    def prices() -> list[float]:
        return [float(text) for text in texts(page, cells)]

    page.click("#orders th >> text=Limit")
    page.wait_for_selector("#orders th[aria-sort=descending]")
    assert prices() == sorted(prices(), reverse=True)
    page.click("#orders th >> text=Limit")
    page.wait_for_selector("#orders th[aria-sort=ascending]")
    assert prices() == sorted(prices())
    one = rows[0]
    page.fill("#orders input", f"{one.side} {one.strategy_name}")
    wanted = [row for row in rows if (row.side, row.strategy_name) == (one.side, one.strategy_name)]
    eventually(page, lambda: len(texts(page, cells)) == min(60, len(wanted)))
    assert set(texts(page, "#orders tbody .side")) == {one.side.upper()}
    page.fill("#orders input", "nothing is called this")
    page.wait_for_selector("#orders .empty")


def test_every_key_is_on_the_sheet_and_works(watched: Watched, stand: Stand) -> None:
    page = open_page(watched, stand)
    page.keyboard.press("?")
    page.wait_for_selector("dialog.help")
    for key in ("1 \u2013 7", "[ ]", "Shift H", "Shift P", "Shift C", "S", "T"):
        assert key in texts(page, ".help kbd")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.keyboard.press("Shift+P")
    page.wait_for_selector("dialog h2:has-text('no new risk')")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


def bought(page: Page, stand: Stand) -> Any:  # noqa: ANN401
    """The position of the window that is shown, which the strategies have bought."""
    page.wait_for_selector("#position .position")
    return stand.hub.single("account").positions[0]


def test_a_position_is_closed_and_the_consequence_told_before(
    watched: Watched, stand: Stand
) -> None:
    page = open_page(watched, stand)
    for name in ("kelly_volatility", "mean_reversion"):
        stand.playback.tell(m.EnableStrategy(strategy=name, enabled=False, by="test"))
    # From now on time passes with each preview alone: the market must not run away or close.
    stand.player.stop()
    held = bought(page, stand)
    page.click("#position >> text=Close…")
    page.wait_for_selector("dialog .told")
    facts = dict(zip(texts(page, ".told dt"), texts(page, ".told dd"), strict=True))
    brings = float(facts["Brings"].replace("$", "").replace(",", ""))
    fee = float(facts["Fee"].replace("$", ""))
    average, paid = (float(cents) for cents in re.findall(r"([\d.]+)¢", facts["Average price"]))
    sold = float(facts["Sells"].split()[0].replace(",", ""))
    assert abs(brings - (sold * average / 100 - fee)) < 0.02 + sold * 0.0005
    assert abs(paid - held.average_price * 100) < 0.06
    assert facts["P&L realized by it"].lstrip("+\u2212").startswith("$")
    assert f"Given up if {held.side.upper()} wins" in facts
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .outcome.done")
    page.click("dialog menu button")
    stand.playback.run(1)
    exits = [row for row in stand.hub.rows("order") if row.closes]
    assert [row.strategy_name for row in exits] == ["manual"]
    page.wait_for_selector(f"#orders .exit:has-text('\u2212{held.side.upper()}')")
    title = page.get_attribute("#orders .exit", "title")
    assert title is not None
    assert f"brought {dollars(exits[0].brought)}" in title


def test_exits_are_held_against_holding_on(watched: Watched, stand: Stand) -> None:
    before = newest_filled(stand)
    page = open_page(watched, stand)
    stand.player.stop()
    row = msgspec.structs.replace(
        before, trade_id="x", closes=True, brought=6.1, held_to_settlement=10.0, pnl=-3.9
    )
    publish(stand, "order", row)
    page.wait_for_selector("#orders .exit")
    title = page.get_attribute("#orders .exit", "title")
    assert title is not None
    assert f"holding on would have paid {dollars(10)}: {gain(-3.9)}" in title


def test_who_may_only_look_is_not_offered_to_close(watched: Watched, stand: Stand) -> None:
    page = watched.page
    page.goto(f"{stand.url}/?token={VIEWER}")
    page.wait_for_selector(".link-live #book .ladder")
    bought(page, stand)
    assert page.locator("#position button").count() == 0
    page.keyboard.press("Shift+C")
    page.keyboard.press("Shift+P")
    page.keyboard.press("?")
    page.wait_for_selector("dialog.help")
    assert page.locator("dialog").count() == 1
