"""What `run.py journal` does: prove a journal, and hand it out as a table."""

from __future__ import annotations

import csv
import sys
from collections import Counter
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.domain.fold import Fold
from core.domain.ledger import LedgerError
from core.journal import JournalError
from core.journal_export import COLUMNS, flat
from core.journal_reader import JournalReader
from core.units import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from core.domain.fold import StateFolded
    from core.journal_reader import Entry

Format = Literal["csv", "parquet"]
_BATCH: Final = 10_000


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A journal that is whole."""

    path: str
    schema: int
    instance: str
    entries: int
    """All that were ever written and are still there, archived ones included."""
    first: int
    last: int
    snapshot: int
    """Entries up to this one are also one snapshot, which was compared with their fold; 0: none."""
    orders: int
    fills: int
    open_orders: int
    cash: float | None
    """Dollars; None before the capital was set."""
    realized: float
    fees: float
    positions: dict[str, float]
    state: str
    """The trading state."""
    kinds: dict[str, int]

    def to_text(self) -> str:
        """Lines for a person."""
        rows = msgspec.to_builtins(self)
        return "\n".join(f"{name:12} {value}" for name, value in rows.items())


def newest_journal(folder: Path) -> Path:
    """The journal that was written to last. Raises JournalError where there is none."""
    found = sorted(folder.glob("journal*.sqlite"), key=lambda path: path.stat().st_mtime)
    if not found:
        msg = f"no journal in {folder}: name its file"
        raise JournalError(msg)
    return found[-1]


def verify(path: Path) -> Proof:
    """Read everything, check numbers, checksums, types and the fold. Raises JournalError."""
    with closing(JournalReader(path)) as reader:
        structure = reader.structure()
        if structure != "ok":
            msg = f"journal {path}: its file is damaged: {structure}"
            raise JournalError(msg)
        return _prove(reader)


def _prove(reader: JournalReader) -> Proof:
    fold, kinds = Fold(), Counter[str]()
    stored = reader.snapshot()
    first = last = 0
    for entry in reader.entries():
        if not first:
            first = entry.seq
            _begin(reader, fold, stored, first)
        last = entry.seq
        kinds[type(entry.event).__name__] += 1
        _take(reader, fold, entry)
        if stored is not None and entry.seq == stored.seq:
            _compare(reader, fold, stored)
    ledger = fold.ledger
    return Proof(
        path=str(reader.path),
        schema=reader.schema,
        instance=reader.instance,
        entries=kinds.total(),
        first=first,
        last=last,
        snapshot=stored.seq if stored else 0,
        orders=ledger.approvals,
        fills=ledger.fills,
        open_orders=sum(1 for _ in fold.orders.open()),
        cash=None if ledger.cash is None else dollars(ledger.cash),
        realized=dollars(ledger.realized),
        fees=dollars(ledger.fees),
        positions={t: held.quantity / 100 for t, held in ledger.positions.items() if held.quantity},
        state=fold.breaker.state,
        kinds=dict(sorted(kinds.items())),
    )


def _begin(reader: JournalReader, fold: Fold, stored: StateFolded | None, first: int) -> None:
    """Without the oldest segments the fold starts from the snapshot, if that fits."""
    if first == 1:
        return
    if stored is None or stored.seq != first - 1:
        msg = f"journal {reader.path}: entries before {first} are gone, and no snapshot has them"
        raise JournalError(msg)
    fold.apply(stored)


def _take(reader: JournalReader, fold: Fold, entry: Entry) -> None:
    try:
        fold.apply(entry.event)
    except LedgerError as error:
        msg = f"journal {reader.path}: entry {entry.seq} contradicts the books: {error}"
        raise JournalError(msg) from error


def _compare(reader: JournalReader, fold: Fold, stored: StateFolded) -> None:
    if fold.state(stored.seq, stored.ts) != stored:
        msg = f"journal {reader.path}: the snapshot of entry {stored.seq} is not their fold"
        raise JournalError(msg)


# --- export --------------------------------------------------------------------------------------


def export(path: Path, form: Format, out: Path | None) -> int:
    """Write all entries to a file, or as CSV to standard output; how many. Raises JournalError."""
    try:
        if form == "csv":
            return _export_csv(path, out)
        if out is None:
            raise JournalError("Parquet goes to a file: name it with --out")
        return _export_parquet(path, out)
    except OSError as error:
        msg = f"could not export to {out}: {error}"
        raise JournalError(msg) from error


def _export_csv(path: Path, out: Path | None) -> int:
    with closing(JournalReader(path)) as reader:
        target = nullcontext(sys.stdout) if out is None else out.open("w", newline="")
        with target as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            count = 0
            for entry in reader.entries():
                writer.writerow(flat(entry))
                count += 1
            return count


def _export_parquet(path: Path, out: Path) -> int:
    schema = pa.schema(COLUMNS.items())
    with closing(JournalReader(path)) as reader, pq.ParquetWriter(out, schema) as writer:
        count = 0
        for batch in _batches(reader):
            writer.write_table(pa.Table.from_pylist(batch, schema))
            count += len(batch)
        return count


def _batches(reader: JournalReader) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for entry in reader.entries():
        batch.append(flat(entry))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
