"""Would the backtest have done what the daemon did? One session, decision by decision.

A daemon records what came in and what it decided. Its tape is played to the same roles with the
same settings, and what they decide now is held against what was decided then. A strategy's signal
is paired with the nearest one of the other side in the same market within half a cool-down; a pair
is the same when outcome, limit, answer of risk, and fills are the same. Every difference is named
with its reason:

* `latency` the same decision, but the picture behind it was handled a little later or the book had
  moved when the order arrived;
* `follows` an earlier difference in that market left other money, another position, or another
  cool-down behind;
* `start`   within the first seconds of a session the two begin their state at different moments;
* `unexplained` none of these: a defect until shown otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from core.research.parity_decisions import Decision
from core.units import Nanos, Quantity, contracts, format_price

if TYPE_CHECKING:
    from collections.abc import Sequence


Reason = Literal["latency", "follows", "start", "unexplained"]
START_SECONDS: Final = 5.0
"""Of the machine: until then a session is only beginning."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One decision that is not the same on both sides."""

    strategy: str
    ticker: str
    at: Nanos
    what: str
    reason: Reason


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of one session."""

    live: int
    """Decisions of the daemon."""
    replayed: int
    """Decisions of the backtest."""
    same: int
    """In everything: outcome, limit, answer, contracts, price."""
    agreed: int
    """Same outcome in the same market at the same time, whatever became of it."""
    differences: tuple[Difference, ...]
    latency: Nanos
    """From an order to its answer, as measured in the session; the backtest had it too."""

    @property
    def score(self) -> float:
        """Share of all decisions of both sides that are the same, 0..1; 1 where there were none."""
        every = self.live + self.replayed - self.agreed
        return self.same / every if every else 1.0

    @property
    def unexplained(self) -> int:
        """Differences without a reason."""
        return sum(difference.reason == "unexplained" for difference in self.differences)

    def to_text(self) -> str:
        """Score and every difference, for a person."""
        lines = [
            f"decisions   live {self.live}, backtest {self.replayed}",
            f"agreed      {self.agreed} on market, moment and outcome",
            f"same        {self.same} to the contract and the price",
            f"score       {100 * self.score:.1f} %",
            f"latency     {self.latency / 1e6:.1f} ms from an order to its answer",
            f"differences {len(self.differences)}, {self.unexplained} unexplained",
        ]
        return "\n".join(
            [
                *lines,
                *(f"{d.reason:12}{d.ticker} {d.strategy}: {d.what}" for d in self.differences),
            ]
        )


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What counts as the same moment."""

    start: Nanos
    """Of the session."""
    starting: Nanos
    """For so long after it the two sides are not comparable."""
    near: Nanos
    """Furthest apart that two signals of one decision may be: half a cool-down."""
    latency: Nanos


def compare(live: Sequence[Decision], replayed: Sequence[Decision], terms: Terms) -> Parity:
    """Pair the decisions of both sides, and name what differs."""
    sides: dict[tuple[str, str], tuple[list[Decision], list[Decision]]] = defaultdict(
        lambda: ([], [])
    )
    for side, found in enumerate((live, replayed)):
        for decision in found:
            sides[decision.strategy, decision.ticker][side].append(decision)
    pairs = [pair for ours, theirs in sides.values() for pair in _paired(ours, theirs, terms.near)]
    pairs.sort(key=_moment)
    differences: list[Difference] = []
    same = agreed = 0
    for then, again in pairs:
        what = _what(then, again)
        agreed += then is not None and again is not None and then.outcome == again.outcome
        if not what:
            same += 1
            continue
        some = then or again
        assert some is not None
        reason = _reason(then, again, differences, terms)
        differences.append(
            Difference(
                strategy=some.strategy, ticker=some.ticker, at=some.at, what=what, reason=reason
            )
        )
    return Parity(
        live=len(live),
        replayed=len(replayed),
        same=same,
        agreed=agreed,
        differences=tuple(differences),
        latency=terms.latency,
    )


Pair = tuple[Decision | None, Decision | None]


def _moment(pair: Pair) -> Nanos:
    some = pair[0] or pair[1]
    assert some is not None
    return some.at


def _paired(ours: Sequence[Decision], theirs: Sequence[Decision], near: Nanos) -> list[Pair]:
    """In order of time; what finds no partner near enough stands alone."""
    pairs: list[Pair] = []
    a = b = 0
    while a < len(ours) or b < len(theirs):
        gap = ours[a].at - theirs[b].at if a < len(ours) and b < len(theirs) else None
        if gap is not None and abs(gap) <= near:
            pairs.append((ours[a], theirs[b]))
            a, b = a + 1, b + 1
        elif b >= len(theirs) or (gap is not None and gap < 0):
            pairs.append((ours[a], None))
            a += 1
        else:
            pairs.append((None, theirs[b]))
            b += 1
    return pairs


def _what(then: Decision | None, again: Decision | None) -> str:
    """What differs, in words; empty where nothing does."""
    if then is None or again is None:
        some, who = (then, "the daemon") if then is not None else (again, "the backtest")
        assert some is not None
        return f"only {who} wanted {some.outcome} at {format_price(some.limit)}: {some.answer}"
    parts = []
    if then.outcome != again.outcome:
        parts.append(f"{then.outcome} against {again.outcome}")
    if then.limit != again.limit:
        parts.append(f"limit {format_price(then.limit)} against {format_price(again.limit)}")
    if then.answer != again.answer:
        parts.append(f"{then.answer} against {again.answer}")
    elif then.quantity != again.quantity:
        parts.append(f"{_count(then.quantity)} against {_count(again.quantity)} contracts")
    if (then.filled, then.paid) != (again.filled, again.paid):
        parts.append(
            f"filled {_count(then.filled)} at {then.price:.4f} against {_count(again.filled)} at "
            f"{again.price:.4f}"
        )
    if parts and then.at != again.at:
        parts.append(f"{(again.at - then.at) / 1e6:+.1f} ms apart")
    return ", ".join(parts)


def _reason(
    then: Decision | None, again: Decision | None, before: Sequence[Difference], terms: Terms
) -> Reason:
    some = then or again
    assert some is not None
    if some.at - terms.start < terms.starting:
        return "start"
    if then is not None and again is not None:
        same_wish = then.outcome == again.outcome
        decided_alike = (then.limit, then.answer, then.quantity) == (
            *(again.limit, again.answer),
            again.quantity,
        )
        if same_wish and (decided_alike or then.at != again.at):
            return "latency"
    return "follows" if before else "unexplained"


def _count(quantity: Quantity) -> str:
    return f"{contracts(quantity):g}"
