"""The project's own text, as the architecture tests read it."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("run.py", "config", "core", "actors", "web")
MADE_BY_RUNS = {".git", ".venv", "var", "node_modules", "__pycache__", ".hypothesis"}
MADE_BY_RUNS |= {".pytest_cache", ".mypy_cache", ".ruff_cache", ".benchmarks"}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One Python file: where it is (relative, with slashes) and what it says."""

    path: str
    text: str

    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that is or could be committed; without git, all that a run does not make."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        answer = subprocess.run(  # noqa: S603 - fixed arguments
            [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    else:
        paths = walked()
    return tuple(sorted(path for path in paths if path.is_file() and not path.is_symlink()))


def walked() -> list[Path]:
    """Every file that no run of the program or of its tools has made."""
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in MADE_BY_RUNS]
        found += [Path(folder, name) for name in files]
    return found


@cache
def python_sources() -> tuple[Source, ...]:
    """All Python files, tests included."""
    return tuple(
        Source(path=path.relative_to(ROOT).as_posix(), text=path.read_text(encoding="utf-8"))
        for path in tracked()
        if path.suffix == ".py"
    )


@cache
def program_sources() -> tuple[Source, ...]:
    """The Python files of the program itself."""
    return tuple(source for source in python_sources() if source.path.split("/")[0] in ROOMS)


def lies_in(path: str, places: tuple[str, ...]) -> bool:
    """Whether a file is one of the places, or in a folder that is."""
    return any(path == place or path.startswith(f"{place}/") for place in places)


def listed(told: list[str]) -> str:
    """Messages one below the other, for a failing assertion."""
    return "\n" + "\n".join(told)
