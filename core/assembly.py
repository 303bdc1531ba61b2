"""Builds every role from the settings: the same for daemon and backtest.

Durations of the machine (leases, freshness, patience) are stretched by the clock's speed here,
once; roles know only the clock's own time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import strategies
from core.domain.blend import settings_of_trust
from core.domain.composite import CompositeTerms
from core.domain.rules import RiskLimits
from core.domain.series import source_of
from core.domain.trips import MEGABYTE, TripLimits
from core.exchange.spot.venue import stream_of
from core.protection_settings import protection_terms
from core.roles.calibration import Calibration, CalibrationTerms
from core.roles.children import MONEY, ChildTerms
from core.roles.dashboard import Dashboard
from core.roles.execution import Execution
from core.roles.execution_terms import ExecutionTerms
from core.roles.feed import MarketFeed
from core.roles.feed_link import LinkTerms
from core.roles.feed_terms import FeedTerms
from core.roles.proof import ProofTerms
from core.roles.risk import Risk
from core.roles.sentinel import Watched
from core.roles.spot import SpotFeed, SpotTerms
from core.roles.strategy import StrategyRole, StrategyTerms
from core.roles.supervision import Supervision, SupervisionTerms
from core.screen.terms import DashboardTerms, Limits
from core.topology import (
    CALIBRATION,
    DASHBOARD,
    EXECUTION,
    FEED,
    RISK,
    SPOT,
    STRATEGY,
    SUPERVISION,
    kind_of,
)
from core.units import DOLLAR_PRICE, SECOND, Nanos, Price, money_from_dollars, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from config.settings import Settings
    from core.runner import Role


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the roles will live."""

    mode: str
    """local, paper, live or backtest."""
    speed: float = 1.0
    hosts: tuple[str, ...] = ()
    """Names of the hosts to be watched; none in a backtest."""
    seed: int = 0

    def patience(self, duration: float) -> Nanos:
        """`duration` seconds of the machine in the clock's own time."""
        return seconds(duration * max(1.0, self.speed))


def role_names(settings: Settings) -> tuple[str, ...]:
    """Roles of every mode beside supervision and the exchange's side, sinks first."""
    named = (f"{STRATEGY}:{name}" for name in settings.enabled_strategies)
    return (DASHBOARD, CALIBRATION, RISK, EXECUTION, *named, SPOT, FEED)


