"""The account's settings and what its orders hold back (kalshi.md 2.10, 2.11).

A part of `core.exchange.endpoints.KalshiExchange`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.reference import readable
from core.exchange.wire import groups
from core.exchange.wire.transfers import (
    AllocationJson,
    AllocationsJson,
    SetAllocationsJson,
)
from core.exchange.wire.venue import EndpointCostsJson, RestingValueJson

if TYPE_CHECKING:
    from core.exchange.endpoints import Http
    from core.units import Money

_ALLOCATION: Final = "/portfolio/target_balance_allocation"
_UPGRADE: Final = "/account/api_usage_level/upgrade"


class AccountEndpoints:
    """The calls; all raise as `core.exchange.port` says."""

    _http: Http

    def endpoint_costs(self) -> dict[tuple[str, str], int]:
        """Tokens of the endpoints that do not cost the usual 10, by method and path."""
        page = self._http.read("/account/endpoint_costs", EndpointCostsJson, signed=True)
        return {(row.method, row.path): row.cost for row in page.endpoint_costs}

    def upgrade(self) -> None:
        """From the basic tier to the advanced one. Unauthorized before the first API order."""
        self._http.send("POST", _UPGRADE)

    def allocation(self) -> dict[int, int]:
        """Percent of the cash that each shard is to have; empty where nothing is swept."""
        page = self._http.read(_ALLOCATION, AllocationsJson, signed=True)
        return {part.exchange_index: part.percent for part in page.allocations}

    def allocate(self, percents: dict[int, int]) -> None:
        """Have the venue sweep cash to these shares from now on; none ends it.

        Raises ValueError unless they total 100.
        """
        if percents and sum(percents.values()) != 100:  # noqa: PLR2004 - percent
            msg = f"percents total {sum(percents.values())}; they must total 100"
            raise ValueError(msg)
        parts = (AllocationJson(exchange_index=s, percent=p) for s, p in percents.items())
        body = SetAllocationsJson(allocations=tuple(parts))
        self._http.write("POST", _ALLOCATION, groups.EmptyJson, body=body)

    def resting_value(self) -> dict[int, Money]:
        """What resting orders hold back, by shard."""
        page = self._http.read(
            "/portfolio/summary/total_resting_order_value", RestingValueJson, signed=True
        )
        rows = page.resting_order_value_breakdown
        return {row.exchange_index: readable(row.read, "resting value") for row in rows}
