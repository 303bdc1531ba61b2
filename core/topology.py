"""The architecture as data: who gets which message, who writes which event, how each role lives.

`run.py topology` prints these tables. Placement (which roles share a host) is data too; see
`ACTORS` and `FUSED`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.restarts import Exhausted, RestartPolicy
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

FEED: Final = "feed:market"
SPOT: Final = "feed:spot"
STRATEGY: Final = "strategy"
"""A kind: every `strategy:<name>` gets what is routed here."""
CALIBRATION: Final = "calibration"
"""Scores model and market at settled windows, and moves the blend's credits."""
RISK: Final = "risk"
EXECUTION: Final = "execution"
EXCHANGE: Final = "exchange"
"""The venue's REST side: workers around the client. In paper and backtests the role `paper`."""
MARKETS: Final = "markets"
"""Answers questions about markets: the exchange actor, also on paper, where it gets no orders."""
PAPER: Final = "paper"
"""The simulated exchange as a role: it fills our orders against the recorded or live book."""
SUPERVISION: Final = "supervision"
SUPERVISOR: Final = "supervisor"
"""The host of supervision, as the one that carries out its effects on hosts."""
DASHBOARD: Final = "dashboard"
SCREEN: Final = "screen"
"""The web layer's hub: takes frames on the dashboard's thread."""
STREAM: Final = "stream"  # owner of the sockets
TIMERS: Final = "timers"
OPERATOR: Final = "operator"
"""The control door: takes answers to commands, on the thread of whoever answers."""
SESSION: Final = "session"  # counts what a run of the daemon has done
RECORDER: Final = "recorder"
"""Writes the tape: what came in, and what was decided on it."""
HOT_HOST: Final = "hot"
"""The host of the fused placement."""

