"""The figures of a report, computed from its facts: one function a table, nothing drawn here."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from core.domain.calibration import ReliabilityBin, log_loss, reliability
from core.domain.metrics import max_drawdown, sharpe_ratio
from core.domain.verdict import Track
from core.domain.windows import in_new_york
from core.exchange.records import Outcome
from core.units import Money, Nanos, money_from_dollars

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from core.domain.calibration import Floats, Groups
    from core.domain.verdict import Verdict
    from core.research.report_facts import Bet, Facts, Forecast, Refusal

PERIODS: Final = ("day", "week", "month")
_MINUTES: Final = (0, 1, 2, 4, 6, 8, 10, 12, 15)
_EDGES: Final = (0.0, 0.03, 0.04, 0.06, 0.08, 0.12, 0.20)
_BINS: Final = 10


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Settled bets that have something in common. Money in dollars."""

    label: str
    bets: int
    wins: int
    contracts: float
    fees: float
    pnl: float

    @property
    def win_rate(self) -> float:
        """Share of winning bets; 0 where there are none."""
        return self.wins / self.bets if self.bets else 0.0


class RefusedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Signals refused with one code."""

    code: str
    signals: int
    windows: int
    known: int
    """With a result, so with a counterfactual."""
    won: int
    pnl: float
    """Dollars, one contract of each."""

    @property
    def cents(self) -> float:
        """Mean counterfactual of a signal, in cents a contract."""
        return 100 * self.pnl / self.known if self.known else 0.0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The whole in a few figures. Money in dollars."""

    bets: int
    open_bets: int
    windows: int
    wins: int
    contracts: float
    turnover: float
    fees: float
    pnl: float
    sharpe: float | None
    """Per window with a bet."""
    drawdown: float
    """The deepest fall of realised equity."""
    drawdown_share: float
    slippage: float | None
    """Dollars a contract paid above (+) or below (-) the order's limit; a limit is the most."""
    takers: int


def group(bets: Iterable[Bet], label: str = "") -> Group:
    """Settled bets summed up."""
    done = [bet for bet in bets if bet.pnl is not None]
    return Group(
        label=label,
        bets=len(done),
        wins=sum((bet.pnl or 0) > 0 for bet in done),
        contracts=sum(bet.contracts for bet in done),
        fees=sum(bet.fee for bet in done),
        pnl=sum(bet.pnl or 0.0 for bet in done),
    )


def grouped(bets: Iterable[Bet], label: Callable[[Bet], str | None]) -> list[Group]:
    """Groups by a label, in order of the label; bets without one are left out."""
    found: dict[str, list[Bet]] = defaultdict(list)
    for bet in bets:
        name = label(bet)
        if name is not None:
            found[name].append(bet)
    return [group(found[name], name) for name in sorted(found)]


def by_minutes_left(bets: Sequence[Bet]) -> list[Group]:
    """By time to the close when filled."""
    return _binned(bets, lambda bet: bet.minutes_left, _MINUTES, "{:g} to {:g} min")


def by_edge(bets: Sequence[Bet]) -> list[Group]:
    """By the edge that was expected, in cents a contract."""
    ends = tuple(100 * edge for edge in _EDGES)
    return _binned(
        bets, lambda bet: None if bet.edge is None else 100 * bet.edge, ends, "{:g} to {:g} c"
    )


def by_hour(bets: Sequence[Bet]) -> list[Group]:
    """By hour of the day in New York, all 24."""
    found = {one.label: one for one in grouped(bets, lambda bet: f"{_hour(bet.ts):02}")}
    return [found.get(f"{hour:02}", group((), f"{hour:02}")) for hour in range(24)]


def by_strategy(bets: Sequence[Bet]) -> list[Group]:
    """By strategy; bets that are nobody's come under a dash."""
    return grouped(bets, lambda bet: bet.strategy or "-")


def by_period(bets: Sequence[Bet], period: str) -> list[Group]:
    """By New York day, ISO week or month of the window's close."""
    return grouped(bets, lambda bet: period_of(bet.closes, period))


def period_of(moment: Nanos, period: str) -> str:
    """2026-05-11, 2026-W20 or 2026-05."""
    day = in_new_york(moment).date()
    if period == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return day.isoformat() if period == "day" else f"{day:%Y-%m}"


def _hour(moment: Nanos) -> int:
    return in_new_york(moment).hour


def _binned(
    bets: Sequence[Bet], value: Callable[[Bet], float | None], ends: Sequence[float], text: str
) -> list[Group]:
    """All bins, empty ones too, so that what is missing is seen; beyond the last end: one more."""
    labels = [text.format(low, high) for low, high in pairwise(ends)]
    labels.append(f"over {ends[-1]:g}{text[text.rindex(' ') :]}")
    found: dict[str, list[Bet]] = {label: [] for label in labels}
    for bet in bets:
        at = value(bet)
        if at is not None and at >= ends[0]:
            found[labels[int(np.searchsorted(ends, at, side="right")) - 1]].append(bet)
    return [group(found[label], label) for label in labels if label != labels[-1] or found[label]]


