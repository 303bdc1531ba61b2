"""One trial of a sweep by the kernel, beside the same trial through the roles.

On the first 300,000 records of the recorded KXBTC15M books where they lie beside the checkout, else
on the tape that ships; `kelly_volatility` as it is set by default, a picture of each market every
quarter second. Quotes are the changes of books and prices behind the pictures. What is computed
once for all trials of a process (features, columns) is not counted; the screen alone is the part in
arrays. Times are those of the processor. Both must come to the same fills.
"""

from __future__ import annotations

import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from config.settings import Settings
from core.exchange.fills import FILL_MODELS, Caution
from core.research.importers import import_recorded
from core.research.kernel import run_kernel
from core.research.kernel_columns import columns
from core.research.kernel_screen import candidates
from core.research.sweep_features_build import build
from core.research.sweep_replay import run_trial
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.strategies.kelly_volatility import KellyVolatilityParams
from core.units import seconds
from tests.benchmarks.measure import Row, in_turn, rows

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE = "a trial of a sweep, by the kernel and through the roles"
_RECORDED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
_RECORDS: Final = 300_000
_PACE_SECONDS: Final = 0.25
_ROLES: Final = "through the roles"


def run(rounds: int) -> list[Row]:
    """Pictures and quotes a second of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        return _rows(Path(folder), rounds)


def _rows(folder: Path, rounds: int) -> list[Row]:
    plain = Settings(enabled_strategies=("kelly_volatility",))
    about = build(_tape(folder), plain, seconds(_PACE_SECONDS), folder, lambda _: None)
    table = columns(folder, about.key)
    fills = FILL_MODELS[Caution.REALISTIC]
    ours = run_kernel(folder, about.key, plain, fills, keep_fills=True)
    theirs = run_trial(folder, about.key, plain, fills, keep_fills=True)
    assert msgspec.structs.replace(ours, by_kernel=False) == theirs
    params, fresh_s = KellyVolatilityParams(), about.index_fresh_seconds

    def screen() -> object:
        return candidates(table, params, fresh_s, plain.book_fresh_seconds)

    taken = in_turn(
        {
            _ROLES: _timed(lambda: run_trial(folder, about.key, plain, fills)),
            "by the kernel": _timed(lambda: run_kernel(folder, about.key, plain, fills)),
            "its screen alone": _timed(screen),
        },
        rounds,
    )
    pictures = {name: about.views / spent / 1_000 for name, spent in taken.items()}
    quotes = {f"{name}, quotes": about.seen / spent / 1_000 for name, spent in taken.items()}
    return [
        *rows(pictures, "k pictures/s", _ROLES),
        *rows(quotes, "k quotes/s", f"{_ROLES}, quotes"),
    ]


def _timed(work: Callable[[], object]) -> Callable[[], float]:
    def timed() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return timed


def _tape(folder: Path) -> Path:
    if not _RECORDED.is_dir():
        return SAMPLE_TAPE
    import_recorded(_RECORDED, "KXBTC15M", folder / "books.parquet", "books")
    about = info(folder / "books.parquet").about
    with TapeWriter(folder / "part.parquet", about) as part:
        for record in islice(read(folder / "books.parquet"), _RECORDS):
            part.write(record)
    return folder / "part.parquet"
