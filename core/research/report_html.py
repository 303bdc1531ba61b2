"""The report of what was traded: facts in, one HTML file out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from core.research import report_exits
from core.research import report_page as html
from core.research.report_forecasts import forecasts
from core.research.report_svg import Bar, Line, bars, lines
from core.research.report_tables import (
    PERIODS,
    by_edge,
    by_hour,
    by_minutes_left,
    by_period,
    by_strategy,
    equity,
    falls,
    refused,
    summary,
    verdict,
)
from core.units import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.research.report_facts import Facts
    from core.research.report_tables import Group, Summary
    from core.units import Nanos

_GROUP_HEAD: Final = ("", "bets", "won", "contracts", "fees", "P&L", "P&L a contract")
_KINDS: Final = {
    "backtest": "backtest of tape",
    "journal": "trading by journal",
    "tape": "session recorded on tape",
}
_SHOWN_STATES: Final = 40
_MOST_CODES: Final = 10


def report_page(facts: Facts) -> str:
    """The whole page. Equal facts give equal bytes."""
    found = summary(facts)
    sections = [_head(facts, found), _equity(facts), _periods(facts), _when(facts)]
    sections += [_why(facts), forecasts(facts), _costs(facts, found)]
    sections += [report_exits.section(facts), _refusals(facts)]
    sections += [_overfitting(facts), _notes(facts)]
    return html.page(f"Report: {facts.source}", _under(facts), sections)


def _under(facts: Facts) -> str:
    kind = _KINDS.get(facts.kind, facts.kind)
    if not facts.bets:
        return f"{kind} {facts.source}"
    first, last = min(b.ts for b in facts.bets), max(b.ts for b in facts.bets)
    return f"{kind} {facts.source}, trades {utc(first)} to {utc(last)} UTC"


def _head(facts: Facts, found: Summary) -> str:
    said = verdict(facts)
    tone = "good" if said.has_edge else "bad" if said.loses else ""
    share = f"{found.wins / found.bets:.0%}" if found.bets else "-"
    values = [
        ("P&L after fees", money(found.pnl)),
        ("bets with a result", f"{found.bets:,}"),
        ("windows traded", f"{found.windows:,}"),
        ("won", share),
        ("contracts", f"{found.contracts:,.0f}"),
        ("fees, open bets too", money(found.fees)),
        ("turnover", money(found.turnover)),
        ("Sharpe ratio a window", "-" if found.sharpe is None else f"{found.sharpe:.3f}"),
        ("deepest drawdown", f"{money(-found.drawdown)} ({found.drawdown_share:.1%})"),
        ("open, no result yet", f"{found.open_bets:,}"),
    ]
    return html.verdict(said.sentence, tone) + html.cards(values)


def _equity(facts: Facts) -> str:
    times, values = equity(facts)
    deep = falls(values)
    curve = lines("Realised equity", [Line(name="equity", xs=times, ys=values, steps=True)])
    down = lines(
        "Drawdown", [Line(name="drawdown", xs=times, ys=deep, tone=3, area=True, steps=True)]
    )
    return html.section(
        "Equity and drawdown",
        html.figure(curve, "Realised equity: each window counts when it closes; times are UTC."),
        html.figure(down, "Fall below the highest equity before."),
    )


def _periods(facts: Facts) -> str:
    parts = [html.table(_GROUP_HEAD, map(_row, by_strategy(facts.settled)))]
    for period in PERIODS:
        rows = by_period(facts.settled, period)
        parts.append(
            html.table(_GROUP_HEAD, map(_row, rows), f"By {period}, New York ({len(rows)})")
        )
    return html.section("By strategy, day, week and month", *parts)


def _when(facts: Facts) -> str:
    parts = []
    for title, groups in (
        ("P&L by minutes left when filled", by_minutes_left(facts.settled)),
        ("P&L by hour of the day, New York", by_hour(facts.settled)),
    ):
        parts.append(html.figure(bars(title, _bars(groups)), f"{title}."))
        rows = [_row(one) for one in groups if one.bets]
        parts.append(html.table(_GROUP_HEAD, rows, "The same as a table"))
    return html.section("When", *parts)


def _why(facts: Facts) -> str:
    groups = by_edge(facts.settled)
    title = "P&L by the edge that was expected"
    return html.section(
        "Edge",
        html.figure(
            bars(title, _bars(groups)),
            f"{title}, cents a contract after fees and uncertainty. An honest edge grows from "
            "left to right.",
        ),
        html.table(_GROUP_HEAD, [_row(one) for one in groups if one.bets], "The same as a table"),
    )


def _costs(facts: Facts, found: Summary) -> str:
    slipped = "unknown" if found.slippage is None else f"{100 * found.slippage:+.2f} cents"
    fee = f"{100 * found.fees / found.contracts:.2f} cents" if found.contracts else "-"
    takers = f"{found.takers / len(facts.bets):.0%}" if facts.bets else "-"
    return html.section(
        "Fees and slippage",
        html.cards(
            [
                ("fees a contract", fee),
                ("filled as taker", takers),
                ("paid against the order's limit, a contract", slipped),
                ("fees against turnover", _share(found.fees, found.turnover)),
            ]
        ),
        html.text(
            "The limit is the most an order would pay, so what was paid lies at it or below; it "
            "was chosen on the book that the strategy saw."
        ),
    )


def _refusals(facts: Facts) -> str:
    groups = refused(facts.refusals)
    if not groups:
        return html.section("Refused signals", '<p class="empty">No refusals are known.</p>')
    values = [
        Bar(label=one.code, value=one.cents, note=f"{one.code}: {one.signals:,} signals")
        for one in groups[:_MOST_CODES]
        if one.known
    ]
    rows = [
        (
            one.code,
            f"{one.signals:,}",
            f"{one.windows:,}",
            f"{one.known:,}",
            f"{one.won / one.known:.0%}" if one.known else "-",
            money(one.pnl),
            f"{one.cents:+.2f}" if one.known else "-",
        )
        for one in groups
    ]
    head = ("code", "signals", "windows", "with a result", "would have won", "P&L", "cents each")
    title = "What refused signals would have brought, cents a contract"
    return html.section(
        "Refused signals",
        html.figure(bars(title, values, ""), f"{title}: below zero the refusal was right."),
        html.table(head, rows),
        html.text(
            "Counterfactual: one contract of each signal at its price, with the taker's fee, held "
            "to the end. Signals of one window share its outcome, so few windows prove little."
        ),
    )


def _overfitting(facts: Facts) -> str:
    if facts.kind != "backtest":
        return ""
    return html.section(
        "Overfitting",
        html.text(
            "One run of one set of parameters has no overfitting figures of its own: they belong "
            "to the search that chose it. Report the result of `run.py sweep` to see the deflated "
            "Sharpe ratio and the probability of overfitting."
        ),
    )


def _notes(facts: Facts) -> str:
    rows = [
        (utc(one.ts), one.state, one.code, one.reason[:120])
        for one in facts.states[-_SHOWN_STATES:]
    ]
    parts = [html.text(note) for note in facts.notes]
    parts.append(html.table(("time", "state", "code", "reason"), rows, "Trading states"))
    return html.section("Notes", *parts)


# --- cells ---------------------------------------------------------------------------------------


def _bars(groups: Sequence[Group]) -> list[Bar]:
    return [
        Bar(
            label=one.label.removesuffix(" min").removesuffix(" c"),
            value=one.pnl,
            note=f"{one.label}: {money(one.pnl)} in {one.bets} bets, {one.wins} won",
        )
        for one in groups
    ]


def _row(one: Group) -> tuple[str, ...]:
    each = f"{100 * one.pnl / one.contracts:+.2f} c" if one.contracts else "-"
    return (
        one.label,
        f"{one.bets:,}",
        f"{one.win_rate:.0%}",
        f"{one.contracts:,.0f}",
        money(one.fees),
        money(one.pnl),
        each,
    )


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.2%}" if whole else "-"


def money(amount: float) -> str:
    """Dollars with their sign first."""
    return f"{'-' if round(amount, 2) < 0 else ''}${abs(amount):,.2f}"


def utc(moment: Nanos) -> str:
    """To the minute."""
    return datetime.fromtimestamp(moment // SECOND, tz=UTC).strftime("%Y-%m-%d %H:%M")
