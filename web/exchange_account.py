"""Limits, costs and the account's own settings at the local exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response

from core.exchange.costs import DEFAULT_COST, listed_costs
from core.exchange.engine.refusals import invalid_parameters
from core.exchange.port import Rejected, Unauthorized
from core.exchange.tiers import TIERS
from core.exchange.wire.groups import EmptyJson
from core.exchange.wire.transfers import AllocationsJson, SetAllocationsJson
from core.exchange.wire.venue import LimitsJson
from core.units import Money, format_money
from web.exchange_requests import account, answer, read_body

if TYPE_CHECKING:
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos
    from web.exchange_host import ExchangeHost
    from web.exchange_limits import Tollgate

_WHOLE: Final = 100
_CENT: Final = 10_000
_CREATED: Final = 201
_FORBIDDEN: Final = 403


def account_endpoints(host: ExchangeHost, gate: Tollgate | None) -> Blueprint:
    """The signed endpoints about the account itself; `gate` enforces its limits, if any does."""
    routes = Blueprint("account", __name__)
    _limit_endpoints(routes, host, gate)
    _allocation_endpoints(routes, host)

    @routes.get("/portfolio/summary/total_resting_order_value")
    def resting_value() -> Response:
        owner = account()
        books = host.ask(lambda engine, _: engine.reserved_by_shard(owner))
        rows = [{"exchange_index": n, "balance": format_money(Money(v))} for n, v in books.items()]
        total = sum(books.values()) // _CENT
        return answer({"total_resting_order_value": total, "resting_order_value_breakdown": rows})

    @routes.get("/local/books")
    def books() -> Response:
        """Not of the real venue: the account's books in one row, for comparing to the cent."""
        owner = account()
        return answer(host.ask(lambda engine, _: engine.books(owner)))

    return routes


def _limit_endpoints(routes: Blueprint, host: ExchangeHost, gate: Tollgate | None) -> None:
    @routes.get("/account/limits")
    def limits() -> Response:
        return answer(LimitsJson.from_limits(host.limits))

    @routes.get("/account/endpoint_costs")
    def endpoint_costs() -> Response:
        rows = [
            {"method": method, "path": f"/trade-api/v2{path}", "cost": cost}
            for method, path, cost in listed_costs()
        ]
        return answer({"default_cost": DEFAULT_COST, "endpoint_costs": rows})

    @routes.post("/account/api_usage_level/upgrade")
    def upgrade() -> Response:
        """From basic to advanced, once an order was placed here."""
        owner = account()
        if not host.ask(lambda engine, _: engine.orders(owner)):
            raise Unauthorized("forbidden", _FORBIDDEN, "none of the last 100 orders is of the API")
        if host.limits.tier == "basic":
            host.limits = TIERS["advanced"]
            if gate is not None:
                gate.resize(host.limits)
        return answer(EmptyJson(), _CREATED)


def _allocation_endpoints(routes: Blueprint, host: ExchangeHost) -> None:
    wanted: dict[str, SetAllocationsJson] = {}
    """By account; guarded by the exchange's lock."""

    @routes.get("/portfolio/target_balance_allocation")
    def read() -> Response:
        owner = account()
        body = host.ask(lambda _engine, _now: wanted.get(owner, SetAllocationsJson(allocations=())))
        return answer(AllocationsJson.of(body))

    @routes.post("/portfolio/target_balance_allocation")
    def change() -> Response:
        """Takes effect at once; here nobody sweeps again later."""
        owner, body = account(), read_body(SetAllocationsJson)
        total = sum(part.percent for part in body.allocations)
        if body.allocations and total != _WHOLE:
            msg = f"percents total {total}; they must total 100"
            raise invalid_parameters(msg)

        def act(engine: SimulatedExchange, now: Nanos) -> None:
            wanted[owner] = body
            shares = {part.exchange_index: part.percent for part in body.allocations}
            if shares:
                _sweep(engine, owner, shares, now)

        host.act(act)
        return answer(EmptyJson())


def _sweep(engine: SimulatedExchange, owner: str, shares: dict[int, int], now: Nanos) -> None:
    """Move spendable cash until every shard has its share, rounded down to $0.0001."""
    balance = engine.balance(owner)
    have = {part.shard: int(part.cash) for part in balance.shards}
    whole = sum(have.values())
    target = {shard: whole * share // _WHOLE // 100 * 100 for shard, share in shares.items()}
    missing = {s: target.get(s, 0) - have.get(s, 0) for s in {*have, *target}}
    for source in sorted(s for s, amount in missing.items() if amount < 0):
        for destination in sorted(s for s, amount in missing.items() if amount > 0):
            amount = min(-missing[source], missing[destination])
            if amount > 0:
                _move(engine, owner, (source, destination), amount, now)
                missing[source] += amount
                missing[destination] -= amount


def _move(
    engine: SimulatedExchange, owner: str, route: tuple[int, int], amount: int, now: Nanos
) -> None:
    try:
        engine.transfer(owner, *route, Money(amount), now)
    except Rejected:
        return  # a shard that is paused keeps what it has