def window_pnl(bets: Iterable[Bet]) -> dict[str, float]:
    """P&L of each settled window, in order of closing."""
    found: dict[str, float] = {}
    for bet in bets:
        if bet.pnl is not None:
            found[bet.ticker] = found.get(bet.ticker, 0.0) + bet.pnl
    return found


def equity(facts: Facts) -> tuple[list[Nanos], list[float]]:
    """Realised equity at each close, from the capital on."""
    steps: dict[Nanos, float] = defaultdict(float)
    for bet in facts.settled:
        steps[bet.closes] += bet.pnl or 0.0
    if not steps:
        return [], []
    times, values = [Nanos(min(bet.ts for bet in facts.settled))], [facts.capital]
    for at in sorted(steps):
        times.append(at)
        values.append(values[-1] + steps[at])
    return times, values


def falls(values: Sequence[float]) -> list[float]:
    """How far each point of an equity curve is below the highest before it; zero or negative."""
    tops = np.maximum.accumulate(np.array(values)) if values else np.array([])
    return [float(value - top) for value, top in zip(values, tops, strict=True)]


def summary(facts: Facts) -> Summary:
    """The whole."""
    done = facts.settled
    total = group(done)
    _, values = equity(facts)
    deepest = max_drawdown(money_from_dollars(value) for value in values)
    windows = list(window_pnl(done).values())
    paid = [bet for bet in facts.bets if bet.limit is not None]
    size = sum(bet.contracts for bet in paid)
    slipped = sum((bet.price - (bet.limit or 0.0)) * bet.contracts for bet in paid)
    return Summary(
        bets=total.bets,
        open_bets=len(facts.bets) - total.bets,
        windows=len(windows),
        wins=total.wins,
        contracts=total.contracts,
        turnover=sum(bet.contracts * bet.price for bet in done),
        fees=sum(bet.fee for bet in facts.bets),
        pnl=total.pnl,
        sharpe=sharpe_ratio(windows, 1.0),
        drawdown=_dollars(deepest.amount),
        drawdown_share=deepest.share,
        slippage=slipped / size if size else None,
        takers=sum(bet.is_taker for bet in facts.bets),
    )


def verdict(facts: Facts) -> Verdict:
    """Whether there is an edge: results per contract after fees, a window one observation."""
    results: dict[str, list[Bet]] = defaultdict(list)
    for bet in facts.settled:
        results[bet.ticker].append(bet)
    track = Track()
    for bets in results.values():
        size = sum(bet.contracts for bet in bets)
        track = track.add(sum(bet.pnl or 0.0 for bet in bets) / size, len(bets))
    return track.verdict()


def refused(refusals: Iterable[Refusal]) -> list[RefusedGroup]:
    """By code, most frequent first."""
    found: dict[str, list[Refusal]] = defaultdict(list)
    for refusal in refusals:
        found[refusal.code].append(refusal)
    groups = [_refused(code, those) for code, those in found.items()]
    return sorted(groups, key=lambda one: (-one.signals, one.code))


def _refused(code: str, those: Sequence[Refusal]) -> RefusedGroup:
    known = [one for one in those if one.counterfactual is not None]
    return RefusedGroup(
        code=code,
        signals=len(those),
        windows=len({one.ticker for one in those}),
        known=len(known),
        won=sum(one.result is one.outcome for one in known),
        pnl=sum(one.counterfactual or 0.0 for one in known),
    )


def reliabilities(
    forecasts: Sequence[Forecast],
) -> tuple[tuple[ReliabilityBin, ...], tuple[ReliabilityBin, ...]]:
    """Of the model's and of the market's probabilities of YES at our signals, by window."""
    if not forecasts:
        return (), ()
    outcome, groups = _outcomes(forecasts)
    model, market = (
        np.array([getattr(one, name) for one in forecasts]) for name in ("model", "market")
    )
    return (
        reliability(model, outcome, _BINS, groups),
        reliability(market, outcome, _BINS, groups),
    )


def losses(forecasts: Sequence[Forecast]) -> tuple[float, float] | None:
    """Log loss of model and market at our signals; None without any."""
    if not forecasts:
        return None
    outcome, _ = _outcomes(forecasts)
    model = np.array([one.model for one in forecasts])
    market = np.array([one.market for one in forecasts])
    return log_loss(model, outcome), log_loss(market, outcome)


def _outcomes(forecasts: Sequence[Forecast]) -> tuple[Floats, Groups]:
    numbers = {ticker: at for at, ticker in enumerate(dict.fromkeys(f.ticker for f in forecasts))}
    outcome = np.array([float(one.result is Outcome.YES) for one in forecasts])
    return outcome, np.array([numbers[one.ticker] for one in forecasts], dtype=np.int64)


def _dollars(money: Money) -> float:
    return money / 1_000_000
