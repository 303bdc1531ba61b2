"""Keys and signatures of Kalshi's API: RSA (PKCS#1, PKCS#8) and Ed25519 (kalshi.md 1.2, 1.3).

What is signed is the text `timestamp_ms + METHOD + path`: the path from the host's root without
query string, never the body. RSA signs with PSS over SHA-256, salt as long as the digest (0.9 ms
for 2048 bits); Ed25519 signs the text itself (0.05 ms).
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from core.units import MILLISECOND

if TYPE_CHECKING:
    from pathlib import Path

    from core.clock import Clock

PrivateKey = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ed25519.Ed25519PublicKey

KEY_HEADER: Final = "KALSHI-ACCESS-KEY"
TIMESTAMP_HEADER: Final = "KALSHI-ACCESS-TIMESTAMP"
SIGNATURE_HEADER: Final = "KALSHI-ACCESS-SIGNATURE"

_SHA256: Final = hashes.SHA256()
_PSS: Final = padding.PSS(mgf=padding.MGF1(_SHA256), salt_length=padding.PSS.DIGEST_LENGTH)
_PRIVATE_MODE: Final = 0o600
_RSA_BITS: Final = 2048
_ED25519_BITS: Final = 256
_PUBLIC_EXPONENT: Final = 65_537
_PEM_FORMS: Final = "-----BEGIN RSA PRIVATE KEY----- or -----BEGIN PRIVATE KEY-----"


class InvalidKey(ValueError):  # noqa: N818 - says what it is
    """A key cannot be used: names where it came from and what to do."""


class KeyKind(NamedTuple):
    """What a key is: `RSA` or `Ed25519`, and its size."""

    algorithm: str
    bits: int


def kind_of(key: PrivateKey) -> KeyKind:
    """The kind of a key."""
    if isinstance(key, rsa.RSAPrivateKey):
        return KeyKind("RSA", key.key_size)
    return KeyKind("Ed25519", _ED25519_BITS)


class Signed(NamedTuple):
    """The three headers' values of one request."""

    key_id: str
    timestamp_ms: str
    signature: str

    def headers(self) -> dict[str, str]:
        """The header triple."""
        return {
            KEY_HEADER: self.key_id,
            TIMESTAMP_HEADER: self.timestamp_ms,
            SIGNATURE_HEADER: self.signature,
        }


class Signer:
    """Signs requests of one key. Any thread may call it."""

    def __init__(self, key_id: str, key: PrivateKey, clock: Clock) -> None:
        self.key_id = key_id
        self._key = key
        self._clock = clock

    @property
    def kind(self) -> KeyKind:
        """The kind of its key."""
        return kind_of(self._key)

    def sign(self, method: str, path: str) -> Signed:
        """Sign a request that is about to be sent. `path` may still carry its query string."""
        timestamp = str(self._clock.now() // MILLISECOND)
        text = signed_text(timestamp, method, path)
        return Signed(self.key_id, timestamp, base64.b64encode(signature(self._key, text)).decode())


def signed_text(timestamp_ms: str, method: str, path: str) -> bytes:
    """`1795360032345POST/trade-api/v2/portfolio/events/orders`."""
    return f"{timestamp_ms}{method.upper()}{path.partition('?')[0]}".encode()


def signature(key: PrivateKey, text: bytes) -> bytes:
    """The raw signature of a text."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(text)
    return key.sign(text, _PSS, _SHA256)


def verify(key: PublicKey, text: bytes, signature_base64: str) -> bool:
    """Whether a header's signature is that key's over the text; malformed base64 is not."""
    try:
        raw = base64.b64decode(signature_base64, validate=True)
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(raw, text)
        else:
            key.verify(raw, text, _PSS, _SHA256)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def read_private_key(path: Path) -> PrivateKey:
    """The private key in a PEM file. Raises InvalidKey, which names the file and the remedy."""
    try:
        pem = path.read_text()
    except OSError as error:
        msg = f"private key {path}: {error.strerror}; check the path and its permissions"
        raise InvalidKey(msg) from error
    except UnicodeDecodeError as error:
        msg = f"private key {path}: not a PEM text file; it must start with {_PEM_FORMS}"
        raise InvalidKey(msg) from error
    return parse_private_key(pem, f"private key {path}")


def parse_private_key(pem: str, origin: str) -> PrivateKey:
    r"""The private key in a PEM text, also one with literal `\n`. `origin` opens the message."""
    text = pem.replace("\\n", "\n").strip() + "\n"
    if "PRIVATE KEY" not in text:
        kind = "a public key, the private one is needed" if "PUBLIC KEY" in text else "no PEM key"
        msg = f"{origin}: {kind}; it must start with {_PEM_FORMS}"
        raise InvalidKey(msg)
    try:
        key = serialization.load_pem_private_key(text.encode(), password=None)
    except TypeError as error:
        msg = f"{origin}: protected by a passphrase; store it without one (openssl pkey -in ...)"
        raise InvalidKey(msg) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        msg = f"{origin}: damaged or cut off; paste the whole text with its first and last line"
        raise InvalidKey(msg) from error
    if isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        return key
    msg = f"{origin}: a {type(key).__name__}; Kalshi takes RSA and Ed25519 keys"
    raise InvalidKey(msg)


def parse_public_key(pem: str, origin: str) -> PublicKey:
    """The public key in a PEM text. Raises InvalidKey; `origin` opens its message."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        msg = f"{origin}: no public key; it must start with -----BEGIN PUBLIC KEY-----"
        raise InvalidKey(msg) from error
    if isinstance(key, rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        return key
    msg = f"{origin}: a {type(key).__name__}; Kalshi takes RSA and Ed25519 keys"
    raise InvalidKey(msg)


def read_public_key(path: Path) -> PublicKey:
    """The public key in a PEM file. Raises InvalidKey, which names the file and the remedy."""
    try:
        pem = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"public key {path}: cannot be read ({error}); check the path"
        raise InvalidKey(msg) from error
    return parse_public_key(pem, f"public key {path}")


def generate_rsa() -> PrivateKey:
    """A fresh RSA-2048 key, as the exchange's own page makes them."""
    return rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=_RSA_BITS)


def generate_ed25519() -> PrivateKey:
    """A fresh Ed25519 key: twenty times cheaper to sign with."""
    return ed25519.Ed25519PrivateKey.generate()


def write_private_key(key: PrivateKey, path: Path) -> None:
    """Write a key as PKCS#8 PEM that only its owner can read, whatever the umask is.

    Replaces an older file in one step; raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE)
    with os.fdopen(handle, "wb") as file:
        file.write(private_pem(key))
    fresh.replace(path)


def private_pem(key: PrivateKey) -> bytes:
    """A key as PKCS#8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public_pem(key: PublicKey) -> bytes:
    """A public key as PEM, to register with an exchange."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
