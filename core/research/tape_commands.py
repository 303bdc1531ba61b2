"""The commands `run.py tape info | import | verify | merge`."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from config.refusal import refusing
from core.research.importers import RECORDINGS, import_recorded
from core.research.tape import TapeError, TapeInfo, TapeWriter, info
from core.research.tape_folder import day_folders, merge_days
from core.research.tape_verify import verify
from core.units import SECOND

if TYPE_CHECKING:
    from core.units import Nanos

EXIT_DAMAGED = 1
_MANY = 12
_LEAST = 19
"""Priority of what may wait for everything else, as `nice` counts."""
_MEGABYTE = 1e6

_PATH = click.Path(path_type=Path)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def tape() -> None:
    """Look at recorded market data, make it of other recordings, prove it whole."""


@tape.command("info")
@click.argument("path", type=_PATH)
@_json_option
@refusing(TapeError)
def tape_info(*, path: Path, as_json: bool) -> None:
    """What is on the tape PATH, a file or a folder."""
    found = info(path)
    click.echo(msgspec.json.encode(found).decode() if as_json else info_text(found))


def info_text(found: TapeInfo) -> str:
    """Lines for a person."""
    markets = ", ".join(found.markets[:_MANY])
    more = len(found.markets) - _MANY
    lines = [
        f"files     {len(found.files)}, {found.size / _MEGABYTE:,.1f} MB",
        f"records   {found.records:,}",
        *(f"          {count:>12,} {kind}" for kind, count in found.kinds.items()),
        f"from      {_utc(found.first)}",
        f"to        {_utc(found.last)}",
        f"series    {', '.join(found.series)}",
        f"markets   {len(found.markets)}: {markets}{f' and {more} more' if more > 0 else ''}",
        *(f"about     {name}: {text}" for name, text in found.about.items()),
    ]
    return "\n".join(lines)


def _utc(ts: Nanos) -> str:
    return datetime.fromtimestamp(ts // SECOND, tz=UTC).isoformat(sep=" ")


@tape.command("import")
@click.argument("source", type=_PATH)
@click.argument("series")
@click.argument("out", type=_PATH)
@click.option("--recording", help=f"One of {', '.join(RECORDINGS)}; else the first that is there.")
@_json_option
@refusing(TapeError)
def tape_import(
    *, source: Path, series: str, out: Path, recording: str | None, as_json: bool
) -> None:
    """Make the tape OUT of SERIES from recordings of others: a folder, or a file of Kalshi's."""
    with click.progressbar(length=100, label="import", file=sys.stderr) as bar:
        found = import_recorded(
            source, series, out, recording, lambda share: bar.update(int(100 * share) - bar.pos)
        )
    click.echo(msgspec.json.encode(found).decode() if as_json else info_text(found))


@tape.command("verify")
@click.argument("path", type=_PATH)
@_json_option
@refusing(TapeError)
def tape_verify(*, path: Path, as_json: bool) -> None:
    """Read the tape PATH from end to end; exit 1 if anything on it is damaged."""
    verdict = verify(path)
    click.echo(msgspec.json.encode(verdict).decode() if as_json else verdict.to_text())
    if not verdict.is_whole:
        sys.exit(EXIT_DAMAGED)


@tape.command("merge")
@click.argument("path", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only days (UTC) before this one. With today's date it is safe while somebody records.",
)
@click.option("--gently", is_flag=True, help="At the lowest priority.")
@refusing(TapeError)
def tape_merge(*, path: Path, before: datetime | None, gently: bool) -> None:
    """Make one file a day of the segments in the folder PATH.

    Without --before nobody may be recording into it. A damaged day is left as it is.
    """
    if gently:
        with suppress(OSError):  # forbidden where a filter of system calls says so
            os.nice(_LEAST)
    count, faults = merge_days(path, TapeWriter, f"{before:%Y-%m-%d}" if before else None)
    click.echo(f"{count - len(faults)} of {len(day_folders(path))} days merged")
    if faults:
        raise TapeError("\n".join(faults))
