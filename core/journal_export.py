"""Journal entries as flat rows: what most entries have as columns, the whole event as JSON."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pyarrow as pa

from core.topology import WRITERS
from core.units import contracts, dollars, price_dollars

if TYPE_CHECKING:
    from core.journal_reader import Entry

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

COLUMNS: Final[dict[str, pa.DataType]] = {
    "seq": pa.int64(),
    "time": pa.timestamp("us", tz="UTC"),
    "ts_ns": pa.int64(),
    "type": pa.string(),
    "writer": pa.string(),
    "order_id": pa.string(),
    "venue_order_id": pa.string(),
    "trade_id": pa.string(),
    "ticker": pa.string(),
    "strategy": pa.string(),
    "side": pa.string(),
    "price": pa.float64(),
    "contracts": pa.float64(),
    "fee": pa.float64(),
    "amount": pa.float64(),
    "state": pa.string(),
    "reason": pa.string(),
    "event": pa.string(),
}
"""Prices and money in dollars. `amount`: reserve, payout, cash or equity, as the entry has it."""

_TEXTS: Final = ("venue_order_id", "trade_id", "strategy", "state")
_AMOUNTS: Final = ("reserve", "payout", "cash", "equity")
_REASONS: Final = ("reason", "code", "result", "source", "day")
_US: Final = 1000


def flat(entry: Entry) -> dict[str, Any]:
    """One row; a column that the entry does not have is None."""
    event = entry.event
    request = getattr(event, "request", None)
    terms = event if request is None else request
    price, quantity = getattr(terms, "price", None), getattr(terms, "quantity", None)
    fee, amount = getattr(event, "fee", None), _first(event, _AMOUNTS)
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row |= {name: getattr(event, name, None) for name in _TEXTS}
    row |= {
        "seq": entry.seq,
        "time": _EPOCH + timedelta(microseconds=entry.ts // _US),
        "ts_ns": entry.ts,
        "type": type(event).__name__,
        "writer": WRITERS[type(event)],
        "order_id": request.client_order_id if request else getattr(event, "order_id", None),
        "ticker": getattr(terms, "ticker", None),
        "side": _text(getattr(terms, "side", None)),
        "price": None if price is None else price_dollars(price),
        "contracts": None if quantity is None else contracts(quantity),
        "fee": None if fee is None else dollars(fee),
        "amount": None if amount is None else dollars(amount),
        "reason": _text(_first(event, _REASONS)),
        "event": msgspec.json.encode(event).decode(),
    }
    return row


def _first(event: object, names: tuple[str, ...]) -> Any:  # noqa: ANN401 - any field's value
    """The first of these that the event has."""
    return next((v for name in names if (v := getattr(event, name, None)) is not None), None)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
