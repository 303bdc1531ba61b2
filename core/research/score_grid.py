"""The closed form of the fair value against Monte-Carlo, on a grid of 200 states.

    python -m core.research.score_grid [--paths 1000000] [--degrees 4] [--error 1.0]

Ten times before the close, five distances from the strike, two volatilities, and two kinds of what
is known: nothing unusual and four digits; or known prints that lead, three that were missed, and a
coarse unit, so that the half unit of ties weighs. Of 200 states one in two runs may have one beyond
three standard errors by chance alone (0.27 % each).
"""

from __future__ import annotations

import math
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Final

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
from core.units import SECOND, IndexValue, Nanos, parse_index

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    closed = (
        probability_yes(cell.state, cell.sigma, draws.error)
        if draws.degrees is None
        else probability_yes_fat(cell.state, cell.sigma, draws.degrees, draws.error)
    )
    return Comparison(
        cell=cell, closed=closed, drawn=drawn.probability, standard_error=drawn.standard_error
    )


def summary(compared: Sequence[Comparison]) -> str:
    """What a run found, in one line and its three widest distances."""
    ranked = sorted(compared, key=lambda one: -abs(one.distance))
    beyond = sum(abs(one.distance) > 3 for one in compared)  # noqa: PLR2004 - three standard errors
    spread = math.sqrt(sum(one.distance**2 for one in compared) / len(compared))
    first = (
        f"{len(compared)} states, {beyond} beyond three standard errors, "
        f"root mean square of the distances {spread:.2f} (1 is chance)"
    )
    lines = [
        f"  state {one.cell.number:3}: {one.cell.seconds_left} s left, closed {one.closed:.6f}, "
        f"drawn {one.drawn:.6f}, {one.distance:+.2f} standard errors"
        for one in ranked[:3]
    ]
    return "\n".join([first, *lines])


@click.command()
@click.option("--paths", default=1_000_000, show_default=True, type=click.IntRange(min=100))
@click.option("--degrees", type=click.IntRange(min=3), help="Student's t; none: normal.")
@click.option("--error", default=0.0, help="Relative error of a stand-in, basis points.")
@click.option("--seed", default=1, show_default=True)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1))
def main(paths: int, degrees: int | None, error: float, seed: int, jobs: int) -> None:
    """Compare closed form and Monte-Carlo on the grid."""
    draws = Draws(paths=paths, seed=seed, degrees=degrees, error=error * _BASIS_POINT)
    with ProcessPoolExecutor(jobs) as pool:
        compared = list(pool.map(partial(compare, draws=draws), grid()))
    click.echo(summary(compared))


if __name__ == "__main__":
    main()
