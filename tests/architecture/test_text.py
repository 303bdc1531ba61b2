"""No text that is true on one machine only."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sources import ROOT, listed, tracked

_PERSONAL = re.compile(
    r"""(?<![\w.$})~*-])          # not the tail of a longer path or of a URL
    (?:/(?:home|Users|work|root)/[\w.-]
     |[A-Za-z]:\\\\?Users\\)""",
    re.VERBOSE,
)
_BINARY = {".parquet", ".gz", ".zst", ".png", ".jpg", ".ico", ".woff2", ".pdf"}


def personal_paths(name: str, text: str) -> list[str]:
    """Each absolute path of somebody's machine, as `file:line: what`."""
    return [
        f"{name}:{number}: a path of one machine: {line.strip()[:80]}"
        for number, line in enumerate(text.splitlines(), start=1)
        if _PERSONAL.search(line)
    ]


def test_no_text_holds_a_path_of_one_machine() -> None:
    told = []
    for path in tracked():
        if path.suffix not in _BINARY:
            text = path.read_text(encoding="utf-8")
            told += personal_paths(path.relative_to(ROOT).as_posix(), text)
    assert not told, listed(told)


# --- the rule itself, on small made-up texts; the paths are put together so as not to be found ----


@pytest.mark.parametrize(
    ("separator", "parts"),
    [
        ("/", ("", "home", "ann", "bot")),
        ("/", ("", "Users", "ann")),
        ("/", ("", "root", ".ssh")),
        ("/", ("", "work", "main")),
        ("\\", ("C:", "Users", "ann")),
    ],
)
def test_a_path_of_one_machine_is_told(separator: str, parts: tuple[str, ...]) -> None:
    path = separator.join(parts)
    (told,) = personal_paths("README.md", f"first\nsee `{path}` for more\n")
    assert told.startswith("README.md:2: a path of one machine")


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/home/page",
        "$(ROOT)/work/file and ~/work/file and docs/home/x and */work/x",
        "/usr/bin/env bash",
        "the /work folder",
        "root/home",
    ],
)
def test_other_paths_are_left_alone(text: str) -> None:
    assert personal_paths("README.md", text) == []
