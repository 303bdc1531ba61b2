"""The kinds of faults, and at what occasion each happens; scripts are in `core.exchange.faults`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class FaultKind(StrEnum):
    """What goes wrong."""

    LOST_AFTER = "lost_after"
    """The request is carried out; its connection ends without an answer."""
    LOST_BEFORE = "lost_before"
    """The connection ends and nothing is carried out."""
    ERROR = "error"
    """`status` in place of an answer, and nothing is carried out."""
    ERROR_AFTER = "error_after"
    """Carried out, and then `status` in place of the answer."""
    RATE_LIMITED = "rate_limited"
    """429 with its bare body."""
    SLOW = "slow"
    """The request is carried out `seconds` late."""
    SLOW_ANSWER = "slow_answer"
    """The request is carried out at once, and answered `seconds` late."""
    DRIFT = "drift"
    """A field of an answer or frame is not what it was: see `change`."""
    DROP = "drop"
    """A frame is counted in the sequence and not sent."""
    DUPLICATE = "duplicate"
    """A frame is sent twice."""
    REORDER = "reorder"
    """A frame is sent after the next one of its subscription."""
    DISCONNECT = "disconnect"
    """Connections that follow the channel are cut."""
    STALL = "stall"
    """Their sockets are silent for `seconds`, pings included, and stay open."""
    OVERFLOW = "overflow"
    """Their subscriptions to the channel end with error 25."""
    CHANNEL_ERROR = "channel_error"
    """Their subscriptions to the channel end with error 10."""
    CLOCK_SKEW = "clock_skew"
    """The exchange's clock is off by `offset` seconds for signatures, `Date`, and sending times."""
    PAUSE_TRADING = "pause_trading"
    PAUSE_EXCHANGE = "pause_exchange"
    PAUSE_MARKET = "pause_market"
    """Pauses end after `seconds`; 0 lets them last until a resume."""
    RESUME_TRADING = "resume_trading"
    RESUME_EXCHANGE = "resume_exchange"
    RESUME_MARKET = "resume_market"
    LATE_SETTLEMENT = "late_settlement"
    """Results and payouts not yet given come `seconds` later."""
    INDEX_HOLE = "index_hole"
    """The index `match` prints nothing for `seconds`."""
    PORTFOLIO_LAG = "portfolio_lag"
    """Portfolio reads over REST are `seconds` behind from now on; 0 ends it."""
    PRICE_GRID = "price_grid"
    """The market `match` takes the prices of `structure` from now on."""
    FEE_CHANGE = "fee_change"
    """The series `match` announces fees of `fee_type` times `multiplier`, in force `seconds`
    later."""


REQUEST_KINDS: Final = frozenset(
    {
        FaultKind.LOST_AFTER,
        FaultKind.LOST_BEFORE,
        FaultKind.ERROR,
        FaultKind.ERROR_AFTER,
        FaultKind.RATE_LIMITED,
        FaultKind.SLOW,
        FaultKind.SLOW_ANSWER,
        FaultKind.DRIFT,
    }
)
FRAME_KINDS: Final = frozenset(
    {FaultKind.DROP, FaultKind.DUPLICATE, FaultKind.REORDER, FaultKind.DRIFT}
)
TIMED_KINDS: Final = frozenset(FaultKind) - REQUEST_KINDS - FRAME_KINDS
MARKET_KINDS: Final = frozenset(
    {FaultKind.PAUSE_MARKET, FaultKind.RESUME_MARKET, FaultKind.PRICE_GRID}
)
"""Those that name one market."""


class Change(StrEnum):
    """How a schema drifts."""

    ADD = "add"
    """A field that nobody knows."""
    REMOVE = "remove"
    """`field` is absent."""
    RETYPE = "retype"
    """`field` is a number where a string was, or a string where a number was."""
