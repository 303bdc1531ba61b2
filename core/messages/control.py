"""Time, permission, life and death: what the supervisor and its children say to each other."""

from __future__ import annotations

from typing import Literal

from core.messages.base import Message
from core.units import Nanos

TradingState = Literal["STARTING", "DISARMED", "ACTIVE", "REDUCING", "HALTED"]


class Tick(Message, frozen=True, kw_only=True):
    """The regular wake-up of a role; its interval stands in the topology."""

    due: Nanos


class Begin(Message, frozen=True, kw_only=True):
    """The first message of every role: state is regained, the world may be asked."""

    recovered: int
    """Journal entries folded."""


class Scheduled(Message, frozen=True, kw_only=True):
    """An effect: deliver `message` to the role `to` at `due`. In a backtest the heap does it."""

    due: Nanos
    to: str
    message: Message


# --- trading state and permission --------------------------------------------------------------


class TradingStateChanged(Message, frozen=True, kw_only=True):
    """The trading state, with why and by whom. Journalled by supervision."""

    state: TradingState
    epoch: int
    code: str
    reason: str
    by: str
    limit: float = 0.0
    """Of the trip, beside the value that reached it; 0 where the cause has no numbers."""
    value: float = 0.0
    ts: Nanos


class JournalCut(Message, frozen=True, kw_only=True):
    """The journal's end was damaged and cut off at its last good entry. Journalled at the start."""

    kept: int
    """Number of the last good entry."""
    entries: int
    """Entries that were lost for certain; 0 where only an unfinished write was torn."""
    aside: str
    """The file with what was cut off, beside the journal."""
    reason: str
    ts: Nanos


class Permit(Message, frozen=True, kw_only=True):
    """Leave to trade until `expires`, under `epoch`. Renewed each second; silence ends it."""

    epoch: int
    state: TradingState
    expires: Nanos


class ArmTrading(Message, frozen=True, kw_only=True):
    """Command: begin to trade."""

    by: str
    reason: str


class DisarmTrading(Message, frozen=True, kw_only=True):
    """Command: stop trading and cancel what rests."""

    by: str
    reason: str
    code: str = "stopped"
    """`stopped`: an operator's decision, which a restart keeps. `shut_down`: the process ends."""


class PauseTrading(Message, frozen=True, kw_only=True):
    """Command: no new risk, manage the rest."""

    by: str
    reason: str


class HaltTrading(Message, frozen=True, kw_only=True):
    """Command: stop everything, latch."""

    by: str
    reason: str
    code: str


class ResetBreaker(Message, frozen=True, kw_only=True):
    """Command: end a halt. Needs a reason."""

    by: str
    reason: str


class CancelEverything(Message, frozen=True, kw_only=True):
    """Command: cancel what rests and go on; the trading state stays as it is."""

    by: str
    reason: str


class EnableStrategy(Message, frozen=True, kw_only=True):
    """Command: let a strategy's signals through, or not."""

    strategy: str
    enabled: bool
    by: str
    reason: str = ""
    command_id: str = ""


# --- life and death ------------------------------------------------------------------------------


class ActorStarted(Message, frozen=True, kw_only=True):
    """A host runs and has regained its state."""

    actor: str
    generation: int
    recovered: int
    """Journal entries folded."""
    ts: Nanos


class ActorFailed(Message, frozen=True, kw_only=True):
    """A host died or stopped answering."""

    actor: str
    generation: int
    error: str
    cause: str = ""
    """Name of the exception's class; empty where there was none."""
    fingerprint: str = ""
    """Of the message that it was handling: its type and content, without its times."""
    content: str = ""
    """That message, cut to a length that a log line bears."""
    ts: Nanos


class RestartActor(Message, frozen=True, kw_only=True):
    """Effect: start a new generation of a host after a pause."""

    actor: str
    delay: Nanos


class QuarantineActor(Message, frozen=True, kw_only=True):
    """Effect: leave a host stopped until its operator sends `ReleaseActor`."""

    actor: str
    reason: str


class Heartbeat(Message, frozen=True, kw_only=True):
    """Asked of every host through its normal lane."""

    sent: Nanos


class HostPulse(Message, frozen=True, kw_only=True):
    """A host's answer to `Heartbeat`: it lives, and how it feels."""

    actor: str
    generation: int
    sent: Nanos
    depth: int
    """Messages waiting."""
    handled: int
    """Messages handled since the start of this generation."""
    oldest_ns: int
    """Age of the oldest message when it was taken, worst since the last pulse."""
    busiest_ns: int
    """Longest handling time since the last pulse."""
    p50_ns: int = 0
    """Median handling time since the start of this generation, to a quarter of an octave."""
    p99_ns: int = 0
    ts: Nanos


class ActorHealth(Message, frozen=True, kw_only=True):
    """One row of the health board."""

    actor: str
    state: str
    """starting, running, restarting, quarantined, stopped."""
    generation: int
    restarts: int
    depth: int
    handled: int
    age_ns: int
    """Since the last sign of life."""
    error: str
    """The last one; empty where it never failed."""
    oldest_ns: int = 0
    """Longest wait of a message in its mailbox, of those taken between the last two pulses."""
    p50_ns: int = 0
    """Median handling time of this generation."""
    p99_ns: int = 0
    ts: Nanos


class FeedHealth(Message, frozen=True, kw_only=True):
    """The condition of one stream."""

    stream: str
    state: str
    conn: int
    gaps: int
    skipped: int
    reconnects: int
    age_ns: int
    """Age of the newest data by their own time."""
    ts: Nanos


# --- effects on a stream -------------------------------------------------------------------------


class OpenStream(Message, frozen=True, kw_only=True):
    """Effect: connect (again) after a pause."""

    stream: str
    conn: int
    delay: Nanos


class SendCommand(Message, frozen=True, kw_only=True):
    """Effect: send a command on an open stream."""

    stream: str
    conn: int
    command: str
    """subscribe, add_markets, delete_markets, get_snapshot, unsubscribe."""
    channels: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    sid: int = 0
    command_id: int = 0
