"""Requests that fail on purpose, and the control of what fails at the local exchange.

`/trade-api/v2/local/faults` is the control: GET lists, POST adds one fault or a script, DELETE
clears all, DELETE of `/<id>` one. Whoever is on this machine may use it without a signature; others
must sign. What is under `/local` never fails on purpose. What the faults are: core.exchange.faults.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Blueprint, Response, g, request

from core.exchange.engine.refusals import invalid_parameters, not_found
from core.exchange.fault_drift import drifted
from core.exchange.fault_kinds import MARKET_KINDS, FaultKind
from core.exchange.faults import Fault, FaultError, read_script
from core.exchange.port import Unauthorized
from core.exchange.wire.errors import ErrorBody, bare_error, nested_error
from web.exchange_requests import answer
from web.server import CUT_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from core.exchange.faults import Armed
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos
    from web.exchange_faults import FaultDesk
    from web.exchange_host import ExchangeHost

PATH: Final = "/local/faults"
_CREATED: Final = 201
_NOBODY: Final = 401
_TOO_MANY: Final = 429
_AFTER: Final = frozenset(
    {FaultKind.LOST_AFTER, FaultKind.ERROR_AFTER, FaultKind.SLOW_ANSWER, FaultKind.DRIFT}
)
"""Those that let a request be carried out first."""


def install_faults(app: Flask, prefix: str, desk: FaultDesk) -> None:
    """Let requests below `prefix` meet their faults, after the signature has been looked at."""

    @app.before_request
    def before() -> Response | None:
        g.faults = ()
        path = request.path.removeprefix(prefix)
        if path == request.path or path.startswith("/local/"):
            return None
        found = desk.meets(f"{request.method} {path}")
        g.faults = tuple(fault for fault in found if fault.kind in _AFTER)
        for fault in found:
            if fault.kind is FaultKind.SLOW:
                desk.wait(fault.seconds)
        refused = (_refused(fault) for fault in found if fault.kind not in _AFTER)
        return next((response for response in refused if response is not None), None)

    @app.after_request
    def after(response: Response) -> Response:
        for fault in getattr(g, "faults", ()):
            match fault.kind:
                case FaultKind.LOST_AFTER:
                    _cut()
                case FaultKind.SLOW_ANSWER:
                    desk.wait(fault.seconds)
                case FaultKind.DRIFT:
                    response.set_data(drifted(response.get_data(), fault))
                case _:
                    response = _server_error(fault)
        return response


def fault_endpoints(host: ExchangeHost, desk: FaultDesk) -> Blueprint:
    """The control of faults."""
    routes = Blueprint("faults", __name__)
    _admission(routes)
    _list_endpoints(routes, host, desk)
    _clear_endpoints(routes, host, desk)
    return routes


def _admission(routes: Blueprint) -> None:
    @routes.before_request
    def admitted() -> None:
        address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - no address
        if not address.is_loopback and "account" not in g:
            raise Unauthorized("authentication_error", _NOBODY, "sign, or come from this machine")


def _list_endpoints(routes: Blueprint, host: ExchangeHost, desk: FaultDesk) -> None:
    @routes.get(PATH)
    def listed() -> Response:
        return answer({"faults": desk.listed()})

    @routes.post(PATH)
    def add() -> Response:
        if not request.is_json:  # what a foreign page in a browser cannot send unasked
            raise invalid_parameters("Content-Type must be application/json")
        faults = _asked(request.get_data())

        def arm(engine: SimulatedExchange, now: Nanos) -> tuple[Armed, ...]:
            for fault in faults:
                if fault.kind in MARKET_KINDS:
                    engine.market(fault.match)
            return desk.add(faults, now)

        added = host.act(arm)
        host.step()
        return answer({"ids": [row.id for row in added]}, _CREATED)


def _clear_endpoints(routes: Blueprint, host: ExchangeHost, desk: FaultDesk) -> None:
    @routes.delete(PATH)
    def clear() -> Response:
        return answer({"cleared": _cleared(host, desk.clear)})

    @routes.delete(f"{PATH}/<int:fault_id>")
    def clear_one(fault_id: int) -> Response:
        if not _cleared(host, lambda: desk.clear(fault_id)):
            raise not_found("fault", str(fault_id))
        return answer({"cleared": 1})


def _cleared(host: ExchangeHost, clear: Callable[[], int]) -> int:
    return host.ask(lambda _engine, _now: clear())


def _asked(body: bytes) -> tuple[Fault, ...]:
    """A script, or one fault."""
    try:
        if b'"faults"' in body:
            return read_script(body, is_toml=False)
        return (msgspec.json.decode(body, type=Fault),)
    except (FaultError, msgspec.DecodeError) as error:
        raise invalid_parameters(str(error)) from None


def _refused(fault: Fault) -> Response | None:
    """The answer of a fault that keeps a request from being carried out."""
    match fault.kind:
        case FaultKind.LOST_BEFORE:
            _cut()
            return _server_error(fault)  # that nobody will see
        case FaultKind.RATE_LIMITED:
            body = bare_error("too many requests")
            return Response(body, _TOO_MANY, mimetype="application/json")
        case FaultKind.ERROR:
            return _server_error(fault)
        case _:
            return None


def _server_error(fault: Fault) -> Response:
    body = nested_error(ErrorBody(code="service_unavailable", message="a fault on purpose"))
    return Response(body, fault.status, mimetype="application/json")


def _cut() -> None:
    request.environ[CUT_KEY]()
