"""Log lines for programs: JSON, one object a line, no secret in any value."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.log_json import JsonFormatter
from config.logs import hide, kv, set_level, start_logging
from config.redaction import HIDDEN, Redactor
from config.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "tok-91c7e2f0aa"  # noqa: S105 - made up


def told(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "log" / "quarterhour.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_is_an_object_whose_values_keep_their_kind(tmp_path: Path) -> None:
    stop = start_logging(Settings(state_dir=tmp_path))
    logging.getLogger("actors.risk").info(
        "order accepted", extra=kv(ticker="T", count=3, price=0.47, whole=True, text="x")
    )
    stop()
    (line,) = told(tmp_path)
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "INFO",
        "logger": "actors.risk",
        "text": "order accepted",
        "ticker": "T",
        "count": 3,
        "price": 0.47,
        "whole": True,
        "text_": "x",
    }


def test_a_traceback_goes_with_its_line(tmp_path: Path) -> None:
    stop = start_logging(Settings(state_dir=tmp_path))
    try:
        msg = "boom"
        raise ValueError(msg)  # noqa: TRY301 - its traceback is wanted
    except ValueError:
        logging.getLogger("actors.risk").exception("host fell")
    stop()
    (line,) = told(tmp_path)
    assert "ValueError: boom" in line["trace"]


@pytest.mark.parametrize(
    "fields",
    [
        {"note": f"before {SECRET} after"},
        {"token": "anything-at-all"},
        {"header": f"Bearer {SECRET}x"},
        {"key": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"},
    ],
)
def test_no_secret_is_in_any_value(tmp_path: Path, fields: dict[str, str]) -> None:
    hide(SECRET)
    stop = start_logging(Settings(state_dir=tmp_path))
    logging.getLogger("web.api").info("asked", extra=kv(**fields))
    stop()
    text = (tmp_path / "log" / "quarterhour.jsonl").read_text()
    assert HIDDEN in text
    for secret in (SECRET, "anything-at-all", "abc"):
        assert secret not in text


@given(text=st.text(), value=st.one_of(st.text(), st.integers(), st.floats(), st.none()))
def test_whatever_is_logged_is_one_line_of_json(text: str, value: object) -> None:
    record = logging.makeLogRecord({"name": "actors", "msg": text, "kv": {"value": value}})
    line = JsonFormatter(Redactor().clean).format(record)
    assert len(line.split("\n")) == 1
    assert json.loads(line).keys() >= {"ts", "level", "logger", "text", "value"}


def test_the_level_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    stop = start_logging(Settings(state_dir=tmp_path, log_level="WARNING"))
    log = logging.getLogger("actors.risk")
    log.info("not yet")
    set_level("INFO")
    log.info("now")
    stop()
    assert [line["text"] for line in told(tmp_path)] == ["now"]
