"""A backtest's result as files: the same run writes the same bytes, whenever and wherever.

    result.json     figures, notes, states, books of both sides
    windows.csv     one line for each window
    fills.csv       one line for each execution, as it was booked
    facts.json      what was decided and why, for `run.py report`

Nothing of the machine is in them: not its time, not its folders.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.research.tape_files import TapeError
from core.units import contracts, dollars, format_fixed, format_price

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from core.messages import OrderFilled
    from core.research.report_facts import Facts
    from core.research.results import BacktestResult
    from core.research.tally import WindowRow
    from core.units import Money

RESULT_FORMAT: Final = "quarterhour backtest 1"
"""First entry of result.json: what tells it from that of a sweep."""
RESULT_FILE: Final = "result.json"
FACTS_FILE: Final = "facts.json"
_WINDOW: Final = (
    *("ticker", "opens_ns", "closes_ns", "strike", "value", "result", "signals", "passes"),
    *("denied", "orders", "fills", "contracts", "position", "fees", "pnl"),
)
_FILL: Final = (
    *("ts_ns", "ticker", "order_id", "trade_id", "side", "yes_price", "contracts", "fee"),
    *("is_taker",),
)
_MONEY_DIGITS: Final = 6
_INDEX_DIGITS: Final = 8


def write_results(
    folder: Path, results: Mapping[str, BacktestResult], facts: Mapping[str, Facts]
) -> list[Path]:
    """Write each result, in a folder of its own name; "" is `folder` itself. What was written.

    Raises TapeError where the folder cannot be written.
    """
    written: list[Path] = []
    try:
        for name, result in results.items():
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            texts = {
                RESULT_FILE: result_text(result),
                "windows.csv": _csv(_WINDOW, map(_window, result.windows)),
                "fills.csv": _csv(_FILL, map(_fill, result.fills)),
            }
            for file, text in texts.items():
                (place / file).write_bytes(text.encode())
            (place / FACTS_FILE).write_bytes(facts[name].file_bytes())
            written += [place / file for file in (*texts, FACTS_FILE)]
    except OSError as error:
        msg = f"results {folder}: cannot be written ({error}); choose another folder with --out"
        raise TapeError(msg) from error
    return written


def result_text(result: BacktestResult) -> str:
    """The figures of a run without those of the machine."""
    figures = {"format": RESULT_FORMAT, **result.to_json()}
    del figures["seconds"]
    figures["tape"] = Path(result.tape).name
    figures["states"] = [
        {"state": change.state, "code": change.code, "reason": change.reason, "ts_ns": change.ts}
        for change in result.states
    ]
    figures["passes"] = dict(sorted(result.passes.items()))
    return json.dumps(figures, indent=1, sort_keys=True) + "\n"


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


def _window(row: WindowRow) -> Sequence[object]:
    return (
        row.ticker,
        row.opens,
        row.closes,
        "" if row.strike is None else format_fixed(row.strike, _INDEX_DIGITS),
        "" if row.value is None else format_fixed(row.value, _INDEX_DIGITS),
        "" if row.result is None else row.result.value,
        row.signals,
        row.passes,
        row.denied,
        row.orders,
        row.fills,
        f"{contracts(row.contracts):.2f}",
        f"{contracts(row.position):.2f}",
        _money(row.fees),
        "" if row.pnl is None else _money(row.pnl),
    )


def _fill(fill: OrderFilled) -> Sequence[object]:
    return (
        fill.ts_event,
        fill.ticker,
        fill.order_id,
        fill.trade_id,
        fill.side.value,
        format_price(fill.price),
        f"{contracts(fill.quantity):.2f}",
        _money(fill.fee),
        fill.is_taker,
    )


def _money(amount: Money) -> str:
    return f"{dollars(amount):.{_MONEY_DIGITS}f}"
