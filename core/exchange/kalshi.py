"""The HTTP side of the Kalshi client: signed requests, time-outs, and what their failures mean.

Any thread may call; connections are kept and shared. Time-outs are explicit, redirects are not
followed, proxies and certificates of the environment are not used, and nothing is ever sent twice
by itself.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, Protocol, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from core.exchange.costs import Bill, Call, bill
from core.exchange.endpoints import KalshiExchange, Query
from core.exchange.port import Ambiguous, Unavailable
from core.exchange.refusals import refusal
from core.units import Nanos

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.auth import Signer
    from core.exchange.wire.pages import P

T = TypeVar("T")

_PAGE: Final = 1000
_SUCCESS: Final = range(200, 300)


class Gate(Protocol):
    """What every request passes before it is signed: it keeps to the account's rate limits."""

    def enter(self, bill: Bill) -> None:
        """Wait until it may leave. Raises RateLimited; then nothing is sent."""

    def answered(self, bill: Bill, status: int) -> None:
        """The status of its answer."""

    def now(self) -> Nanos:
        """What our clock shows, for `told`."""

    def told(self, date: str, sent: Nanos) -> None:
        """The `Date` header of an answer just received; its request left after `sent`."""


class OpenGate:
    """Lets everything pass at once: for single questions beside a daemon."""

    def enter(self, bill: Bill) -> None:
        """Pass."""

    def answered(self, bill: Bill, status: int) -> None:
        """Nobody counts."""

    def now(self) -> Nanos:
        """Nobody asks."""
        return Nanos(0)

    def told(self, date: str, sent: Nanos) -> None:
        """Nobody compares."""


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds until a connection must stand, and between two pieces of an answer."""

    connect: float = 3.0
    read: float = 5.0


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One request before it is signed."""

    method: str
    path: str
    query: Query | None = None
    body: msgspec.Struct | None = None
    signed: bool = True
    also: tuple[int, ...] = ()
    """Statuses beside 2xx whose body is an answer."""

    @property
    def name(self) -> str:
        """For messages: `POST /portfolio/events/orders`."""
        return f"{self.method} {self.path}"

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    @property
    def bill(self) -> Bill:
        """What it costs."""
        shard = getattr(self.body, "exchange_index", None)
        if shard is None:
            shard = (self.query or {}).get("exchange_index")
        return bill(
            Call(
                method=self.method,
                path=self.path,
                signed=self.signed,
                shard=shard if isinstance(shard, int) else None,
                items=len(getattr(self.body, "orders", ())) or 1,
            )
        )


def connect(
    base_url: str,
    signer: Signer | None,
    timeouts: Timeouts | None = None,
    gate: Gate | None = None,
) -> KalshiExchange:
    """A client for `https://host/trade-api/v2`; without a signer it can do public reads only.

    Connects at the first request, not here.
    """
    return KalshiExchange(KalshiHttp(base_url, signer, timeouts or Timeouts(), gate or OpenGate()))


class KalshiHttp:
    """`core.exchange.endpoints.Http` on requests."""

    def __init__(
        self, base_url: str, signer: Signer | None, timeouts: Timeouts, gate: Gate
    ) -> None:
        self._base = base_url.rstrip("/")
        self._prefix = urlsplit(self._base).path
        self._signer = signer
        self._timeouts = (timeouts.connect, timeouts.read)
        self._gate = gate
        self.date = ""
        """`Date` header of the newest answer: the exchange's clock in whole seconds."""
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=8, max_retries=0)

    def close(self) -> None:
        """Close the kept connections, now: the adapter alone would leave it to the collector."""
        pools = self._adapter.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - a container without iteration
            pools[key].close()
        self._adapter.close()

    def read(
        self,
        path: str,
        shape: type[T],
        *,
        query: Query | None = None,
        signed: bool = False,
        also: tuple[int, ...] = (),
    ) -> T:
        """GET. Raises Unavailable for anything but a readable 2xx or a refusal."""
        outgoing = Outgoing(method="GET", path=path, query=query, signed=signed, also=also)
        body = self._exchange(outgoing)
        try:
            return msgspec.json.decode(body, type=shape)
        except ValueError as error:
            msg = f"{outgoing.name}: unreadable answer: {error}"
            raise Unavailable(msg) from error

    def write(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        query: Query | None = None,
        body: msgspec.Struct | None = None,
    ) -> T:
        """A signed change. Raises Ambiguous when it may have happened."""
        outgoing = Outgoing(method=method, path=path, query=query, body=body)
        answer = self._exchange(outgoing)
        try:
            return msgspec.json.decode(answer, type=shape)
        except ValueError as error:
            msg = f"{outgoing.name}: unreadable answer: {error}"
            raise Ambiguous(msg) from error

    def pages(self, path: str, shape: type[P], query: Query, *, signed: bool) -> Iterator[P]:
        """GET page by page until there is no new cursor."""
        cursor = ""
        while True:
            paged: Query = {**query, "limit": _PAGE, "cursor": cursor}
            page = self.read(path, shape, query=paged, signed=signed)
            yield page
            if not page.cursor or page.cursor == cursor:
                return
            cursor = page.cursor

    def send(self, method: str, path: str) -> bytes:
        """A signed request without a body; the body of its answer."""
        return self._exchange(Outgoing(method=method, path=path))

    def _exchange(self, outgoing: Outgoing) -> bytes:
        """The body of a 2xx answer; everything else is an error of the port.

        Signed after the gate, for a signature gets old while its request waits.
        """
        price = outgoing.bill
        self._gate.enter(price)
        request = self._prepare(outgoing)
        left = self._gate.now()
        try:
            answer = self._adapter.send(request, timeout=self._timeouts, verify=True)
            content = answer.content
        except requests.RequestException as error:
            message = f"{outgoing.name}: {error}"
            if outgoing.is_write and not _never_sent(error):
                raise Ambiguous(message) from error
            raise Unavailable(message) from error
        if answer.status_code < _SUCCESS.start:
            self.close()  # the real answer is to come: the next request would get it
        self._gate.answered(price, answer.status_code)
        self.date = answer.headers.get("Date", "")
        if answer.headers.get("Age", "0") == "0":  # else a cache answered, with the time of then
            self._gate.told(self.date, left)
        if answer.status_code not in _SUCCESS and answer.status_code not in outgoing.also:
            raise refusal(answer.status_code, content, outgoing.name, write=outgoing.is_write)
        return content

    def _prepare(self, outgoing: Outgoing) -> requests.PreparedRequest:
        headers = {"Accept": "application/json"}
        if outgoing.body is not None:
            headers["Content-Type"] = "application/json"
        if outgoing.signed:
            if self._signer is None:
                msg = f"{outgoing.name}: needs an API key, and none is configured"
                raise Unavailable(msg)
            signed = self._signer.sign(outgoing.method, self._prefix + outgoing.path)
            headers.update(signed.headers())
        given = {k: v for k, v in (outgoing.query or {}).items() if v not in (None, "", [])}
        tail = f"?{urlencode(given, doseq=True)}" if given else ""
        return requests.Request(
            outgoing.method,
            f"{self._base}{outgoing.path}{tail}",
            headers=headers,
            data=None if outgoing.body is None else msgspec.json.encode(outgoing.body),
        ).prepare()


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the connection never stood, so that not a byte of the request has left."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", None)
    if isinstance(reason, urllib3.exceptions.SSLError):
        return isinstance(reason.args[0], ssl.SSLCertVerificationError)
    return isinstance(reason, urllib3.exceptions.NewConnectionError)
