"""Monte-Carlo with most of the chance taken out of it, to see errors that plain draws hide.

The share of paths that reach the strike is corrected by a twin whose chance is known: the sum of
the prints to first order in the log prices, which is normal whatever the paths do. The twin agrees
with nearly every path, so chance is left in the few about which it does not, and an error of a
closed form shows that lies far below the standard error of the plain share. It shares no formula
with `pricing`: the twin's variance is summed print by print.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtr

from core.domain.montecarlo import Estimate, coming_sums

if TYPE_CHECKING:
    from core.domain.montecarlo import Draws
    from core.domain.pricing import Outlook


_UNSEEN: Final = 3.0
"""Upper 95 % bound of the expected number of what was never seen."""


def estimate_yes_sharply(state: Outlook, sigma: float, draws: Draws) -> Estimate:
    """P(YES) from the paths of `estimate_yes`; needs prints to come, and no `draws.error`."""
    price, count = float(state.price), state.coming
    needed = state.needed / 2.0 - state.missed * price
    times = state.first_s + np.arange(count)
    spread = sigma * price * math.sqrt(float(np.minimum.outer(times, times).sum()))
    sag = sigma * sigma * price * float(times.sum()) / 2
    total = squares = 0.0
    for sums, twins, mixing in coming_sums(state, sigma, draws):
        known = ndtr((price * count - sag * mixing**2 - needed) / (spread * mixing))
        values = (sums >= needed).astype(np.float64) - (twins >= needed) + known
        total += float(values.sum())
        squares += float(np.square(values).sum())
    mean = total / draws.paths
    # Where the twin never erred, it may still err once in a third of as many paths.
    variance = max(squares / draws.paths - mean * mean, _UNSEEN / draws.paths)
    return Estimate(probability=mean, standard_error=math.sqrt(variance / draws.paths))
