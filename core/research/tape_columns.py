"""How messages become columns: the schema of a tape, in both directions, in bulk.

One tall table: a row is one message, `kind` names its type, and a field is a column of the same
name; where two kinds mean different units by one name the column says which (`spot_price`). What a
kind does not have is null, which costs nothing once compressed. Numbers are the fixed-point
integers of `core.units`, times are UTC nanoseconds, so DuckDB and Polars read a tape as it lies.

Nothing here builds a dictionary for a row: 2.6 million deltas decode at the price of building their
structs (measured in tests/benchmarks).
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from core import messages as m
from core.exchange.listing import FeeType, MarketStatus, PriceRange
from core.exchange.records import Outcome, Side
from core.research.tape_codecs import NAMES, ColumnError, Numbers, Rows, Texts, Times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.research.tape_codecs import Codec

    Values = Sequence[Any]


def _level(price: int, quantity: int) -> tuple[int, int]:
    return price, quantity


def _range(start: int, end: int, step: int) -> PriceRange:
    return PriceRange(start=start, end=end, step=step)  # type: ignore[arg-type]


_TEXT: Final = Texts()
_LEVELS: Final = Rows(_level, price=pa.int32(), quantity=pa.int64())
_GRID: Final = Rows(_range, start=pa.int32(), end=pa.int32(), step=pa.int32())
_PRICE: Final = Numbers(pa.int32())
_SMALL: Final = Numbers(pa.int32())
_LONG: Final = Numbers(pa.int64())

COLUMNS: Final[dict[str, Codec]] = {
    "kind": _TEXT,
    "ts_event": Times(),
    "ts_recv": Times(),
    "ticker": _TEXT,
    # books: prices in 1/10,000 $, quantities in 1/100 contract
    "leg": Texts(Outcome),
    "price": _PRICE,
    "delta": _LONG,
    "yes": _LEVELS,
    "no": _LEVELS,
    "conn": _SMALL,
    "sid": _SMALL,
    "seq": _LONG,
    "bid": _PRICE,
    "bid_size": _LONG,
    "ask": _PRICE,
    "ask_size": _LONG,
    # trades
    "trade_id": _TEXT,
    "quantity": _LONG,
    "taker_side": Texts(Side),
    # index and spot: in 1/100,000,000 $
    "index_id": _TEXT,
    "value": _LONG,
    "source": _TEXT,
    "product": _TEXT,
    "spot_price": _LONG,
    "spot_bid": _LONG,
    "spot_ask": _LONG,
    # markets
    "event_ticker": _TEXT,
    "series": _TEXT,
    "open_ns": Times(),
    "close_ns": Times(),
    "strike": _LONG,
    "digits": _SMALL,
    "grid": _GRID,
    "status": Texts(MarketStatus),
    "shard": _SMALL,
    "fee_type": Texts(FeeType),
    "fee_multiplier_bps": _SMALL,
    "result": Texts(Outcome),
    # connections
    "stream": _TEXT,
    "state": _TEXT,
    "reason": _TEXT,
    "reply_kind": _TEXT,
    "channel": _TEXT,
    "command_id": _SMALL,
    "code": _SMALL,
    "text": _TEXT,
    "sample": _TEXT,
}
"""Every column of a tape, in order, and how it is read and written."""

SCHEMA: Final = pa.schema([pa.field(name, codec.arrow) for name, codec in COLUMNS.items()])

ENCODINGS: Final[dict[str, Any]] = {
    "use_dictionary": [name for name, codec in COLUMNS.items() if codec.arrow == NAMES]
    + ["price", "delta", "conn", "sid"],
    "column_encoding": dict.fromkeys(("ts_event", "ts_recv", "seq"), "DELTA_BINARY_PACKED"),
}
"""How Parquet stores them: times as differences make a book tape 2.4 times smaller than plain."""

_RENAMED: Final[dict[tuple[type[m.Message], str], str]] = {
    (m.SpotTick, "price"): "spot_price",
    (m.SpotTick, "bid"): "spot_bid",
    (m.SpotTick, "ask"): "spot_ask",
    (m.StreamReply, "kind"): "reply_kind",
}

_OPTIONAL: Final = {
    (m.MarketListed, "strike"),
    (m.MarketDetermined, "value"),
    (m.SpotTick, "taker_side"),
}
"""Fields that may be None."""

KINDS: Final[dict[str, type[m.Message]]] = {
    kind.__name__: kind
    for kind in (
        m.MarketListed,
        m.StrikePublished,
        m.MarketStatusChanged,
        m.GridChanged,
        m.MarketDetermined,
        m.MarketFinalized,
        m.BookSnapshot,
        m.BookDelta,
        m.TopOfBook,
        m.TradePrint,
        m.IndexPrint,
        m.SpotTick,
        m.StreamChanged,
        m.StreamReply,
        m.FrameSkipped,
    )
}
"""What a tape records: the data that came in, nothing that was concluded from them."""


def _fields(kind: type[m.Message]) -> dict[str, str]:
    """Attribute path -> column, in the order of the struct; a market's terms lie flat."""
    paths: dict[str, str] = {}
    for field in kind.__struct_fields__:
        if field == "market":
            paths |= {f"market.{inner}": inner for inner in m.MarketTerms.__struct_fields__}
        else:
            paths[field] = _RENAMED.get((kind, field), field)
    return paths


