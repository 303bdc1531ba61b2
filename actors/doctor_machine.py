"""What the doctor looks at on this machine: the folder of the state, the HALT file, the journal."""

from __future__ import annotations

import shutil
import tempfile
from typing import TYPE_CHECKING

from core.exchange.doctor import machine
from core.journal import JournalError
from core.journal_tools import newest_journal, verify

if TYPE_CHECKING:
    from pathlib import Path

    from config.settings import Settings
    from core.exchange.doctor.diagnosis import Finding


def examine_machine(settings: Settings) -> list[Finding]:
    """Disk, HALT file, journal. Leaves no file behind."""
    halt = settings.halt_path
    return [
        _disk(settings.state_dir),
        machine.halt_file(halt, stands=halt.exists()),
        _journal(settings),
    ]


def _disk(folder: Path) -> Finding:
    """Writes a little, and takes it away again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            file.write(b"x")
        return machine.disk(folder, shutil.disk_usage(folder).free)
    except OSError as error:
        return machine.unwritable(folder, error)


def _journal(settings: Settings) -> Finding:
    """The one that the next start goes on with; a local exchange of ours begins with a new one."""
    path = settings.journal_path
    try:
        if settings.mode == "local":
            path = newest_journal(settings.mode_dir)
        proof = verify(path)
    except JournalError as error:
        return machine.unreadable_journal(error) if path.exists() else machine.no_journal(path)
    return machine.journal(path, proof.entries, proof.open_orders)
