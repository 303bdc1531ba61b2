"""Recordings of others become tapes.

| recording | what it holds |
|---|---|
| `books` | every level-2 event of the exchange's stream, with Coinbase trades beside it |
| `quotes` | best bid and ask every two seconds, with a late spot price |
| `minutes` | best bid and ask each minute, with a spot price each minute where there is one |
| `tickers`, `best`, `levels`, `polls` | tables of one row each: see `importers_tables` |
| `snaps`, `candles`, `entries`, `trades` | the same |
| `frames` | raw frames of the exchange's stream, line by line |
| `kalshi` | Kalshi's own answers in JSON: candlesticks, trades, markets |

What a recording does not say is filled in here by rule and written into the tape's `about`, so
that nobody takes an assumption for an observation. Tapes keep what arrived in the order of arrival;
times that a recording lacks (the strike's publication, the result) are put where the exchange
usually has them (kalshi.md 8.2).

    python -m core.research.importers SOURCE SERIES OUT [--recording NAME]
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from core.research.importers_books import BOOKS_FILE, import_books
from core.research.importers_frames import FRAMES_FILE, import_frames
from core.research.importers_kalshi import KALSHI, import_kalshi
from core.research.importers_layouts import LAYOUTS
from core.research.importers_minutes import MINUTES_FILE, import_minutes
from core.research.importers_quotes import QUOTES_FILE, import_quotes
from core.research.importers_tables import import_table
from core.research.tape import TapeError, TapeInfo, info

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.research.recorded_markets import Progress

RECORDINGS: Final[dict[str, tuple[str, Callable[[Path, str, Path, Progress], None]]]] = {
    "books": (BOOKS_FILE, import_books),
    "quotes": (QUOTES_FILE, import_quotes),
    "minutes": (MINUTES_FILE, import_minutes),
    **{name: (layout.file, partial(import_table, name)) for name, layout in LAYOUTS.items()},
    "frames": (FRAMES_FILE, import_frames),
    KALSHI: ("", import_kalshi),
}
"""Name of a recording -> the file that it must have, and its importer."""


def import_recorded(
    source: Path,
    series: str,
    out: Path,
    recording: str | None = None,
    progress: Progress | None = None,
) -> TapeInfo:
    """Make a tape of one series from a folder of recorded data; returns what is on it.

    `recording` is a name in RECORDINGS; None takes the first that the folder has for the series.
    Raises TapeError for a series or file that is not there or not readable.
    """
    name = recording or _found(source, series)
    if name not in RECORDINGS:
        msg = f"recording {name!r} is not known; there are: {', '.join(RECORDINGS)}"
        raise TapeError(msg)
    _, importer = RECORDINGS[name]
    importer(source, series, out, progress or _silent)
    return info(out)


def _found(source: Path, series: str) -> str:
    if source.is_file():
        return KALSHI
    for name, (file, _) in RECORDINGS.items():
        if (source / file.format(series=series)).is_file():
            return name
    if source.is_dir() and any(source.glob("*.json")):
        return KALSHI
    wanted = ", ".join(file.format(series=series) for file, _ in RECORDINGS.values() if file)
    msg = f"{source} holds no recording of {series}; looked for {wanted}"
    raise TapeError(msg)


def _silent(share: float) -> None:
    del share


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("series")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--recording", help="One of its recordings; else the first that is there.")
def main(source: Path, series: str, out: Path, recording: str | None) -> None:
    """Make the tape OUT of SERIES from the recordings in the folder SOURCE."""
    try:
        found = import_recorded(source, series, out, recording)
    except TapeError as fault:
        click.echo(str(fault), err=True)
        sys.exit(2)
    click.echo(f"{out}: {found.records:,} records of {len(found.markets)} markets")


if __name__ == "__main__":
    main()