ROUTES: Final[dict[type[m.Message], tuple[str, ...]]] = {
    # data
    m.MarketListed: (FEED, PAPER, DASHBOARD, RECORDER),
    m.StrikePublished: (FEED, PAPER, DASHBOARD, RECORDER),
    m.MarketStatusChanged: (FEED, PAPER, DASHBOARD, RECORDER),
    m.GridChanged: (FEED, PAPER, RECORDER),
    m.MarketDetermined: (FEED, PAPER, CALIBRATION, RISK, DASHBOARD, SESSION, RECORDER),
    m.MarketFinalized: (DASHBOARD, SESSION, RECORDER),
    m.BookSnapshot: (FEED, PAPER, RECORDER),
    m.BookDelta: (FEED, PAPER, RECORDER),
    m.TopOfBook: (FEED, PAPER, RECORDER),
    m.TradePrint: (FEED, PAPER, SUPERVISION, DASHBOARD, RECORDER),
    m.IndexPrint: (FEED, SUPERVISION, DASHBOARD, RECORDER),
    m.SpotTick: (SPOT, RECORDER),
    m.CompositePrice: (FEED, SUPERVISION, DASHBOARD),
    m.StreamChanged: (FEED, SPOT, EXECUTION, DASHBOARD, RECORDER),
    m.StreamReply: (FEED, RECORDER),
    m.StreamGap: (FEED,),
    m.FrameSkipped: (FEED, SPOT, SUPERVISION, DASHBOARD, RECORDER),
    m.MarketView: (STRATEGY, RISK, CALIBRATION, DASHBOARD),
    # decisions
    m.Signal: (RISK, DASHBOARD, SESSION, RECORDER),
    m.Pass: (DASHBOARD, SESSION),
    m.OrderApproved: (EXECUTION, DASHBOARD, STRATEGY, RECORDER),
    m.OrderDenied: (DASHBOARD, RECORDER),
    m.LedgerMarked: (SUPERVISION, DASHBOARD, SESSION),
    m.BreachDetected: (SUPERVISION, DASHBOARD),
    m.PositionSettled: (CALIBRATION, DASHBOARD, RECORDER),
    m.WindowScored: (CALIBRATION,),
    m.ScoreboardTold: (FEED, DASHBOARD),
    m.DayOpened: (DASHBOARD,),
    m.CapitalSet: (DASHBOARD,),
    m.PeakRaised: (DASHBOARD,),
    m.KeepOrder: (EXECUTION,),
    m.WithdrawOrder: (EXECUTION, DASHBOARD),
    # effects on the exchange
    m.PlaceOrder: (EXCHANGE, PAPER),
    m.CancelOrder: (EXCHANGE, PAPER),
    m.DecreaseOrder: (EXCHANGE, PAPER),
    m.CancelAllOrders: (EXCHANGE, PAPER),
    m.QueryOrder: (EXCHANGE, PAPER),
    m.QueryAccount: (EXCHANGE, PAPER),
    m.QueryPlaces: (EXCHANGE, PAPER),
    m.QueryMarkets: (MARKETS,),
    m.QueryTrades: (MARKETS,),
    # its answers
    m.PlaceAccepted: (EXECUTION,),
    m.PlaceRejected: (EXECUTION,),
    m.PlaceAmbiguous: (EXECUTION,),
    m.CancelAccepted: (EXECUTION,),
    m.CancelRefused: (EXECUTION, OPERATOR),
    m.DecreaseAccepted: (EXECUTION, OPERATOR),
    m.DecreaseRefused: (EXECUTION, OPERATOR),
    m.CancelAllDone: (SUPERVISION, DASHBOARD),
    m.OrderReport: (EXECUTION,),
    m.FillReport: (EXECUTION,),
    m.OrderLookup: (EXECUTION,),
    m.AccountReport: (EXECUTION,),
    m.PlacesTold: (DASHBOARD,),
    m.QueryFailed: (FEED, EXECUTION, SUPERVISION),
    # events of execution
    m.OrderAdopted: (RISK, STRATEGY, DASHBOARD),
    m.OrderSubmitting: (DASHBOARD, SESSION, RECORDER),
    m.OrderAccepted: (RISK, SUPERVISION, DASHBOARD, STRATEGY, OPERATOR, RECORDER),
    m.OrderRejected: (RISK, SUPERVISION, DASHBOARD, STRATEGY, OPERATOR, RECORDER),
    m.OrderUnknown: (RISK, SUPERVISION, DASHBOARD, OPERATOR, RECORDER),
    m.OrderFilled: (RISK, CALIBRATION, DASHBOARD, STRATEGY, SESSION, RECORDER),
    m.OrderClosed: (RISK, SUPERVISION, DASHBOARD, STRATEGY, OPERATOR, RECORDER),
    m.AccountBooked: (RISK,),
    m.Reconciled: (SUPERVISION, EXECUTION, DASHBOARD, SESSION),
    # control
    m.TradingStateChanged: (RISK, EXECUTION, DASHBOARD, RECORDER),
    m.JournalCut: (DASHBOARD,),
    m.Permit: (RISK, EXECUTION, EXCHANGE, SUPERVISOR),
    m.ArmTrading: (SUPERVISION,),
    m.DisarmTrading: (SUPERVISION,),
    m.PauseTrading: (SUPERVISION,),
    m.HaltTrading: (SUPERVISION,),
    m.ResetBreaker: (SUPERVISION,),
    m.CancelEverything: (SUPERVISION,),
    m.HaltFileChanged: (SUPERVISION,),
    m.EnableStrategy: (STRATEGY,),
    m.SetParameters: (STRATEGY,),
    m.StrategySet: (DASHBOARD,),
    m.SetBankroll: (RISK,),
    m.BookCash: (RISK,),
    m.BankrollSet: (DASHBOARD,),
    m.PlaceManually: (RISK,),
    m.ClosePosition: (RISK,),
    m.CancelOwn: (EXECUTION,),
    m.DecreaseOwn: (EXECUTION,),
    m.LockSet: (DASHBOARD,),
    m.LockCleared: (DASHBOARD,),
    m.ClearLock: (RISK,),
    m.CommandAnswered: (OPERATOR,),
    m.ActorStarted: (SUPERVISION,),
    m.ActorFailed: (SUPERVISION,),
    m.HostPulse: (SUPERVISION,),
    m.ReleaseActor: (SUPERVISION,),
    m.MachineMeasured: (SUPERVISION, DASHBOARD),
    m.ClockCompared: (SUPERVISION,),
    m.ActorHealth: (DASHBOARD,),
    m.FeedHealth: (SUPERVISION, DASHBOARD),
    m.RequestGauge: (DASHBOARD,),
    # effects on the screen
    m.ScreenFrame: (SCREEN,),
    m.ScreenDue: (DASHBOARD,),
    # effects on sockets and hosts
    m.OpenStream: (STREAM,),
    m.SendCommand: (STREAM,),
    m.RestartActor: (SUPERVISOR,),
    m.QuarantineActor: (SUPERVISOR,),
    m.MessageSetAside: (SUPERVISOR, DASHBOARD),
    m.ReadmitMessages: (SUPERVISOR,),
    m.CancelDirectly: (SUPERVISOR,),
    m.Scheduled: (TIMERS,),
}
"""Message type -> roles, role kinds, or owners of I/O. A name that is not present is skipped."""

WRITERS: Final[dict[type[m.Message], str]] = {
    m.CapitalSet: RISK,
    m.OrderApproved: RISK,
    m.PositionSettled: RISK,
    m.DayOpened: RISK,
    m.PeakRaised: RISK,
    m.BankrollSet: RISK,
    m.LockSet: RISK,
    m.LockCleared: RISK,
    m.StrategySet: STRATEGY,
    m.OrderAdopted: EXECUTION,
    m.OrderSubmitting: EXECUTION,
    m.OrderAccepted: EXECUTION,
    m.OrderRejected: EXECUTION,
    m.OrderUnknown: EXECUTION,
    m.OrderFilled: EXECUTION,
    m.OrderClosed: EXECUTION,
    m.WindowScored: CALIBRATION,
    m.TradingStateChanged: SUPERVISION,
    m.JournalCut: SUPERVISION,
}
"""Journalled events and the only role that may write each."""

