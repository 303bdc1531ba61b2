"""The contract of API and stream in pydantic: queries, bodies, commands, and every frame.

The rows of frames are declared once, in `core.screen`; their models here are made from them, so
the two cannot drift apart. `frame_model` gives the model of a whole envelope, for documents and for
checks.
"""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    create_model,
    field_validator,
    model_validator,
)

from core.messages import Part
from web.rows import ROWS

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
CommandId = Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9._:-]*$")]
TradeStatus = Literal[
    "pending",
    "submitted",
    "open",
    "partially_filled",
    "filled",
    "cancelled",
    "rejected",
    "unknown",
]


class Strict(BaseModel):
    """What people and programs send: unknown fields are errors, nothing is changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- queries ------------------------------------------------------------------------------------


class ListQuery(Strict):
    """Of every list."""

    limit: int = Field(default=100, ge=1, le=1_000)
    offset: int = Field(default=0, ge=0, le=100_000)
    """Rows to leave out, newest first."""


class TradeQuery(ListQuery):
    """Of `/api/trades`: one status or several with commas; an empty one asks for nothing."""

    status: tuple[TradeStatus | Literal[""], ...] = ()

    @field_validator("status", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value


class OrderQuery(ListQuery):
    """Of `/api/orders`."""

    status: Literal["open", "all"] = "open"


class DecisionQuery(ListQuery):
    """Of `/api/decisions`."""

    kind: Literal["signal", "pass", "approved", "denied"] | None = None
    strategy: Annotated[str, StringConstraints(max_length=100)] | None = None


class HistoryQuery(Strict):
    """Of `/api/price-history`."""

    series: Annotated[str, StringConstraints(max_length=40)] | None = None
    limit: int = Field(default=900, ge=1, le=1_200)
    """Points of each line, one a second."""


class ProfitQuery(ListQuery):
    """Of `/api/profit`."""

    by: Literal["day", "week", "month"] = "day"


class PerformanceQuery(Strict):
    """Of `/api/performance`."""

    points: int = Field(default=500, ge=2, le=5_000)
    """Of the equity, at most."""
    days: int = Field(default=31, ge=1, le=3_660)
    """New York days with trades, newest first."""


class StreamQuery(Strict):
    """Of `/ws`."""

    topics: Annotated[str, StringConstraints(max_length=500)] | None = None
    session: Annotated[str, StringConstraints(max_length=40)] = ""
    since: int | None = Field(default=None, ge=0)

    @property
    def wanted(self) -> frozenset[str] | None:
        """The topics asked for; None for all."""
        if self.topics is None:
            return None
        return frozenset(part for part in self.topics.split(",") if part)


# --- commands -----------------------------------------------------------------------------------


class CommandBody(Strict):
    """Of every command: why, and an id under which it is carried out only once."""

    reason: Text = ""
    command_id: CommandId = ""


Reason = Annotated[Text, Field(min_length=3, json_schema_extra={"pattern": r"\S.*\S.*\S|\S\S\S"})]
"""Why a command is given, where that must be said."""


class ResetBody(CommandBody):
    """Of the breaker's reset: it needs a reason."""

    reason: Reason


Dollars = Annotated[float, Field(gt=0, lt=1, multiple_of=0.0001, allow_inf_nan=False)]
"""A price of a binary contract."""
Contracts = Annotated[float, Field(ge=0.01, le=1_000_000, multiple_of=0.01, allow_inf_nan=False)]


class OrderBody(CommandBody):
    """A manual order. `limit` rests at its price or is refused, `ioc` takes what is there."""

    ticker: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    side: Literal["yes", "no"]
    quantity: Contracts
    price: Dollars
    """The most to pay per contract, in dollars of the own leg."""
    order_type: Literal["limit", "ioc"] = "limit"
    probability: Dollars | None = None
    """Your opinion of the own leg; with one, edge and Kelly's stake are gates too."""
    preview: bool = False
    """Only tell cost, fee, loss, gain, break-even and what every gate says."""


