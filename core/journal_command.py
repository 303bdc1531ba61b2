"""The command `run.py journal`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from config.refusal import refusing
from config.settings import SettingsError, load
from core.clock import SystemClock
from core.journal import JournalError
from core.journal_backup import backup, backup_name, restore
from core.journal_tools import Format, export, newest_journal, verify

_FAULTS: Final = (SettingsError, JournalError)


@click.command()
@click.argument("action", type=click.Choice(["verify", "export", "backup", "restore"]))
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--format", "form", default="csv", type=click.Choice(["csv", "parquet"]))
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write; for restore the journal."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(*_FAULTS)
def journal(
    *, action: str, file: Path | None, form: Format, out: Path | None, as_json: bool
) -> None:
    """Prove a journal whole, export it, back it up, or restore it from a backup.

    Without FILE the newest journal of this mode; `restore` needs the backup's FILE.
    """
    if action == "restore":
        put_back(file, out)
        return
    path = file or newest_journal(load().mode_dir)
    if action == "export":
        click.echo(f"{export(path, form, out)} entries of {path}", err=True)
        return
    if action == "backup":
        now = SystemClock().now()
        proof = backup(path, out or backup_name(path, now))
    else:
        proof = verify(path)
    click.echo(msgspec.json.encode(proof) if as_json else proof.to_text())


def put_back(source: Path | None, journal: Path | None) -> None:
    """Restore a backup in place of a journal, the newest of this mode unless named."""
    if source is None:
        raise JournalError("name the backup: run.py journal restore FILE")
    if journal is None:
        settings = load()
        try:
            journal = newest_journal(settings.mode_dir)
        except JournalError:
            journal = settings.journal_path
    aside = restore(source, journal, SystemClock().now())
    kept = f"; the old one is {aside}" if aside else ""
    click.echo(f"{journal} is {source} again, halted{kept}", err=True)
