"""The worked numbers of `docs/pricing.md`, computed by the code that they describe.

    python -m core.research.worked docs/pricing.md

rewrites what stands between `<!-- worked: NAME -->` and `<!-- end -->`; a test holds the page to
it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from core.domain.basis import Basis
from core.domain.pricing import (
    NOTHING_KNOWN,
    Contract,
    KnownPrints,
    digital,
    outlook,
    probability_yes,
    probability_yes_fat,
    student_cdf,
)
from core.domain.volatility import (
    DEFAULT_SETTINGS,
    Volatility,
    decay_of_half_life,
    variance_of_bps,
    window_bps,
)
from core.research.worked_stakes import (
    CLOSE,
    blend,
    crowded,
    fees,
    kelly,
    partial_fills,
    table,
    verdicts,
)
from core.units import SECOND, IndexValue, Nanos, format_fixed, parse_index

if TYPE_CHECKING:
    from collections.abc import Callable

STRIKE: Final = parse_index("250")
SIGMA: Final = math.sqrt(variance_of_bps(32.7))
_BPS: Final = 1e4
_MINUTE: Final = 60


def fair_values() -> str:
    """The often copied example, and prices around it, ten minutes before the close."""
    rows = []
    for shown in ("249.50", "249.80", "250.00", "250.50"):
        price = parse_index(shown)
        state = outlook(_contract(), NOTHING_KNOWN, price, _before(600))
        width = SIGMA * math.sqrt(state.effective_seconds)
        score = math.log(state.price / state.needed_mean) / width - width / 2
        rows.append(
            (
                shown,
                f"{width * _BPS:.2f} bp",
                f"{score:+.3f}",
                f"{probability_yes(state, SIGMA):.4f}",
                f"{probability_yes_fat(state, SIGMA, 4):.4f}",
                f"{digital(price, STRIKE, SIGMA, 600):.4f}",
            )
        )
    return table(("price", "deviation", "d", "normal", "t(4), used", "plain N(d2)"), rows)


def seconds_of_diffusion() -> str:
    """The same price at the strike, and how much of the way to the close still counts."""
    rows = []
    for left in (900, 600, 120, 61, 45, 30, 10, 3):
        known = max(0, _MINUTE + 1 - left)
        state = outlook(_contract(), _prints(known, 0.0), STRIKE, _before(left))
        width = SIGMA * math.sqrt(state.effective_seconds) * state.coming / _MINUTE
        rows.append(
            (
                str(left),
                str(known),
                str(state.coming),
                f"{state.effective_seconds:.2f}",
                f"{width * _BPS:.2f} bp",
            )
        )
    head = ("seconds left", "known", "to come", "seconds of diffusion", "of the settlement")
    return table(head, rows)


def final_minute() -> str:
    """Known prints that lead the strike by 5 bp, and a price that is back at it."""
    rows = []
    for left in (60, 45, 30, 20, 10, 5):
        known = _MINUTE + 1 - left
        state = outlook(_contract(), _prints(known, 5.0), STRIKE, _before(left))
        behind = (state.needed_mean / STRIKE - 1) * _BPS
        rows.append(
            (
                str(left),
                str(known),
                f"{behind:+.2f} bp",
                f"{probability_yes_fat(state, SIGMA, 4):.4f}",
                f"{digital(STRIKE, STRIKE, SIGMA, left):.4f}",
            )
        )
    head = ("seconds left", "known", "the rest must average", "fair value", "plain N(d2)")
    return table(head, rows)


def ties() -> str:
    """All sixty prints known, around the half unit below the strike of 250.0000."""
    rows = []
    for short in (0, 30 * 10_000, 30 * 10_000 + 1):
        known = KnownPrints(count=60, total=60 * STRIKE - short)
        state = outlook(_contract(), known, STRIKE, _before(1))
        mean = format_fixed(IndexValue(STRIKE - short // 60), 8)
        below = "" if short % 60 == 0 else ", and a little less"
        rows.append((f"{mean}{below}", f"{probability_yes(state, SIGMA):.0f}"))
    return table(("mean of the sixty prints", "P(YES)"), rows)


def tails() -> str:
    """How likely a distance is under either distribution, both of variance 1."""
    rows = [
        (
            f"{distance:.1f}",
            f"{0.5 * math.erfc(distance / math.sqrt(2)):.5f}",
            f"{1 - student_cdf(distance * math.sqrt(2), 4):.5f}",
        )
        for distance in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
    ]
    return table(("standard deviations", "beyond, normal", "beyond, t(4)"), rows)


def volatility() -> str:
    """Figures of the estimate."""
    quiet = Volatility()
    for second in range(20_000):
        quiet.update(STRIKE, Nanos(CLOSE + second * SECOND))
    settings = DEFAULT_SETTINGS
    rows = [
        ("half-life of the short mean", f"{settings.short_half_life_s:.0f} s"),
        ("`decay` of a half-life of 60 s", f"{decay_of_half_life(60.0):.4f}"),
        ("a price that never moves, after 20,000 s", f"{window_bps(quiet.sigma):.1f} bp"),
        ("32.7 bp a window, in a second", f"{SIGMA * _BPS:.3f} bp"),
        ("32.7 bp a window, in a minute", f"{SIGMA * math.sqrt(_MINUTE) * _BPS:.2f} bp"),
    ]
    return table(("what", "value"), rows)


def basis() -> str:
    """A spot venue $5 below an index of $64,000, seen each second; strike after strike."""
    learner, rows = Basis(), []
    index, spot = 64_000.0, parse_index("63995")
    for window in range(1, 4):
        opens = Nanos(CLOSE + window * 900 * SECOND)
        for second in range(-70, 1):
            learner.take(spot, Nanos(opens + second * SECOND))
        learner.learn(parse_index(f"{index:.0f}"), opens, 1e-5)
        rows.append(
            (
                str(window),
                f"{learner.estimate * _BPS:+.3f} bp",
                f"{learner.error * _BPS:.3f} bp",
                format_fixed(learner.corrected(spot), 8)[:-6],
            )
        )
    return table(("strikes", "basis", "its error", "63,995.00 stands for"), rows)


BLOCKS: Final[dict[str, Callable[[], str]]] = {
    block.__name__: block
    for block in (
        *(fair_values, seconds_of_diffusion, final_minute, ties, tails, volatility, basis),
        *(fees, partial_fills, kelly, crowded, blend, verdicts),
    )
}
"""By the name in the page."""
_BLOCK: Final = re.compile(r"(<!-- worked: (\w+) -->\n)(?:(?!<!-- ).)*(<!-- end -->)", re.DOTALL)


def render(page: str) -> str:
    """The page with every block computed anew. KeyError for a block that nobody computes."""
    return _BLOCK.sub(lambda found: f"{found[1]}{BLOCKS[found[2]]()}\n{found[3]}", page)


def _contract() -> Contract:
    return Contract(strike=STRIKE, digits=4, close_ns=CLOSE)


def _before(seconds: float) -> Nanos:
    return Nanos(CLOSE - round(seconds * SECOND))


def _prints(count: int, lead_bps: float) -> KnownPrints:
    return KnownPrints(count=count, total=count * round(STRIKE * (1 + lead_bps / _BPS)))


@click.command()
@click.argument("page", type=click.Path(path_type=Path, exists=True))
def main(page: Path) -> None:
    """Compute the worked numbers of PAGE anew."""
    page.write_text(render(page.read_text()))


if __name__ == "__main__":
    main()