class Assembly:
    """Makes roles by name. Stateless after construction: any thread may call `make`.

    Construction checks what only the parts themselves can check: series, strategies and their
    parameters. Raises UnknownSeriesError or `StrategyError`.
    """

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._around = surroundings
        self._sources = tuple(source_of(series) for series in settings.series)
        for name in settings.enabled_strategies:
            self._strategy(name)

    def make(self, name: str, instance: str) -> Role:
        """A fresh role; `instance` is the journal's, for derived ids."""
        makers: dict[str, Callable[[], Role]] = {
            FEED: self._feed,
            SPOT: self._spot,
            STRATEGY: lambda: self._strategy(name.partition(":")[2]),
            CALIBRATION: self._calibration,
            RISK: lambda: Risk(self.limits(), instance),
            EXECUTION: lambda: self._execution(instance),
            SUPERVISION: self._supervision,
            DASHBOARD: self._dashboard,
        }
        return makers[kind_of(name)]()

    def limits(self) -> RiskLimits:
        """The user's limits in fixed-point units."""
        s, patience = self._settings, self._around.patience
        return RiskLimits(
            bankroll=s.bankroll,
            max_position=s.position_limit,
            max_concurrent=s.max_concurrent_positions,
            max_exposure=s.exposure_limit,
            max_daily_loss=s.daily_loss_limit,
            breaker_loss=s.circuit_breaker_loss_threshold,
            breaker_drawdown=s.circuit_breaker_drawdown_threshold,
            min_edge=s.min_edge,
            min_confidence=s.min_confidence,
            kelly_fraction=s.kelly_fraction,
            min_seconds_left=s.min_seconds_left,
            max_seconds_left=s.max_seconds_left,
            index_fresh=patience(s.index_fresh_seconds),
            book_fresh=patience(s.book_fresh_seconds),
            intent_ttl=patience(s.signal_ttl_seconds),
            resting_ttl=seconds(s.order_ttl_seconds),
            max_correlated=money_from_dollars(s.max_correlated_exposure),
            price_collar=Price(round(s.price_collar * DOLLAR_PRICE)),
            orders_per_minute=s.max_orders_per_minute,
            protections=protection_terms(s),
        )

    def _calibration(self) -> Calibration:
        """Looks by the scoreboard's own ages, longer only where a tape says that its prices are."""
        patience, usual = self._around.patience, CalibrationTerms(series=())
        return Calibration(
            CalibrationTerms(
                series=tuple(source.series for source in self._sources),
                index_fresh=patience(self._settings.index_fresh_seconds),
                book_fresh=patience(usual.book_fresh / SECOND),
                blend=settings_of_trust(self._settings.model_trust),
                repeat=patience(usual.repeat / SECOND),
            )
        )

    def _feed(self) -> MarketFeed:
        s, around = self._settings, self._around
        terms = FeedTerms(
            sources=self._sources,
            commanded=around.mode != "backtest",
            private=around.mode in ("local", "live"),
            index_fresh=seconds(s.index_fresh_seconds),
            first_delay=seconds(s.reconnect_first_seconds),
            longest_delay=seconds(s.reconnect_max_seconds),
            seed=around.seed,
        )
        return MarketFeed(terms.at_speed(around.speed))

    def _spot(self) -> SpotFeed:
        """Venues count for as long as their price may be acted upon, and never less than usual."""
        usual = CompositeTerms()
        allowed = self._around.patience(self._settings.index_fresh_seconds)
        fresh = max(usual.fresh, allowed)
        return SpotFeed(
            SpotTerms(
                composite=msgspec.structs.replace(usual, fresh=fresh), links=self._spot_links()
            )
        )

    def _spot_links(self) -> tuple[LinkTerms, ...]:
        """Connections to the wanted venues; a tape brings what it has."""
        s, around = self._settings, self._around
        if around.mode == "backtest":
            return ()
        return tuple(
            LinkTerms(
                stream=stream_of(source),
                seed=around.seed,
                connect_due=around.patience(20.0),
                steady_after=around.patience(30.0),
                first_delay=around.patience(s.reconnect_first_seconds),
                longest_delay=around.patience(s.reconnect_max_seconds),
            )
            for source in s.wanted_spot_sources
        )

    def _strategy(self, name: str) -> StrategyRole:
        s, patience = self._settings, self._around.patience
        terms = StrategyTerms(
            cooldown=seconds(s.signal_cooldown_seconds),
            signal_ttl=patience(s.signal_ttl_seconds),
            index_fresh=patience(s.index_fresh_seconds),
            book_fresh=patience(s.book_fresh_seconds),
            repeat_pass=patience(1.0),
            quote_lease=self._quote_lease(),
            repeat_quote=patience(1.0),
            own_shown=self._around.mode in ("local", "live"),
        )
        given = s.strategy.get(name, {})
        return StrategyRole(strategies.create(name, given), terms, given)

    def _execution(self, instance: str) -> Execution:
        s, patience = self._settings, self._around.patience
        return Execution(
            ExecutionTerms(
                instance=instance,
                ask_again=patience(1.0),
                answer_due=patience(s.request_timeout_seconds * 2),
                fills_due=patience(2.0),
                unmatched_for=patience(60.0),
                reconcile_every=patience(s.reconcile_seconds),
                recheck=patience(2.0),
                doubt_every=patience(10.0),
                quote_lease=self._quote_lease(),
                places_every=patience(5.0),
            )
        )

    def _quote_lease(self) -> Nanos:
        """An order rests by a picture while that may be acted upon, and until the next is there."""
        return self._around.patience(self._settings.index_fresh_seconds + 3.0)

    def _supervision(self) -> Supervision:
        s, patience = self._settings, self._around.patience
        return Supervision(
            SupervisionTerms(
                auto_arm=self._around.mode != "live",
                lease=patience(s.permit_lease_seconds),
                children=ChildTerms(
                    names=self._around.hosts,
                    silence=patience(s.heartbeat_timeout_seconds),
                    warm_up=patience(10.0),
                    stall=patience(2 * s.beat_seconds),
                    speed=self._around.speed,
                    seed=self._around.seed,
                ),
                proof=ProofTerms(again=patience(2.0), directly=patience(0.5)),
                watched=None if self._around.mode == "backtest" else self._watched(),
            )
        )

    def _watched(self) -> Watched:
        s, patience = self._settings, self._around.patience
        return Watched(
            limits=TripLimits(
                feed_silent=patience(s.feed_silent_seconds),
                sources_disagree_bps=s.sources_disagree_bps,
                sources_disagree=patience(s.sources_disagree_seconds),
                index_missing=patience(s.index_missing_seconds),
                unknown_order=patience(s.unknown_order_seconds),
                rejects_in_a_row=s.max_rejects_in_a_row,
                unparsed_frames=s.max_unparsed_frames,
                unparsed_span=patience(60.0),
                clock_skew=patience(s.max_clock_skew_seconds),
                skew_span=patience(60.0),
                inbox_age=seconds(s.max_inbox_age_seconds),
                memory=round(s.memory_limit_megabytes * MEGABYTE),
                disk_free=round(s.min_disk_free_megabytes * MEGABYTE),
            ),
            sources=self._sources,
            money_hosts=frozenset(name for name in self._around.hosts if kind_of(name) in MONEY),
        )

    def _dashboard(self) -> Dashboard:
        s, patience, mode = self._settings, self._around.patience, self._around.mode
        limits = self.limits()
        return Dashboard(
            DashboardTerms(
                mode="live" if mode == "live" else "paper" if mode == "paper" else "local",
                sources=self._sources,
                strategies=s.enabled_strategies,
                limits=Limits(
                    max_total_exposure=limits.max_exposure,
                    max_daily_loss=limits.max_daily_loss,
                    max_concurrent_positions=limits.max_concurrent,
                    loss_threshold=limits.breaker_loss,
                    drawdown_threshold=limits.breaker_drawdown,
                    bankroll=limits.bankroll,
                ),
                parameters=tuple(
                    (name, tuple((key, str(value)) for key, value in values.items()))
                    for name, values in s.strategy.items()
                    if name in s.enabled_strategies
                ),
                speed=self._around.speed,
                interval=patience(0.1),
                status_interval=patience(1.0),
                index_fresh=limits.index_fresh,
                book_fresh=limits.book_fresh,
                frame_fresh=patience(3.0),
                min_edge=s.min_edge,
                slow=patience(5.0),
            )
        )
