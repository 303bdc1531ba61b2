"""A diagnosis: one finding for each check, with a verdict and, where it is not good, the remedy."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    """Trading is possible, but somebody should look."""
    FAIL = "fail"
    """Trading is not possible, or not safe."""


_EXIT: Final = {Verdict.OK: 0, Verdict.WARN: 1, Verdict.FAIL: 2}
_SIGNS: Final = {Verdict.OK: "ok  ", Verdict.WARN: "WARN", Verdict.FAIL: "FAIL"}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found."""

    check: str
    verdict: Verdict
    detail: str
    remedy: str = ""
    """What to do; empty where all is well."""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All findings, in the order of the checks."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        return max((found.verdict for found in self.findings), key=_EXIT.__getitem__)

    @property
    def exit_code(self) -> int:
        """0: all is well, 1: warnings, 2: something fails."""
        return _EXIT[self.verdict]

    def to_json(self) -> str:
        """One object: the worst verdict and the list of checks."""
        shown = {"verdict": self.verdict, "checks": self.findings}
        return msgspec.json.encode(shown).decode()

    def to_text(self) -> str:
        """A line for each check, its remedy under it."""
        width = max(len(found.check) for found in self.findings)
        lines = []
        for found in self.findings:
            lines.append(f"{_SIGNS[found.verdict]}  {found.check:{width}}  {found.detail}")
            if found.remedy:
                lines.append(f"{'':{width + 8}}-> {found.remedy}")
        return "\n".join(lines)


def ok(check: str, detail: str) -> Finding:
    """All is well."""
    return Finding(check=check, verdict=Verdict.OK, detail=detail)


def warn(check: str, detail: str, remedy: str) -> Finding:
    """Somebody should look."""
    return Finding(check=check, verdict=Verdict.WARN, detail=detail, remedy=remedy)


def fail(check: str, detail: str, remedy: str) -> Finding:
    """No trading before this is mended."""
    return Finding(check=check, verdict=Verdict.FAIL, detail=detail, remedy=remedy)
