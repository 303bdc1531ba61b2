"""What goes to the screen, and what comes back from it.

The dashboard role says what is to be seen as `ScreenFrame`; the web layer folds and sends frames
without knowing what they mean (`core.screen.topics`). The operator's commands and their answers
are the vocabulary between the web and the actor layer, which do not import each other.
"""

from __future__ import annotations

from typing import Literal

from core.messages.base import Message, Part
from core.messages.operator import (
    BookCash,
    CancelOwn,
    ClosePosition,
    DecreaseOwn,
    PlaceManually,
    SetBankroll,
    SetParameters,
)
from core.messages.protections import ClearLock
from core.units import Nanos, Quantity


class ScreenFrame(Message, frozen=True, kw_only=True):
    """One thing on the screen changed; `data` is one of the rows of `core.screen`."""

    topic: str
    """A key of `core.screen.topics.TOPICS`: it says how `data` changes what is shown."""
    data: Part
    ts: Nanos


class ScreenDue(Message, frozen=True, kw_only=True):
    """The dashboard's own wake-up: changes that waited for the next frame are due."""

    due: Nanos


class ControlRequest(Part, frozen=True, kw_only=True):
    """A command of the operator: who wants it and why, for the journal and the audit log."""

    by: str
    reason: str
    command_id: str = ""
    """Given by the client, so that a repeated command is recognised."""


Verdict = Literal["done", "refused", "unanswered"]


class Amendment(Part, frozen=True, kw_only=True):
    """Another price or size for an open order: it is cancelled, and `order` placed instead."""

    cancel: CancelOwn
    order: PlaceManually
    """Its quantity is what shall rest if nothing more fills meanwhile."""
    filled: Quantity
    """What the old order had filled when that quantity was chosen."""


OperatorCommand = (
    PlaceManually
    | ClosePosition
    | CancelOwn
    | DecreaseOwn
    | Amendment
    | SetParameters
    | SetBankroll
    | BookCash
    | ClearLock
)
"""Commands that are not about the trading state."""


class GateRow(Part, frozen=True, kw_only=True):
    """What one gate of risk says to an order."""

    gate: str
    """Its name where it is open, the code of its refusal where it is not."""
    passed: bool
    limit: float | None
    value: float | None


class QuoteRow(Part, frozen=True, kw_only=True):
    """What a manual order would do. Prices in dollars of the own leg: the one bought, or sold."""

    ticker: str
    side: Literal["yes", "no"]
    order_type: Literal["limit", "ioc"]
    quantity: float
    price: float
    fillable_quantity: float
    """What the book has at the price or better; 0 for an order that rests."""
    average_price: float
    """Of what would fill; the limit where nothing would fill at once."""
    cost: float
    fee: float
    proceeds: float | None
    """Of a sale: what it brings after the fee; None for an order that buys."""
    realized: float | None
    """Of a sale: `proceeds` less what the contracts were bought for, whose fees are paid already;
    None for an order that buys."""
    max_loss: float
    """Cost and fee: the contracts pay nothing. Of a sale against holding on: they would have paid
    a dollar each."""
    max_gain: float
    """They pay a dollar each. Of a sale against holding on: they would have paid nothing."""
    break_even: float
    """Probability of the own leg at which the order brings nothing, or no more than holding on."""
    reserve: float
    """What is set aside while it is open: cost at the limit and the most in fees."""
    allowed_quantity: float
    """The most that sizes and limits leave at this price."""
    refusal: GateRow | None
    """The first gate that is shut; None where the order would be placed."""
    gates: tuple[GateRow, ...]


class ControlAnswer(Part, frozen=True, kw_only=True):
    """What became of a command, as verified in the actor layer.

    `refused`: understood and not allowed now (`code`, `message`); nothing changed. `unanswered`:
    `actor` did not answer in time, the outcome is open.
    """

    verdict: Verdict
    code: str = ""
    message: str = ""
    actor: str = ""
    state: str = ""
    """Trading state after the command; empty where unknown."""
    epoch: int = 0
    cancelled: int | None = None
    """Orders cancelled by it; None where it cancels nothing or the proof is not in yet."""
    resting: int | None = None
    """Orders that still rest at the exchange: 0 is the proof of a stop."""
    trade_id: str = ""
    """The order that the command is about or has made."""
    order_status: str = ""
    """submitted, open, filled, cancelled, unknown; empty where it is about no order."""
    filled_quantity: float | None = None
    """Contracts of that order, as far as the exchange has told."""
    quote: QuoteRow | None = None
    """Of a manual order: what it does, or would do."""
