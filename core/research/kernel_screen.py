"""Which pictures of a tape may move `kelly_volatility` to act, for one set of parameters.

The same reasoning as `core.strategies.judgement`, gate by gate and formula by formula, over all
pictures at once. Rounding of the arrays may differ from the strategy's in the last digits, so a
picture within `MARGIN` of the least edge is kept: the strategy itself then decides. On what is left
out the strategy would have passed; a test asks it of every picture of a tape.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from core.domain.blend import CLIP, DEFAULT_BLEND
from core.domain.index import PRINTS

if TYPE_CHECKING:
    from core.research.kernel_columns import Columns, Flags, Floats
    from core.research.sweep_features import Ints
    from core.strategies.base import StrategyParams

MARGIN: Final = 1e-9
"""Dollars of edge, and seconds of time, within which the strategy is asked."""
_BASIS_POINT: Final = 1e-4


def candidates(
    table: Columns, params: StrategyParams, index_fresh: float, book_fresh: float
) -> Ints:
    """Rows of the pictures on which the strategy may signal. Freshness in seconds."""
    left, missed = table.field("seconds_left"), table.field("missed")
    gates = (
        (table.field("is_open") > 0)
        & (left >= params.min_seconds_left - MARGIN)
        & (left <= params.max_seconds_left + MARGIN)
        & (missed <= params.max_missed)
        & (table.field("index_age") <= index_fresh + MARGIN)
        & (table.field("book_age") <= book_fresh + MARGIN)
    )
    rows = np.flatnonzero(gates)
    low, high = fair(table, rows, params)
    least = params.min_edge - MARGIN
    yes = low - table.field("yes_cost")[rows] >= least
    no = 1.0 - high - table.field("no_cost")[rows] >= least
    return rows[yes | no]


def fair(table: Columns, rows: Ints, params: StrategyParams) -> tuple[Floats, Floats]:
    """The ends of the range of the probability of YES, blended, of these rows."""
    with np.errstate(all="ignore"):
        found = _range(table, rows, params)
        low, high = np.minimum.reduce(found), np.maximum.reduce(found)
        return _shrunk(table, rows, low), _shrunk(table, rows, high)


def _range(table: Columns, rows: Ints, params: StrategyParams) -> tuple[Floats, Floats, Floats]:
    """As `pricing.fair_range`."""
    ahead, moving = table.field("ahead")[rows], table.field("moving")[rows]
    coming, missed = table.field("coming")[rows], table.field("missed")[rows]
    own = params.proxy_bps * _BASIS_POINT * (coming + missed) / PRINTS
    beside = table.field("index_error")[rows]
    error = np.where(table.field("is_proxy")[rows] > 0, np.sqrt(beside * beside + own * own), 0.0)
    blur = np.where(coming > 0, PRINTS * error / coming, 0.0) ** 2
    leads = table.field("sum_ahead")[rows]
    known = leads / (2 * PRINTS * table.field("price")[rows] * error)
    known = np.where(error > 0, known, np.where(leads >= 0, math.inf, -math.inf))
    doubt = params.volatility_error
    found = []
    for scale in (1.0, (1.0 - doubt) ** 2, (1.0 + doubt) ** 2):
        variance = moving * scale
        width = np.sqrt(variance + blur)
        score = (ahead - variance / 2) / width
        certain = np.where(ahead >= 0, math.inf, -math.inf)
        score = np.where((width > 0) & np.isfinite(ahead), score, certain)
        found.append(_fat_share(np.where(coming > 0, score, known), params.tail_degrees))
    return found[0], found[1], found[2]


def _fat_share(score: Floats, degrees: int) -> Floats:
    """As `pricing.student_cdf`, scaled to variance 1."""
    x = score * math.sqrt(degrees / (degrees - 2))
    root = math.sqrt(degrees)
    length = np.hypot(root, x)
    cosine = root / length
    sine = np.where(np.isinf(x), np.sign(x), x / length)
    odd = degrees % 2
    term = cosine if odd else np.ones_like(x)
    total = np.zeros_like(x)
    for k in range(2 if odd else 1, degrees, 2):
        total += term
        term = term * (cosine * cosine * k / (k + 1))
    inner = sine * total
    share = 0.5 + ((np.arctan2(x, root) + inner) / math.pi if odd else inner / 2)
    share = np.where(np.isinf(x), (x > 0).astype(np.float64), share)
    return np.clip(share, 0.0, 1.0)


def _shrunk(table: Columns, rows: Ints, model: Floats) -> Floats:
    """As `blend.pooled`."""
    blended: Flags = table.field("is_blended")[rows] > 0
    if not blended.any():
        return model
    theirs = _odds(table.field("market")[rows])
    ratio = _odds(model) / theirs
    total = np.zeros_like(model)
    for at, weight in enumerate(DEFAULT_BLEND.weights):
        odds = theirs * ratio**weight
        total += table.credits[rows, at] * odds / (1.0 + odds)
    return np.where(blended, total, model)


def _odds(share: Floats) -> Floats:
    clipped = np.clip(share, CLIP, 1.0 - CLIP)
    return clipped / (1.0 - clipped)
