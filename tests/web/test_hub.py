"""The hub: order, folds, bounds, resumption, and a publisher that never waits."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import messages as m
from core.screen.topics import TOPICS
from tests.builders import NOW
from tests.web.web_bench import alert, book, line
from web.hub import RING, Hub

if TYPE_CHECKING:
    from core.messages import ScreenFrame


def test_frames_are_numbered_in_the_order_of_publishing() -> None:
    hub = Hub()
    for number in range(5):
        hub.publish(alert(number))
    frames = hub.since(0)
    assert frames is not None
    assert [frame.seq for frame in frames] == [1, 2, 3, 4, 5]
    assert [json.loads(frame.text)["data"]["id"] for frame in frames] == ["0", "1", "2", "3", "4"]


def test_the_envelope_has_type_number_time_and_data() -> None:
    hub = Hub()
    hub.publish(book(0.47))
    frames = hub.since(0)
    assert frames is not None
    envelope = json.loads(frames[0].text)
    assert (envelope["type"], envelope["seq"]) == ("book", 1)
    assert envelope["timestamp"] == "2026-11-22T15:05:01.000Z"
    assert envelope["data"]["bids"] == [[0.47, 1.0]]


def test_publishers_on_many_threads_lose_no_number() -> None:
    hub = Hub()

    def publish(start: int) -> None:
        for number in range(start, start + 200):
            hub.publish(alert(number))

    threads = [threading.Thread(target=publish, args=(k * 200,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frames = hub.since(0)
    assert frames is not None
    assert [frame.seq for frame in frames] == list(range(1, 801))


def test_each_fold_keeps_what_its_topic_says() -> None:
    hub = Hub()
    for frame in (book(0.40), book(0.41), line(1, 2), line(3), alert(1, "a"), alert(1, "b")):
        hub.publish(frame)
    state = hub.picture().state
    assert [row.bid for row in state["book"]] == [0.41]
    assert state["index"] == {"KXSOL15M:index": [(1000, 1), (2000, 2), (3000, 3)]}
    assert [row.text for row in state["alert"]] == ["b"]


def test_a_topic_without_a_fold_is_a_defect_of_the_publisher() -> None:
    with pytest.raises(KeyError):
        Hub().publish(m.ScreenFrame(topic="nonsense", data=alert(1).data, ts=NOW))


def test_rows_points_and_frames_are_bounded() -> None:
    hub = Hub()
    for number in range(RING + 100):
        hub.publish(alert(number))
        hub.publish(line(number))
    assert len(hub.rows("alert")) == TOPICS["alert"].keep
    assert hub.rows("alert")[-1].id == str(RING + 99)
    assert len(hub.picture().state["index"]["KXSOL15M:index"]) == TOPICS["index"].keep
    assert hub.since(hub.seq - RING) is not None
    assert hub.since(hub.seq - RING - 1) is None


def test_numbers_from_the_future_cannot_be_resumed() -> None:
    hub = Hub()
    hub.publish(alert(1))
    assert hub.since(2) is None
    assert hub.since(1) == ()


def test_a_new_process_is_another_session() -> None:
    assert Hub().session != Hub().session


def test_a_picture_sends_only_the_newest_rows_first_and_only_the_topics_wanted() -> None:
    hub = Hub()
    for number in range(TOPICS["alert"].first + 10):
        hub.publish(alert(number))
    hub.publish(book(0.4))
    assert len(hub.picture().state["alert"]) == TOPICS["alert"].first
    assert hub.picture(frozenset({"book"})).state.keys() == {"book"}


frames_of_all_folds = st.one_of(
    st.integers(0, 5).map(alert),
    st.integers(1, 9).map(lambda cents: book(cents / 10)),
    st.integers(0, 50).map(line),
)


def fold(state: dict[str, Any], envelope: dict[str, Any]) -> None:
    """What a browser does: see web/static/js/store.js."""
    topic = TOPICS[envelope["type"]]
    rows = state.setdefault(envelope["type"], {})
    data = envelope["data"]
    if topic.fold == "upsert":
        rows[data[topic.key]] = data
    else:
        kept = rows.setdefault(data[topic.key], []) + data["points"]
        rows[data[topic.key]] = kept[-topic.keep :]


@given(st.lists(frames_of_all_folds, max_size=40), st.data())
def test_a_picture_and_the_frames_after_it_make_the_picture_of_now(
    frames: list[ScreenFrame], data: st.DataObject
) -> None:
    hub = Hub()
    place = data.draw(st.integers(0, len(frames)))
    for frame in frames[:place]:
        hub.publish(frame)
    early = hub.picture()
    for frame in frames[place:]:
        hub.publish(frame)
    state: dict[str, Any] = {
        "alert": {row.id: as_json(row) for row in early.state["alert"]},
        "book": {row.series: as_json(row) for row in early.state["book"]},
        "index": {name: as_json(points) for name, points in early.state["index"].items()},
    }
    later = hub.since(early.seq)
    assert later is not None
    for sent in later:
        fold(state, json.loads(sent.text))
    now = hub.picture().state
    assert list(state["alert"].values()) == [as_json(row) for row in now["alert"]]
    assert list(state["book"].values()) == [as_json(row) for row in now["book"]]
    assert state["index"] == as_json(now["index"])


def as_json(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(msgspec.json.encode(value))
