"""Runs every command of the README and of `docs/` as it is written, in a clone of its own.

    python -m tests.system.documented            # all; one JSON line at the end
    python -m tests.system.documented docs/api.md

The clone is of the last commit. It borrows this environment (`make` finds it set up); everything
else begins empty. What runs until it is stopped gets SIGINT once it has told that it is ready, and
must end with code 0. Where a command asks a running daemon, one trades beside it. What needs an
account, root or a container engine is not run, and is listed with its reason.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
LONGEST_S: Final = 900.0
_READY_S: Final = 180.0
_MAKE_STOPPED: Final = (0, 2, -signal.SIGINT)
"""What `make` ends with after Ctrl-C, however well its command ended."""
_LINGER_S: Final = 8.0
"""What is stopped has run so long after it was ready."""
_BLOCK: Final = re.compile(r"^```\w*\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND: Final = re.compile(
    r"^(?:[A-Z_]+=\S+ )*(?:python|make|curl|dask|docker|useradd|install|cp|systemctl|journalctl)\b"
)
_NOT_HERE: Final = {
    r"docker|useradd|install -|cp |systemctl|journalctl": "root, a service manager or containers",
    r"python run\.py$": "an account at the exchange",
    r"python run\.py doctor$": "an account at the exchange",
    r".*api/(orders|positions)": "a market of the day; tests/system/test_operator.py trades it",
    r".*api/cash": "a deposit; tests/roles/test_cash_moves.py books one",
    r"make test": "this is the gate itself",
}
_UNTIL_STOPPED: Final = {
    r"make run|run\.py trade(?!.*--windows)": "Dashboard: ",
    r"run\.py record": "",
    r"run\.py exchange": "base_url",
    r"run\.py logs -f": "",
}
"""Commands that go on until they are stopped, and what they print when they are ready."""
_BESIDE: Final = {r"dask scheduler": "Scheduler at", r"dask worker": "Registered to"}
"""Commands that the rest of their block needs."""
_ASKS: Final = re.compile(r"run\.py (status|logs)|curl|journal backup")
"""Commands that ask a running daemon."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one command."""

    document: str
    command: str
    well: bool
    seconds: float
    said: str = ""
    """The end of what it printed, where it did not do well."""


def blocks(text: str) -> list[list[str]]:
    """The commands of each block that has any: without comments, continued lines joined."""
    found = []
    for block in _BLOCK.findall(text):
        joined = re.sub(r"\\\n\s*", "", block)
        lines = [re.sub(r"\s+#.*$", "", line).strip() for line in joined.splitlines()]
        commands = [line for line in lines if _COMMAND.match(line)]
        if commands:
            found.append(commands)
    return found


def reason_not_to(command: str) -> str:
    """Why it cannot be run here; empty where it can."""
    return next((why for what, why in _NOT_HERE.items() if re.match(what, command)), "")


class Started:
    """A command that goes on, with an eye on what it prints."""

    def __init__(self, command: str, folder: Path, ready: str) -> None:
        self.text = ""
        self._ready = threading.Event()
        self._process = subprocess.Popen(  # noqa: S603 - the documents are ours
            ["/bin/bash", "-c", f"exec {command}" if command[0].islower() else command],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(ready,), daemon=True)
        self._reader.start()
        self.came = self._ready.wait(_READY_S) if ready else True

    def _read(self, ready: str) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.text = (self.text + line)[-4_000:]
            if ready and ready in line:
                self._ready.set()

    def stop(self) -> int:
        """Ctrl-C to the whole group; the exit code."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            code = self._process.wait(90)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            code = self._process.wait()
        self._reader.join(10)
        return code


def environment() -> dict[str, str]:
    """A user's: this environment's programs, and no setting of ours."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"PATH": programs, "HOME": os.environ.get("HOME", "/root"), "LANG": "C.UTF-8"}


@contextmanager
def beside(folder: Path, *, wanted: bool) -> Iterator[None]:
    """With a daemon that trades in the same folder, where it is wanted."""
    if not wanted:
        yield
        return
    daemon = Started("python run.py trade --speed 60", folder, "state=ACTIVE")
    try:
        yield
    finally:
        daemon.stop()


def run_command(document: str, command: str, folder: Path) -> Told:
    """Run it to its end, or stop it where it has none."""
    began = time.monotonic()
    going = next(
        (ready for what, ready in _UNTIL_STOPPED.items() if re.search(what, command)), None
    )
    if going is not None:
        started = Started(command, folder, going)
        time.sleep(_LINGER_S)
        code, text = started.stop(), started.text
        well = started.came and code in (_MAKE_STOPPED if command.startswith("make") else (0,))
    else:
        ended = subprocess.run(  # noqa: S603 - the documents are ours
            ["/bin/bash", "-c", command],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=LONGEST_S,
            check=False,
        )
        text = ended.stdout + ended.stderr
        well = ended.returncode == 0 and '"error"' not in ended.stdout[:20]
    took = time.monotonic() - began
    return Told(
        document=document,
        command=command,
        well=well,
        seconds=round(took, 1),
        said="" if well else text[-1_500:],
    )


def run_block(document: str, commands: list[str], folder: Path) -> list[Told]:
    """Run the commands of one block in their order."""
    told, helpers = [], []
    for command in commands:
        if reason_not_to(command):
            continue
        ready = next((text for what, text in _BESIDE.items() if re.match(what, command)), None)
        if ready is not None:
            helpers.append(Started(command, folder, ready))
            continue
        with beside(folder, wanted=bool(_ASKS.search(command))):
            told.append(run_command(document, command, folder))
        click.echo(f"{'ok ' if told[-1].well else 'BAD'} {document}: {command}", err=True)
    for helper in reversed(helpers):
        helper.stop()
    return told


def documents() -> list[str]:
    """All of them, the README first."""
    found = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))
    return ["README.md", *found]


@click.command()
@click.argument("wanted", nargs=-1)
def main(wanted: tuple[str, ...]) -> None:
    """Run the commands of the documents WANTED, or of all."""
    told: list[Told] = []
    not_here: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="quarterhour-documents-") as name:
        folder = Path(name) / "quarterhour"
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)  # noqa: S603, S607 - our own tree
        (folder / ".venv").symlink_to(Path(sys.prefix))
        for document in wanted or documents():
            for commands in blocks((ROOT / document).read_text()):
                not_here |= {c: why for c in commands if (why := reason_not_to(c))}
                told += run_block(document, commands, folder)
    bad = [msgspec.to_builtins(one) for one in told if not one.well]
    click.echo(json.dumps({"ran": len(told), "bad": bad, "not_here": not_here}))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
