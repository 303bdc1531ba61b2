"""What a strategy is: its protocol, the parameters that all have, and how it answers.

A strategy looks at one immutable picture of one market and says what it wants, or why nothing. It
has no clock, no randomness and no I/O: equal pictures in equal order give equal answers. It keeps
its own rolling state and nothing else; freshness of the data, pauses after a signal, numbering and
lifetime of signals are the business of the role that runs it, size that of risk. What strategies
share of their reasoning is in `judgement`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final, Protocol, Self, runtime_checkable

import msgspec
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.domain.offers import Offer
from core.messages import Pass, Signal, Style
from core.units import Nanos, Price, complement

if TYPE_CHECKING:
    from core.messages import MarketView

Values = tuple[tuple[str, float], ...]
"""Named numbers behind an answer, in the order in which a reader wants them."""
NEVER_EXIT: Final = 1.0
"""`exit_gain` of a strategy that holds to settlement: no contract pays more than a dollar."""
QUOTING: Final = frozenset({"requote", "max_behind", "requote_seconds"})
"""Parameters that mean nothing to a strategy that takes."""
Gate = tuple[str, Values]
"""The code of a gate that did not open, and its numbers."""


class StrategyParams(BaseModel):
    """Parameters that every strategy has; each adds its own and may change defaults.

    The description of a field ends in its unit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_edge: float = Field(
        default=0.03,
        ge=0,
        lt=1,
        description="least edge after fees and uncertainty, dollars per contract",
    )
    min_seconds_left: float = Field(
        default=60.0, ge=0, le=900, description="no signal closer to the close, seconds"
    )
    max_seconds_left: float = Field(
        default=840.0, gt=0, le=900, description="no signal earlier before the close, seconds"
    )
    kelly_fraction: float = Field(
        default=0.25, gt=0, le=1, description="stake as a share of full Kelly, fraction"
    )
    contracts: int = Field(
        default=50,
        ge=1,
        le=100_000,
        description="size for which the book's price is judged, contracts",
    )
    volatility_error: float = Field(
        default=0.15,
        ge=0,
        lt=1,
        description="relative error of the volatility to be feared, fraction",
    )
    tail_degrees: int = Field(
        default=4,
        ge=3,
        le=100,
        description="Student's degrees of freedom of what prices do, 100 is nearly normal, number",
    )
    proxy_bps: float = Field(
        default=1.0,
        ge=0,
        le=100,
        description="deviation of spot venues from the index beside their basis, basis points",
    )
    max_missed: int = Field(
        default=5,
        ge=0,
        le=60,
        description="most prints of the final minute that may be missing, prints",
    )

    exit_gain: float = Field(
        default=NEVER_EXIT,
        ge=0,
        le=NEVER_EXIT,
        description="what is held is sold when the book pays so much more than it is worth, after "
        "fees and uncertainty; 1: never, it is held to settlement, dollars per contract",
    )
    style: Style = Field(
        default="take",
        description="take what the book offers, or make: rest in it at the best price that keeps "
        "min_edge after the maker's fee, word",
    )
    requote: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="make: what the price may be off before an order is moved, dollars",
    )
    max_behind: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="make: no order rests farther below the best bid, dollars",
    )
    requote_seconds: float = Field(
        default=2.0,
        ge=0,
        le=900,
        description="make: least time from an order's end to the next one, seconds",
    )

    @model_validator(mode="after")
    def _times_in_order(self) -> Self:
        if self.min_seconds_left >= self.max_seconds_left:
            raise ValueError("min_seconds_left must be below max_seconds_left")
        return self


