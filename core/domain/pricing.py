"""Probability that a window settles YES, given what is known of its final minute.

The settlement value is the mean of sixty one-second prints, rounded half up to the unit u, and YES
if that reaches the strike. With the strike rounded up to the unit, X, this happens exactly when
the mean is at least X - u/2: ties, and the half unit below them, belong to YES. With K the sum of
the known prints and h prints that were missed, taken to equal the present price S, the n prints
still to come must average

    a = (60 (X - u/2) - K - h S) / n

They are S_i = S exp(sigma W(t_i) - sigma^2 t_i / 2), a diffusion without drift, at t_1, t_1 + 1,
..., t_1 + n - 1 seconds after the stamp of S. Their mean A has expectation S; and because
Cov(W(s), W(t)) = min(s, t), its relative variance is, to first order in sigma^2 t,

    v^2 = sigma^2 / n^2 * (sum over i, j of min(t_i, t_j))
        = sigma^2 * (t_1 + (n - 1)(2n - 1) / (6n))

since the sum of min(i, j) over i, j = 0..n-1 is (n - 1) n (2n - 1) / 6. What is left out is smaller
by sigma^2 t, about 1e-5. Taking A as lognormal with this mean and variance,

    P(YES) = P(A >= a) = N(d),    d = ln(S / a) / v - v / 2

Where a stand-in for the index is seen instead of the index, the settlement is known only up to a
relative error e. It moves the mean that is needed of the n prints by 60 e / n, so v^2 in the
denominator grows by the square of that; with no print to come it is all that is uncertain.

Limits: with sixty known prints the answer is 0 or 1; before the final minute the sixty prints count
as one at 19.5 s into it, so the uncertainty is that of 40.5 s less than the time to the close.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from core.domain.index import PRINTS
from core.units import INDEX_DECIMALS, SECOND, IndexValue, Nanos, ceil_to

_SQRT2: Final = math.sqrt(2.0)


class Contract(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a window pays on."""

    strike: IndexValue
    digits: int
    """Decimals of the settlement value."""
    close_ns: Nanos


