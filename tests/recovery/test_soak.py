"""The soak: what counts as growth; and a short one with the real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.recovery.soak import Sample, grown
from tests.recovery.soak_chart import chart

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
FLAT = Sample(at=0.0, rss_mb=150.0, threads=40, handles=60, restarts=0, waiting=3)


def series(change: Callable[[int], dict[str, float]], count: int = 80) -> list[Sample]:
    return [
        msgspec.structs.replace(FLAT, **{"at": number / 10, **change(number)})
        for number in range(count)
    ]


def test_what_stays_flat_or_warms_up_has_not_grown() -> None:
    assert grown(series(lambda _: {})) == {}
    assert grown(series(lambda number: {"rss_mb": 100.0 if number < 20 else 150.0})) == {}
    assert grown(series(lambda number: {"threads": 40 + number % 3})) == {}


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("memory", lambda number: {"rss_mb": 150 + number}),
        ("threads", lambda number: {"threads": 40 + number // 10}),
        ("handles", lambda number: {"handles": 60 + number // 3}),
    ],
)
def test_what_goes_on_growing_is_told(name: str, change: Callable[[int], dict[str, float]]) -> None:
    assert set(grown(series(change))) == {name}


def test_what_has_filled_within_a_day_is_no_growth_and_a_slow_leak_after_it_is() -> None:
    def filling(number: int) -> dict[str, float]:
        return {"at": number * 0.5, "rss_mb": 150.0 + min(number, 48) * 0.5}

    def leaking(number: int) -> dict[str, float]:
        return {"at": number * 0.5, "rss_mb": 150.0 + number * 0.5}

    assert grown(series(filling, 96)) == {}
    assert set(grown(series(leaking, 96))) == {"memory"}
    assert grown(series(leaking, 40)) == {}, "within the first day nobody can tell"


def test_a_long_pause_of_the_collector_is_told() -> None:
    assert grown(series(lambda _: {"pauses_ms": (0.2, 0.5, 7.9)})) == {}
    found = grown(series(lambda number: {"pauses_ms": (0.2, 0.5, 8.1 if number > 40 else 0.4)}))
    assert set(found) == {"pauses"}


def test_too_little_is_no_proof() -> None:
    assert "samples" in grown([FLAT, FLAT])


def test_the_chart_holds_every_quantity() -> None:
    text = chart(series(lambda number: {"rss_mb": 150 + number}))
    for title in ("memory", "threads", "file handles", "messages waiting"):
        assert title in text
    assert text.count("<polyline") == 4


@pytest.mark.timeout(600)
def test_a_short_soak_ends_with_equal_books(tmp_path: Path) -> None:
    place = tmp_path / "soak.svg"
    command = [sys.executable, "-m", "tests.recovery.soak", "--hours", "0.6", "--seed", "3"]
    ended = subprocess.run(  # noqa: S603 - our own program
        [*command, "--chart", str(place)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["difference"] < 1, told
    assert (told["lost"], told["duplicates"], told["resting"]) == (0, 0, 0), told
    assert told["rss_mb"]["peak"] > 0
    assert len(told["gc"]["longest_ms"]) == len(told["gc"]["collections"]) == 3, told
    assert place.read_text().startswith("<svg")
