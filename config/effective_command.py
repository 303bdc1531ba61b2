"""The command `run.py config`."""

from __future__ import annotations

import json

import click

from config.refusal import refusing
from config.settings import SettingsError, effective, load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@refusing(SettingsError)
def config(*, as_json: bool) -> None:
    """Print the effective settings and where each came from; secrets are hidden."""
    rows = effective(load())
    if as_json:
        click.echo(
            json.dumps({row.name: {"value": row.value, "source": row.source} for row in rows})
        )
        return
    width = max(len(row.name) for row in rows)
    for row in rows:
        unit = f" {row.unit}" if row.unit else ""
        click.echo(f"{row.name:{width}}  {row.value or '-'}{unit}  [{row.source}]")
