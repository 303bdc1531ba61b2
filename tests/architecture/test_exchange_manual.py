"""Every switch of the local exchange and every kind of fault is in its manual."""

from __future__ import annotations

from pathlib import Path

from core.exchange.fault_kinds import FaultKind
from web.exchange_command import exchange

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "local-exchange.md").read_text()
PLAIN = frozenset({"--json", "--port", "--with-parent", "--state-dir"})
"""Options that say nothing about the market."""


def test_every_option_is_described() -> None:
    options = {name for option in exchange.params for name in option.opts}
    assert sorted(name for name in options - PLAIN if f"`{name}" not in MANUAL) == []


def test_every_kind_of_fault_is_described() -> None:
    resumes = {kind for kind in FaultKind if kind.startswith("resume_")}
    assert sorted(kind for kind in set(FaultKind) - resumes if f"`{kind}`" not in MANUAL) == []
