"""The venue about itself: status by shard, schedule, freshness of portfolio reads, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.listing import Cutoff, ExchangeStatus, Hours, Limits, ShardStatus, Week
from core.exchange.wire import scalars as s

if TYPE_CHECKING:
    from core.units import Money, Nanos

_MINUTES_OF_A_DAY = 1440
_DESCRIPTIONS = {0: "Default", 1: "Multivariate", 2: "Crypto"}


class ShardStatusJson(msgspec.Struct, frozen=True, kw_only=True):
    """One element of `exchange_index_statuses`."""

    exchange_index: int
    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool = True
    description: str = ""

    def read(self) -> ShardStatus:
        """The record."""
        return ShardStatus(
            shard=self.exchange_index,
            exchange_active=self.exchange_active,
            trading_active=self.trading_active,
            transfers_active=self.intra_exchange_transfers_active,
        )


class StatusJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /exchange/status: the top-level flags are those of shard 0."""

    exchange_active: bool
    trading_active: bool
    intra_exchange_transfers_active: bool = True
    exchange_estimated_resume_time: str | None = None
    exchange_index_statuses: tuple[ShardStatusJson, ...] | None = ()

    def read(self) -> ExchangeStatus:
        """The record."""
        resumes = self.exchange_estimated_resume_time
        return ExchangeStatus(
            exchange_active=self.exchange_active,
            trading_active=self.trading_active,
            shards=tuple(shard.read() for shard in self.exchange_index_statuses or ()),
            resumes=s.rfc3339(resumes) if resumes else None,
        )

    @classmethod
    def from_status(cls, status: ExchangeStatus) -> StatusJson:
        """The JSON of a record."""
        return cls(
            exchange_active=status.exchange_active,
            trading_active=status.trading_active,
            intra_exchange_transfers_active=status.of_shard(0).transfers_active,
            exchange_estimated_resume_time=(
                s.format_rfc3339(status.resumes) if status.resumes else None
            ),
            exchange_index_statuses=tuple(
                ShardStatusJson(
                    exchange_index=shard.shard,
                    description=_DESCRIPTIONS.get(shard.shard, ""),
                    exchange_active=shard.exchange_active,
                    trading_active=shard.trading_active,
                    intra_exchange_transfers_active=shard.transfers_active,
                )
                for shard in status.shards
            ),
        )


class HoursJson(msgspec.Struct, frozen=True, kw_only=True):
    """Trading hours of a day, New York `HH:MM`; a close of 00:00 is the end of the day."""

    open_time: str
    close_time: str

    def read(self) -> tuple[int, int]:
        """Minutes of the day, from and to; raises ValueError for what is no time."""
        opens, closes = _minute(self.open_time), _minute(self.close_time)
        return opens, closes or _MINUTES_OF_A_DAY


class WeekJson(msgspec.Struct, frozen=True, kw_only=True):
    """`standard_hours`: a week of trading hours and the time in which they hold."""

    start_time: str
    end_time: str
    monday: tuple[HoursJson, ...]
    tuesday: tuple[HoursJson, ...]
    wednesday: tuple[HoursJson, ...]
    thursday: tuple[HoursJson, ...]
    friday: tuple[HoursJson, ...]
    saturday: tuple[HoursJson, ...]
    sunday: tuple[HoursJson, ...]

    def read(self) -> Week:
        """The record; raises ValueError for times that cannot be read."""
        days = (
            self.monday,
            self.tuesday,
            self.wednesday,
            self.thursday,
            self.friday,
            self.saturday,
            self.sunday,
        )
        return Week(
            start=s.rfc3339(self.start_time),
            end=s.rfc3339(self.end_time),
            days=tuple(tuple(hours.read() for hours in day) for day in days),
        )


class MaintenanceJson(msgspec.Struct, frozen=True, kw_only=True):
    """One maintenance window."""

    start_datetime: str
    end_datetime: str


class ScheduleJson(msgspec.Struct, frozen=True, kw_only=True):
    """`schedule` of GET /exchange/schedule."""

    standard_hours: tuple[WeekJson, ...]
    maintenance_windows: tuple[MaintenanceJson, ...]

    def read(self) -> Hours:
        """The record; raises ValueError for times that cannot be read."""
        return Hours(
            weeks=tuple(week.read() for week in self.standard_hours),
            maintenance=tuple(
                (s.rfc3339(window.start_datetime), s.rfc3339(window.end_datetime))
                for window in self.maintenance_windows
            ),
        )


class AsOfJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /exchange/user_data_timestamp."""

    as_of_time: str

    def read(self) -> Nanos:
        """The time up to which portfolio reads are complete."""
        return s.rfc3339(self.as_of_time)


class CutoffJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /historical/cutoff: what is older is under `/historical` only."""

    market_settled_ts: str
    trades_created_ts: str
    orders_updated_ts: str
    market_positions_last_updated_ts: str = ""

    def read(self) -> Cutoff:
        """The record; raises ValueError for times that cannot be read."""
        positions = self.market_positions_last_updated_ts
        return Cutoff(
            markets=s.rfc3339(self.market_settled_ts),
            fills=s.rfc3339(self.trades_created_ts),
            orders=s.rfc3339(self.orders_updated_ts),
            positions=s.rfc3339(positions) if positions else None,
        )


class BucketJson(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket."""

    refill_rate: int
    bucket_capacity: int


class EndpointCostJson(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of one endpoint."""

    method: str
    path: str
    cost: int


class EndpointCostsJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /account/endpoint_costs: those that differ from the default."""

    default_cost: int
    endpoint_costs: tuple[EndpointCostJson, ...]


class ShardValueJson(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars on a shard."""

    exchange_index: int
    balance: s.Fixed

    def read(self) -> Money:
        """The amount; raises ValueError when it cannot be read."""
        return s.money(self.balance)


class RestingValueJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/summary/total_resting_order_value."""

    total_resting_order_value: int
    resting_order_value_breakdown: tuple[ShardValueJson, ...]


class GrantJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A usage level that the account was given on one lane of the exchange."""

    level: str
    exchange_instance: str = ""
    source: str = ""
    expires_ts: int | None = None


class LimitsJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /account/limits."""

    usage_tier: str
    read: BucketJson
    write: BucketJson
    grants: tuple[GrantJson, ...] = ()

    def record(self) -> Limits:
        """The record."""
        return Limits(
            tier=self.usage_tier,
            read_refill=self.read.refill_rate,
            read_capacity=self.read.bucket_capacity,
            write_refill=self.write.refill_rate,
            write_capacity=self.write.bucket_capacity,
        )

    @classmethod
    def from_limits(cls, limits: Limits) -> LimitsJson:
        """The JSON of a record."""
        return cls(
            usage_tier=limits.tier,
            read=BucketJson(refill_rate=limits.read_refill, bucket_capacity=limits.read_capacity),
            write=BucketJson(
                refill_rate=limits.write_refill, bucket_capacity=limits.write_capacity
            ),
        )


def _minute(text: str) -> int:
    """`HH:MM` as a minute of the day."""
    hour, mark, minute = text.partition(":")
    if not mark:
        msg = f"{text!r} is no time of a day"
        raise s.WireError(msg)
    return int(hour) * 60 + int(minute)
