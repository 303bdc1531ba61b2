"""Logs: one line each, no secret on any road, storms summed up, trouble with the disk survived."""

from __future__ import annotations

import io
import logging
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from config.logs import KeyValueFormatter, hide, kv, start_logging
from config.redaction import Redactor
from config.settings import Settings, SettingsError
from config.storms import StormGate

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = "Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaYWJjZGVmZ2hpamtsbW5vcA=="
BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj"
PEM = f"-----BEGIN PRIVATE KEY-----\n{BODY}\nshort9tail\n-----END PRIVATE KEY-----\n"
TOKEN = "tok-3f9c2a7be1"  # noqa: S105 - made up


def settings(folder: Path, **more: object) -> Settings:
    return Settings(state_dir=folder, **more)


def lines(folder: Path) -> list[str]:
    return (folder / "log" / "quarterhour.log").read_text().splitlines()


def test_a_line_is_time_level_logger_text_and_values(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path))
    logging.getLogger("actors.risk").info(
        "order accepted", extra=kv(ticker="KXSOL15M-26NOV221015-15", price="0.4700", note="a b")
    )
    stop()
    (line,) = lines(tmp_path)
    stamp, _, rest = line.partition(" ")
    assert stamp.endswith("Z")
    assert rest == (
        'INFO actors.risk order accepted ticker=KXSOL15M-26NOV221015-15 price=0.4700 note="a b"'
    )


@given(
    text=st.text(),
    value=st.one_of(st.text(), st.integers(), st.booleans(), st.none(), st.floats()),
)
def test_whatever_is_logged_stays_on_one_line(text: str, value: object) -> None:
    record = logging.makeLogRecord(
        {"name": "actors", "levelname": "INFO", "msg": text, "kv": {"value": value}}
    )
    assert len(KeyValueFormatter(head=True).format(record).splitlines()) == 1


def test_the_console_gets_the_same_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop = start_logging(settings(tmp_path))
    logging.getLogger("web.api").warning("token refused", extra=kv(client="127.0.0.1"))
    stop()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == lines(tmp_path)


def test_a_terminal_gets_the_text_and_values_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "200")
    stop = start_logging(settings(tmp_path))
    logging.getLogger("actors.feed").info("connected", extra=kv(sid=4, token=TOKEN))
    stop()
    shown = Text.from_ansi(terminal.getvalue()).plain
    assert "INFO     connected sid=4 token=(hidden)" in shown


def test_levels_are_ours_and_libraries_speak_up_from_warning_on(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path, log_level="DEBUG"))
    logging.getLogger("actors.feed").debug("ours")
    logging.getLogger("urllib3.pool").info("theirs")
    logging.getLogger("urllib3.pool").warning("theirs, loud")
    stop()
    assert [line.split(" ", 3)[3] for line in lines(tmp_path)] == ["ours", "theirs, loud"]


def test_a_traceback_follows_its_line_indented(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path))
    try:
        _ = 1 // 0
    except ZeroDivisionError:
        logging.getLogger("actors.host").exception("handler failed", extra=kv(actor="risk"))
    stop()
    first, *trace = lines(tmp_path)
    assert first.endswith("handler failed actor=risk")
    assert trace[-1] == "    ZeroDivisionError: integer division or modulo by zero"


def test_a_value_is_what_it_was_when_arguments_were_given(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path))
    growing = [1]
    logging.getLogger("some.library").warning("got %s", growing)
    growing.append(2)
    stop()
    assert lines(tmp_path)[0].endswith("got [1]")


def test_stopping_writes_everything_queued_and_may_be_repeated(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path, log_storm_per_second=100_000))
    for number in range(2_000):
        logging.getLogger("actors.load").info("line", extra=kv(number=number))
    stop()
    stop()
    assert [line.rpartition("=")[2] for line in lines(tmp_path)] == [str(n) for n in range(2_000)]
    assert not [t for t in threading.enumerate() if "_monitor" in t.name]


def test_stopping_puts_logging_back_as_it_was(tmp_path: Path) -> None:
    root, ours = logging.getLogger(), logging.getLogger("actors")
    before = (root.handlers[:], root.level, ours.level)
    start_logging(settings(tmp_path, log_level="ERROR"))()
    assert (root.handlers[:], root.level, ours.level) == before


def test_files_rotate_and_old_ones_go(tmp_path: Path) -> None:
    stop = start_logging(
        settings(tmp_path, log_megabytes=0.001, log_files=2, log_storm_per_second=100_000)
    )
    for _ in range(200):
        logging.getLogger("actors.load").info("a line of some length")
    stop()
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == [
        f"quarterhour.{kind}{number}" for kind in ("jsonl", "log") for number in ("", ".1", ".2")
    ]


def test_a_folder_that_cannot_be_written_is_a_fault_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("in the way")
    with pytest.raises(SettingsError, match=r"STATE_DIR=.*no log can be written"):
        start_logging(settings(tmp_path))


def test_a_full_disk_is_told_once_and_hurts_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "quarterhour.log").symlink_to("/dev/full")
    stop = start_logging(settings(tmp_path))
    for _ in range(3):
        logging.getLogger("actors.risk").info("order accepted")
    stop()
    told = capsys.readouterr().err
    assert told.count("cannot be written") == 1
    assert told.count("order accepted") == 3


