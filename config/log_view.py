"""`run.py logs`: the log for a person, filtered and followed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.text import Text

from config.refusal import refusing
from config.settings import SettingsError, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import TextIO

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_COLOURS: Final = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red", "DEBUG": "dim"}
_HEAD: Final = ("ts", "level", "logger", "text", "trace")
_LOOK_AGAIN_S: Final = 0.25


@click.command()
@click.option("-n", "--lines", default=50, show_default=True, type=click.IntRange(1, 100_000))
@click.option("-f", "--follow", is_flag=True, help="Go on with what is written.")
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), default="DEBUG")
@click.option("--grep", default="", help="Only lines that hold this text.")
@click.option("--json", "as_json", is_flag=True, help="Print the lines as they are stored.")
@refusing(SettingsError)
def logs(*, lines: int, follow: bool, level: str, grep: str, as_json: bool) -> None:
    """Show the end of the daemon's log."""
    path = load().log_dir / "quarterhour.jsonl"
    if not path.exists():
        raise SettingsError([f"no log yet at {path}: start the daemon first, or set STATE_DIR"])
    console = Console()
    shown = LEVELS[LEVELS.index(level.upper()) :]
    found = [line for line in _stored(path) if _wanted(line, shown, grep)][-lines:]
    try:
        for line in found if not follow else _and_on(found, path, shown, grep):
            console.print(
                line.rstrip("\n") if as_json else _pretty(line),
                soft_wrap=True,
                markup=False,
                highlight=False,
            )
    except KeyboardInterrupt:
        return


def _stored(path: Path) -> Iterator[str]:
    """All lines, those of the last rotation first."""
    for place in (path.with_name(f"{path.name}.1"), path):
        if place.exists():
            with place.open(encoding="utf-8", errors="replace") as file:
                yield from file


def _and_on(found: Iterable[str], path: Path, shown: tuple[str, ...], grep: str) -> Iterator[str]:
    """What was found, then each new line as it comes; a rotation is followed."""
    yield from found
    file: TextIO = path.open(encoding="utf-8", errors="replace")
    file.seek(0, 2)
    while True:
        line = file.readline()
        if line.endswith("\n"):
            if _wanted(line, shown, grep):
                yield line
            continue
        time.sleep(_LOOK_AGAIN_S)
        file = _reopened(file, path)


def _reopened(file: TextIO, path: Path) -> TextIO:
    """The file that is written now: the same, or after a rotation the new one."""
    try:
        if path.stat().st_size >= file.tell():
            return file
    except OSError:
        return file
    file.close()
    return path.open(encoding="utf-8", errors="replace")


def _wanted(line: str, shown: tuple[str, ...], grep: str) -> bool:
    return grep in line and _parsed(line).get("level", "INFO") in shown


def _parsed(line: str) -> dict[str, Any]:
    """The line's values; a line torn by a full disk is its own text."""
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": line.strip()}


def _pretty(line: str) -> Text:
    told = _parsed(line)
    level = told.get("level", "")
    text = Text(f"{str(told.get('ts', ''))[11:23]} ", style="dim")
    text.append(f"{level:8}", style=_COLOURS.get(level, "green"))
    text.append(f"{told.get('text', '')}")
    for key, value in told.items():
        if key not in _HEAD:
            text.append(f" {key}=", style="dim")
            text.append(str(value))
    text.append(f"  {told.get('logger', '')}", style="dim")
    if "trace" in told:
        text.append(f"\n{told['trace']}", style="dim")
    return text
