"""Logs: the caller hands over a record, one thread of its own writes it.

The convention, everywhere:

    log = logging.getLogger(__name__)
    log.info("order accepted", extra=kv(ticker=ticker, price=price))

The text is constant (it can be searched for, counted, and held back in a storm), what varies
is in `kv`. On standard error and in `var/log/NAME.log` that is one line:

    2026-11-22T15:07:12.345Z INFO actors.exchange order accepted ticker=KXSOL15M-... price=0.4700

In `NAME.jsonl` it is one JSON object (`config.log_json`). At a terminal the line is shown in
colour. A traceback follows its line, indented. Values must not
change after the call: the record is formatted later, on the thread of the writer.
"""

from __future__ import annotations

import contextlib
import copy
import json
import logging
import sys
from datetime import UTC
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from config.faults import SettingsError
from config.log_json import JsonFormatter, stamp
from config.redaction import Redactor
from config.storms import StormGate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from config.settings import Settings

ROOMS: Final = ("actors", "config", "core", "quarterhour", "web")
"""Our loggers. LOG_LEVEL is theirs; libraries speak up from WARNING on. `run.py` is quarterhour."""
_MEGABYTE: Final = 1_000_000
_SWEEP_SECONDS: Final = 1.0
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/+%,@")

_redactor = Redactor()


def hide(secret: str) -> None:
    """Keep this text out of every log line from now on: keys as they are read, tokens as made."""
    _redactor.hide(secret)


def kv(**fields: object) -> dict[str, dict[str, object]]:
    """What varies in a log line, for `extra=`."""
    return {"kv": fields}


def start_logging(settings: Settings, name: str = "quarterhour") -> Callable[[], None]:
    """Send all logging to standard error, `NAME.log` and `NAME.jsonl`.

    Gives the function that ends it, which writes what is queued and may be called twice. Each
    process logs under a name of its own, for two cannot rotate one file. Call it once, on the main
    thread, before other threads start. Raises SettingsError when the folder cannot be written.
    """
    if (pem := settings.private_key_pem) is not None:
        hide(pem)
    queue: SimpleQueue[logging.LogRecord] = SimpleQueue()
    gate = StormGate(settings.log_storm_per_second)
    handler = _Handover(queue)
    handler.addFilter(gate)
    lines = _file(settings, f"{name}.log", KeyValueFormatter(head=True))
    objects = _file(settings, f"{name}.jsonl", JsonFormatter(_redactor.clean))
    listener = _Writer(queue, gate, (_console(), lines, objects))
    undo = _take_over(handler, settings.log_level)
    listener.start()

    def stop() -> None:
        if not listener.finished:
            undo()
            listener.finish()

    return stop


def set_level(level: str) -> None:
    """Change the least level of our own loggers, while everything runs. Any thread."""
    for name in ROOMS:
        logging.getLogger(name).setLevel(level)


class KeyValueFormatter(logging.Formatter):
    """A record as one line of text and values, cleaned of secrets; a traceback below it."""

    def __init__(self, *, head: bool) -> None:
        super().__init__()
        self._head = head

    def format(self, record: logging.LogRecord) -> str:
        """The finished text, with time, level and logger unless something else shows those."""
        parts = [_one_line(record.getMessage())]
        fields: dict[str, object] = getattr(record, "kv", {})
        parts += [f"{key}={_value(value)}" for key, value in fields.items()]
        if self._head:
            parts = [stamp(record.created), record.levelname, record.name, *parts]
        trace = record.exc_text or (
            self.formatException(record.exc_info) if record.exc_info else ""
        )
        lines = [" ".join(parts), *(f"    {line}" for line in trace.splitlines())]
        return _redactor.clean("\n".join(lines))


class _Handover(QueueHandler):
    """Runs on the caller's thread: leaves the work of formatting to the writer where it can."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Settle at once what could change or hold on to a stack: arguments and tracebacks."""
        if record.args or record.exc_info:
            record = copy.copy(record)
            record.msg, record.args = record.getMessage(), None
            if record.exc_info:
                record.exc_text = logging.Formatter().formatException(record.exc_info)
                record.exc_info = None
        return record


class _Writer(QueueListener):
    """The one thread that formats and writes; once a second it sums up what was held back."""

    finished = False

    def __init__(
        self,
        queue: SimpleQueue[logging.LogRecord],
        gate: StormGate,
        handlers: tuple[logging.Handler, ...],
    ) -> None:
        super().__init__(queue, *handlers)
        self._records = queue
        self._gate = gate

    def dequeue(self, block: bool) -> logging.LogRecord:  # noqa: FBT001 - logging's signature
        while True:
            self._sum_up()
            try:
                return self._records.get(block, _SWEEP_SECONDS)
            except Empty:
                if not block:
                    raise

    def handle(self, record: logging.LogRecord) -> None:
        """Border: a value that cannot be shown costs its own line, not the thread."""
        for handler in self.handlers:
            try:
                handler.handle(record)
            except Exception:  # noqa: BLE001 - border, see above
                handler.handleError(record)

    def finish(self) -> None:
        """Write everything that is queued, then close."""
        self.stop()
        self.finished = True
        self._sum_up(final=True)
        for handler in self.handlers:
            handler.close()

    def _sum_up(self, *, final: bool = False) -> None:
        for record in self._gate.summaries(final=final):
            self.handle(record)


class _LogFile(RotatingFileHandler):
    """A log file whose trouble (a full disk) is told once, and never reaches who logs."""

    _told = False

    def close(self) -> None:
        """Close for good, even when the last bytes find no room."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        del record
        if not self._told:
            self._told = True
            sys.stderr.write(
                f"log file {self.baseFilename} cannot be written: {sys.exc_info()[1]}\n"
            )


def _file(settings: Settings, name: str, formatter: logging.Formatter) -> logging.Handler:
    path: Path = settings.log_dir / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(
            path,
            maxBytes=int(settings.log_megabytes * _MEGABYTE),
            backupCount=settings.log_files,
            encoding="utf-8",
        )
    except OSError as error:
        problem = f"no log can be written to {path}: {error.strerror}"
        raise SettingsError([f"STATE_DIR={str(settings.state_dir)!r}: {problem}"]) from None
    handler.setFormatter(formatter)
    return handler


def _console() -> logging.Handler:
    if not sys.stderr.isatty():
        plain = logging.StreamHandler(sys.stderr)
        plain.setFormatter(KeyValueFormatter(head=True))
        return plain
    coloured = RichHandler(
        console=Console(stderr=True),
        show_path=False,
        log_time_format=lambda when: Text(when.astimezone(UTC).strftime("%H:%M:%SZ")),
    )
    coloured.setFormatter(KeyValueFormatter(head=False))
    return coloured


def _take_over(handler: logging.Handler, level: str) -> Callable[[], None]:
    """Send the root logger to `handler`; gives the function that puts everything back."""
    root = logging.getLogger()
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, ROOMS))}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(level)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)

    def undo() -> None:
        root.removeHandler(handler)
        for logger, before in levels.items():
            logger.setLevel(before)
        logging.captureWarnings(capture=False)

    return undo


def _one_line(text: str) -> str:
    """Line ends and control signs as escapes: what a stranger sent cannot forge a line."""
    return text if text.isprintable() else json.dumps(text)[1:-1]


def _value(value: object) -> str:
    """A value that keeps to its place: quoted as in JSON where it holds more than plain signs."""
    text = json.dumps(value) if isinstance(value, bool) or value is None else str(value)
    plain = bool(text) and _PLAIN.issuperset(text)
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())
