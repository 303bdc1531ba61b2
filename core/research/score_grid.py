"""The closed form of the fair value against Monte-Carlo, on a grid of 200 states.

    python -m core.research.score_grid [--paths 1000000] [--degrees 4] [--error 1.0] [--sharp]

Ten times before the close, five distances from the strike, two volatilities, and two kinds of what
is known: nothing unusual and four digits; or known prints that lead, three that were missed, and a
coarse unit, so that the half unit of ties weighs.

Agreement is judged as follows, for 200 looks at chance are not one. A right formula has each state
beyond three standard errors with a chance of 0.27 %, so one state or more in 42 of 100 runs. So:

    1. no state may be beyond 4.06: that happens in 1 of 100 runs of 200 (Sidak);
    2. a state beyond three is drawn again, from a seed of its own with four times the paths, and
       must then be within three: chance does not come twice, an error does, and twice as far;
    3. the root mean square of all distances must be below 1.12, which chance passes in 99 of 100
       runs: many small errors show here.

`--sharp` takes most of the chance out (`core.research.sharp_draws`) and so shows how large the
error of the closed form really is.
"""

from __future__ import annotations

import math
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

import click
import msgspec

from core.domain.index import PRINTS
from core.domain.montecarlo import Draws, estimate_yes
from core.domain.pricing import (
    Contract,
    KnownPrints,
    Outlook,
    outlook,
    probability_yes,
    probability_yes_fat,
)
from core.domain.volatility import variance_of_bps
from core.research.sharp_draws import estimate_yes_sharply
from core.units import SECOND, IndexValue, Nanos, parse_index

_CLOSE: Final = Nanos(1_795_360_500 * SECOND)
_STRIKE: Final = parse_index("250")
_SECONDS_LEFT: Final = (900, 600, 300, 120, 61, 60, 45, 30, 12, 3)
_DISTANCES: Final = (-2.0, -0.8, 0.0, 0.6, 1.5)
"""Of the price from the strike, in standard deviations of the mean of the prints to come."""
_VOLATILITIES: Final = (15.0, 40.0)
"""Basis points over a window."""
_BASIS_POINT: Final = 1e-4
_LEAD: Final = 2 * _BASIS_POINT
_MISSED: Final = 3
_FRESH: Final = 1_000_000
"""Between the seeds of a run and those of what is drawn again."""
BEYOND: Final = 3.0
FARTHEST: Final = 4.06
"""Standard errors that the farthest of 200 states of a right formula passes in 1 of 100 runs."""
WIDEST: Final = 1.12
"""The root mean square that 200 standard normal distances pass in 1 of 100 runs."""
_COARSE: Final = 2
_FINE: Final = 4


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One state of the grid."""

    number: int
    seconds_left: int
    sigma: float
    state: Outlook


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Closed form and Monte-Carlo of one state."""

    cell: Cell
    closed: float
    drawn: float
    standard_error: float

    @property
    def distance(self) -> float:
        """In standard errors."""
        return (self.closed - self.drawn) / self.standard_error

    def to_text(self) -> str:
        """One line for people."""
        return (
            f"state {self.cell.number:3}: {self.cell.seconds_left} s left, "
            f"closed {self.closed:.6f}, drawn {self.drawn:.6f}, "
            f"{self.distance:+.2f} standard errors"
        )


def grid() -> tuple[Cell, ...]:
    """The 200 states."""
    cells: list[Cell] = []
    for left in _SECONDS_LEFT:
        for bps in _VOLATILITIES:
            sigma = math.sqrt(variance_of_bps(bps))
            for distance in _DISTANCES:
                for state in (_plain(left, sigma, distance), _odd(left, sigma, distance)):
                    cells.append(
                        Cell(number=len(cells), seconds_left=left, sigma=sigma, state=state)
                    )
    return tuple(cells)


def _plain(left: int, sigma: float, distance: float) -> Outlook:
    count = max(0, PRINTS + 1 - left)
    return _state(left, _FINE, count, _price(left, sigma, distance), 0.0)


def _odd(left: int, sigma: float, distance: float) -> Outlook:
    count = max(0, PRINTS + 1 - left - _MISSED)
    return _state(left, _COARSE, count, _price(left, sigma, distance), _LEAD)


def _price(left: int, sigma: float, distance: float) -> IndexValue:
    count = max(0, PRINTS + 1 - left)
    width = sigma * math.sqrt(_state(left, _FINE, count, _STRIKE, 0.0).effective_seconds)
    return IndexValue(round(_STRIKE * (1 + distance * width)))


