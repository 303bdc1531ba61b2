"""Model and market mixed, with weights that follow whoever forecasts better.

Experts pool the two in log odds, each with a fixed weight w of the model:

    logit(p_w) = (1 - w) logit(market) + w logit(model)

w = 0 is the market alone, w = 1 the model alone. The blend is the mean of the experts under their
credits. When a window settles, the credit of each expert is multiplied by exp(-L), L being its mean
log loss over the looks at that window, and credits are brought back to a sum of 1: Bayes' rule with
a window as one observation, because looks at one window share one outcome. The mean of a window's
losses is taken inside the exponent, and -log of a mean is convex, so over any number of windows

    sum of the blend's losses <= sum of the market's losses + ln(1 / first credit of the market)

whatever the model says and whatever happens (Vovk 1990; Cesa-Bianchi and Lugosi, Prediction,
Learning, and Games, 2006, ch. 3). A share of all credit returns to the first credits with every
window, so that an expert that was bad last week can come back; that adds -ln(1 - share) a window to
the bound. Looks are kept apart by the time left: a model may be good early and bad late.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec

from core.messages.scores import Credits, SpanScore, Trio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CLIP: Final = 1e-4
"""Probabilities nearer to 0 or 1 count as this near, as in `calibration`."""
_STEEPEST: Final = 200.0
_HALVINGS: Final = 60
MOST_WINDOWS: Final = 64
"""Windows that wait for their result; beyond, the oldest is forgotten."""


class BlendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The experts and where they start; chosen in `docs/pricing.md`."""

    weights: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Of the model, one for each expert."""
    credits: tuple[float, ...] = (0.5, 0.25, 0.125, 0.0625, 0.0625)
    """Before anything is known; they add up to 1."""
    share: float = 0.002
    """Credit that returns to the first credits with each window, 0..1."""
    bounds_s: tuple[int, ...] = (120, 300)
    """Seconds left up to which looks belong together; what is above the last is one more group."""
    look_every_s: int = 10
    """Of looks at one window within the same so many seconds, the first counts."""

    @property
    def first_credits(self) -> Credits:
        """Where every span of time left begins."""
        return (self.credits,) * (len(self.bounds_s) + 1)

    def span(self, seconds_left: float) -> int:
        """Which looks this one belongs to: 0 nearest to the close."""
        for at, bound in enumerate(self.bounds_s):
            if seconds_left <= bound:
                return at
        return len(self.bounds_s)


DEFAULT_BLEND: Final = BlendSettings()


def settings_of_trust(trust: float) -> BlendSettings:
    """Experts whose first credits average to a weight of the model of `trust`, 0..1.

    Credits grow or fall by one factor from expert to expert. 1 is the model alone and 0 the market
    alone, for ever: an expert that begins with nothing gets nothing.
    """
    weights = DEFAULT_BLEND.weights
    if trust in (0.0, 1.0):
        credits_ = tuple(float(weight == trust) for weight in weights)
        return BlendSettings(credits=credits_)
    low, high = -_STEEPEST, _STEEPEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        tilted = _tilted(middle)
        low, high = (middle, high) if weight_of(tilted, weights) < trust else (low, middle)
    return BlendSettings(credits=_tilted((low + high) / 2))


def _tilted(slope: float) -> tuple[float, ...]:
    raw = [math.exp(slope * (weight - 1.0 / 2)) for weight in DEFAULT_BLEND.weights]
    return tuple(share / sum(raw) for share in raw)


class Look(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What model and market said about one window; probabilities of YES."""

    ticker: str
    seconds_left: float
    model: float
    market: float


def pooled(credit: Sequence[float], weights: Sequence[float], model: float, market: float) -> float:
    """The mean of the experts under their credits. Hot: 1.3 us for five experts.

    In odds o = p / (1 - p) the expert of weight w says o(market) (o(model) / o(market))^w.
    """
    theirs = _odds(market)
    ratio = _odds(model) / theirs
    total = 0.0
    for share, weight in zip(credit, weights, strict=True):
        odds = theirs * ratio**weight
        total += share * odds / (1.0 + odds)
    return total


def weight_of(credit: Sequence[float], weights: Sequence[float]) -> float:
    """The weight of the model, averaged over the experts, 0..1."""
    return sum(c * w for c, w in zip(credit, weights, strict=True))


def learned(
    settings: BlendSettings, credit: tuple[float, ...], losses: Sequence[float]
) -> tuple[float, ...]:
    """Credits after a window with these mean losses of the experts."""
    best = min(losses)
    raw = [c * math.exp(best - loss) for c, loss in zip(credit, losses, strict=True)]
    kept = (1.0 - settings.share) / sum(raw)
    return tuple(
        kept * c + settings.share * first for c, first in zip(raw, settings.credits, strict=True)
    )


