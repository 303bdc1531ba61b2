"""The contract: every frame that the real roles produce is what the pydantic models say."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from config.settings import load
from core.screen.topics import TOPICS
from tests.browser.playback import Playback
from web.hub import RING, Hub
from web.rows import ROWS
from web.schema import COMMAND, ResetBody, TradeQuery, frame_model, row_model

UNPLAYED = {"limit", "lock", "machine"}
"""Told by the venue or by the process, of which a played market has neither; the rest is played."""


def test_every_topic_has_a_row_and_every_row_a_topic() -> None:
    assert ROWS.keys() == TOPICS.keys()


@pytest.mark.usefixtures("bare")
def test_frames_of_a_played_market_fit_their_models() -> None:
    hub = Hub()
    playback = Playback(hub, load({}))
    seen: dict[str, int] = dict.fromkeys(TOPICS, 0)
    last = 0
    for _ in range(65):
        playback.run(15)
        frames = hub.since(last, RING)
        assert frames is not None
        last = hub.seq
        for frame in frames:
            seen[frame.topic] += 1
            if seen[frame.topic] <= 200:
                frame_model(frame.topic).model_validate(json.loads(frame.text), strict=False)
    (ticker, *_) = hub.archive_keys("replay")
    replay = json.loads(hub.archived("replay", ticker) or b"{}")
    row_model(ROWS["replay"]).model_validate(replay, strict=False)
    archives = {name for name, topic in TOPICS.items() if topic.fold == "archive"}
    assert {topic for topic, count in seen.items() if not count} <= UNPLAYED | archives


def test_the_models_refuse_what_is_not_in_the_contract() -> None:
    with pytest.raises(ValidationError):
        frame_model("alert").model_validate(
            {"type": "alert", "seq": 1, "timestamp": "", "data": {"id": "only"}}
        )


def test_the_models_carry_text_for_a_document() -> None:
    schema = frame_model("order").model_json_schema()
    assert "One order through its whole life" in json.dumps(schema)


@pytest.mark.parametrize(
    "message",
    [
        '{"type":"ping"}',
        '{"type":"get_status","timestamp":"x","data":{}}',
        '{"type":"start_bot"}',
        '{"type":"stop_bot","data":{"reason":"lunch"}}',
    ],
)
def test_what_clients_send_is_understood(message: str) -> None:
    assert COMMAND.validate_json(message).type in message


@pytest.mark.parametrize(
    "message",
    [
        "",
        "ping",
        "[]",
        '{"type":"halt"}',
        '{"type":"ping","extra":1}',
        '{"type":"start_bot","data":5}',
    ],
)
def test_anything_else_is_refused(message: str) -> None:
    with pytest.raises(ValidationError):
        COMMAND.validate_json(message)


def test_statuses_come_as_a_comma_list() -> None:
    assert TradeQuery.model_validate({"status": "filled,open"}).status == ("filled", "open")
    with pytest.raises(ValidationError):
        TradeQuery.model_validate({"status": "filled,nonsense"})


def test_a_reset_needs_a_reason_with_content() -> None:
    with pytest.raises(ValidationError):
        ResetBody(reason="   ")
    assert ResetBody(reason=" found it ").reason == "found it"
