"""Every order of events up to a depth: `python -m tests.recovery.small_search --depth 9`.

Breadth first over the choices of `tests.recovery.small_world`; worlds that cannot be told apart are
looked at once. Every world that is reached is let come to rest on a good line and judged: no order
twice, no fill lost, cash and position equal, reservations released, the market open for the next
order, and no difference ever told where there was none. Prints a JSON line a scene.
"""

from __future__ import annotations

import json
import sys
import time
from hashlib import blake2b
from typing import Final

import click
import msgspec

from tests.recovery.small_world import AFTER, Choice, World

Path = tuple[Choice, ...]

_SETTLE: Final[Choice] = ("settle", 0, 0)
_LEAVES: Final[Choice] = ("mail", 1, 0)
SCENES: Final[dict[str, tuple[str, Path]]] = {
    "resting order approved": ("make", ()),
    "resting order live": ("make", (_SETTLE,)),
    "resting order live, restarted": ("make", (_SETTLE, ("die", 0, 0))),
    "resting order unknown": ("make", (_LEAVES, ("arrive", 0, AFTER * 3), ("hear", 1, 0))),
    "taking order approved": ("take", ()),
    "closing order approved": ("close", ()),
    "closing order unknown": ("close", (_LEAVES, ("arrive", 0, AFTER * 3 + 1), ("hear", 3, 0))),
    "taking order unknown": ("take", (_LEAVES, ("arrive", 0, AFTER * 3 + 1), ("hear", 3, 0))),
}
"""Where a search begins: style, and the choices that lead there."""


class Found(msgspec.Struct, kw_only=True):
    """What a search came to."""

    scene: str
    depth: int = 0
    worlds: int = 0
    """That can be told apart."""
    steps: int = 0
    bad: list[str] = msgspec.field(default_factory=list)


def world_of(style: str, path: Path) -> World:
    """The world that these choices make."""
    world = World(style)
    for choice in path:
        world.take(choice)
    return world


def search(scene: str, depth: int, most_bad: int = 5) -> Found:
    """Look at every world within so many choices from a scene; ends early where enough is bad."""
    style, begins = SCENES[scene]
    first = world_of(style, begins)
    found, seen = Found(scene=scene), {_digest(first)}
    frontier: list[tuple[Path, Path]] = [(begins, tuple(first.choices()))]
    for level in range(1, depth + 1):
        after: list[tuple[Path, Path]] = []
        for path, choices in frontier:
            for choice in choices:
                found.steps += 1
                longer = (*path, choice)
                world = world_of(style, longer)
                digest = _digest(world)
                if digest in seen:
                    continue
                seen.add(digest)
                after.append((longer, tuple(world.choices())))
                wrong = world.calm()
                if wrong:
                    found.bad.append(f"{longer}: {wrong}")
                    if len(found.bad) >= most_bad:
                        return found
        found.depth, found.worlds = level, len(seen)
        frontier = after
    return found


def _digest(world: World) -> bytes:
    return blake2b(world.print(), digest_size=12).digest()


@click.command()
@click.option("--depth", default=8, show_default=True, type=click.IntRange(min=1))
def main(depth: int) -> None:
    """Search for a bad state."""
    bad = 0
    for scene in SCENES:
        began = time.monotonic()
        found = search(scene, depth)
        bad += len(found.bad)
        row = msgspec.to_builtins(found)
        click.echo(json.dumps({**row, "seconds": round(time.monotonic() - began, 1)}))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
