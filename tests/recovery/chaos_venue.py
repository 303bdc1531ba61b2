"""The outside of the chaos: workers, sockets and a client of the exchange, all in virtual time.

The desks are production's; what threads do there happens here at a later moment of the virtual
clock. The line audits each order that leaves, whatever the daemon believes.
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from actors.exchange_orders import DeskTerms, OrderDesk
from actors.exchange_reads import ReadDesk
from actors.exchange_sweep import Sweep
from actors.outside import OutsideActor
from core import messages as m
from core.exchange.engine_events import Filled, OrderChanged
from core.topology import MARKETS
from core.units import MILLISECOND, Nanos
from tests.recovery.market import FaultyLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from actors.host import Station
    from actors.line import Line
    from core.exchange.port import Exchange
    from core.exchange.records import OrderRequest, Placed
    from core.topology import Routing
    from tests.recovery.market import Faults, Market

_SWEEPS = 6
"""Looks of one sweep."""


class AuditedLine(FaultyLine):
    """A line that fails, and on which somebody else looks at every order."""

    def __init__(self, market: Market, faults: Faults) -> None:
        super().__init__(market, faults)
        self.audit: Callable[[OrderRequest], None] = lambda _: None

    def create_order(self, request: OrderRequest) -> Placed:
        self.audit(request)
        return super().create_order(request)


class Errands:
    """What threads beside the hosts would do: each at its moment. Gone with the process."""

    def __init__(self, market: Market, random: Random) -> None:
        self.clock = market.clock
        self.random = random
        self._heap: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._number = count()

    def later(self, milliseconds: int, act: Callable[[], None]) -> None:
        """In up to so many milliseconds."""
        delay = self.random.randint(1, milliseconds) * MILLISECOND
        heapq.heappush(self._heap, (Nanos(self.clock.now() + delay), next(self._number), act))

    def run(self) -> None:
        """Everything that is due."""
        while self._heap and self._heap[0][0] <= self.clock.now():
            heapq.heappop(self._heap)[2]()


class Client:
    """Desks on one line, for whoever writes to the account."""

    def __init__(self, line: AuditedLine, shared: Line, halt_file: Path) -> None:
        self.terms = DeskTerms(
            series=("KXSOL15M",), halt_file=halt_file, sweep_seconds=0.0, sweep_pause_seconds=0.0
        )
        self.exchange = cast("Exchange", line)
        self.clock = line.market.clock
        self.shared = shared

    def desk(self, is_fenced: Callable[[], bool]) -> OrderDesk:
        return OrderDesk(self.exchange, self.clock, self.terms, self.shared, is_fenced)


class VirtualSweep:
    """Cancels and looks again until nothing rests, a fifth of a second between two looks."""

    def __init__(self, client: Client, errands: Errands, tell: Callable[[m.Message], None]) -> None:
        self._client = client
        self._errands = errands
        self._tell = tell

    def cancel(self, command: m.CancelAllOrders, looks: int = _SWEEPS) -> None:
        self._errands.later(100, lambda: self._look(command, looks))

    def _look(self, command: m.CancelAllOrders, looks: int) -> None:
        client = self._client
        desk = client.desk(lambda: True)
        told = Sweep(client.exchange, desk, client.clock, client.terms)._sweep(command)
        proven = isinstance(told, m.CancelAllDone) and told.resting == 0
        if proven or looks <= 1:
            self._errands.later(100, lambda: self._tell(told))
        else:
            self._errands.later(200, lambda: self._look(command, looks - 1))


class DirectCancel:
    """What the supervisor has instead of `actors.canceller.Canceller`, which needs a thread."""

    def __init__(self, client: Client, errands: Errands, tell: Callable[[m.Message], None]) -> None:
        self._line = client.shared
        self._sweep = VirtualSweep(client, errands, tell)

    def cancel(self, command: m.CancelAllOrders) -> None:
        self._line.forbid(command.epoch)
        self._sweep.cancel(command)


class VirtualExchange(OutsideActor):
    """`actors.exchange.ExchangeActor`, its workers in virtual time."""

    def __init__(
        self, station: Station, routing: Routing, client: Client, errands: Errands
    ) -> None:
        super().__init__(station, routing)
        self._client = client
        self._errands = errands
        self._waiting: dict[str, m.PlaceOrder] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return (self.station.name, MARKETS)

    def begin(self) -> None:
        client = self._client
        self._orders = client.desk(self.is_fenced)
        self._reads = ReadDesk(client.exchange, client.clock, client.terms)
        self._sweep = VirtualSweep(client, self._errands, lambda told: self.deliver((told,)))
        self.report_started()

    def end(self) -> None:
        """Orders that no worker has taken up were never sent."""
        for order in tuple(self._waiting.values()):
            self.deliver((self._orders.never_sent(order),))
        self._waiting.clear()

    def receive(self, to: str, message: m.Message) -> object:
        match message:
            case m.Permit():
                self._orders.permit = message
            case m.PlaceOrder():
                order_id = message.request.client_order_id
                self._waiting[order_id] = message
                self._errands.later(60, lambda: self._place(order_id))
            case m.CancelOrder():
                self._work(60, lambda: (self._orders.cancel(message),))
            case m.CancelAllOrders():
                self._client.shared.forbid(message.epoch)
                self._sweep.cancel(message)
            case m.QueryOrder():
                self._work(100, lambda: self._reads.order(message))
            case m.QueryAccount() | m.QueryPlaces() | m.QueryMarkets():
                self._work(200, lambda: self._read(message))
            case _:
                return super().receive(to, message)
        return None

    def _read(self, query: m.QueryAccount | m.QueryPlaces | m.QueryMarkets) -> Sequence[m.Message]:
        match query:
            case m.QueryAccount():
                return self._reads.account(query)
            case m.QueryPlaces():
                return self._reads.places(query)
            case m.QueryMarkets():
                return self._reads.markets(query)

    def _place(self, order_id: str) -> None:
        order = self._waiting.pop(order_id, None)
        if order is not None:
            told = self._orders.place(order)
            self._errands.later(80, lambda: self.deliver((told,)))

    def _work(self, milliseconds: int, run: Callable[[], Sequence[m.Message]]) -> None:
        def work() -> None:
            told = tuple(run())
            self._errands.later(milliseconds, lambda: self.deliver(told))

        self._errands.later(milliseconds, work)


class Socket:
    """One connection as its reader has it."""

    def __init__(self, conn: int) -> None:
        self.conn = conn
        self.open = False
        self.books: set[str] = set()
        self.own = False
        self.seq = 0


class VirtualStream(OutsideActor):
    """`actors.stream.StreamActor`, its readers in virtual time."""

    BOOK_SID = 7

    def __init__(
        self, station: Station, routing: Routing, errands: Errands, market: Market
    ) -> None:
        super().__init__(station, routing)
        self._errands = errands
        self._market = market
        self.socket: Socket | None = None
        self._sids = count(10)

    def begin(self) -> None:
        self.report_started()

    def end(self) -> None:
        self.drop("the host fell")

    def receive(self, to: str, message: m.Message) -> object:
        match message:
            case m.OpenStream():
                self.socket = socket = Socket(message.conn)
                wait = 50 + message.delay // MILLISECOND
                self._errands.later(wait, lambda: self._opened(socket))
            case m.SendCommand():
                socket = self.socket
                if socket is not None and socket.open and socket.conn == message.conn:
                    self._errands.later(60, lambda: self._commanded(socket, message))
            case _:
                return super().receive(to, message)
        return None

    def _opened(self, socket: Socket) -> None:
        if socket is self.socket and not self.is_fenced():
            socket.open = True
            self._changed(socket, "open")

    def _changed(self, socket: Socket, state: Any) -> None:  # noqa: ANN401 - a literal
        now = self._market.clock.now()
        change = m.StreamChanged(
            stream="market", conn=socket.conn, state=state, reason="chaos", ts_recv=now
        )
        self.deliver((change,))

    def drop(self, reason: str) -> None:
        """The connection is lost."""
        del reason
        socket, self.socket = self.socket, None
        if socket is not None:
            self._changed(socket, "lost")

    def _commanded(self, socket: Socket, command: m.SendCommand) -> None:
        if socket is not self.socket:
            return
        channel = command.channels[0] if command.channels else "orderbook_delta"
        books = channel == "orderbook_delta"
        sid = self.BOOK_SID if books else next(self._sids)
        if command.command == "delete_markets":
            socket.books -= set(command.tickers)
        elif books and (not command.sid or command.sid == sid):
            socket.books |= set(command.tickers)
        socket.own |= channel in ("fill", "user_orders")
        reply = m.StreamReply(
            stream="market",
            conn=socket.conn,
            sid=command.sid or sid,
            seq=0,
            kind="subscribed" if command.command == "subscribe" else "ok",
            channel=channel,
            command_id=command.command_id,
            code=0,
            text="",
            ts_recv=self._market.clock.now(),
        )
        self.deliver((reply,))
        self.show_books()

    # --- data ------------------------------------------------------------------------------------

    def show_books(self) -> None:
        """Snapshots of what is subscribed."""
        socket, market = self.socket, self._market
        if socket is None or not socket.open:
            return
        now = market.clock.now()
        for ticker in sorted(socket.books & {market.ticker}):
            socket.seq += 1
            book = market.engine.book(ticker)
            snapshot = m.BookSnapshot(
                ticker=ticker,
                yes=tuple(book.yes),
                no=tuple(book.no),
                conn=socket.conn,
                sid=self.BOOK_SID,
                seq=socket.seq,
                ts_event=now,
                ts_recv=now,
            )
            self.deliver((snapshot,))

    def tell(self, message: m.Message) -> None:
        """A public frame."""
        if self.socket is not None and self.socket.open:
            self.deliver((message,))

    def hear(self, frame: Filled | OrderChanged, faults: Faults) -> None:
        """A frame of the own-order channels: lost, doubled, late."""
        socket, random, now = self.socket, self._errands.random, self._market.clock.now()
        if socket is None or not socket.own or faults.happens(faults.frame_lost, random):
            return
        report: m.Message = (
            m.FillReport(fill=frame.fill, order_id=frame.client_order_id, ts_recv=now)
            if isinstance(frame, Filled)
            else m.OrderReport(order=frame.order, ts_recv=now)
        )
        for _ in range(2 if faults.happens(faults.frame_twice, random) else 1):
            late = faults.happens(faults.frame_late, random)
            self._errands.later(3_000 if late else 60, lambda: self.deliver((report,)))