def test_a_value_that_cannot_be_shown_costs_only_its_own_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unprintable:
        def __str__(self) -> str:
            msg = "no text"
            raise RuntimeError(msg)

    stop = start_logging(settings(tmp_path))
    logging.getLogger("actors.risk").info("first", extra=kv(value=Unprintable()))
    logging.getLogger("actors.risk").info("second")
    stop()
    assert lines(tmp_path)[-1].endswith("second")
    assert "no text" in capsys.readouterr().err


# --- secrets -------------------------------------------------------------------------------------


def test_no_secret_gets_through_on_any_road(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stop = start_logging(settings(tmp_path, kalshi_api_key="id", kalshi_private_key=PEM))
    hide(TOKEN)
    log = logging.getLogger("actors.exchange")
    for secret in (PEM, PEM.replace("\n", "\\n"), BODY, "short9tail", SIGNATURE, TOKEN):
        log.info(secret)
        log.warning("answer %s", secret)
        log.info("sent", extra=kv(headers={"KALSHI-ACCESS-SIGNATURE": secret}, body=secret))
        log.info("sent", extra=kv(pairs=(("Authorization", f"Bearer {secret}"),)))
        logging.getLogger("urllib3").error("GET /ws?token=%s HTTP/1.1", secret)
        try:
            int(secret)
        except ValueError:
            log.exception("failed")
    stop()
    written = "\n".join(lines(tmp_path)) + capsys.readouterr().err
    assert "(hidden)" in written
    for trace in (BODY, "short9tail", SIGNATURE[:60], TOKEN):
        assert trace not in written


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abc.def-ghi",
        "{'KALSHI-ACCESS-KEY': 'abc.def-ghi'}",
        '{"session_token": "abc.def-ghi"}',
        "('KALSHI-ACCESS-SIGNATURE', 'abc.def-ghi')",
        "GET /?token=abc.def-ghi&x=1",
        "Set-Cookie: abc.def-ghi; HttpOnly",
        'private_key="abc.def-ghi and \\" more"',
        "KALSHI_API_KEY=abc.def-ghi",
        f"-----BEGIN RSA PRIVATE KEY-----\n{BODY}\nabc.def-ghi",
        "-----BEGIN PRIVATE KEY-----\\nabc.def-ghi\\n-----END PRIVATE KEY-----",
    ],
)
def test_unknown_secrets_are_told_by_their_look(text: str) -> None:
    cleaned = Redactor().clean(text)
    assert "abc.def-ghi" not in cleaned
    assert "more" not in cleaned
    assert "(hidden)" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "order accepted ticker=KXSOL15M-26NOV221015-15 price=0.4700 order_id=s15-26NOV-e1-0007",
        "tokens left count=41 signature_age_ms=250 token_path=var/token",
        "KALSHI_PRIVATE_KEY_PATH=keys/kalshi.pem",
        "0f6f3f06-1b5e-4a57-8d0e-9f1f6c0a7d21 9d5ed678fe57bcca610140957afab571d4a2b3e1",
        "File /opt/quarterhour/site/packages/some/long/path/of/a/python/installation/module.py",
    ],
)
def test_innocent_text_is_left_alone(text: str) -> None:
    assert Redactor().clean(text) == text


@given(st.text(min_size=8).filter(lambda text: len(text.strip()) >= 8 and text.isprintable()))
def test_a_known_secret_is_hidden_wherever_it_stands(secret: str) -> None:
    redactor = Redactor()
    redactor.hide(secret)
    cleaned = redactor.clean(f"<{secret}> and {secret}")
    assert secret.strip() not in cleaned or secret.strip() in "<(hidden)> and (hidden)"


def test_a_secret_too_short_to_hide_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8"):
        Redactor().hide("abc")


# --- storms --------------------------------------------------------------------------------------


class Seconds:
    """A clock for the gate, moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def line(text: str = "frame dropped", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "actors.feed", "levelno": level, "msg": text})


def test_the_same_line_passes_up_to_the_limit_in_each_second() -> None:
    clock = Seconds()
    gate = StormGate(3, clock)
    first = [gate.filter(line()) for _ in range(5)]
    clock.now += 1.0
    second = [gate.filter(line()) for _ in range(2)]
    assert first == [True, True, True, False, False]
    assert second == [True, True]


def test_different_lines_do_not_share_a_limit() -> None:
    gate = StormGate(1, Seconds())
    assert gate.filter(line("one"))
    assert gate.filter(line("two"))
    assert gate.filter(line("two", logging.ERROR))
    assert not gate.filter(line("one"))


def test_what_was_held_back_is_summed_up_once() -> None:
    clock = Seconds()
    gate = StormGate(2, clock)
    for _ in range(7):
        gate.filter(line())
    assert gate.summaries() == []
    clock.now += 1.0
    (summary,) = gate.summaries()
    assert KeyValueFormatter(head=False).format(summary) == (
        'lines held back text="frame dropped" count=5'
    )
    assert (summary.name, summary.levelname) == ("actors.feed", "WARNING")
    assert gate.summaries() == []


def test_a_storm_reaches_the_file_as_a_few_lines_and_a_sum(tmp_path: Path) -> None:
    stop = start_logging(settings(tmp_path, log_storm_per_second=5))
    for number in range(1_000):
        logging.getLogger("actors.feed").warning("frame dropped", extra=kv(number=number))
    stop()
    written = lines(tmp_path)
    passed = [text for text in written if "frame dropped number=" in text]
    sums = [int(text.rpartition("count=")[2]) for text in written if "held back" in text]
    assert len(passed) + sum(sums) == 1_000
    assert sums
