"""Several orders with one request, order groups, and places in queues (kalshi.md 2.6, 2.7).

A part of `core.exchange.endpoints.KalshiExchange`. A batch is not atomic: every item has an answer
of its own, and a 201 says nothing of any of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from core.exchange.port import Ambiguous, Rejected
from core.exchange.reference import readable
from core.exchange.wire import batches, groups, trading
from core.exchange.wire.queues import QueuePlaceJson, QueuePlacesJson
from core.units import ONE_CONTRACT, format_quantity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.exchange.endpoints import Http, Query
    from core.exchange.records import (
        Canceled,
        CancelRequest,
        OrderGroup,
        OrderRequest,
        Placed,
    )
    from core.exchange.wire.errors import ErrorBody
    from core.units import Quantity

_BATCHED: Final = "/portfolio/events/orders/batched"
_GROUPS: Final = "/portfolio/order_groups"
NO_STATUS: Final = 0
"""`Rejected.status` of an item: a batch gives none."""


class BatchEndpoints:
    """The calls; all raise as `core.exchange.port` says."""

    _http: Http

    def create_orders(self, requests: Sequence[OrderRequest]) -> tuple[Placed | Rejected, ...]:
        """Send new orders; an answer for each, in their order.

        `Ambiguous` when the answer is lost, or cannot be read for even one of them.
        """
        bodies = (trading.CreateOrderJson.from_request(request) for request in requests)
        body = batches.BatchCreateJson(tuple(msgspec.Raw(msgspec.json.encode(b)) for b in bodies))
        answer = self._http.write("POST", _BATCHED, batches.BatchPlacedJson, body=body)
        _check_answers(len(answer.orders), len(requests))
        return tuple(
            _placed(item, request) for item, request in zip(answer.orders, requests, strict=True)
        )

    def cancel_orders(self, requests: Sequence[CancelRequest]) -> tuple[Canceled | Rejected, ...]:
        """Cancel orders; an answer for each, in their order. Pass tickers and shards."""
        items = tuple(
            batches.BatchCancelItemJson(
                order_id=request.order_id,
                market_ticker=request.ticker,
                exchange_index=request.shard,
            )
            for request in requests
        )
        body = batches.BatchCancelJson(items)
        answer = self._http.write("DELETE", _BATCHED, batches.BatchCanceledJson, body=body)
        _check_answers(len(answer.orders), len(requests))
        return tuple(_canceled(item) for item in answer.orders)

    def queue_position(self, order_id: str) -> Quantity:
        """Contracts that trade before a resting order."""
        path = f"/portfolio/orders/{order_id}/queue_position"
        return readable(self._http.read(path, QueuePlaceJson, signed=True).read, order_id)

    def queue_positions(self, tickers: tuple[str, ...] = ()) -> dict[str, Quantity]:
        """The same for every resting order, by its id, or for those of some markets."""
        query: Query = {"market_tickers": ",".join(tickers)}
        page = self._http.read(
            "/portfolio/orders/queue_positions", QueuePlacesJson, query=query, signed=True
        )
        return {row.order_id: readable(row.read, row.order_id) for row in page.queue_positions}

    # --- order groups: each lives on one shard, and is found nowhere else

    def create_group(self, limit: Quantity, shard: int) -> str:
        """A breaker on what its orders match within 15 seconds; its id."""
        body = groups.CreateGroupJson(
            contracts_limit_fp=format_quantity(limit), exchange_index=shard
        )
        answer = self._http.write("POST", f"{_GROUPS}/create", groups.GroupIdJson, body=body)
        return answer.order_group_id

    def groups(self) -> tuple[str, ...]:
        """The ids of all groups."""
        page = self._http.read(_GROUPS, groups.GroupsPage, signed=True)
        return tuple(row.id for row in page.order_groups)

    def group(self, group_id: str) -> OrderGroup:
        """One group with its orders."""
        page = self._http.read(f"{_GROUPS}/{group_id}", groups.OneGroupJson, signed=True)
        return readable(lambda: page.read(group_id), group_id)

    def reset_group(self, group_id: str, shard: int) -> None:
        """Let a triggered group take orders again."""
        self._change(group_id, "reset", shard, groups.EmptyJson())

    def trigger_group(self, group_id: str, shard: int) -> None:
        """Cancel its orders, and let it take no more."""
        self._change(group_id, "trigger", shard, groups.EmptyJson())

    def limit_group(self, group_id: str, shard: int, limit: Quantity) -> None:
        """Another limit; whole contracts are sent as such."""
        whole = None if limit % ONE_CONTRACT else limit // ONE_CONTRACT
        text = None if whole else format_quantity(limit)
        body = groups.GroupLimitJson(contracts_limit=whole, contracts_limit_fp=text)
        self._change(group_id, "limit", shard, body)

    def delete_group(self, group_id: str, shard: int) -> None:
        """Cancel its orders and forget it."""
        path = f"{_GROUPS}/{group_id}"
        query: Query = {"exchange_index": shard}
        self._http.write("DELETE", path, groups.EmptyJson, query=query)

    def _change(self, group_id: str, what: str, shard: int, body: msgspec.Struct) -> None:
        path = f"{_GROUPS}/{group_id}/{what}"
        query: Query = {"exchange_index": shard}
        self._http.write("PUT", path, groups.EmptyJson, query=query, body=body)


def _check_answers(found: int, wanted: int) -> None:
    if found != wanted:
        msg = f"a batch of {wanted} was answered for {found}"
        raise Ambiguous(msg)


def _placed(item: batches.BatchPlacedItemJson, request: OrderRequest) -> Placed | Rejected:
    if item.error is not None:
        return _refused(item.error)
    try:
        return item.placed().read()
    except ValueError as error:
        msg = f"batch, {request.client_order_id}: unreadable answer: {error}"
        raise Ambiguous(msg) from error


def _canceled(item: batches.BatchCanceledItemJson) -> Canceled | Rejected:
    if item.error is not None:
        return _refused(item.error)
    try:
        return item.canceled().read()
    except ValueError as error:
        msg = f"batch, {item.order_id}: unreadable answer: {error}"
        raise Ambiguous(msg) from error


def _refused(error: ErrorBody) -> Rejected:
    return Rejected(error.code.lower(), NO_STATUS, error.message, error.details)
