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
from typing import Final

import msgspec

_CLIP: Final = 1e-4
"""Probabilities nearer to 0 or 1 count as this near, as in `calibration`."""
_MOST_WINDOWS: Final = 64
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
    """Of looks at one window within the same such span, the first counts."""


DEFAULT_BLEND: Final = BlendSettings()


class Look(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What model and market said about one window; probabilities of YES."""

    ticker: str
    seconds_left: float
    model: float
    market: float


class _Open:
    """Losses of the experts over the looks at one window in one group, for either outcome."""

    __slots__ = ("count", "no", "yes")

    def __init__(self, experts: int) -> None:
        self.count = 0
        self.yes = [0.0] * experts
        self.no = [0.0] * experts


class Blend:
    """Credits of the experts. Its owner alone reads and changes it; memory is bounded.

    Hot: `mix` costs 2 us, `look` 5 us once in ten seconds of a window.
    """

    def __init__(self, settings: BlendSettings = DEFAULT_BLEND) -> None:
        self.settings = settings
        self._first = settings.credits
        self._credits = [settings.credits] * (len(settings.bounds_s) + 1)
        self._open: dict[str, dict[int, _Open]] = {}
        self._seen: dict[str, int] = {}
        self.windows = 0
        """Settled windows that were learned from."""

    def mix(self, model: float, market: float, seconds_left: float) -> float:
        """The blend's probability of YES."""
        shares = self._experts(model, market)
        credit = self._credits[self._group(seconds_left)]
        return sum(c * p for c, p in zip(credit, shares, strict=True))

    def weight(self, seconds_left: float) -> float:
        """The weight of the model, averaged over the experts, 0..1."""
        credit = self._credits[self._group(seconds_left)]
        return sum(c * w for c, w in zip(credit, self.settings.weights, strict=True))

    def look(self, look: Look) -> None:
        """Remember what was said about a window, until it settles."""
        span = int(look.seconds_left // self.settings.look_every_s)
        if self._seen.get(look.ticker) == span:
            return
        self._seen[look.ticker] = span
        groups = self._open.setdefault(look.ticker, {})
        if len(self._open) > _MOST_WINDOWS:
            self._forget(next(iter(self._open)))
        group = self._group(look.seconds_left)
        noted = groups.get(group)
        if noted is None:
            noted = groups[group] = _Open(len(self._first))
        noted.count += 1
        for at, share in enumerate(self._experts(look.model, look.market)):
            noted.yes[at] -= math.log(share)
            noted.no[at] -= math.log1p(-share)

    def settle(self, ticker: str, *, yes: bool) -> None:
        """Learn from the result of a window; one that was never looked at teaches nothing."""
        groups = self._open.get(ticker)
        if groups is None:
            return
        for group, noted in groups.items():
            losses = noted.yes if yes else noted.no
            self._learn(group, [loss / noted.count for loss in losses])
        self._forget(ticker)
        self.windows += 1

    def _learn(self, group: int, losses: list[float]) -> None:
        best = min(losses)
        raw = [
            c * math.exp(best - loss) for c, loss in zip(self._credits[group], losses, strict=True)
        ]
        kept = (1.0 - self.settings.share) / sum(raw)
        self._credits[group] = tuple(
            kept * c + self.settings.share * first
            for c, first in zip(raw, self._first, strict=True)
        )

    def _experts(self, model: float, market: float) -> list[float]:
        theirs = _logit(market)
        gap = _logit(model) - theirs
        return [1.0 / (1.0 + math.exp(-theirs - w * gap)) for w in self.settings.weights]

    def _group(self, seconds_left: float) -> int:
        for at, bound in enumerate(self.settings.bounds_s):
            if seconds_left <= bound:
                return at
        return len(self.settings.bounds_s)

    def _forget(self, ticker: str) -> None:
        del self._open[ticker]
        del self._seen[ticker]


def _logit(share: float) -> float:
    clipped = min(max(share, _CLIP), 1.0 - _CLIP)
    return math.log(clipped / (1.0 - clipped))