@runtime_checkable
class Strategy(Protocol):
    """One strategy. Called by one role, in the order of its pictures, on that role's thread."""

    name: ClassVar[str]
    """The name of its file."""
    Params: ClassVar[type[StrategyParams]]

    def __init__(self, params: StrategyParams) -> None:
        """Take parameters that `Params` has validated; hold no other resources."""
        ...

    def evaluate(self, view: MarketView, now: Nanos) -> Signal | Pass:
        """Answer one picture. `now` is the time of asking, on the clock of the market.

        A signal carries no id and expires with its window: the role numbers it and shortens it.
        """
        ...


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a market may move before a strategy that passed would say anything else.

    Holds as long as nothing but the book changes, and each side of it that is not empty has a
    contract or more at its best price.
    """

    until: Nanos
    """Before this time."""
    holds: Callable[[Price, Price], bool] | None = None
    """Whether the answer stays at this best bid and ask of YES (0 and $1 where a side is empty);
    None where the book does not matter. False where that is not certain."""


@runtime_checkable
class Steady(Protocol):
    """A strategy that knows when its last pass stands: backtests need not ask it again then."""

    def standing(self, view: MarketView, code: str, now: Nanos) -> Standing | None:
        """Of the pass `code` that it gave to `view` at `now`; None where nothing is known."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A strategy that keeps what it has learned when its parameters are changed while it runs."""

    def take_over(self, before: Strategy) -> None:
        """Called once, before the first picture, with the one of its kind that it replaces."""
        ...


class Exit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy holds is to be sold before its window ends."""

    price: Price
    """The least to accept per contract, in dollars of the outcome that is held."""
    probability: float
    """Of that outcome: what a contract is worth if it is held."""
    gain: float
    """Dollars per contract, after the fee, by which the sale at `price` beats that."""
    confidence: float
    """0..1"""
    reason: str
    values: Values


@runtime_checkable
class Leaver(Protocol):
    """A strategy that decides itself when to sell what it holds; `exit_gain` is its own to read."""

    def leave(self, view: MarketView, now: Nanos) -> Exit | None:
        """Asked of every picture in which `view.held` is something, before `evaluate`; None: hold.

        An exit is tried at once or not at all, for no more than is held, and followed by the same
        pause as any signal.
        """
        ...


class Intent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy wants, before it becomes a signal."""

    offer: Offer
    kelly_fraction: float
    """Share of full Kelly to stake, 0..1."""
    confidence: float
    """0..1; each strategy says what it means by it."""
    reason: str
    values: Values


def passed(name: str, view: MarketView, now: Nanos, gate: Gate) -> Pass:
    """The answer of a strategy that wants nothing: which gate, and its numbers."""
    code, values = gate
    return Pass(strategy=name, ticker=view.market.ticker, code=code, values=values, created=now)


def leaving(name: str, view: MarketView, now: Nanos, wish: Exit) -> Signal:
    """The signal of an exit. Selling one outcome is buying the other at the rest of the dollar."""
    assert view.held is not None
    return Signal(
        signal_id="",
        strategy=name,
        ticker=view.market.ticker,
        outcome=view.held.outcome.other,
        probability=1.0 - wish.probability,
        price=complement(wish.price),
        edge=wish.gain,
        confidence=wish.confidence,
        kelly_fraction=0.0,
        style="take",
        reason=wish.reason,
        values=wish.values,
        created=now,
        expires=view.market.close_ns,
        ts_event=view.ts_event,
        ts_recv=view.ts_recv,
        closes=True,
    )


def signalled(name: str, view: MarketView, now: Nanos, intent: Intent) -> Signal:
    """The answer of a strategy that wants an offer: at once, or by resting at its price."""
    offer = intent.offer
    return Signal(
        signal_id="",
        strategy=name,
        ticker=view.market.ticker,
        outcome=offer.outcome,
        probability=offer.probability,
        price=offer.price,
        edge=offer.edge,
        confidence=intent.confidence,
        kelly_fraction=intent.kelly_fraction,
        style=offer.style,
        reason=intent.reason,
        values=intent.values,
        created=now,
        expires=view.market.close_ns,
        ts_event=view.ts_event,
        ts_recv=view.ts_recv,
    )
