"""GET /api_keys: the keys of an account and what each may do."""

from __future__ import annotations

import msgspec


class ApiKeyJson(msgspec.Struct, frozen=True, kw_only=True):
    """One key. Parents `read` and `write` stand for all their children."""

    api_key_id: str
    name: str = ""
    scopes: tuple[str, ...] = ()
    subaccount: int | None = None
    """The only subaccount that it sees and trades; None: all of them."""


class ApiKeysJson(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    api_keys: tuple[ApiKeyJson, ...]
