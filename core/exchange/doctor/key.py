"""Credentials: are they there, can the key be read, is it taken, and what may it do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.doctor.diagnosis import Finding, fail, ok, warn
from core.exchange.port import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.exchange.auth import InvalidKey, KeyKind
    from core.exchange.port import ExchangeError
    from core.exchange.wire.keys import ApiKeyJson

CREDENTIALS: Final = "credentials"
KEY: Final = "key format"
SIGN_IN: Final = "sign-in"
PERMISSIONS: Final = "permissions"
_RSA_BITS: Final = 2048
_READ: Final = "read"
_TRADE: Final = frozenset({"write", "write::trade"})
_MAKE_A_KEY: Final = "make a key with read and write::trade on the account's API page"
_FORBIDDEN: Final = 403


def credentials(key_id: str | None, where: str) -> Finding:
    """Whether there are any; `where` says where the private key is kept."""
    if key_id is None:
        return fail(
            CREDENTIALS,
            "none are set, so the local exchange would be traded",
            "set KALSHI_API_KEY and KALSHI_PRIVATE_KEY_PATH; "
            "for a dry run without an account: run.py doctor --against local",
        )
    return ok(CREDENTIALS, f"key id {key_id[:8]}..., private key in {where}")


def key_format(kind: KeyKind) -> Finding:
    """The kind of a key that could be read."""
    if kind.algorithm == "RSA" and kind.bits < _RSA_BITS:
        return warn(
            KEY, f"RSA with {kind.bits} bits", f"make a new key: Kalshi's have {_RSA_BITS} bits"
        )
    return ok(KEY, f"{kind.algorithm}, {kind.bits} bits")


def unreadable_key(error: InvalidKey) -> Finding:
    """A key that could not be read: the error names file and remedy."""
    detail, _, remedy = str(error).partition(";")
    return fail(KEY, detail, remedy.strip() or "store the key again, whole, as PEM text")


def sign_in(error: ExchangeError | None, environment: str) -> Finding:
    """What came of the first signed request."""
    if error is None:
        return ok(SIGN_IN, "a signed request was accepted")
    if isinstance(error, Unauthorized) and error.status == _FORBIDDEN:
        return fail(SIGN_IN, f"the key may not read: {error}", _MAKE_A_KEY)
    if isinstance(error, Unauthorized):
        return fail(
            SIGN_IN,
            f"the key was refused: {error}",
            f"check that KALSHI_API_KEY is the id of this private key, that the key belongs to "
            f"KALSHI_ENV={environment} and was not deleted, and that the clock is right",
        )
    return fail(SIGN_IN, f"no answer: {error}", "try again; check the exchange's status page")


def permissions(key_id: str, listed: Iterable[ApiKeyJson], *, places: bool) -> Finding:
    """What the key may do, by the account's list of keys; `places`: orders go to this account."""
    key = next((row for row in listed if row.api_key_id == key_id), None)
    if key is None:
        return warn(
            PERMISSIONS,
            "the key is not in the account's list",
            "check on the account's API page that it has read and write::trade",
        )
    scopes = frozenset(key.scopes)
    shown = ", ".join(sorted(scopes)) or "none"
    if _READ not in scopes:
        return fail(PERMISSIONS, f"the key may not read (it has: {shown})", _MAKE_A_KEY)
    if not scopes & _TRADE:
        judge = fail if places else warn
        return judge(PERMISSIONS, f"the key may not trade (it has: {shown})", _MAKE_A_KEY)
    if key.subaccount is not None:
        return warn(
            PERMISSIONS,
            f"the key sees and trades subaccount {key.subaccount} only",
            "make sure that this is the account with the money, or make a key without subaccount",
        )
    return ok(PERMISSIONS, shown)


def unknown_permissions(error: ExchangeError) -> Finding:
    """The list of keys could not be read."""
    return warn(
        PERMISSIONS,
        f"could not be read: {error}",
        "check on the account's API page that the key has read and write::trade",
    )