class CloseBody(CommandBody):
    """What is held in a market is sold, all of it or so much, at once or not at all."""

    quantity: Contracts | None = None
    """None: all that the book takes. More than is held or than the book takes is refused."""
    least_price: Dollars | None = None
    """The least to accept per contract, in dollars of the leg that is held; None: what the book
    pays, down to `PRICE_COLLAR` below its best price."""
    preview: bool = False
    """Only tell what it would bring and what every gate says."""


class DecreaseBody(CommandBody):
    """Less of an order: what shall rest of it, below what rests now."""

    quantity: Contracts


class AmendBody(CommandBody):
    """Another price or size for an open order. It loses its place in the queue."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["price"]}, {"required": ["quantity"]}]}
    )

    price: Dollars | None = None
    quantity: Contracts | None = None
    """What shall rest; None: what rests now."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.price is None and self.quantity is None:
            raise ValueError("give price, quantity or both")
        return self


ParameterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ParameterValue = (
    bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=200)]
)


class ParametersBody(CommandBody):
    """Parameters of a strategy; those not named stay as they are."""

    params: Annotated[
        dict[ParameterName, ParameterValue],
        Field(min_length=1, max_length=64, json_schema_extra={"additionalProperties": False}),
    ]


class BankrollBody(CommandBody):
    """What stakes are computed from at most, in dollars."""

    bankroll: Annotated[float, Field(gt=0, le=1_000_000_000, allow_inf_nan=False)]


class CashBody(CommandBody):
    """Money that came in or, below zero, went out, in dollars; the reason is kept with it."""

    amount: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
    reason: Reason


class ModeBody(CommandBody):
    """The mode that is wanted; live needs its phrase."""

    mode: Literal["local", "paper", "live"]
    confirmation: Text = ""


class PlainCommand(Strict):
    """`ping` and `get_status` on the stream."""

    type: Literal["ping", "get_status"]
    timestamp: Text | None = None
    data: dict[str, Any] | None = None


class BotCommand(Strict):
    """`start_bot` and `stop_bot` on the stream."""

    type: Literal["start_bot", "stop_bot"]
    timestamp: Text | None = None
    data: CommandBody | None = None


COMMAND: TypeAdapter[PlainCommand | BotCommand] = TypeAdapter(
    Annotated[PlainCommand | BotCommand, Field(discriminator="type")]
)
"""Anything that a client may send on the stream."""


# --- frames -------------------------------------------------------------------------------------


@cache
def row_model(row: type[Part]) -> type[BaseModel]:
    """The pydantic model of a row: the same fields, types and text; nothing more is allowed."""
    hints = get_type_hints(row)
    fields: dict[str, Any] = {name: (_as_model(hints[name]), ...) for name in row.__struct_fields__}
    return create_model(
        row.__name__, __base__=Strict, __module__=__name__, __doc__=row.__doc__, **fields
    )


@cache
def frame_model(topic: str) -> type[BaseModel]:
    """The pydantic model of a frame's envelope; KeyError for an unknown topic."""
    return create_model(
        f"{topic.title().replace('_', '')}Frame",
        __base__=Strict,
        __module__=__name__,
        type=(str, Field(pattern=f"^{topic}$")),
        seq=(int, Field(ge=1)),
        timestamp=(str, ...),
        data=(row_model(ROWS[topic]), ...),
    )


def _as_model(hint: Any) -> Any:  # noqa: ANN401 - any type expression
    """The same type with every row inside replaced by its model."""
    if isinstance(hint, type) and issubclass(hint, Part):
        return row_model(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is None or origin is Literal:
        return hint
    inner = tuple(_as_model(argument) for argument in arguments)
    return Union[inner] if origin in (UnionType, Union) else origin[inner]  # noqa: UP007 - built at run time
