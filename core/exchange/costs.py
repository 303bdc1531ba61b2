"""What each request costs, and from which token bucket (kalshi.md 2.10).

A signed GET draws from the read bucket, except the balance, which has a bucket of its own; without
a signature nothing is drawn. Writes are billed by shard: naming a shard other than 0 bills that
shard alone; batches, shard 0 and everything that is no single order bill the unscoped bucket; an
order that the venue has to route itself bills the unscoped one and every other.
"""

from __future__ import annotations

from typing import Final, NamedTuple

READ: Final = "read"
BALANCE: Final = "balance"
WRITE: Final = "write"
"""The unscoped write bucket. That of a shard is `write:2`."""
PUBLIC: Final = "public"
"""No bucket: what the venue allows an unsigned caller is not documented."""

DEFAULT_COST: Final = 10
_ROUTED_SHARDS: Final = (1, 2, 3)
"""Those that an order without a shard may reach, beside 0."""
_COSTS: Final = {
    ("GET", "/portfolio/orders/{order_id}"): 2,
    ("GET", "/portfolio/orders/queue_positions"): DEFAULT_COST,
    ("GET", "/cfbenchmarks/history/values"): 50,
    ("DELETE", "/portfolio/events/orders"): 2,
    ("DELETE", "/portfolio/events/orders/{order_id}"): 2,
    ("DELETE", "/portfolio/events/orders/batched"): 2,
    ("POST", "/account/api_usage_level/upgrade"): 30,
}
"""What differs from the default, by method and route; a literal route wins over a pattern."""
_BALANCE_PATH: Final = "/portfolio/balance"
_ORDERS: Final = "/portfolio/events/orders"
_BATCHED: Final = f"{_ORDERS}/batched"

Bill = tuple[tuple[str, int], ...]
"""Tokens by bucket. A call that costs nothing still names its bucket, for that may be paused."""

FREE: Final[Bill] = ((PUBLIC, 0),)


class Call(NamedTuple):
    """What of a request decides its cost. `path` is below `/trade-api/v2`."""

    method: str
    path: str
    signed: bool = True
    shard: int | None = None
    """As given in body or query; None or -1 leaves the routing to the venue."""
    items: int = 1
    """Orders in a batch."""


def bill(call: Call) -> Bill:
    """What a call costs. 1 us."""
    if not call.signed:
        return FREE
    if call.method == "GET":
        if call.path == _BALANCE_PATH:
            return ((BALANCE, 1),)
        return ((READ, _cost(call)),)
    tokens = _cost(call) * (call.items if call.path == _BATCHED else 1)
    return tuple((bucket, tokens) for bucket in _write_buckets(call))


def listed_costs() -> tuple[tuple[str, str, int], ...]:
    """Method, route and cost of what differs from `DEFAULT_COST`."""
    rows = ((*route, cost) for route, cost in _COSTS.items() if cost != DEFAULT_COST)
    return tuple(sorted(rows))


def write_bucket(shard: int) -> str:
    """The bucket of writes that name this shard."""
    return f"{WRITE}:{shard}" if shard else WRITE


def _write_buckets(call: Call) -> tuple[str, ...]:
    if call.path == _BATCHED:
        return (WRITE,)
    if call.shard is not None and call.shard >= 0:
        return (write_bucket(call.shard),)
    if call.path.startswith(_ORDERS) and (call.method, call.path) != ("DELETE", _ORDERS):
        return (WRITE, *(write_bucket(shard) for shard in _ROUTED_SHARDS))
    return (WRITE,)


def _cost(call: Call) -> int:
    exact = _COSTS.get((call.method, call.path))
    if exact is not None:
        return exact
    parent = call.path.rpartition("/")[0]
    return _COSTS.get((call.method, f"{parent}/{{order_id}}"), DEFAULT_COST)
