"""The writes of the local exchange: create, cancel, amend, decrease, in ones and in batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Response

from core.exchange.engine.refusals import invalid_parameters
from core.exchange.port import Rejected
from core.exchange.records import CancelRequest
from core.exchange.wire.batches import (
    BatchCanceledItemJson,
    BatchCancelItemJson,
    BatchCancelJson,
    BatchCreateJson,
    BatchPlacedItemJson,
)
from core.exchange.wire.errors import ErrorBody
from core.exchange.wire.trading import (
    AmendedJson,
    AmendJson,
    CanceledJson,
    CreateOrderJson,
    DecreaseJson,
    PlacedJson,
    ReducedJson,
    routed,
)
from web.exchange_requests import account, answer, number, read_body, read_row, text

if TYPE_CHECKING:
    from core.exchange.records import Canceled, OrderRequest, Placed
    from web.exchange_host import ExchangeHost

_ORDERS: Final = "/portfolio/events/orders"
_CREATED: Final = 201
_CREATE_COST: Final = 10
_CANCEL_COST: Final = 2
_GONE: Final = 410
_LEGACY: Final = (
    ("POST", "/portfolio/orders"),
    ("DELETE", "/portfolio/orders/<order_id>"),
    ("POST", "/portfolio/orders/batched"),
    ("DELETE", "/portfolio/orders/batched"),
    ("POST", "/portfolio/orders/<order_id>/amend"),
    ("POST", "/portfolio/orders/<order_id>/decrease"),
)


def order_endpoints(host: ExchangeHost) -> Blueprint:
    """The signed writes."""
    routes = Blueprint("orders", __name__)
    desk = _Desk(host)
    _single_endpoints(routes, host, desk)
    _batch_endpoints(routes, host, desk)
    for number_, (method, path) in enumerate(_LEGACY):
        routes.add_url_rule(path, f"legacy_{number_}", _withdrawn, methods=[method])
    return routes


class _Desk:
    """Creates and cancels for the account of the current request."""

    def __init__(self, host: ExchangeHost) -> None:
        self._host = host

    def place(self, request: OrderRequest) -> Placed:
        owner = account()
        return self._host.act(lambda engine, now: engine.create_order(owner, request, now))

    def cancel(self, request: CancelRequest) -> Canceled:
        owner = account()
        return self._host.act(lambda engine, now: engine.cancel_order(owner, request, now))


def _single_endpoints(routes: Blueprint, host: ExchangeHost, desk: _Desk) -> None:
    @routes.post(_ORDERS)
    def create() -> Response:
        placed = desk.place(_order(read_body(CreateOrderJson)))
        return answer(PlacedJson.from_placed(placed), _CREATED)

    @routes.delete(f"{_ORDERS}/<order_id>")
    def cancel(order_id: str) -> Response:
        shard = routed(number("exchange_index"))
        request = CancelRequest(order_id=order_id, ticker=text("market_ticker"), shard=shard)
        return answer(CanceledJson.from_canceled(desk.cancel(request)))

    @routes.post(f"{_ORDERS}/<order_id>/amend")
    def amend(order_id: str) -> Response:
        owner, body = account(), read_body(AmendJson)
        request = read_row(lambda: body.read(order_id))
        amended = host.act(lambda engine, now: engine.amend_order(owner, request, now))
        return answer(AmendedJson.from_amended(amended))

    @routes.post(f"{_ORDERS}/<order_id>/decrease")
    def decrease(order_id: str) -> Response:
        owner, body = account(), read_body(DecreaseJson)
        request = read_row(lambda: body.read(order_id))
        reduced = host.act(lambda engine, now: engine.decrease_order(owner, request, now))
        return answer(ReducedJson.from_reduced(reduced))

    @routes.delete(_ORDERS)
    def cancel_all() -> Response:
        owner = account()
        host.act(lambda engine, now: engine.cancel_all_orders(owner, now))
        return Response(status=204)


def _batch_endpoints(routes: Blueprint, host: ExchangeHost, desk: _Desk) -> None:
    @routes.post(f"{_ORDERS}/batched")
    def create_batch() -> Response:
        body = read_body(BatchCreateJson)
        _check_size(len(body.orders), host.limits.write_capacity // _CREATE_COST)
        return answer({"orders": [_place_item(desk, raw) for raw in body.orders]}, _CREATED)

    @routes.delete(f"{_ORDERS}/batched")
    def cancel_batch() -> Response:
        body = read_body(BatchCancelJson)
        _check_size(len(body.orders), host.limits.write_capacity // _CANCEL_COST)
        return answer({"orders": [_cancel_item(desk, item) for item in body.orders]})


def _place_item(desk: _Desk, raw: msgspec.Raw) -> BatchPlacedItemJson:
    client_order_id = ""
    try:
        body = msgspec.json.decode(raw, type=CreateOrderJson)
        client_order_id = body.client_order_id
        placed = PlacedJson.from_placed(desk.place(_order(body)))
    except msgspec.ValidationError as error:
        refused = invalid_parameters(str(error))
    except Rejected as error:
        refused = error
    else:
        return BatchPlacedItemJson(
            order_id=placed.order_id,
            client_order_id=placed.client_order_id,
            fill_count=placed.fill_count,
            remaining_count=placed.remaining_count,
            average_fill_price=placed.average_fill_price,
            average_fee_paid=placed.average_fee_paid,
            ts_ms=placed.ts_ms,
        )
    return BatchPlacedItemJson(client_order_id=client_order_id, error=_error(refused))


def _cancel_item(desk: _Desk, item: BatchCancelItemJson) -> BatchCanceledItemJson:
    try:
        canceled = CanceledJson.from_canceled(desk.cancel(item.read()))
    except Rejected as refused:
        return BatchCanceledItemJson(
            order_id=item.order_id, reduced_by="0.00", error=_error(refused)
        )
    return BatchCanceledItemJson(
        order_id=canceled.order_id,
        client_order_id=canceled.client_order_id,
        reduced_by=canceled.reduced_by,
        ts_ms=canceled.ts_ms,
    )


def _order(body: CreateOrderJson) -> OrderRequest:
    """The request in a body; there are no subaccounts here."""
    if body.subaccount:
        raise invalid_parameters("subaccount does not exist")
    return read_row(body.read)


def _check_size(size: int, largest: int) -> None:
    if not 1 <= size <= largest:
        msg = f"a batch holds 1 to {largest} orders"
        raise invalid_parameters(msg)


def _error(refused: Rejected) -> ErrorBody:
    return ErrorBody(code=refused.code, message=refused.message, details=refused.details)


def _withdrawn(**_: str) -> Response:
    """The endpoints before V2."""
    raise Rejected("deprecated_v1_order_endpoint", _GONE, "use /portfolio/events/orders")
