"""Cash between shards, and the index's past: endpoints that a start needs and a day does not."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from core.exchange.engine.refusals import invalid_parameters, not_found
from core.exchange.port import Rejected
from core.exchange.wire.scalars import WireError, format_rfc3339, rfc3339, to_ms, to_seconds
from core.exchange.wire.transfers import (
    EVENT_CONTRACTS,
    TransferIdJson,
    TransferJson,
    TransferRequestJson,
)
from core.units import INDEX_DECIMALS, SECOND, Nanos, format_fixed, format_money
from web.exchange_requests import account, answer, page, read_body, text

if TYPE_CHECKING:
    from core.exchange.simulated import SimulatedExchange
    from core.units import IndexValue
    from web.exchange_host import ExchangeHost

_HOUR: Final = Nanos(3_600 * SECOND)
_CONFLICT: Final = 409


def money_endpoints(host: ExchangeHost) -> Blueprint:
    """Transfers and the history of the index."""
    routes = Blueprint("money", __name__)
    _transfer_endpoints(routes, TransferDesk(host))
    _history_endpoints(routes, host)
    return routes


class TransferDesk:
    """Moves cash at once, and remembers what was moved. Guarded by the exchange's lock."""

    def __init__(self, host: ExchangeHost) -> None:
        self._host = host
        self._done: dict[str, dict[str, TransferJson]] = {}

    def move(self, owner: str, body: TransferRequestJson) -> str:
        """Do a transfer; its id. A client id that was used is a conflict and moves nothing."""
        if (body.source, body.destination) != (EVENT_CONTRACTS, EVENT_CONTRACTS):
            raise invalid_parameters("source and destination must be event_contract")

        def act(engine: SimulatedExchange, now: Nanos) -> str:
            done = self._done.setdefault(owner, {})
            known = (row.client_transfer_id for row in done.values())
            if body.client_transfer_id and body.client_transfer_id in known:
                raise Rejected("transfer_already_exists", _CONFLICT, "transfer already exists")
            shards = body.source_exchange_shard, body.destination_exchange_shard
            engine.transfer(owner, *shards, body.money(), now)
            row = _row(body, str(uuid.uuid4()), now)
            done[row.transfer_id] = row
            return row.transfer_id

        return self._host.act(act)

    def listed(self, owner: str) -> list[TransferJson]:
        """All transfers, newest first."""
        return self._host.ask(lambda _engine, _now: [*self._done.get(owner, {}).values()][::-1])

    def one(self, owner: str, transfer_id: str) -> TransferJson:
        """One transfer."""
        row = self._host.ask(lambda _engine, _now: self._done.get(owner, {}).get(transfer_id))
        if row is None:
            raise not_found("transfer", transfer_id)
        return row


def _transfer_endpoints(routes: Blueprint, desk: TransferDesk) -> None:
    @routes.post("/portfolio/intra_exchange_instance_transfer")
    def transfer() -> Response:
        moved = desk.move(account(), read_body(TransferRequestJson))
        return answer(TransferIdJson(transfer_id=moved))

    @routes.get("/portfolio/intra_exchange_instance_transfers")
    def transfers() -> Response:
        rows, cursor = page(desk.listed(account()), lambda row: row.transfer_id)
        return answer({"transfers": rows, "cursor": cursor})

    @routes.get("/portfolio/intra_exchange_instance_transfers/<transfer_id>")
    def one(transfer_id: str) -> Response:
        return answer({"transfer": desk.one(account(), transfer_id)})


def _history_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    @routes.get("/cfbenchmarks/history/values")
    def values() -> Response:
        index_id, start = text("id") or "", _hour()
        end = Nanos(start + _HOUR)
        found = host.ask(lambda engine, _: engine.index_prints(index_id, start, end))
        payload = [{"time": to_ms(stamp), "value": _trimmed(value)} for stamp, value in found]
        shown = format_rfc3339(host.clock.now())
        return answer({"data": {"serverTime": shown, "payload": payload}})


def _hour() -> Nanos:
    """The beginning of the hour asked for."""
    if text("timespan") != "HOUR":
        raise invalid_parameters("timespan must be HOUR")
    try:
        start = rfc3339(text("timestamp") or "")
    except WireError as error:
        raise invalid_parameters(str(error)) from None
    if start % _HOUR:
        raise invalid_parameters("timestamp must be the beginning of an hour")
    return start


def _trimmed(value: IndexValue) -> str:
    return format_fixed(value, INDEX_DECIMALS).rstrip("0").removesuffix(".")


def _row(body: TransferRequestJson, transfer_id: str, now: Nanos) -> TransferJson:
    return TransferJson(
        transfer_id=transfer_id,
        client_transfer_id=body.client_transfer_id,
        source=body.source,
        destination=body.destination,
        source_exchange_shard=body.source_exchange_shard,
        destination_exchange_shard=body.destination_exchange_shard,
        amount=format_money(body.money()),
        status="complete",
        created_ts=to_seconds(now),
    )
