"""Order groups of the local exchange (kalshi.md 2.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from core.exchange.engine.refusals import invalid_parameters, not_found
from core.exchange.wire.groups import (
    CreateGroupJson,
    EmptyJson,
    GroupIdJson,
    GroupJson,
    GroupLimitJson,
    GroupsPage,
    OneGroupJson,
)
from web.exchange_requests import account, answer, number, read_body, read_row

if TYPE_CHECKING:
    from core.exchange.engine_types import OrderGroupRow
    from web.exchange_host import ExchangeHost

_GROUPS: Final = "/portfolio/order_groups"
_ONE: Final = f"{_GROUPS}/<group_id>"
_CREATED: Final = 201


def group_endpoints(host: ExchangeHost) -> Blueprint:
    """Make, read, change, end. Without `exchange_index` a group is looked for on shard 0."""
    routes = Blueprint("groups", __name__)
    _read_endpoints(routes, host)
    _change_endpoints(routes, host)
    return routes


def _read_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    def rows() -> tuple[OrderGroupRow, ...]:
        owner = account()
        return host.ask(lambda engine, _: engine.groups(owner))

    @routes.get(_GROUPS)
    def listed() -> Response:
        return answer(GroupsPage(order_groups=tuple(GroupJson.from_row(row) for row in rows())))

    @routes.get(_ONE)
    def one(group_id: str) -> Response:
        found = [row for row in rows() if row.group_id == group_id]
        if not found:
            raise not_found("order group", group_id)
        return answer(OneGroupJson.from_row(found[0]))


def _change_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.post(f"{_GROUPS}/create")
    def create() -> Response:
        owner, body = account(), read_body(CreateGroupJson)
        if body.subaccount:
            raise invalid_parameters("subaccount does not exist")
        limit, shard = read_row(body.limit), body.exchange_index
        row = host.act(lambda engine, now: engine.create_group(owner, limit, shard, now))
        return answer(GroupIdJson(order_group_id=row.group_id, exchange_index=shard), _CREATED)

    @routes.put(f"{_ONE}/reset")
    def reset(group_id: str) -> Response:
        owner, shard = account(), _shard()
        host.act(lambda engine, now: engine.reset_group(owner, group_id, shard, now))
        return answer(EmptyJson())

    @routes.put(f"{_ONE}/trigger")
    def trigger(group_id: str) -> Response:
        owner, shard = account(), _shard()
        host.act(lambda engine, now: engine.trigger_group(owner, group_id, shard, now))
        return answer(EmptyJson())

    @routes.put(f"{_ONE}/limit")
    def limit(group_id: str) -> Response:
        owner, group = account(), (group_id, _shard())
        wanted = read_row(read_body(GroupLimitJson).limit)
        host.act(lambda engine, now: engine.limit_group(owner, group, wanted, now))
        return answer(EmptyJson())

    @routes.delete(_ONE)
    def delete(group_id: str) -> Response:
        owner, shard = account(), _shard()
        host.act(lambda engine, now: engine.delete_group(owner, group_id, shard, now))
        return answer(EmptyJson())


def _shard() -> int:
    return number("exchange_index") or 0
