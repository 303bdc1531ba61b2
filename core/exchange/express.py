"""The client whose orders go by the fast road; everything else goes as in `core.exchange.kalshi`.

The create of an order needs no signature in line (`core.exchange.presigned`), no header objects and
one write (`core.exchange.lines`); and it can be begun on one thread and ended on another, so that
whoever decides does not wait for the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from core.exchange.auth import KEY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER
from core.exchange.endpoints import ORDERS, KalshiExchange, placed_of
from core.exchange.kalshi import KalshiHttp, OpenGate, Outgoing, Timeouts
from core.exchange.lines import Lines, Sent, send
from core.exchange.port import ExchangeError, Unavailable
from core.exchange.presigned import PresigningSigner
from core.exchange.refusals import refusal
from core.exchange.wire import trading

if TYPE_CHECKING:
    from core.exchange.auth import Signer
    from core.exchange.kalshi import Gate
    from core.exchange.records import OrderRequest, Placed

_SUCCESS: Final = range(200, 300)


Look = Callable[[], str]
"""Why an order must not leave any more; empty where it may."""


class Withheld(ExchangeError):  # noqa: N818 - reads as what it says
    """Not sent: `code` says why the order must not leave any more."""

    def __init__(self, code: str) -> None:
        super().__init__(f"withheld: {code}")
        self.code = code


def connect_express(
    base_url: str,
    signer: Signer,
    timeouts: Timeouts | None = None,
    gate: Gate | None = None,
) -> ExpressExchange:
    """Like `core.exchange.kalshi.connect`, with orders on the fast road."""
    http = ExpressHttp(base_url, signer, timeouts or Timeouts(), gate or OpenGate())
    return ExpressExchange(http, signer)


class ExpressExchange(KalshiExchange):
    """`core.exchange.port.Exchange` with a create in two halves, and preparations."""

    def __init__(self, http: ExpressHttp, signer: Signer) -> None:
        super().__init__(http)
        self._fast = http
        self._signer = signer
        self._create_path = http.signed_path(ORDERS)
        if isinstance(signer, PresigningSigner):
            signer.keep("POST", self._create_path)

    def create_order(self, request: OrderRequest) -> Placed:
        """Send a new order and wait for its answer."""
        return self.begin_create(request).wait()

    def begin_create(self, request: OrderRequest, look: Look | None = None) -> PendingCreate:
        """Send a new order; what is given back waits for the answer, on any thread, once.

        `look` is asked when all that may take time is done: a connection had to be made, perhaps.
        Raises Withheld where it finds a reason, Unavailable or RateLimited when nothing was sent,
        Ambiguous when some of it may have been; the second half raises as `create_order` does.
        """
        body = trading.CreateOrderJson.from_request(request)
        outgoing = Outgoing(method="POST", path=ORDERS, body=body)
        return PendingCreate(self._fast, outgoing, self._fast.begin(outgoing, look))

    @property
    def is_ready(self) -> bool:
        """Whether a create would leave at once: a connection stands, a signature lies ready."""
        signer = self._signer
        if isinstance(signer, PresigningSigner) and not signer.has_fresh("POST", self._create_path):
            return False
        return self._fast.lines.has_idle

    def may_cancel(self, order_id: str) -> None:
        """An order rests: have the signature of its cancel ready."""
        if isinstance(self._signer, PresigningSigner):
            path = self._fast.signed_path(f"{ORDERS}/{order_id}")
            self._signer.keep_awhile("DELETE", path)

    def retire(self) -> None:
        """Keep no connection of the fast road any more; what is under way ends by itself."""
        self._fast.lines.close()

    def prepare(self) -> None:
        """Renew what lies ready: signatures, a connection. To be called several times a second."""
        if isinstance(self._signer, PresigningSigner):
            self._signer.refresh()
        self._fast.warm()


class PendingCreate:
    """A create that has left."""

    def __init__(self, http: ExpressHttp, outgoing: Outgoing, sent: Sent) -> None:
        self._http = http
        self._outgoing = outgoing
        self._sent = sent

    def wait(self) -> Placed:
        """The exchange's answer, once; raises as `create_order` does."""
        body = self._outgoing.body
        assert isinstance(body, trading.CreateOrderJson)
        content = self._http.finish(self._outgoing, self._sent)
        return placed_of(
            lambda: msgspec.json.decode(content, type=trading.PlacedJson).read(),
            body.client_order_id,
        )

    def abandon(self) -> None:
        """Nobody will wait."""
        self._sent.abandon()


class ExpressHttp(KalshiHttp):
    """`core.exchange.endpoints.Http`. Any thread may call; connections are kept and shared."""

    def __init__(self, base_url: str, signer: Signer, timeouts: Timeouts, gate: Gate) -> None:
        super().__init__(base_url, signer, timeouts, gate)
        parts = urlsplit(self._base)
        self.lines = Lines(self._base, timeouts)
        self._pen = signer
        self._head = (
            f" HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
            f"User-Agent: quarterhour\r\n{KEY_HEADER}: {signer.key_id}\r\n{TIMESTAMP_HEADER}: "
        )

    def close(self) -> None:
        """Close the kept connections of both roads."""
        self.lines.close()
        super().close()

    def _exchange(self, outgoing: Outgoing) -> bytes:
        """Orders by the fast road."""
        if not (outgoing.is_write and outgoing.path.startswith(ORDERS)):
            return super()._exchange(outgoing)
        return self.finish(outgoing, self.begin(outgoing))

    def signed_path(self, path: str) -> str:
        """As it is signed: from the root of the host."""
        return f"{self._prefix}{path}"

    def begin(self, outgoing: Outgoing, look: Look | None = None) -> Sent:
        """Pay, connect, look, sign and send. Raises Withheld, Unavailable, RateLimited or
        Ambiguous; hot, up to the write.

        Signed at the very end, for a signature gets old while its request waits.
        """

        def compose() -> bytes:
            text = self.text(outgoing)
            code = look() if look is not None else ""
            if code:
                raise Withheld(code)
            return text

        self._gate.enter(outgoing.bill)
        return send(self.lines, outgoing.method, compose, outgoing.name)

    def text(self, outgoing: Outgoing) -> bytes:
        """The request as it goes over the wire."""
        path = self.signed_path(outgoing.path)
        signed = self._pen.sign(outgoing.method, path)
        given = {k: v for k, v in (outgoing.query or {}).items() if v not in (None, "")}
        tail = f"?{urlencode(given)}" if given else ""
        head = (
            f"{outgoing.method} {path}{tail}{self._head}{signed.timestamp_ms}\r\n"
            f"{SIGNATURE_HEADER}: {signed.signature}\r\n"
        )
        if outgoing.body is None:
            return f"{head}Content-Length: 0\r\n\r\n".encode()
        body = msgspec.json.encode(outgoing.body)
        return (
            f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )

    def finish(self, outgoing: Outgoing, sent: Sent) -> bytes:
        """Wait for the answer: the body of a 2xx one; everything else is an error of the port."""
        answer = sent.receive()
        self._gate.answered(outgoing.bill, answer.status)
        self.date = answer.date
        if answer.status not in _SUCCESS:
            raise refusal(answer.status, answer.body, outgoing.name, write=True)
        return answer.body

    def warm(self) -> None:
        """See that a connection stands before an order needs it; a failure is no news here."""
        try:
            self.lines.warm()
        except Unavailable:
            return
