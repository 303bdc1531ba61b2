"""The stream over a real server and a real client: the picture, then every frame in order."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import pytest
import websocket

from core import messages as m
from tests.builders import approved, filled, signal, view
from tests.web.web_bench import WAIT, Site, alert, book, told, until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(max_streams=4, lag_frames=300, stall=1.0)
    yield site
    site.close()


def test_a_client_gets_the_picture_and_then_frames_in_order(site: Site) -> None:
    site.play(view(), approved(), filled())
    stream = site.stream()
    first = told(stream)
    assert first["type"] == "snapshot"
    assert first["data"]["state"]["order"][0]["status"] == "filled"
    assert first["data"]["topics"]["order"]["key"] == "trade_id"
    for number in range(200):
        site.hub.publish(alert(number))
    got = [told(stream) for _ in range(200)]
    assert [frame["seq"] for frame in got] == list(range(first["seq"] + 1, first["seq"] + 201))
    assert [frame["data"]["id"] for frame in got] == [str(number) for number in range(200)]
    stream.close()


def test_a_picture_tells_its_age(site: Site) -> None:
    stream = site.stream()
    assert told(stream)["data"]["age"] is None
    stream.close()
    site.play(view())
    for query in ("", f"?session={site.hub.session}&since={site.hub.seq}"):
        stream = site.stream(query)
        assert 0 <= told(stream)["data"]["age"] < WAIT
        stream.close()


def test_no_frame_is_lost_between_picture_and_broadcast(site: Site) -> None:
    """A publisher races with clients that connect; whoever folds must end where the hub is."""
    end = threading.Event()

    def publish() -> None:
        number = 0
        while not end.is_set() and number < 2_000:
            site.hub.publish(alert(number))
            number += 1
        end.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    for _ in range(5):
        stream = site.stream()
        last = told(stream)["seq"]
        for _ in range(20):
            if end.is_set() and last == site.hub.seq:
                break
            frame = told(stream)
            assert frame["seq"] == last + 1
            last = frame["seq"]
        stream.close()
    end.set()
    publisher.join()


def test_signals_and_executions_are_sent_under_the_names_clients_know(site: Site) -> None:
    stream = site.stream()
    told(stream)
    site.play(signal(), approved(), filled())
    kinds = {told(stream)["type"] for _ in range(site.hub.seq)}
    assert {"trading_signal", "trade_execution", "status_update", "order", "decision"} <= kinds
    stream.close()


def test_topics_can_be_chosen(site: Site) -> None:
    stream = site.stream("?topics=book,order")
    assert told(stream)["data"]["state"].keys() == {"book", "order"}
    site.hub.publish(alert(1))
    site.hub.publish(book(0.4))
    assert told(stream)["type"] == "book"
    stream.close()


@pytest.mark.parametrize("query", ["?topics=nonsense", "?since=-1", "?colour=red"])
def test_a_wrong_wish_is_refused_before_the_handshake(site: Site, query: str) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        site.stream(query)
    assert refused.value.status_code == 422


def test_a_client_resumes_where_it_stood(site: Site) -> None:
    site.hub.publish(alert(0))
    for number in range(1, 6):
        site.hub.publish(alert(number))
    stream = site.stream(f"?session={site.hub.session}&since=2")
    assert told(stream)["type"] == "resumed"
    assert [told(stream)["seq"] for _ in range(4)] == [3, 4, 5, 6]
    stream.close()


def test_numbers_of_another_session_get_the_picture(site: Site) -> None:
    site.hub.publish(alert(0))
    for query in ("?session=other&since=0", f"?session={site.hub.session}&since=99"):
        stream = site.stream(query)
        assert told(stream)["type"] == "snapshot"
        stream.close()


# --- commands -----------------------------------------------------------------------------------


def ask(stream: websocket.WebSocket, message: object) -> dict[str, object]:
    stream.send(message if isinstance(message, str) else json.dumps(message))
    return until(stream, lambda answer: "seq" not in answer)


def test_old_clients_commands_work(site: Site) -> None:
    site.play(view())
    stream = site.stream()
    told(stream)
    assert ask(stream, {"type": "ping"})["type"] == "pong"
    status = ask(stream, {"type": "get_status"})
    assert status["type"] == "status_update"
    assert status["data"]["mode"] == "local"  # type: ignore[index]
    assert ask(stream, {"type": "start_bot"})["data"]["state"] == "ACTIVE"  # type: ignore[index]
    stopped = ask(stream, {"type": "stop_bot", "data": {"reason": "lunch"}})
    assert stopped["data"]["state"] == "DISARMED"  # type: ignore[index]
    assert site.door.role.breaker.reason == "lunch"
    stream.close()


@pytest.mark.parametrize("message", ["", "nonsense", {"type": "halt"}, {"type": "ping", "x": 1}])
def test_nonsense_is_answered_and_the_stream_goes_on(site: Site, message: object) -> None:
    stream = site.stream()
    told(stream)
    answer = ask(stream, message)
    assert answer["type"] == "error"
    assert answer["data"].keys() == {"code", "message", "details"}  # type: ignore[attr-defined]
    assert ask(stream, {"type": "ping"})["type"] == "pong"
    stream.close()


def test_a_refusal_and_silence_are_answers_on_the_stream_too(site: Site) -> None:
    stream = site.stream()
    told(stream)
    site.post("/api/emergency/halt")
    assert ask(stream, {"type": "start_bot"})["data"]["code"] == "not_allowed"  # type: ignore[index]
    site.door.silent = True
    answer = ask(stream, {"type": "stop_bot"})
    assert answer["data"]["details"]["actor"] == "supervisor"  # type: ignore[index]
    stream.close()


# --- clients that misbehave ---------------------------------------------------------------------


def stuck(site: Site) -> socket.socket:
    """A client that has joined, proven by the answer to a ping, and from now on never reads."""
    small = (socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stream = site.stream(sockopt=[small])
    told(stream)
    assert ask(stream, {"type": "ping"})["type"] == "pong"
    assert stream.sock is not None
    return stream.sock


def drop(stream: websocket.WebSocket) -> None:
    """Close without a farewell: the other side is gone already."""
    if stream.sock is not None:
        stream.sock.close()


def gone(raw: socket.socket) -> bool:
    """Read what is left; True when the server has ended the connection."""
    try:
        while raw.recv(1 << 16):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def test_a_client_that_never_reads_is_cut_and_delays_nobody(site: Site) -> None:
    healthy = site.stream()
    last = told(healthy)["seq"]
    silent = stuck(site)
    for number in range(600):
        site.hub.publish(alert(number, "x" * 8_000))
        frame = told(healthy)
        assert frame["seq"] == last + 1
        last = frame["seq"]
    assert gone(silent)
    assert ask(healthy, {"type": "ping"})["type"] == "pong"
    silent.close()
    healthy.close()


def test_a_stuck_clients_place_becomes_free_again(site: Site) -> None:
    raws = [stuck(site) for _ in range(4)]
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        site.stream()
    assert refused.value.status_code == 503
    for number in range(600):
        site.hub.publish(alert(number, "x" * 8_000))
    assert all(gone(raw) for raw in raws)
    stream = connect_when_free(site)
    assert told(stream)["type"] == "snapshot"
    stream.close()
    for raw in raws:
        raw.close()


def connect_when_free(site: Site) -> websocket.WebSocket:
    """The handlers of streams that ended give their places back on their own threads."""
    for _ in range(1_000):
        try:
            return site.stream()
        except websocket.WebSocketBadStatusException:
            continue
    pytest.fail("no place became free")


def test_plain_requests_are_answered_while_all_streams_are_taken(site: Site) -> None:
    site.play(view())
    streams = [site.stream() for _ in range(4)]
    assert site.post("/api/emergency/halt").status_code == 200
    for stream in streams:
        stream.close()


def test_a_client_that_floods_is_cut(site: Site) -> None:
    stream = site.stream()
    told(stream)
    with pytest.raises((websocket.WebSocketException, ConnectionError)):  # noqa: PT012
        for _ in range(200):
            stream.send(" " * 4_000)
            until(stream, lambda message: "seq" not in message)
    drop(stream)


def test_a_message_that_is_too_large_ends_the_stream(site: Site) -> None:
    stream = site.stream()
    told(stream)
    with pytest.raises((websocket.WebSocketException, ConnectionError)):  # noqa: PT012
        stream.send("x" * 20_000)
        while True:
            if stream.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE:
                raise websocket.WebSocketConnectionClosedException
    drop(stream)


def test_the_path_asked_for_plainly_says_what_it_is(site: Site) -> None:
    answer = site.get("/ws")
    assert (answer.status_code, answer.json()["error"]["code"]) == (426, "upgrade_required")


def test_the_broadcaster_ends_with_its_last_client(site: Site) -> None:
    stream = site.stream()
    told(stream)
    assert ask(stream, {"type": "ping"})["type"] == "pong"
    (thread,) = (t for t in threading.enumerate() if t.name == "web-frames")
    stream.close()
    site.hub.publish(alert(1))
    thread.join(WAIT)
    assert not thread.is_alive()
    again = site.stream()
    told(again)
    site.hub.publish(alert(2))
    assert told(again)["data"]["id"] == "2"
    again.close()


def test_stopping_the_server_ends_streams_and_threads() -> None:
    before = set(threading.enumerate())
    site = Site()
    stream = site.stream()
    told(stream)
    site.close()
    with pytest.raises((websocket.WebSocketException, ConnectionError)):
        told(stream)
    for thread in set(threading.enumerate()) - before:
        thread.join(WAIT)
    assert set(threading.enumerate()) <= before
    drop(stream)


def test_publishing_without_clients_costs_no_thread(site: Site) -> None:
    for number in range(100):
        site.hub.publish(alert(number))
    assert [t for t in threading.enumerate() if t.name == "web-frames"] == []
    assert isinstance(alert(1), m.ScreenFrame)
