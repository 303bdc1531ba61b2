"""`/ws`: the picture on connect, then every frame in order; commands come in.

Query: `topics=order,alert` limits what is sent; `session=...&since=N` resumes after frame N when
the hub still has what came since, else the picture is sent as to everybody. Both tell the `age` of
what they hold in seconds, so that an old picture is never taken for the present, and the `role` of
who asks: a viewer's page shows no buttons that would only be refused. Each stream costs
two threads that sleep (its handler and flask-sock's reader); all writing of frames is the
broadcaster's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import msgspec
from flask import request
from flask_sock import Sock
from pydantic import ValidationError

from core.screen.scale import rfc3339
from core.screen.topics import TOPICS
from core.units import Nanos
from web.auth import STREAM_PATH, caller
from web.broadcast import StreamsFullError
from web.errors import ApiError, invalid
from web.frames import text_frame
from web.outbox import Outbox
from web.schema import COMMAND, CommandBody, StreamQuery
from web.server import STREAM_OPTIONS

if TYPE_CHECKING:
    from flask import Flask
    from simple_websocket import Server as Socket

    from web.auth import Caller
    from web.broadcast import Broadcaster
    from web.commands import CommandName, Commands
    from web.hub import Hub

_LARGEST_MESSAGE: Final = 16 * 1024
_COMMANDS: Final[dict[str, CommandName]] = {"start_bot": "start", "stop_bot": "stop"}


class Streams:
    """What happens on one stream. Thread-safe: one instance serves all of them."""

    def __init__(self, hub: Hub, commands: Commands, broadcaster: Broadcaster) -> None:
        self._hub = hub
        self._commands = commands
        self._broadcaster = broadcaster

    def admit(self, query: StreamQuery) -> None:
        """Before the handshake: refuse what can be refused in HTTP. Raises ApiError."""
        unknown = sorted((query.wanted or frozenset()) - TOPICS.keys())
        if unknown:
            raise ApiError(422, "unknown_topic", f"no such topic: {unknown[0]}")
        if self._broadcaster.full:
            raise _full()

    def serve(self, socket: Socket, query: StreamQuery, who: Caller) -> None:
        """Until the client goes: send the picture, join the broadcast, obey."""
        outbox, first = self._open(socket, query, who)
        outbox.send(text_frame(first))
        try:
            self._broadcaster.add(outbox)
        except StreamsFullError:
            outbox.send(text_frame(self._error(_full())))
            return
        try:
            while True:
                outbox.send(text_frame(self.answer(socket.receive(), who)))
        finally:
            self._broadcaster.remove(outbox)

    def _open(self, socket: Socket, query: StreamQuery, who: Caller) -> tuple[Outbox, bytes]:
        """The client's outbox, in the place of its socket, and the first message."""
        since, topics = query.since, query.wanted
        same = since is not None and query.session == self._hub.session
        if same and since is not None and self._hub.since(since, 1) is not None:
            data = {
                "session": self._hub.session,
                "role": who.role,
                "since": since,
                "age": self._hub.silence,
            }
            first = self._envelope("resumed", data)
            cursor = since
        else:
            picture = self._hub.picture(topics)
            data = {
                "session": picture.session,
                "role": who.role,
                "age": self._hub.silence,
                "topics": TOPICS,
                "state": picture.state,
            }
            first = self._envelope("snapshot", data, seq=picture.seq)
            cursor = picture.seq
        outbox = Outbox(socket.sock, cursor, topics)
        # From here on flask-sock's reader writes its pongs through the outbox too.
        socket.sock = outbox
        return outbox, first

    def answer(self, message: str | bytes, who: Caller) -> bytes:
        """One message of a client, answered. Whatever it is, the stream goes on."""
        try:
            command = COMMAND.validate_json(message)
        except ValidationError as error:
            return self._error(invalid(error))
        if command.type == "ping":
            return self._envelope("pong", {})
        if command.type == "get_status":
            return self._envelope("status_update", self._hub.single("status_update"))
        if not who.may_command:
            return self._error(ApiError(403, "read_only", "this token may look and not command"))
        try:
            name = _COMMANDS[command.type]
            answer = self._commands.run(name, command.data or CommandBody(), f"stream {who}")
        except ApiError as error:
            return self._error(error)
        body = {"command": command.type, **msgspec.structs.asdict(answer)}
        return self._envelope("command_result", body)

    def _error(self, error: ApiError) -> bytes:
        body = {"code": error.code, "message": error.message, "details": error.details}
        return self._envelope("error", body)

    def _envelope(self, kind: str, data: Any, seq: int | None = None) -> bytes:  # noqa: ANN401 - any JSON
        body = {"type": kind, "timestamp": rfc3339(self._hub.ts or Nanos(time.time_ns()))}
        if seq is not None:
            return msgspec.json.encode({**body, "seq": seq, "data": data})
        return msgspec.json.encode({**body, "data": data})


def _full() -> ApiError:
    return ApiError(503, "too_many_streams", "no more streams are allowed at once")


def install(app: Flask, streams: Streams) -> None:
    """Put the stream at `/ws`. Guards have run by then: they see the handshake as any request."""
    app.config["SOCK_SERVER_OPTIONS"] = {**STREAM_OPTIONS, "max_message_size": _LARGEST_MESSAGE}
    sock = Sock(app)

    @app.before_request
    def admit() -> None:
        if request.path == STREAM_PATH:
            _check_handshake()
            streams.admit(_query())

    @sock.route(STREAM_PATH)  # type: ignore[untyped-decorator] # no types in flask-sock
    def stream(socket: Socket) -> None:
        streams.serve(socket, _query(), caller(request))


def _query() -> StreamQuery:
    try:
        return StreamQuery.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise invalid(error) from error


def _check_handshake() -> None:
    headers = request.headers
    if headers.get("Upgrade", "").lower() != "websocket":
        raise ApiError(426, "upgrade_required", "this path speaks WebSocket")
    if not headers.get("Sec-WebSocket-Key") or headers.get("Sec-WebSocket-Version") != "13":
        raise ApiError(400, "bad_request", "not a WebSocket handshake of version 13")
