"""The scoreboard: the market's own probabilities, ours, and the two mixed, against what happened.

    score(tapes)        figures for programs
    board(tapes)        the same for people

Every figure compares all forecasters on the same looks: those where the book had two fresh sides,
the inputs of the model were fresh, and the result is known. Where the model abstains nobody is
scored, but the looks and the reasons are counted. The blend is always the one that could have been
known: it learns from a window when that has settled, and each series has its own.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from core.domain.blend import DEFAULT_BLEND, Blend, BlendSettings, Look
from core.domain.calibration import (
    Floats,
    Interval,
    brier_points,
    log_loss_points,
    paired_difference,
)
from core.exchange.records import Outcome
from core.research.score_points import Point, look
from core.research.score_replay import ReplayTerms, replay, terms_for
from core.research.tape import info
from core.units import SECOND, Nanos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

FORECASTERS: Final = ("market", "model", "blend", "naive")
SPANS: Final = (30, *range(60, 901, 60))
"""Upper bounds, in seconds left, of the rows of a scoreboard."""
RESULT_DELAY: Final = Nanos(2 * SECOND)
"""From a close to the moment from which its result may be used."""


class Looks(msgspec.Struct, frozen=True, kw_only=True):
    """All looks at the markets of some tapes, and how the markets ended."""

    points: tuple[Point, ...]
    """In order of time; one for each market and moment."""
    results: dict[str, Outcome]
    notes: tuple[str, ...]


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """Forecasts of one series at the same looks, in order of time."""

    forecasts: dict[str, Floats]
    """By forecaster: probabilities of YES."""
    outcome: Floats
    """1 for YES, 0 for NO."""
    window: np.ndarray[Any, np.dtype[np.int64]]
    """Which looks share a window."""
    seconds_left: np.ndarray[Any, np.dtype[np.int64]]

    @property
    def count(self) -> int:
        """Looks."""
        return len(self.outcome)

    @property
    def windows(self) -> int:
        """Windows behind them."""
        return len(np.unique(self.window))

    def where(self, chosen: np.ndarray[Any, np.dtype[np.bool_]]) -> Scored:
        """Some of the looks."""
        return Scored(
            forecasts={name: shares[chosen] for name, shares in self.forecasts.items()},
            outcome=self.outcome[chosen],
            window=self.window[chosen],
            seconds_left=self.seconds_left[chosen],
        )

    def span(self, above: int, upto: int) -> Scored:
        """The looks with more than `above` and at most `upto` seconds left."""
        return self.where((self.seconds_left > above) & (self.seconds_left <= upto))

    def mean(self, losses: Callable[[Floats, Floats], Floats]) -> dict[str, float | None]:
        """Mean loss of each forecaster; None without looks."""
        return {
            name: round(float(losses(shares, self.outcome).mean()), 5) if self.count else None
            for name, shares in self.forecasts.items()
        }

    def difference(self, ours: str, theirs: str, seed: int = 1) -> Interval | None:
        """Log loss of one forecaster less that of another, with its bootstrap over windows."""
        if not self.count:
            return None
        one, other = (log_loss_points(self.forecasts[n], self.outcome) for n in (ours, theirs))
        return paired_difference(one, other, self.window, seed=seed)


class SeriesScore(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one series."""

    series: str
    scored: Scored
    quoted: Scored
    """The market's own forecasts at every look with a known result, the model's abstentions too."""
    abstained: dict[str, int]
    """Quoted looks without a model, by reason."""
    unsettled: int
    """Quoted looks at windows whose result the tape does not have."""
    weight: float
    """Of the model in the blend at the end, mean over the scored looks' groups."""


def score(tapes: Sequence[Path], max_age: float | None = None) -> dict[str, Any]:
    """Figures by series: points, windows, mean log loss and Brier score of each forecaster.

    `difference` is the 95 % interval of model less market in log loss, drawn over windows: below 0
    the model is better. `by_seconds_left` has the same for looks up to so many seconds before the
    close. Figures are None where nothing could be scored. Raises TapeError, UnknownSeriesError.
    """
    found = gather(tapes, max_age)
    return {one.series: _figures(one) for one in scores(found)}


