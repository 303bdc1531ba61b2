"""Hours at the local exchange with random faults, watched for what grows: `make soak HOURS=6`.

The day of `tests.recovery.day`, and beside it, every few seconds: memory, threads and file handles
of the daemon, and what `/metrics` tells of restarts and mailboxes. At the end one JSON line and a
chart. Exit code 1 where the books differ or something has grown.

Pauses of the garbage collector are watched too: none may be longer than MOST_PAUSE_MS.

What counts as growth: the median of the last quarter against that of the second one (the first is
warming up: caches, the first segments of the tape, the journal's pages). Memory still rises then,
for the page keeps the last day's windows second by second: some 10 % are let pass. A run that
goes on for so long that this is full (HOURS=48) is judged by what comes after the first day, and
strictly: what leaks 1 MB an hour is seen there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any, Final

import click
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from config.presence import running
from tests.recovery.day import Day, clean
from tests.recovery.soak_chart import chart

SAMPLE_S: Final = 5.0
MOST_MEMORY_GROWTH: Final = 0.10
"""Of the resident memory, from the second quarter to the last."""
FULL_AFTER_H: Final = 25.0
"""Hours of the exchange after which everything that keeps a day is full."""
MOST_LATER_GROWTH: Final = 0.04
"""Of the resident memory, from the first quarter after that to the last."""
MOST_NEW_THREADS: Final = 2
MOST_NEW_HANDLES: Final = 8
MOST_PAUSE_MS: Final = 8.0
"""Of one collection of garbage, once the daemon has started. The aim at the market's own pace is 2;
a soak allocates as much in a minute as that does in an hour."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon at one moment."""

    at: float
    """Hours of the exchange since the start."""
    rss_mb: float
    threads: int
    handles: int
    restarts: float
    waiting: float
    """Messages in all mailboxes."""
    collections: tuple[int, ...] = ()
    """Of garbage, by generation, since the daemon started; empty while it tells nothing."""
    pauses_ms: tuple[float, ...] = ()
    """The longest of each generation so far, time of the collecting thread."""


class Soak(Day):
    """A day that is watched."""

    def __init__(self, folder: Path, seed: int, speed: float, hours: float) -> None:
        super().__init__(folder, seed, speed, hours)
        self.samples: list[Sample] = []
        self._state = folder / "var"
        self._passed = 0.0

    def _pass(self, seconds: float) -> None:
        while seconds > 0 and self.daemon.alive:
            some = min(SAMPLE_S, seconds)
            super()._pass(some)
            seconds -= some
            self._passed += some
            self._sample()

    def _sample(self) -> None:
        process = Path(f"/proc/{self.daemon.process.pid}")
        try:
            status = dict(
                line.split(":", 1) for line in (process / "status").read_text().splitlines()
            )
            handles = len(list((process / "fd").iterdir()))
        except (OSError, ValueError):
            return  # it has just ended
        told = self._metrics()
        self.samples.append(
            Sample(
                at=self._passed * self.speed / 3600,
                rss_mb=int(status["VmRSS"].split()[0]) / 1024,
                threads=int(status["Threads"]),
                handles=handles,
                restarts=sum(told.get("quarterhour_actor_restarts_total", ())),
                waiting=sum(told.get("quarterhour_actor_inbox_messages", ())),
                collections=tuple(map(int, told.get("quarterhour_gc_collections_total", ()))),
                pauses_ms=tuple(
                    round(1_000 * longest, 3)
                    for longest in told.get("quarterhour_gc_longest_seconds", ())
                ),
            )
        )

    def _metrics(self) -> dict[str, list[float]]:
        """Values of all labels, in their order; empty while the page is not open."""
        found = running(self._state / "local")
        if found is None or not found.address:
            return {}
        token = (self._state / "token-viewer").read_text().strip()
        request = urllib.request.Request(  # noqa: S310 - on this machine
            f"{found.address}/metrics", headers={"Authorization": f"Bearer {token}"}
        )
        values: dict[str, list[float]] = {}
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - same
                text = answer.read().decode()
        except OSError:
            return {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values.setdefault(sample.name, []).append(sample.value)
        return values


def _compared(samples: list[Sample]) -> tuple[list[Sample], list[Sample], float]:
    """An early settled part, the last part, and by how much of it memory may differ."""
    full = [sample for sample in samples if sample.at >= FULL_AFTER_H]
    if len(full) >= len(samples) // 4:
        quarter = len(full) // 4
        return full[:quarter], full[-quarter:], MOST_LATER_GROWTH
    quarter = len(samples) // 4
    return samples[quarter : 2 * quarter], samples[-quarter:], MOST_MEMORY_GROWTH


def grown(samples: list[Sample]) -> dict[str, str]:
    """What has grown beyond its bound, in words."""
    quarter = len(samples) // 4
    if not quarter:
        return {"samples": f"only {len(samples)}: let it run longer"}
    early, late, most_growth = _compared(samples)
    found = {}
    before, after = (median(s.rss_mb for s in part) for part in (early, late))
    if after > before * (1 + most_growth):
        found["memory"] = f"{before:.1f} to {after:.1f} MB"
    for name, most in (("threads", MOST_NEW_THREADS), ("handles", MOST_NEW_HANDLES)):
        before, after = (median(getattr(s, name) for s in part) for part in (early, late))
        if after > before + most:
            found[name] = f"{before:g} to {after:g}"
    longest = max(samples[-1].pauses_ms, default=0.0)
    if longest > MOST_PAUSE_MS:
        found["pauses"] = f"a collection of garbage took {longest:.1f} ms"
    return found


def quarters(samples: list[Sample]) -> list[list[Sample]]:
    """The four parts of a run; fewer where it was too short."""
    size = max(1, len(samples) // 4)
    return [samples[at : at + size] for at in range(0, len(samples) - size + 1, size)][:4]


def summary(result: dict[str, Any], samples: list[Sample]) -> dict[str, Any]:
    """The JSON line."""
    first, last = samples[0], samples[-1]
    return {
        **result,
        "rss_mb": {
            "start": round(first.rss_mb, 1),
            "end": round(last.rss_mb, 1),
            "peak": round(max(s.rss_mb for s in samples), 1),
            "quarters": [round(median(s.rss_mb for s in part), 1) for part in quarters(samples)],
        },
        "threads": {"start": first.threads, "end": last.threads},
        "handles": {"start": first.handles, "end": last.handles},
        "restarts": max(s.restarts for s in samples),
        "gc": {"collections": last.collections, "longest_ms": last.pauses_ms},
        "grown": grown(samples),
    }


@click.command()
@click.option("--hours", default=6.0, show_default=True, type=click.FloatRange(min=0.05))
@click.option("--speed", default=60.0, show_default=True, type=click.FloatRange(min=1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--chart", "place", type=click.Path(path_type=Path), help="Write an SVG there.")
def main(hours: float, speed: float, seed: int, place: Path | None) -> None:
    """Trade for hours with faults, and see that nothing grows."""
    with tempfile.TemporaryDirectory(prefix="quarterhour-soak-") as name:
        soak = Soak(Path(name), seed, speed, hours)
        result = soak.run()
    told = summary(result, soak.samples)
    click.echo(json.dumps(told))
    if place is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(chart(soak.samples))
    sys.exit(0 if clean(result) and not told["grown"] else 1)


if __name__ == "__main__":
    main()