CONTROL: Final[frozenset[type[m.Message]]] = frozenset(
    {
        m.Permit,
        m.TradingStateChanged,
        m.ArmTrading,
        m.DisarmTrading,
        m.PauseTrading,
        m.HaltTrading,
        m.ResetBreaker,
        m.CancelEverything,
        m.HaltFileChanged,
        m.BreachDetected,
        m.EnableStrategy,
        m.SetParameters,
        m.SetBankroll,
        m.BookCash,
        m.ClearLock,
        m.CancelOwn,
        m.DecreaseOwn,
        m.CancelAllOrders,
        m.CancelDirectly,
    }
)
"""These overtake everything else in an inbox."""

CONFLATE: Final[dict[type[m.Message], Callable[..., Hashable]]] = {
    m.MarketView: lambda view: view.market.ticker,
    m.LedgerMarked: lambda _: None,
    m.ScoreboardTold: lambda _: None,
    m.Pass: lambda passed: (passed.strategy, passed.ticker),
    m.ActorHealth: lambda health: health.actor,
    m.FeedHealth: lambda health: health.stream,
    m.PlacesTold: lambda _: None,
    m.CompositePrice: lambda price: price.product,
    m.MachineMeasured: lambda _: None,
    m.ClockCompared: lambda _: None,
    m.RequestGauge: lambda _: None,
    m.Tick: lambda _: None,
    m.Heartbeat: lambda _: None,
}
"""Snapshots: an unread older one with the same key is replaced. Everything else is kept."""

STREAMED: Final[frozenset[type[m.Message]]] = frozenset(
    {m.BookSnapshot, m.BookDelta, m.TopOfBook, m.TradePrint, m.IndexPrint, m.SpotTick}
)
"""Market data as they stream in: not kept for a host that is down, who asks for a snapshot anew."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of role is fed and supervised."""

    tick: Nanos | None
    """Interval of its `Tick`; None for roles without a sense of time."""
    order: int
    """Start order: sinks before sources. Stopping goes the other way."""
    restart: RestartPolicy


def _policy(most: int, within: float, exhausted: Exhausted) -> RestartPolicy:
    return RestartPolicy(most=most, within=seconds(within), exhausted=exhausted)


SPECS: Final[dict[str, Spec]] = {
    DASHBOARD: Spec(tick=seconds(1), order=0, restart=_policy(10, 60, Exhausted.QUARANTINE)),
    CALIBRATION: Spec(tick=seconds(1), order=1, restart=_policy(3, 300, Exhausted.QUARANTINE)),
    RISK: Spec(tick=seconds(1), order=1, restart=_policy(2, 60, Exhausted.HALT)),
    EXCHANGE: Spec(tick=None, order=2, restart=_policy(5, 60, Exhausted.HALT)),
    PAPER: Spec(tick=seconds(1), order=2, restart=_policy(5, 60, Exhausted.HALT)),
    EXECUTION: Spec(tick=seconds(0.5), order=3, restart=_policy(2, 60, Exhausted.HALT)),
    STRATEGY: Spec(tick=None, order=4, restart=_policy(3, 300, Exhausted.QUARANTINE)),
    SPOT: Spec(tick=seconds(1), order=5, restart=_policy(5, 60, Exhausted.HALT_AND_RETRY)),
    HOT_HOST: Spec(tick=None, order=6, restart=_policy(2, 60, Exhausted.HALT)),
    FEED: Spec(tick=seconds(1), order=6, restart=_policy(5, 60, Exhausted.HALT_AND_RETRY)),
    STREAM: Spec(tick=None, order=7, restart=_policy(5, 60, Exhausted.HALT_AND_RETRY)),
}
"""Supervision has no row: it is hosted by the supervisor itself, watched by the main thread."""

HOT: Final = (FEED, STRATEGY, RISK, EXECUTION)
"""Kinds that the fused placement puts on one host, where a message between them is a call."""


def kind_of(name: str) -> str:
    """`strategy:kelly_volatility` -> `strategy`; other names are their own kind."""
    return STRATEGY if name.startswith("strategy:") else name


def placement(names: Iterable[str], *, fused: bool) -> dict[str, tuple[str, ...]]:
    """Hosts and the roles on each: every role alone, or the hot kinds together on `hot`."""
    listed = tuple(names)
    hot = tuple(name for name in listed if kind_of(name) in HOT) if fused else ()
    alone: dict[str, tuple[str, ...]] = {name: (name,) for name in listed if name not in hot}
    return {**alone, HOT_HOST: hot} if hot else alone


class Routing:
    """`ROUTES` resolved against the names that exist in one system; read-only, any thread."""

    def __init__(self, names: Iterable[str]) -> None:
        present = tuple(names)
        self._targets = {
            message: tuple(
                name for target in targets for name in present if target in (name, kind_of(name))
            )
            for message, targets in ROUTES.items()
        }

    def targets(self, message: type[m.Message]) -> tuple[str, ...]:
        """Names that get this type of message; KeyError for a type without a route."""
        return self._targets[message]