def gather(tapes: Sequence[Path], max_age: float | None = None) -> Looks:
    """Play all tapes. Where two hold the same market and moment, the first counts."""
    points: dict[tuple[str, int], Point] = {}
    results: dict[str, Outcome] = {}
    notes = []
    for tape in tapes:
        terms = terms_for(info(tape), max_age)
        played = replay(tape, terms, partial(look, terms=terms))
        for point in played.seen:
            points.setdefault((point.ticker, point.seconds_left), point)
        results |= played.results
        if terms.price_fresh > ReplayTerms().price_fresh:
            age = terms.price_fresh / SECOND
            notes.append(f"{tape}: prices count up to {age:g} s of age")
    ordered = sorted(points.values(), key=lambda point: (point.at, point.ticker))
    return Looks(points=tuple(ordered), results=results, notes=tuple(notes))


def scores(looks: Looks, blend: BlendSettings = DEFAULT_BLEND) -> list[SeriesScore]:
    """The scores of each series, in alphabetical order."""
    names = sorted({point.series for point in looks.points})
    return [_score_series(name, looks, blend) for name in names]


def blended(
    points: Iterable[Point], results: dict[str, Outcome], blend: Blend
) -> list[float | None]:
    """The blend's forecast at each look of one series, in order of time; None without a model."""
    answers: list[float | None] = []
    waiting: list[tuple[Nanos, str]] = []
    for point in points:
        while waiting and waiting[0][0] <= point.at:
            _, ticker = waiting.pop(0)
            blend.settle(ticker, yes=results[ticker] is Outcome.YES)
        if point.model is None:
            answers.append(None)
            continue
        answers.append(blend.mix(point.model, point.market, point.seconds_left))
        due = (Nanos(point.close_ns + RESULT_DELAY), point.ticker)
        if point.ticker in results and due not in waiting:
            waiting.append(due)
            waiting.sort()
        blend.look(
            Look(
                ticker=point.ticker,
                seconds_left=point.seconds_left,
                model=point.model,
                market=point.market,
            )
        )
    return answers


def _score_series(series: str, looks: Looks, settings: BlendSettings) -> SeriesScore:
    points = [point for point in looks.points if point.series == series]
    blend = Blend(settings)
    mixed = blended(points, looks.results, blend)
    settled = [point.ticker in looks.results for point in points]
    known = [i for i, told in enumerate(settled) if told]
    modelled = [i for i in known if points[i].model is not None]
    return SeriesScore(
        series=series,
        scored=_table(points, mixed, modelled, looks.results, FORECASTERS),
        quoted=_table(points, mixed, known, looks.results, ("market",)),
        abstained=dict(Counter(points[i].reason for i in known if points[i].reason).most_common()),
        unsettled=len(points) - len(known),
        weight=float(np.mean([blend.weight(points[i].seconds_left) for i in modelled] or [0.0])),
    )


def _table(
    points: Sequence[Point],
    mixed: Sequence[float | None],
    chosen: Sequence[int],
    results: dict[str, Outcome],
    names: Sequence[str],
) -> Scored:
    columns = {
        name: mixed if name == "blend" else [getattr(point, name) for point in points]
        for name in names
    }
    yes = [results[points[i].ticker] is Outcome.YES for i in chosen]
    return Scored(
        forecasts={
            name: np.array([column[i] for i in chosen], dtype=np.float64)
            for name, column in columns.items()
        },
        outcome=np.array(yes, dtype=np.float64),
        window=np.array([points[i].close_ns for i in chosen], dtype=np.int64),
        seconds_left=np.array([points[i].seconds_left for i in chosen], dtype=np.int64),
    )


def _figures(one: SeriesScore) -> dict[str, Any]:
    spans = zip((0, *SPANS), SPANS, strict=False)
    rows = {str(upto): one.scored.span(above, upto) for above, upto in spans}
    return {
        **_summary(one.scored),
        "by_seconds_left": {upto: _summary(row) for upto, row in rows.items() if row.count},
    }


def _summary(scored: Scored) -> dict[str, Any]:
    difference = scored.difference("model", "market")
    return {
        "points": scored.count,
        "windows": scored.windows,
        "log_loss": scored.mean(log_loss_points),
        "brier": scored.mean(brier_points),
        "difference": [None, None]
        if difference is None
        else [round(difference.low, 5), round(difference.high, 5)],
    }