class KnownPrints(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The deciding prints seen so far: how many of the sixty, and their sum."""

    count: int = 0
    total: int = 0


NOTHING_KNOWN: Final = KnownPrints()


class Outlook(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A settlement as seen from one moment: what is certain, and what the rest must do."""

    price: IndexValue
    """The present price, from which the rest diffuses."""
    needed: int
    """Twice the sum that missed and coming prints must reach for YES (twice: it may be half)."""
    coming: int
    """Prints still to come."""
    missed: int
    """Prints that passed unseen; they are taken to equal `price`."""
    first_s: float
    """Seconds from the stamp of `price` to the first print to come."""

    @property
    def needed_mean(self) -> float:
        """Mean that the prints to come must reach, in IndexValue units; needs `coming`."""
        return (self.needed / 2 - self.missed * self.price) / self.coming

    @property
    def effective_seconds(self) -> float:
        """Seconds of diffusion with the variance of the mean of the prints to come."""
        n = self.coming
        return self.first_s + (n - 1) * (2 * n - 1) / (6 * n)


def outlook(contract: Contract, known: KnownPrints, price: IndexValue, ts_price: Nanos) -> Outlook:
    """What is known and open, with the price stamped `ts_price` as the newest information.

    A print counts as coming if its stamp is after that of the price. Costs about 0.6 us.
    """
    unit = 10 ** (INDEX_DECIMALS - contract.digits)
    reached = PRINTS * (2 * ceil_to(contract.strike, unit) - unit)
    after = (contract.close_ns - ts_price - 1) // SECOND
    coming = max(0, min(after, PRINTS - known.count))
    return Outlook(
        price=price,
        needed=reached - 2 * known.total,
        coming=coming,
        missed=PRINTS - known.count - coming,
        first_s=(contract.close_ns - coming * SECOND - ts_price) / SECOND,
    )


def probability_yes(state: Outlook, sigma: float, error: float = 0.0) -> float:
    """P(settlement >= strike) for a volatility `sigma` per square root of a second, 0..1.

    `error` is the relative standard error of all prices where they stand in for the index. Hot: 0.5
    us; with `outlook` and its parts 1.3 us.
    """
    return 0.5 * math.erfc(-_score(state, sigma, error) / _SQRT2)


def probability_yes_fat(state: Outlook, sigma: float, degrees: int, error: float = 0.0) -> float:
    """The same with Student's t of `degrees` (3 or more) in the place of the normal distribution.

    It is scaled to the same variance. This is the diffusion whose volatility is not known but drawn
    once for the whole path, sigma^2 (degrees - 2) / chi-squared; few degrees mean fat tails.
    """
    score = _score(state, sigma, error)
    return _fat_share(score, degrees)


def fair_range(
    state: Outlook, sigma: float, degrees: int, error: float, doubt: float
) -> tuple[float, float, float]:
    """`probability_yes_fat`, and the same for a `sigma` lower and higher by the share `doubt`.

    Hot: what the three have in common is computed once; 2 us against 3 for three calls.
    """
    if not state.coming or state.needed_mean <= 0.0:
        share = probability_yes_fat(state, sigma, degrees, error)
        return share, share, share
    ahead = math.log(state.price / state.needed_mean)
    moving = sigma * sigma * state.effective_seconds
    blur = (PRINTS * error / state.coming) ** 2
    less, more = (1.0 - doubt) ** 2, (1.0 + doubt) ** 2
    return (
        _fat_share(_distance(ahead, moving, blur), degrees),
        _fat_share(_distance(ahead, moving * less, blur), degrees),
        _fat_share(_distance(ahead, moving * more, blur), degrees),
    )


def digital(price: float, strike: float, sigma: float, seconds: float) -> float:
    """The plain digital N(d2): P(last price >= strike), no drift, no averaging, no rounding.

    For comparison only: it is not what the contract pays on.
    """
    if price <= 0.0 or seconds <= 0.0 or sigma <= 0.0:
        return 1.0 if price >= strike else 0.0
    width = sigma * math.sqrt(seconds)
    return 0.5 * math.erfc(-(math.log(price / strike) / width - width / 2) / _SQRT2)


def student_cdf(x: float, degrees: int) -> float:
    """Distribution function of Student's t for a whole number of degrees, by its finite sum.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    if math.isinf(x):
        return 1.0 if x > 0 else 0.0
    root = math.sqrt(degrees)
    length = math.hypot(root, x)
    cosine, sine = root / length, x / length  # of theta = atan(x / root)
    odd = degrees % 2
    term = cosine if odd else 1.0
    total = 0.0
    for k in range(2 if odd else 1, degrees, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    inner = sine * total
    share = 0.5 + ((math.atan2(x, root) + inner) / math.pi if odd else inner / 2)
    return min(1.0, max(0.0, share))  # far out the sum cancels and may end at -1e-16


def _fat_share(score: float, degrees: int) -> float:
    """Share of Student's t, scaled to variance 1, below `score`."""
    return student_cdf(score * math.sqrt(degrees / (degrees - 2)), degrees)


def _distance(ahead: float, moving: float, blur: float) -> float:
    """D of the module's formula: log distance, variance of the motion, and of the blur."""
    width = math.sqrt(moving + blur)
    if width <= 0.0:
        return math.inf if ahead >= 0.0 else -math.inf
    return (ahead - moving / 2) / width


def _score(state: Outlook, sigma: float, error: float) -> float:
    """D of the module's formula; infinite where the answer is certain."""
    coming = state.coming
    if not coming:
        ahead = 2 * state.missed * state.price - state.needed
        if error <= 0.0:
            return math.inf if ahead >= 0 else -math.inf
        return ahead / (2 * PRINTS * state.price * error)
    mean = state.needed_mean
    if mean <= 0.0:
        return math.inf
    moving = sigma * sigma * state.effective_seconds
    blur = (PRINTS * error / coming) ** 2 if error else 0.0
    return _distance(math.log(state.price / mean), moving, blur)
