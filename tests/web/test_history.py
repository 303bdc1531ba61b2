"""Past windows, results and equity: remembered beyond the picture and beyond a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.settings import Settings
from core import messages as m
from core.screen.market_rows import WindowRow
from core.screen.scale import rfc3339
from core.units import Nanos, seconds
from tests.browser.playback import Playback
from tests.builders import NOW
from tests.web.web_bench import Site
from web.answers_results import Performances, WindowReplay
from web.history import WINDOWS_IN_MEMORY, Historian, History
from web.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WINDOWS = 2


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history") / "history.sqlite"


@pytest.fixture(scope="module")
def site(path: Path) -> Iterator[Site]:
    """Two windows traded by the system's own strategies, and a few seconds of the third."""
    hub = Hub()
    playback = Playback(hub, Settings())
    site = Site(hub=hub, control=playback, history_path=path, picture_age=3_600.0)
    for _ in range(WINDOWS * 15):
        playback.run(60)
        site.get("/api/performance")
    playback.run(30)
    yield site
    site.close()


def test_a_past_window_can_be_played_again(site: Site) -> None:
    rows = site.get("/api/windows").json()["windows"]
    assert len(rows) == WINDOWS
    answer = site.get(f"/api/windows/{rows[0]['ticker']}")
    replay = WindowReplay.model_validate_json(answer.text)
    lines = {line.line: line.points for line in replay.lines}
    quotes, index = lines["KXSOL15M:quote"], lines["KXSOL15M:index"]
    assert len(index) >= 890
    assert len(quotes) >= 880
    assert index[0].at < index[-1].at
    told = answer.json()
    assert told["complete"]
    assert {row["ticker"] for row in told["decisions"]} == {rows[0]["ticker"]}
    assert site.get("/api/windows/NOTHING-26NOV221015-15").status_code == 404


def test_performance_adds_up_to_the_books(site: Site) -> None:
    told = site.get("/api/performance?points=10")
    body = Performances.model_validate_json(told.text)
    assert 2 <= len(body.equity) <= 10
    assert body.equity[-1].equity == site.get("/api/balance").json()["equity"]
    (day,) = body.days
    rows = [row for row in site.get("/api/trades?limit=1000").json()["trades"] if row["pnl"]]
    assert rows
    assert day.trades >= len(rows)
    assert day.pnl == pytest.approx(sum(row["pnl"] for row in rows), abs=0.01)
    assert body.pnl == pytest.approx(sum(line.pnl for line in body.by_strategy))
    assert body.fees == pytest.approx(day.fees)
    assert body.verdict is not None
    assert "windows needed" in body.verdict.sentence
    assert body.verdict.model_dump() == site.get("/api/calibration").json()["verdict"]


def test_profit_of_a_day_is_that_of_its_windows(site: Site) -> None:
    (day,) = site.get("/api/profit?by=day").json()["profit"]
    windows = site.get("/api/windows").json()["windows"]
    assert day["pnl"] == pytest.approx(sum(row["pnl"] for row in windows))


def test_history_outlives_the_process(site: Site, path: Path) -> None:
    rows = site.get("/api/windows").json()["windows"]
    after = History(Hub(), path)
    assert [row.ticker for row in after.windows()] == [row["ticker"] for row in rows][::-1]
    found = after.window(rows[0]["ticker"])
    assert found is not None
    assert found[1] is not None
    assert after.results()
    after.close()


def test_a_file_that_is_no_database_costs_history_and_not_the_page(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_text("this is no database" * 100)
    history = History(Hub(), path)
    assert history.windows() == []
    assert history.equity(10) == []
    history.close()


def test_the_historian_writes_the_last_news_when_it_is_stopped(tmp_path: Path) -> None:
    hub = Hub()
    playback = Playback(hub, Settings())
    historian = Historian(History(hub, tmp_path / "h.sqlite"), every=3_600.0)
    historian.start()
    playback.run(60)
    historian.stop()
    historian.join()
    after = History(Hub(), tmp_path / "h.sqlite")
    assert len(after.equity(10)) == 1
    after.close()


def test_without_a_file_only_the_newest_windows_are_remembered() -> None:
    hub, many = Hub(), WINDOWS_IN_MEMORY + 50
    history = History(hub, None)
    for number in range(many):
        at = Nanos(NOW + number * seconds(900.0))
        row = WindowRow(
            ticker=f"KXSOL15M-{number}",
            result="yes",
            strike=None,
            settlement=1.0,
            position=0.0,
            payout=0.0,
            fees=0.0,
            pnl=0.0,
            orders=0,
            at=rfc3339(at),
        )
        hub.publish(m.ScreenFrame(topic="window", data=row, ts=at))
        if not number % 50:
            history.collect()
    history.collect()
    kept = [row.ticker for row in history.windows()]
    assert len(kept) <= WINDOWS_IN_MEMORY + 1
    assert kept[-1] == f"KXSOL15M-{many - 1}"
    history.close()
