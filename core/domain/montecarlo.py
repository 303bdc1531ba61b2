"""Seeded Monte-Carlo of a settlement: draws every print, shares no formula with `pricing`.

For tests and for pictures of the final mean's distribution; never on the hot path.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from core.domain.index import PRINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from core.domain.pricing import Outlook

_CHUNK: Final = 50_000
"""Paths drawn together: few enough to stay in the processor's cache."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A probability found by drawing, and its standard error."""

    probability: float
    standard_error: float


class Draws(msgspec.Struct, frozen=True, kw_only=True):
    """How to draw: equal ones give equal results."""

    paths: int = 100_000
    seed: int = 1
    degrees: int | None = None
    """Student's degrees of freedom of the whole path; None for the normal diffusion."""
    error: float = 0.0
    """Relative standard error of all prices, where they stand in for the index; with `degrees` it
    has the path's own factor, as the closed form assumes."""


def estimate_yes(state: Outlook, sigma: float, draws: Draws) -> Estimate:
    """P(YES) as the share of drawn paths whose rounded mean reaches the strike."""
    blurs = np.random.default_rng((draws.seed, 1))
    unseen = state.missed * float(state.price)
    off = PRINTS * float(state.price) * draws.error
    hits = 0
    for sums, _, mixing in coming_sums(state, sigma, draws):
        wrong = off * mixing * blurs.standard_normal(sums.size) if draws.error else 0.0
        hits += int(np.count_nonzero(2.0 * (sums + unseen + wrong) >= state.needed))
    share = hits / draws.paths
    # Agresti and Coull: an error that is not zero where all or none of the paths hit.
    middle = (hits + 2) / (draws.paths + 4)
    error = math.sqrt(middle * (1 - middle) / (draws.paths + 4))
    return Estimate(probability=share, standard_error=error)


def draw_means(state: Outlook, sigma: float, draws: Draws) -> NDArray[np.float64]:
    """Drawn means of the prints to come, in IndexValue units; needs `state.coming`."""
    drawn = [sums for sums, _, _ in coming_sums(state, sigma, draws)]
    return np.concatenate(drawn) / state.coming


def coming_sums(
    state: Outlook, sigma: float, draws: Draws
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
    """By path: the sum of the prints to come, its first order, and the factor on all widths."""
    generator = np.random.default_rng(draws.seed)
    for start in range(0, draws.paths, _CHUNK):
        mixing = np.ones(min(_CHUNK, draws.paths - start))
        if draws.degrees is not None:
            squares = generator.chisquare(draws.degrees, mixing.size)
            mixing = np.sqrt((draws.degrees - 2) / squares)
        sums, twins = _walk(state, sigma * mixing, generator)
        yield sums, twins, mixing


def _walk(
    state: Outlook, scale: NDArray[np.float64], generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One path for each volatility in `scale`, print by print; the sum of its prints, and the same
    to first order in their log prices.
    """
    log_price = np.zeros_like(scale)
    total, first_order = np.zeros_like(scale), np.zeros_like(scale)
    for number in range(state.coming):
        elapsed = 1.0 if number else state.first_s
        shocks = generator.standard_normal(scale.size)
        log_price += scale * math.sqrt(elapsed) * shocks - scale * scale * elapsed / 2
        total += np.exp(log_price)
        first_order += log_price
    price = float(state.price)
    return total * price, (first_order + state.coming) * price
