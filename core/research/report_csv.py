"""The tables of a report as CSV, and one for the tax return."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from core.domain.windows import in_new_york
from core.research.report_exits import exits
from core.research.report_tables import PERIODS, by_period, by_strategy, equity, refused
from core.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from core.research.report_facts import Facts
    from core.research.report_tables import Group, RefusedGroup
    from core.units import Nanos

_GROUP: Final = ("label", "bets", "wins", "contracts", "fees", "pnl")


def write_csv(facts: Facts, folder: Path) -> list[Path]:
    """Write every table into a folder; the files, in order of name."""
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, tuple[Sequence[str], Iterable[Sequence[Any]]]] = {
        "trades": (_TRADE, map(_trade, facts.bets)),
        "refusals": (_REFUSAL, map(_refusal, facts.refusals)),
        "refusal_codes": (
            _CODES,
            [[getattr(c, n) for n in _CODES] for c in refused(facts.refusals)],
        ),
        "equity": (("time", "equity"), _equity(facts)),
        "strategies": (_GROUP, map(_group, by_strategy(facts.settled))),
        "exits": (_EXIT, map(_exit, exits(facts.bets))),
        "tax": (_TAX, _tax(facts)),
    }
    for period in PERIODS:
        tables[f"{period}s"] = (_GROUP, map(_group, by_period(facts.settled, period)))
    written = []
    for name in sorted(tables):
        head, rows = tables[name]
        path = folder / f"{name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(head)
            writer.writerows(rows)
        written.append(path)
    return written


_CODES: Final = ("code", "signals", "windows", "known", "won", "pnl")
_TRADE: Final = (
    *("time", "ticker", "close", "strategy", "outcome", "contracts", "price", "limit", "fee"),
    *("is_taker", "probability", "edge", "minutes_left", "result", "pnl", "exit"),
)
_REFUSAL: Final = (
    *("time", "ticker", "close", "strategy", "outcome", "price", "edge", "probability"),
    *("code", "limit", "value", "result", "counterfactual"),
)
_EXIT: Final = (
    *("time", "ticker", "strategy", "sold", "contracts", "price", "fee"),
    *("brought", "held", "gained"),
)
"""Of each fill of an exit: what it brought, and what settlement would have."""
_TAX: Final = (
    *("description", "date_acquired", "date_disposed", "proceeds", "cost_basis", "gain"),
    "fee_in_cost_basis",
)
"""As on Form 8949, with the fee shown that its cost basis contains."""


def _trade(bet: Any) -> list[Any]:  # noqa: ANN401 - columns by name
    return [_cell(bet, name) for name in _TRADE]


def _refusal(refusal: Any) -> list[Any]:  # noqa: ANN401 - same
    return [_cell(refusal, name) for name in _REFUSAL]


def _exit(line: Any) -> list[Any]:  # noqa: ANN401 - same
    return [_cell(line, name) for name in _EXIT]


def _cell(row: Any, name: str) -> Any:  # noqa: ANN401 - same
    if name == "time":
        return _iso(row.ts)
    if name == "close":
        return _iso(row.closes)
    value = getattr(row, name)
    if isinstance(value, float):
        return round(value, 6)
    return getattr(value, "value", value)


def _code(group: RefusedGroup) -> list[Any]:
    return [_rounded(getattr(group, name)) for name in _CODES]


def _group(group: Group) -> list[Any]:
    return [_rounded(getattr(group, name)) for name in _GROUP]


def _rounded(value: Any) -> Any:  # noqa: ANN401 - numbers and texts
    return round(value, 6) if isinstance(value, float) else value


def _equity(facts: Facts) -> list[list[Any]]:
    times, values = equity(facts)
    return [[_iso(at), round(value, 6)] for at, value in zip(times, values, strict=True)]


def _tax(facts: Facts) -> Iterable[list[Any]]:
    """One row for each settled bet, disposed of when its window closed; days are New York's.

    Contracts of both legs of a market count as two bets that end with it: their gains add up to
    the same as netting them, and both fall into the same quarter of an hour.
    """
    for bet in facts.settled:
        basis = bet.contracts * bet.price + bet.fee
        proceeds = bet.contracts * (1.0 if bet.won else 0.0)
        yield [
            f"{bet.contracts:g} {bet.outcome.value.upper()} {bet.ticker}",
            in_new_york(bet.ts).date().isoformat(),
            in_new_york(bet.closes).date().isoformat(),
            round(proceeds, 6),
            round(basis, 6),
            round(proceeds - basis, 6),
            round(bet.fee, 6),
        ]


def _iso(moment: Nanos) -> str:
    return datetime.fromtimestamp(moment / SECOND, tz=UTC).isoformat(timespec="milliseconds")
