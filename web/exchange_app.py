"""The local exchange as one WSGI app: Kalshi's REST prefix and stream path, signatures verified."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response, request
from flask_sock import Sock

from core.exchange.wire.errors import bare_error
from web.exchange_account import account_endpoints
from web.exchange_archive import archive_endpoints
from web.exchange_candles import candle_endpoints
from web.exchange_commands import CommandDesk
from web.exchange_fault_routes import fault_endpoints, install_faults
from web.exchange_groups import group_endpoints
from web.exchange_keys import install_keys, key_endpoints
from web.exchange_limits import Tollgate, install_limits
from web.exchange_money import money_endpoints
from web.exchange_orders import order_endpoints
from web.exchange_outbox import Outbox
from web.exchange_portfolio import portfolio_endpoints
from web.exchange_public import public_endpoints
from web.exchange_requests import account, install_refusals
from web.exchange_subscriptions import StreamClient
from web.server import STREAM_OPTIONS

if TYPE_CHECKING:
    from core.exchange.simulated import SimulatedExchange
    from core.units import Nanos
    from web.exchange_faults import FaultDesk
    from web.exchange_host import ExchangeHost
    from web.exchange_keys import KeyRing
    from web.exchange_options import ExchangeOptions
    from web.exchange_publisher import Publisher
    from web.exchange_subscriptions import Roster

REST_PREFIX: Final = "/trade-api/v2"
STREAM_PATH: Final = "/trade-api/ws/v2"
_PRIVATE: Final = (
    f"{REST_PREFIX}/portfolio",
    f"{REST_PREFIX}/account",
    f"{REST_PREFIX}/api_keys",
    f"{REST_PREFIX}/cfbenchmarks",
    f"{REST_PREFIX}/historical/fills",
    f"{REST_PREFIX}/historical/orders",
    f"{REST_PREFIX}/historical/positions",
    f"{REST_PREFIX}/local/books",
    STREAM_PATH,
)
_ENDPOINTS: Final = (
    public_endpoints,
    candle_endpoints,
    archive_endpoints,
    portfolio_endpoints,
    order_endpoints,
    group_endpoints,
    money_endpoints,
)
_TOO_MANY: Final = 429


class Stream:
    """What a connection of the stream needs: who else is there, and who answers commands."""

    def __init__(self, roster: Roster, publisher: Publisher, options: ExchangeOptions) -> None:
        self.roster = roster
        self.desk = CommandDesk(roster, publisher)
        self.places = options.streams
        self.outbox_frames = options.outbox_frames
        self.is_limited = options.tier is not None


def create_exchange_app(
    host: ExchangeHost, ring: KeyRing, stream: Stream, faults: FaultDesk
) -> Flask:
    """The app; it starts nothing by itself."""
    app = Flask("quarterhour.exchange", static_folder=None)
    app.config["SOCK_SERVER_OPTIONS"] = STREAM_OPTIONS
    install_keys(app, ring, _PRIVATE)
    install_refusals(app)
    _limit_streams(app, stream)
    install_faults(app, REST_PREFIX, faults)
    gate = Tollgate(host.limits, host.clock) if stream.is_limited else None
    if gate is not None:
        install_limits(app, REST_PREFIX, gate)
    app.register_blueprint(fault_endpoints(host, faults), url_prefix=REST_PREFIX)
    for endpoints in _ENDPOINTS:
        app.register_blueprint(endpoints(host), url_prefix=REST_PREFIX)
    app.register_blueprint(account_endpoints(host, gate), url_prefix=REST_PREFIX)
    app.register_blueprint(key_endpoints(ring), url_prefix=REST_PREFIX)
    _install_stream(app, host, stream)
    return app


def _limit_streams(app: Flask, stream: Stream) -> None:
    @app.before_request
    def full() -> Response | None:
        if request.path != STREAM_PATH or len(stream.roster) < stream.places:
            return None
        return Response(bare_error("too many connections"), _TOO_MANY, mimetype="application/json")


def _install_stream(app: Flask, host: ExchangeHost, stream: Stream) -> None:
    sock = Sock(app)

    @sock.route(STREAM_PATH)  # type: ignore[untyped-decorator] # flask-sock has no types
    def follow(ws: Any) -> None:  # noqa: ANN401 - neither has simple-websocket
        outbox = Outbox(ws.sock, stream.outbox_frames)
        client = StreamClient(account(), outbox)
        outbox.start()
        host.ask(lambda _engine, _now: stream.roster.add(client))
        try:
            while True:
                host.ask(partial(_answer, stream.desk, client, ws.receive()))
        finally:
            host.ask(lambda _engine, _now: stream.roster.remove(client))
            outbox.close()


def _answer(
    desk: CommandDesk, client: StreamClient, text: str | bytes, engine: SimulatedExchange, _: Nanos
) -> None:
    desk.handle(engine, client, text)
