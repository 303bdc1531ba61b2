"""The documents: what they name exists, what they are made from has not moved on."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

import run
from config import manual
from config.settings import Settings
from tests.architecture.sources import ROOT, listed

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)")
_COMMAND = re.compile(r"(?<![\w/])(?:python |\.venv/bin/python )?run\.py ([a-z][a-z-]*)")
_TARGET = re.compile(r"(?<![\w`])make ([a-z]+)")
_VARIABLE = re.compile(r"`([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)(?:=[^`]*)?`")
_PLACE = re.compile(r"\]\(([^)#]+\.py)\)((?:,? `[A-Za-z_]+`)+)")
COMMANDS = run.main.list_commands(click.Context(run.main))
NOT_SETTINGS = frozenset({"NOTIFY_SOCKET"})


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 400


def test_the_configuration_page_is_what_the_settings_say() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert page == manual.render(), "python -m config.manual > docs/configuration.md"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    links = [match[1] for match in _LINK.finditer(path.read_text())]
    lost = [link for link in links if not (path.parent / link).exists()]
    assert not lost, listed(lost)


def test_what_the_tour_names_is_in_the_file_it_links_to() -> None:
    tour = ROOT / "docs" / "tour.md"
    named = [
        (link, word)
        for link, words in _PLACE.findall(tour.read_text())
        for word in re.findall(r"\w+", words)
    ]
    assert len(named) > 30
    lost = [f"{link}: {word}" for link, word in named if not _defines(tour.parent / link, word)]
    assert not lost, listed(lost)


def _defines(path: Path, word: str) -> bool:
    code = path.read_text()
    return re.search(rf"^(?:class |def |){word}\b", code, re.MULTILINE) is not None


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_command_of_a_document_exists(path: Path) -> None:
    asked = {match[1] for match in _COMMAND.finditer(path.read_text())}
    assert asked - set(COMMANDS) == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_make_target_of_a_document_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    blocks = re.findall(r"```.*?```|`[^`\n]+`", path.read_text(), re.DOTALL)
    asked = {match[1] for block in blocks for match in _TARGET.finditer(f" {block}")}
    assert asked - targets == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_setting_of_a_document_exists(path: Path) -> None:
    known = {field.upper() for field in Settings.model_fields}
    named = set(_VARIABLE.findall(path.read_text())) - NOT_SETTINGS
    lost = {word for word in named if word not in known and "__" not in word}
    assert lost == set()


def test_every_alert_leads_to_its_page_of_the_runbook() -> None:
    alerts = (ROOT / "docs" / "monitoring" / "alerts.yml").read_text()
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    named = re.findall(r"docs/runbook\.md, '([^']+)'", alerts)
    assert named
    lost = [heading for heading in named if f"\n## {heading}\n" not in runbook]
    assert not lost, listed(lost)


def test_every_command_of_the_program_is_in_a_document() -> None:
    told = "".join(path.read_text() for path in DOCUMENTS)
    lost = [command for command in COMMANDS if f"run.py {command}" not in told]
    assert not lost, listed(lost)


def test_every_command_explains_itself() -> None:
    for command in COMMANDS:
        ended = CliRunner().invoke(run.main, [command, "--help"])
        assert ended.exit_code == 0
        assert len(ended.output) > 100


def test_the_list_of_commands_says_of_each_what_its_own_help_says() -> None:
    context = click.Context(run.main)
    told = {name: command.about for name, command in run.COMMANDS.items()}
    own = {name: _first_paragraph(run.main.get_command(context, name)) for name in told}
    assert told == own


def _first_paragraph(command: click.Command | None) -> str:
    assert command is not None
    assert command.help is not None
    return " ".join(command.help.split("\n\n")[0].split())


def test_the_list_of_commands_is_told_without_importing_one() -> None:
    code = (
        "import sys, run; from click.testing import CliRunner; "
        "print(CliRunner().invoke(run.main, ['--help']).output); "
        "print(sorted({'numpy', 'pydantic', 'flask', 'pykka'} & set(sys.modules)))"
    )
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(f"\n  {command} " in ended.stdout for command in COMMANDS)
    assert ended.stdout.splitlines()[-1] == "[]"
