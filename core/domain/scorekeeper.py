"""The live scoreboard: model against market in each series, and what the trades have brought.

A fold over journalled events, so a restart regains it; only looks at windows that still run are
lost with the process. A window counts once, by its ticker; a fill once, by its trade id.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from core import messages as m
from core.domain.blend import DEFAULT_BLEND, Blend, BlendSettings, weight_of
from core.domain.recent import Recent
from core.domain.trade_results import TradeResults, TradeResultsState
from core.domain.verdict import Track, forecast_sentence
from core.messages.base import Part
from core.messages.scores import Credits, Trio
from core.units import Nanos

if TYPE_CHECKING:
    from core.messages import Message

_NOTHING: Final = (0.0, 0.0, 0.0)


class SpanTally(Part, frozen=True, kw_only=True):
    """Sums over looks of one span of time left."""

    windows: int = 0
    looks: int = 0
    log_loss: Trio = _NOTHING
    brier: Trio = _NOTHING

    def add(self, score: m.SpanScore) -> SpanTally:
        """With one more window."""
        return SpanTally(
            windows=self.windows + 1,
            looks=self.looks + score.looks,
            log_loss=_sum(self.log_loss, score.log_loss, score.looks),
            brier=_sum(self.brier, score.brier, score.looks),
        )


class SeriesTally(Part, frozen=True, kw_only=True):
    """What is remembered of one series."""

    series: str
    credits: Credits
    spans: tuple[SpanTally, ...]
    lead: Track = Track()
    """Of the windows' mean log loss of the market less that of the model."""


class ScorekeeperState(Part, frozen=True, kw_only=True):
    """Everything that the scorekeeper knows of settled windows, for a snapshot of the journal."""

    series: tuple[SeriesTally, ...] = ()
    scored: tuple[tuple[str, None, Nanos], ...] = ()
    trades: TradeResultsState = TradeResultsState()


class Scorekeeper:
    """Belongs to the calibration role; the journal's snapshots make one of their own."""

    def __init__(self, settings: BlendSettings = DEFAULT_BLEND) -> None:
        self._settings = settings
        self._tallies: dict[str, SeriesTally] = {}
        self._blends: dict[str, Blend] = {}
        self._scored: Recent[None] = Recent()
        self._trades = TradeResults()

    def blend(self, series: str) -> Blend:
        """The blend of a series, with what it has learned."""
        if series not in self._blends:
            blend = self._blends[series] = Blend(self._settings)
            if series in self._tallies:
                blend.credits = self._tallies[series].credits
        return self._blends[series]

    def knows(self, ticker: str) -> bool:
        """Whether this window was scored already."""
        return ticker in self._scored

    def apply(self, event: Message) -> None:
        """Take one event; others than those of scores and trades change nothing."""
        match event:
            case m.WindowScored():
                self._window(event)
            case m.OrderFilled() | m.PositionSettled():
                self._trades.apply(event)
            case _:
                pass

    def _window(self, event: m.WindowScored) -> None:
        if event.ticker in self._scored or not event.spans:
            return
        self._scored.put(event.ticker, None, event.ts)
        blend = self.blend(event.series)
        if not self._fits(event.credits):
            return  # written under other experts or spans: it says nothing of these
        blend.learn(event.ticker, event.credits)
        before = self._tallies.get(event.series, self._fresh(event.series))
        spans = list(before.spans)
        for score in event.spans:
            spans[score.span] = spans[score.span].add(score)
        looks = sum(score.looks for score in event.spans)
        ahead = sum(score.looks * (score.log_loss[0] - score.log_loss[1]) for score in event.spans)
        self._tallies[event.series] = SeriesTally(
            series=event.series,
            credits=event.credits,
            spans=tuple(spans),
            lead=before.lead.add(ahead / looks, looks),
        )

    def _fresh(self, series: str) -> SeriesTally:
        credits_ = self._settings.first_credits
        return SeriesTally(series=series, credits=credits_, spans=(SpanTally(),) * len(credits_))

    def _fits(self, credits_: Credits) -> bool:
        """Whether these are credits of our experts and spans."""
        ours = [len(credit) for credit in self._settings.first_credits]
        return [len(credit) for credit in credits_] == ours

    def standing(self, series: str) -> m.SeriesStanding:
        """Model against market in one series, known or not."""
        tally = self._tallies.get(series, self._fresh(series))
        total = SpanTally(
            looks=sum(span.looks for span in tally.spans),
            log_loss=_added(*(span.log_loss for span in tally.spans)),
            brier=_added(*(span.brier for span in tally.spans)),
        )
        lead = tally.lead.verdict()
        return m.SeriesStanding(
            series=series,
            windows=tally.lead.windows,
            looks=total.looks,
            log_loss=_mean(total.log_loss, total.looks),
            brier=_mean(total.brier, total.looks),
            lead=lead.mean,
            low=lead.low if math.isfinite(lead.low) else None,
            high=lead.high if math.isfinite(lead.high) else None,
            sentence=forecast_sentence(lead),
            spans=tuple(
                m.SpanStanding(
                    windows=span.windows,
                    looks=span.looks,
                    log_loss=_mean(span.log_loss, span.looks),
                    brier=_mean(span.brier, span.looks),
                    weight=weight_of(credit, self._settings.weights),
                )
                for span, credit in zip(tally.spans, tally.credits, strict=True)
            ),
            credits=tally.credits,
        )

    def verdict(self) -> m.TradesVerdict:
        """What the trades say of an edge."""
        found = self._trades.track.verdict()
        return m.TradesVerdict(
            trades=found.trades,
            windows=found.windows,
            mean=found.mean,
            low=found.low if math.isfinite(found.low) else None,
            high=found.high if math.isfinite(found.high) else None,
            needed=found.needed,
            sentence=found.sentence,
        )

    def dump(self) -> ScorekeeperState:
        """For a snapshot."""
        return ScorekeeperState(
            series=tuple(self._tallies.values()),
            scored=self._scored.dump(),
            trades=self._trades.dump(),
        )

    def load(self, state: ScorekeeperState) -> None:
        """The inverse of `dump`, in place of what was here."""
        self._tallies = {tally.series: tally for tally in state.series if self._fits(tally.credits)}
        self._blends = {}
        self._scored.load(state.scored)
        self._trades.load(state.trades)


def _sum(total: Trio, score: Trio, looks: int) -> Trio:
    return _added(total, (score[0] * looks, score[1] * looks, score[2] * looks))


def _added(*trios: Trio) -> Trio:
    market, model, blend = (sum(scores) for scores in zip(*trios, strict=True))
    return market, model, blend


def _mean(total: Trio, looks: int) -> Trio:
    if not looks:
        return _NOTHING
    return total[0] / looks, total[1] / looks, total[2] / looks
