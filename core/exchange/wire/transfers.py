"""Moving cash between shards: Kalshi's JSON. Requests count centicents, answers dollars."""

from __future__ import annotations

import msgspec

from core.units import Money

CENTICENT = 100
"""Of Money: $1 is 10,000 centicents."""
EVENT_CONTRACTS = "event_contract"


class TransferRequestJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of POST /portfolio/intra_exchange_instance_transfer."""

    source: str
    destination: str
    amount: int
    source_exchange_shard: int = 0
    destination_exchange_shard: int = 0
    client_transfer_id: str = ""

    def money(self) -> Money:
        """The amount."""
        return Money(self.amount * CENTICENT)


class TransferIdJson(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to it."""

    transfer_id: str


class TransferJson(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A transfer as it is listed; `amount` in dollars here."""

    transfer_id: str
    source: str
    destination: str
    source_exchange_shard: int
    destination_exchange_shard: int
    amount: str
    status: str
    created_ts: int
    client_transfer_id: str = ""


class TransferPage(msgspec.Struct, frozen=True):
    """GET /portfolio/intra_exchange_instance_transfers/{transfer_id}."""

    transfer: TransferJson


class AllocationJson(msgspec.Struct, frozen=True, kw_only=True):
    """The share of the cash that a shard is to have."""

    exchange_index: int
    percent: int


class SetAllocationsJson(msgspec.Struct, frozen=True, kw_only=True):
    """Body of POST /portfolio/target_balance_allocation; no shares at all ends the sweeping."""

    allocations: tuple[AllocationJson, ...]
    resting_margin_reservation: str = "sum"


class AllocationsJson(msgspec.Struct, frozen=True, kw_only=True):
    """GET /portfolio/target_balance_allocation."""

    allocations: tuple[AllocationJson, ...]
    resting_margin_reservation: str

    @classmethod
    def of(cls, body: SetAllocationsJson) -> AllocationsJson:
        """What was set."""
        return cls(
            allocations=body.allocations,
            resting_margin_reservation=body.resting_margin_reservation,
        )