def _state(left: int, digits: int, count: int, price: IndexValue, lead: float) -> Outlook:
    known = KnownPrints(count=count, total=count * round(_STRIKE * (1 + lead)))
    contract = Contract(strike=_STRIKE, digits=digits, close_ns=_CLOSE)
    return outlook(contract, known, price, Nanos(_CLOSE - left * SECOND))


def compare(cell: Cell, draws: Draws) -> Comparison:
    """One state; its draws are its own (`draws.seed` plus its number)."""
    own = msgspec.structs.replace(draws, seed=draws.seed + cell.number)
    drawn = estimate_yes(cell.state, cell.sigma, own)
    return Comparison(
        cell=cell,
        closed=_closed(cell, draws),
        drawn=drawn.probability,
        standard_error=drawn.standard_error,
    )


def _closed(cell: Cell, draws: Draws) -> float:
    if draws.degrees is None:
        return probability_yes(cell.state, cell.sigma, draws.error)
    return probability_yes_fat(cell.state, cell.sigma, draws.degrees, draws.error)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found; see the module for what it is held to."""

    compared: tuple[Comparison, ...]
    again: tuple[Comparison, ...]
    """States beyond three standard errors, drawn again."""

    @property
    def spread(self) -> float:
        """Root mean square of the distances: 1 is chance."""
        return math.sqrt(sum(one.distance**2 for one in self.compared) / len(self.compared))

    @property
    def agrees(self) -> bool:
        """All three conditions hold."""
        farthest = max(abs(one.distance) for one in self.compared)
        return (
            farthest <= FARTHEST
            and self.spread <= WIDEST
            and all(abs(one.distance) <= BEYOND for one in self.again)
        )

    def to_text(self) -> str:
        """For people."""
        lines = [
            f"{len(self.compared)} states, {len(self.again)} beyond {BEYOND:g} standard errors",
            f"root mean square of the distances {self.spread:.2f} (1 is chance)",
        ]
        ranked = sorted(self.compared, key=lambda one: -abs(one.distance))
        lines += [f"  {one.to_text()}" for one in ranked[:3]]
        lines += [f"  drawn again: {one.to_text()}" for one in self.again]
        lines.append("agrees" if self.agrees else "DOES NOT AGREE")
        return "\n".join(lines)


def judge_grid(draws: Draws, jobs: int = 1) -> Verdict:
    """Compare the whole grid, and draw again what is far off."""
    with ProcessPoolExecutor(jobs) as pool:
        compared = tuple(pool.map(partial(compare, draws=draws), grid()))
        far = [one.cell for one in compared if abs(one.distance) > BEYOND]
        fresh = msgspec.structs.replace(draws, seed=draws.seed + _FRESH, paths=4 * draws.paths)
        return Verdict(compared=compared, again=tuple(pool.map(partial(compare, draws=fresh), far)))


def sharp_summary(draws: Draws) -> str:
    """The error of the closed form where prints are to come, as far as it can be seen."""
    open_ = [cell for cell in grid() if cell.state.coming]
    drawn = [compare_sharply(cell, draws) for cell in open_]
    worst = max(drawn, key=lambda one: abs(one.closed - one.drawn))
    errors = [one.standard_error for one in drawn]
    return (
        f"{len(drawn)} states with prints to come, standard errors up to {max(errors):.6f}\n"
        f"largest difference {worst.closed - worst.drawn:+.6f}: {worst.to_text()}"
    )


def compare_sharply(cell: Cell, draws: Draws) -> Comparison:
    """One state by draws with a twin; no error of a stand-in."""
    own = msgspec.structs.replace(draws, seed=draws.seed + cell.number, error=0.0)
    drawn = estimate_yes_sharply(cell.state, cell.sigma, own)
    return Comparison(
        cell=cell,
        closed=_closed(cell, own),
        drawn=drawn.probability,
        standard_error=drawn.standard_error,
    )


@click.command()
@click.option("--paths", default=1_000_000, show_default=True, type=click.IntRange(min=100))
@click.option("--degrees", type=click.IntRange(min=3), help="Student's t; none: normal.")
@click.option("--error", default=0.0, help="Relative error of a stand-in, basis points.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--sharp", is_flag=True, help="How large the error is, with chance taken out.")
def main(  # noqa: PLR0913 - one for each option
    *, paths: int, degrees: int | None, error: float, seed: int, jobs: int, sharp: bool
) -> None:
    """Compare closed form and Monte-Carlo on the grid; ends with 1 where they do not agree."""
    draws = Draws(paths=paths, seed=seed, degrees=degrees, error=error * _BASIS_POINT)
    if sharp:
        click.echo(sharp_summary(draws))
        return
    verdict = judge_grid(draws, jobs)
    click.echo(verdict.to_text())
    if not verdict.agrees:
        sys.exit(1)


if __name__ == "__main__":
    main()
