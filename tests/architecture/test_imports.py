"""The walls of the house: who may import whom, and that core is handed the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.architecture.imports import imported, used
from tests.architecture.sources import Source, lies_in, listed, program_sources

if TYPE_CHECKING:
    from collections.abc import Iterable


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """Files in `inside`, but for `doors`, import nothing of `forbidden`."""

    inside: tuple[str, ...]
    forbidden: tuple[str, ...]
    why: str
    doors: tuple[str, ...] = ()


WEB_LIBRARIES = ("flask", "flask_sock", "simple_websocket", "werkzeug", "cheroot")
WALLS = (
    Wall(
        inside=("core",),
        forbidden=("pykka", *WEB_LIBRARIES, "websocket", "threading", "_thread", "actors", "web"),
        why="core decides; it has no actors, no web and no threads",
    ),
    Wall(
        inside=("actors",),
        forbidden=(*WEB_LIBRARIES, "web"),
        why="actors do not know who looks at them",
    ),
    Wall(inside=("web",), forbidden=("pykka", "actors"), why="web reaches actors by messages only"),
    Wall(
        inside=("config",),
        forbidden=("pykka", *WEB_LIBRARIES, "websocket", "actors", "web"),
        why="settings and logs stand under all rooms",
    ),
    Wall(
        inside=("run.py", "config", "core", "actors", "web"),
        forbidden=("requests", "cryptography"),
        doors=("core/exchange/kalshi.py", "core/exchange/auth.py"),
        why="one file carries requests, one knows keys",
    ),
)

CLOCKS = frozenset(
    {
        *(f"time.{name}" for name in ("time", "time_ns", "sleep", "localtime", "gmtime", "ctime")),
        *(f"time.{name}{ns}" for name in ("monotonic", "perf_counter") for ns in ("", "_ns")),
        *(f"time.{name}{ns}" for name in ("process_time", "thread_time") for ns in ("", "_ns")),
        *(f"time.{name}" for name in ("clock_gettime", "clock_gettime_ns", "asctime", "strftime")),
        *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
        "datetime.date.today",
    }
)
MAY_READ_CLOCKS = {
    "core/clock.py": "the only place where time comes from",
}


def breaches(source: Source, walls: Iterable[Wall]) -> list[str]:
    """Each forbidden import as `file:line: what, because why`."""
    return [
        f"{source.path}:{line}: imports {name}; {wall.why}"
        for wall in walls
        if lies_in(source.path, wall.inside) and not lies_in(source.path, wall.doors)
        for line, name in imported(source)
        if _is_of(name, wall.forbidden)
    ]


def clock_reads(source: Source) -> list[str]:
    """Each use of a clock in core outside the table, as `file:line: what, because why`."""
    if not lies_in(source.path, ("core",)) or lies_in(source.path, tuple(MAY_READ_CLOCKS)):
        return []
    return [
        f"{source.path}:{line}: uses {name}; in core `now` is an argument"
        for line, name in used(source)
        if name in CLOCKS
    ]


def _is_of(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def test_every_import_respects_the_walls() -> None:
    told = [line for source in program_sources() for line in breaches(source, WALLS)]
    assert not told, listed(told)


def test_core_is_handed_the_time() -> None:
    told = [line for source in program_sources() for line in clock_reads(source)]
    assert not told, listed(told)


def test_every_exception_from_the_rules_is_needed() -> None:
    sources = {source.path: source for source in program_sources()}
    idle_clocks = [
        path
        for path in MAY_READ_CLOCKS
        if not any(name in CLOCKS for s in _under(sources, path) for _, name in used(s))
    ]
    idle_doors = [
        door
        for wall in WALLS
        for door in wall.doors
        if not any(
            _is_of(name, wall.forbidden) for s in _under(sources, door) for _, name in imported(s)
        )
    ]
    assert (idle_clocks, idle_doors) == ([], [])


def _under(sources: dict[str, Source], place: str) -> list[Source]:
    return [source for path, source in sources.items() if lies_in(path, (place,))]


# --- the rules themselves, on small made-up sources -----------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "line", "name"),
    [
        ("core/domain/book.py", "import threading\n", 1, "threading"),
        ("core/runner.py", "x = 1\nfrom pykka import ActorRef\n", 2, "pykka.ActorRef"),
        ("core/roles/risk.py", "def f():\n    import flask.json\n", 2, "flask.json"),
        ("core/roles/risk.py", "from ...actors import host\n", 1, "actors.host"),
        ("core/x.py", "import importlib\nimportlib.import_module('pykka')\n", 2, "pykka"),
        (
            "core/exchange/wire/frames.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import websocket\n",
            3,
            "websocket",
        ),
        ("actors/host.py", "from web.hub import Hub\n", 1, "web.hub.Hub"),
        ("actors/control.py", "import flask_sock as fs\n", 1, "flask_sock"),
        ("web/api.py", "from actors import control\n", 1, "actors.control"),
        ("config/logs.py", "import web\n", 1, "web"),
        ("core/exchange/spot.py", "import requests\n", 1, "requests"),
        ("run.py", "from cryptography.hazmat import primitives\n", 1, "cryptography.hazmat"),
    ],
)
def test_a_breach_is_told_with_file_line_and_rule(
    path: str, text: str, line: int, name: str
) -> None:
    (told,) = breaches(Source(path=path, text=text), WALLS)
    assert told.startswith(f"{path}:{line}: imports {name}")
    assert any(wall.why in told for wall in WALLS)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/exchange/kalshi.py", "import requests\n"),
        ("core/exchange/auth.py", "from cryptography.exceptions import InvalidSignature\n"),
        ("core/roles/feed.py", "from core.messages import data\nimport websockets_like\n"),
        ("core/roles/feed.py", "from . import base\nfrom ..domain import book\n"),
        ("actors/sockets.py", "import threading, pykka, websocket\nimport core.runner\n"),
        ("web/app.py", "import flask, threading\nfrom core.messages import control\n"),
    ],
)
def test_what_is_allowed_is_no_breach(path: str, text: str) -> None:
    assert breaches(Source(path=path, text=text), WALLS) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import time\ntime.time()\n", "time.time"),
        ("import time as t\nt.monotonic_ns()\n", "time.monotonic_ns"),
        ("from time import sleep as rest\nrest(1)\n", "time.sleep"),
        ("import time\ndef f(clock=time.monotonic): ...\n", "time.monotonic"),
        ("import datetime\ndatetime.datetime.now()\n", "datetime.datetime.now"),
        ("from datetime import datetime as dt\ndt.utcnow()\n", "datetime.datetime.utcnow"),
        ("from datetime import date\ndate.today()\n", "datetime.date.today"),
    ],
)
def test_a_clock_read_is_told(text: str, name: str) -> None:
    (told,) = clock_reads(Source(path="core/roles/risk.py", text=text))
    assert told.startswith(f"core/roles/risk.py:2: uses {name};")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("core/clock.py", "import time\ntime.time_ns()\n"),
        ("actors/timers.py", "import time\ntime.monotonic()\n"),
        ("core/domain/windows.py", "from datetime import datetime\ndatetime.fromtimestamp(0)\n"),
        ("core/domain/windows.py", "def f(time): return time.time()\n"),
    ],
)
def test_what_reads_no_clock_is_left_alone(path: str, text: str) -> None:
    assert clock_reads(Source(path=path, text=text)) == []