class _Seen:
    """Looks at one window in one span of time left, scored for either outcome."""

    __slots__ = ("blend", "count", "market", "model", "no", "yes")

    def __init__(self, experts: int) -> None:
        self.count = 0
        self.yes = [0.0] * experts
        """Sums of the experts' log losses if it ends YES."""
        self.no = [0.0] * experts
        self.market: list[float] = []
        self.model: list[float] = []
        self.blend: list[float] = []

    def score(self, span: int, *, yes: bool) -> SpanScore:
        """What the outcome makes of the looks."""
        said = (self.market, self.model, self.blend)
        return SpanScore(
            span=span,
            looks=self.count,
            losses=tuple(loss / self.count for loss in (self.yes if yes else self.no)),
            log_loss=_trio(_log_loss(shares, yes=yes) for shares in said),
            brier=_trio(_brier(shares, yes=yes) for shares in said),
        )


class Blend:
    """Credits of the experts. Its owner alone reads and changes it; memory is bounded.

    Hot: `mix` costs 1.5 us, `look` 6 us once in ten seconds of a window.
    """

    def __init__(self, settings: BlendSettings = DEFAULT_BLEND) -> None:
        self.settings = settings
        self.credits: Credits = settings.first_credits
        """By span of time left."""
        self._open: dict[str, dict[int, _Seen]] = {}
        self._last: dict[str, int] = {}
        self.windows = 0
        """Settled windows that were learned from."""

    def mix(self, model: float, market: float, seconds_left: float) -> float:
        """The blend's probability of YES."""
        settings = self.settings
        credit = self.credits[settings.span(seconds_left)]
        return pooled(credit, settings.weights, model, market)

    def weight(self, seconds_left: float) -> float:
        """The weight of the model, averaged over the experts, 0..1."""
        settings = self.settings
        return weight_of(self.credits[settings.span(seconds_left)], settings.weights)

    def due(self, ticker: str, seconds_left: float) -> bool:
        """Whether a look at this moment would count."""
        return self._last.get(ticker) != int(seconds_left // self.settings.look_every_s)

    def look(self, look: Look) -> None:
        """Remember what was said about a window, until it settles."""
        if not self.due(look.ticker, look.seconds_left):
            return
        settings = self.settings
        self._last[look.ticker] = int(look.seconds_left // settings.look_every_s)
        spans = self._open.setdefault(look.ticker, {})
        if len(self._open) > MOST_WINDOWS:
            self._forget(next(iter(self._open)))
        span = settings.span(look.seconds_left)
        seen = spans.get(span)
        if seen is None:
            seen = spans[span] = _Seen(len(settings.weights))
        seen.count += 1
        seen.market.append(look.market)
        seen.model.append(look.model)
        seen.blend.append(self.mix(look.model, look.market, look.seconds_left))
        theirs = _odds(look.market)
        ratio = _odds(look.model) / theirs
        for at, weight in enumerate(settings.weights):
            odds = theirs * ratio**weight
            seen.yes[at] += math.log1p(1.0 / odds)
            seen.no[at] += math.log1p(odds)

    def score(self, ticker: str, *, yes: bool) -> tuple[SpanScore, ...]:
        """What a result makes of the looks at its window; empty for one never looked at."""
        spans = self._open.get(ticker, {})
        return tuple(seen.score(span, yes=yes) for span, seen in sorted(spans.items()))

    def after(self, scores: Iterable[SpanScore]) -> Credits:
        """The credits that a settled window leads to."""
        credits_ = list(self.credits)
        for score in scores:
            credits_[score.span] = learned(self.settings, credits_[score.span], score.losses)
        return tuple(credits_)

    def learn(self, ticker: str, credits_: Credits) -> None:
        """Take the credits that a settled window has led to, and forget its looks."""
        self.credits = credits_
        self.windows += 1
        if ticker in self._open:
            self._forget(ticker)

    def settle(self, ticker: str, *, yes: bool) -> None:
        """Learn from the result of a window; one that was never looked at teaches nothing."""
        scores = self.score(ticker, yes=yes)
        if scores:
            self.learn(ticker, self.after(scores))

    def _forget(self, ticker: str) -> None:
        del self._open[ticker]
        del self._last[ticker]


def _odds(share: float) -> float:
    clipped = min(max(share, CLIP), 1.0 - CLIP)
    return clipped / (1.0 - clipped)


def _log_loss(shares: Sequence[float], *, yes: bool) -> float:
    return -sum(
        math.log(min(max(share if yes else 1.0 - share, CLIP), 1.0 - CLIP)) for share in shares
    ) / len(shares)


def _brier(shares: Sequence[float], *, yes: bool) -> float:
    return sum((share - yes) ** 2 for share in shares) / len(shares)


def _trio(scores: Iterable[float]) -> Trio:
    market, model, blend = scores
    return market, model, blend
