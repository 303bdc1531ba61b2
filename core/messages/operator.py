"""What an operator asks for beside the trading state, what is answered, and what stays of it.

Commands carry an id of their own; the role that obeys or refuses says so in one `CommandAnswered`.
What must outlive the process is an event: `StrategySet`, `BankrollSet`, and of a manual order the
`OrderApproved` of every order.
"""

from __future__ import annotations

from core.exchange.records import Outcome
from core.messages.base import Message, Part
from core.messages.decisions import Style
from core.units import Money, Nanos, Price, Quantity

MANUAL = "manual"
"""The strategy's name on orders of the operator."""
ParameterValue = bool | int | float | str | None
Parameter = tuple[str, ParameterValue]
"""Name and value of one parameter of a strategy."""


class PlaceManually(Message, frozen=True, kw_only=True):
    """Command: an order of the operator, through the gates of risk."""

    command_id: str
    ticker: str
    outcome: Outcome
    price: Price
    """The most to pay per contract, in the outcome's own dollars."""
    quantity: Quantity
    style: Style
    probability: float | None = None
    """The operator's opinion; with one, the gates of edge and Kelly's stake are asked too."""
    preview: bool = False
    """Only tell what would happen."""
    replaces: str = ""
    """An open order that would be cancelled first: it does not count as an open intent."""
    closes: bool = False
    """It only sells what is held of the other outcome; risk makes it of a `ClosePosition`."""
    by: str
    reason: str


class ClosePosition(Message, frozen=True, kw_only=True):
    """Command: sell what is held in a market, through the gates of risk. Also while paused."""

    command_id: str
    ticker: str
    least: Price | None = None
    """The least to accept per contract, in dollars of the leg that is held; None: what the book
    pays, down to the price collar below its best."""
    quantity: Quantity | None = None
    """More than that or the book offers is refused; None: all that the book takes."""
    preview: bool = False
    """Only tell what would happen."""
    by: str
    reason: str


class CancelOwn(Message, frozen=True, kw_only=True):
    """Command: take one of our orders off the book."""

    command_id: str
    order_id: str
    by: str
    reason: str


class DecreaseOwn(Message, frozen=True, kw_only=True):
    """Command: leave less of one of our orders resting, in its place in the queue."""

    command_id: str
    order_id: str
    remaining: Quantity
    """What shall rest: below what rests now, above nothing."""
    by: str
    reason: str


class SetBankroll(Message, frozen=True, kw_only=True):
    """Command: what stakes are computed from at most."""

    command_id: str
    bankroll: Money
    by: str
    reason: str


class BookCash(Message, frozen=True, kw_only=True):
    """Command: money came in, or went out, that was not traded for. Risk books what the exchange
    has more or less than the books, where that is `amount`; it books nothing else.
    """

    command_id: str
    amount: Money
    """Below zero: went out."""
    by: str
    reason: str


class SetParameters(Message, frozen=True, kw_only=True):
    """Command: other parameters for a strategy; those not named stay."""

    command_id: str
    strategy: str
    values: tuple[Parameter, ...]
    by: str
    reason: str


class GateAnswer(Part, frozen=True, kw_only=True):
    """What one gate says to an order."""

    code: str
    """The gate's name where it is open, its refusal where it is not."""
    passed: bool
    limit: float | None = None
    value: float | None = None


class Quote(Part, frozen=True, kw_only=True):
    """What a manual order would do. Money and prices in the units of the books."""

    ticker: str
    outcome: Outcome
    price: Price
    quantity: Quantity
    style: Style
    fillable: Quantity
    """What the book offers at the price or better, at most the quantity; 0 for one that rests."""
    cost: Money
    """At the prices of the book for what is fillable, at the limit for the rest."""
    fees: Money
    """For what is fillable, and the most for the rest: the maker's for an order that rests."""
    reserve: Money
    """Cost at the limit and the most in fees: what is set aside."""
    allowed: Quantity
    """The most that sizes and limits leave at this price."""
    gates: tuple[GateAnswer, ...]
    """Every gate in the order of the questions; the first that is shut decides."""
    closes: bool = False
    """The order sells what is held of the other outcome."""
    basis: Money = Money(0)
    """What the contracts that are sold were bought for, on average and before fees."""


class CommandAnswered(Message, frozen=True, kw_only=True):
    """What became of a command that carries an id."""

    command_id: str
    refusal: str = ""
    """A documented code; empty where the command was obeyed."""
    text: str = ""
    limit: float = 0.0
    value: float = 0.0
    order_id: str = ""
    """The order that it is about."""
    quote: Quote | None = None


class StrategySet(Message, frozen=True, kw_only=True):
    """What the operator wants of a strategy from now on. Journalled by the strategy."""

    strategy: str
    enabled: bool
    values: tuple[Parameter, ...]
    """All parameters that differ from the settings."""
    by: str
    reason: str
    ts: Nanos


class BankrollSet(Message, frozen=True, kw_only=True):
    """What stakes are computed from at most, from now on. Journalled by risk."""

    bankroll: Money
    by: str
    reason: str
    ts: Nanos