FIELDS: Final = {kind: _fields(kind) for kind in KINDS.values()}


def table_of(kind: type[m.Message], columns: Mapping[str, pa.Array], rows: int) -> pa.Table:
    """Rows of one kind from whole columns; for importers that never build a message."""
    named = {"kind": pa.array([kind.__name__] * rows).dictionary_encode().cast(NAMES), **columns}
    arrays = [
        named[field.name].cast(field.type) if field.name in named else pa.nulls(rows, field.type)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def encode(messages: Sequence[m.Message]) -> pa.Table:
    """Messages as rows, in their order. Raises ColumnError for what a tape does not record."""
    places: dict[type[m.Message], list[int]] = {}
    for at, message in enumerate(messages):
        places.setdefault(type(message), []).append(at)
    tables, order = [], []
    for kind, rows in places.items():
        if kind not in FIELDS:
            msg = f"{kind.__name__} is not recorded on tapes"
            raise ColumnError(msg)
        tables.append(_encode_kind(kind, [messages[at] for at in rows]))
        order.extend(rows)
    if not tables:
        return SCHEMA.empty_table()
    return join(tables).take(pa.array(np.argsort(np.array(order), kind="stable")))


def join(tables: Sequence[pa.Table]) -> pa.Table:
    """Rows of several tables, one after the other, under one dictionary for each column."""
    return pa.concat_tables(tables).unify_dictionaries().combine_chunks()


def _encode_kind(kind: type[m.Message], messages: Sequence[m.Message]) -> pa.Table:
    columns = {
        column: COLUMNS[column].encode(list(map(attrgetter(path), messages)))
        for path, column in FIELDS[kind].items()
    }
    return table_of(kind, columns, len(messages))


def decode(batch: pa.RecordBatch) -> list[m.Message]:
    """The messages of some rows, in their order. Raises ColumnError naming kind and column."""
    kinds = batch.column("kind")
    codes = kinds.indices.to_numpy()
    names = kinds.dictionary.to_pylist()
    present = np.unique(codes).tolist()
    if len(present) == 1:
        return _decode_kind(names[present[0]], batch)
    decoded = np.empty(len(codes), dtype=object)
    for code in present:
        rows = np.flatnonzero(codes == code)
        decoded[rows] = _decode_kind(names[code], batch.take(pa.array(rows)))
    return decoded.tolist()


def _decode_kind(name: str, batch: pa.RecordBatch) -> list[m.Message]:
    kind = KINDS.get(name)
    if kind is None:
        msg = f"unknown kind {name!r}"
        raise ColumnError(msg)
    columns: dict[str, Values] = {}
    for path, column in FIELDS[kind].items():
        try:
            array = batch.column(column)
            optional = array.null_count and (kind, column) in _OPTIONAL
            codec = COLUMNS[column]
            columns[path] = _with_gaps(codec, array) if optional else codec.decode(array)
        except (ColumnError, KeyError) as error:
            msg = f"{name}: column {column}: {error}"
            raise ColumnError(msg) from error
    return _BUILDERS.get(kind, _build)(kind, columns)


def _with_gaps(codec: Codec, array: pa.Array) -> Values:
    """Values where there are any, and None between them."""
    values = np.full(len(array), None, dtype=object)
    values[array.is_valid().to_numpy(zero_copy_only=False)] = codec.decode(array.drop_null())
    return values.tolist()


def _build(kind: type[m.Message], columns: Mapping[str, Values]) -> list[m.Message]:
    names = tuple(columns)
    return [
        kind(**dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True)
    ]


def _build_deltas(_: type[m.Message], columns: Mapping[str, Values]) -> list[m.Message]:
    """A third of what `_build` costs: nearly all rows of a recorded book are deltas."""
    delta = m.BookDelta
    return [
        delta(
            ticker=ticker,
            leg=leg,
            price=price,
            delta=change,
            conn=conn,
            sid=sid,
            seq=seq,
            ts_event=ts_event,
            ts_recv=ts_recv,
        )
        for ticker, leg, price, change, conn, sid, seq, ts_event, ts_recv in zip(
            *(columns[name] for name in delta.__struct_fields__), strict=True
        )
    ]


def _build_listed(_: type[m.Message], columns: Mapping[str, Values]) -> list[m.Message]:
    names = tuple(path.removeprefix("market.") for path in columns if path != "ts_recv")
    terms = zip(*(columns[f"market.{name}"] for name in names), strict=True)
    return [
        m.MarketListed(market=m.MarketTerms(**dict(zip(names, row, strict=True))), ts_recv=ts_recv)
        for row, ts_recv in zip(terms, columns["ts_recv"], strict=True)
    ]


_BUILDERS: Final[dict[type[m.Message], Callable[..., list[m.Message]]]] = {
    m.BookDelta: _build_deltas,
    m.MarketListed: _build_listed,
}
