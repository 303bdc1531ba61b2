"""Whether the account's credentials are there and well kept; loading keys is not done here."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from config.faults import HIDDEN, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from config.trading import Venue

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def pem_text(raw: str) -> str:
    r"""PEM text with real line ends; in `.env` files they are often the two characters `\n`."""
    return raw.replace("\\r", "").replace("\\n", "\n").strip() + "\n"


def credential_problems(venue: Venue) -> list[str]:
    """One line for everything that is missing, doubled, or open to other users of the machine."""
    path, text = venue.kalshi_private_key_path, venue.kalshi_private_key
    if path is None and text is None:
        if venue.kalshi_api_key is None:
            return []
        return ["KALSHI_API_KEY has no key: set KALSHI_PRIVATE_KEY_PATH (or KALSHI_PRIVATE_KEY)"]
    if path is not None and text is not None:
        return ["KALSHI_PRIVATE_KEY_PATH and KALSHI_PRIVATE_KEY: set one of them"]
    problems = []
    if venue.kalshi_api_key is None:
        problems.append("KALSHI_API_KEY is missing beside the private key: set it to the key's id")
    if path is not None and (problem := key_file_problem(path)):
        problems.append(f"KALSHI_PRIVATE_KEY_PATH={str(path)!r}: {problem}")
    if text is not None and not is_pem(pem_text(text.get_secret_value())):
        problems.append(
            f"KALSHI_PRIVATE_KEY={HIDDEN}: is not a private key in PEM text; "
            "paste all of it, from -----BEGIN to the last -----"
        )
    return problems


def is_pem(text: str) -> bool:
    """Whether the text looks like a private key in PEM; reading it is the client's task."""
    lines = text.strip().splitlines()
    return lines[0].startswith("-----BEGIN ") and lines[0].endswith("PRIVATE KEY-----")


def key_file_problem(path: Path) -> str | None:
    """Why a key file cannot be used, with the remedy; None when it can."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(mode):
        return "is not a file"
    if mode & _OTHERS:
        return f"others can read this key; run: chmod 600 {path}"
    if not os.access(path, os.R_OK):
        return "cannot be read: Permission denied"
    return None


def loose_secrets(origins: Mapping[str, str], files: Mapping[str, Path]) -> list[Fault]:
    """A settings file that holds the private key must be kept as well as a key file."""
    origin = origins.get("KALSHI_PRIVATE_KEY", "")
    path = files.get(origin)
    if path is None or not path.stat().st_mode & _OTHERS:
        return []
    problem = f"others can read the file with this key; run: chmod 600 {path}"
    return [Fault(name="KALSHI_PRIVATE_KEY", origin=origin, problem=problem, value=HIDDEN)]
