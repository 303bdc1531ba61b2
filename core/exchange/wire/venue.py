"""The venue about itself: status by shard, schedule, freshness of portfolio reads, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core.exchange.listing import ExchangeStatus, Limits, ShardStatus
from core.exchange.wire import scalars as s

if TYPE_CHECKING:
    from core.units import Nanos

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


class MaintenanceJson(msgspec.Struct, frozen=True, kw_only=True):
    """One maintenance window."""

    start_datetime: str
    end_datetime: str


class ScheduleJson(msgspec.Struct, frozen=True, kw_only=True):
    """`schedule` of GET /exchange/schedule."""

    standard_hours: tuple[WeekJson, ...]
    maintenance_windows: tuple[MaintenanceJson, ...]


class AsOfJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /exchange/user_data_timestamp."""

    as_of_time: str

    def read(self) -> Nanos:
        """The time up to which portfolio reads are complete."""
        return s.rfc3339(self.as_of_time)


class BucketJson(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket."""

    refill_rate: int
    bucket_capacity: int


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
