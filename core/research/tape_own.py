"""What was decided while a tape was recorded: signals, refusals, orders, fills, payouts, states.

It stands beside the market data in a folder of its own, so that a tape that is read as market data
knows nothing of it. One row is one message: when, its type, its market, and itself as JSON.

    for at, message in read_own(tape): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from core import messages as m
from core.research.tape_codecs import TIME, nanos
from core.research.tape_files import OWN, SUFFIX, TapeError, current_segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from core.messages import Message
    from core.units import Nanos

OWN_KINDS: Final[tuple[type[m.Message], ...]] = (
    m.Signal,
    m.OrderApproved,
    m.OrderDenied,
    m.OrderSubmitting,
    m.OrderAccepted,
    m.OrderRejected,
    m.OrderUnknown,
    m.OrderFilled,
    m.OrderClosed,
    m.PositionSettled,
    m.TradingStateChanged,
)
_NAMED: Final = {kind.__name__: kind for kind in OWN_KINDS}
_SCHEMA: Final = pa.schema(
    [("ts", TIME), ("kind", pa.string()), ("ticker", pa.string()), ("body", pa.string())]
)


def write_own(path: Path, rows: Sequence[tuple[Nanos, Message]]) -> None:
    """Write one segment, whole or not at all. Raises TapeError."""
    table = pa.table(
        {
            "ts": pa.array([at for at, _ in rows], pa.int64()).cast(TIME),
            "kind": [type(message).__name__ for _, message in rows],
            "ticker": [_ticker(message) for _, message in rows],
            "body": [msgspec.json.encode(message).decode() for _, message in rows],
        },
        schema=_SCHEMA,
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritten(path, error) from error
    _write(path, table)


def merge_own(segments: Sequence[Path], out: Path) -> None:
    """Write the rows of several segments, in their order, as one. Raises TapeError; then there is
    no new file.
    """
    tables = [_read(path, _SCHEMA.names) for path in segments]
    _write(out, pa.concat_tables(tables))


def _write(path: Path, table: pa.Table) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        pq.write_table(table, partial, compression="zstd")
        partial.replace(path)
    except (pa.ArrowException, OSError) as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: Exception) -> TapeError:
    return TapeError(f"tape {path}: cannot be written ({error}); check the folder and the disk")


def _read(path: Path, columns: Sequence[str]) -> pa.Table:
    try:
        return pq.read_table(path, columns=list(columns))
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> TapeError:
    return TapeError(f"tape {path}: not readable ({error}); it is not needed to play the tape")


def read_own(tape: Path) -> Iterator[tuple[Nanos, Message]]:
    """What was decided while the tape in this folder was recorded, in order; nothing where nobody
    traded. Raises TapeError.
    """
    for path in current_segments(sorted((tape / OWN).glob(f"*/*{SUFFIX}"))):
        table = _read(path, ("ts", "kind", "body"))
        try:
            times = nanos(table.column("ts").combine_chunks()).tolist()
            kinds, bodies = (table.column(name).to_pylist() for name in ("kind", "body"))
            for at, kind, body in zip(times, kinds, bodies, strict=True):
                yield at, msgspec.json.decode(body, type=_NAMED[kind])
        except (pa.ArrowException, KeyError, msgspec.MsgspecError) as error:
            raise _unreadable(path, error) from error


def _ticker(message: Message) -> str:
    request = getattr(message, "request", None)
    return str(getattr(message, "ticker", "") or getattr(request, "ticker", ""))
