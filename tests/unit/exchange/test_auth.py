"""Keys and signatures: what we sign `cryptography` verifies, and bad keys are refused in words."""

from __future__ import annotations

import base64
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from core.clock import VirtualClock
from core.exchange.auth import (
    InvalidKey,
    PrivateKey,
    Signer,
    generate_ed25519,
    generate_rsa,
    parse_private_key,
    parse_public_key,
    private_pem,
    public_pem,
    read_private_key,
    read_public_key,
    signature,
    signed_text,
    verify,
    write_private_key,
)
from core.units import Nanos

if TYPE_CHECKING:
    from pathlib import Path

NOW = Nanos(1_795_360_032_345_678_901)
PATH = "/trade-api/v2/portfolio/events/orders"
TEXT = b"1795360032345POST/trade-api/v2/portfolio/events/orders"


@pytest.fixture(scope="module")
def rsa_key() -> PrivateKey:
    return generate_rsa()


@pytest.fixture(scope="module")
def ed_key() -> PrivateKey:
    return generate_ed25519()


def pkcs1(key: PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def test_the_signed_text_is_that_of_the_documentation() -> None:
    assert signed_text("1795360032345", "post", PATH + "?limit=5") == TEXT


def test_an_rsa_signature_is_pss_over_sha256_with_a_salt_of_32(rsa_key: PrivateKey) -> None:
    signed = Signer("id", rsa_key, VirtualClock(NOW)).sign("POST", PATH)
    public = rsa_key.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    raw = base64.b64decode(signed.signature, validate=True)
    public.verify(
        raw, TEXT, padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=32), hashes.SHA256()
    )
    with pytest.raises(InvalidSignature):
        public.verify(raw, TEXT, padding.PKCS1v15(), hashes.SHA256())
    assert signed.timestamp_ms == "1795360032345"


def test_an_ed25519_signature_is_plain(ed_key: PrivateKey) -> None:
    signed = Signer("id", ed_key, VirtualClock(NOW)).sign("POST", PATH)
    public = ed_key.public_key()
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(base64.b64decode(signed.signature, validate=True), TEXT)
    assert set(signed.headers()) == {
        "KALSHI-ACCESS-KEY",
        "KALSHI-ACCESS-TIMESTAMP",
        "KALSHI-ACCESS-SIGNATURE",
    }


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_signature_is_verified_and_anything_else_is_not(kind: str) -> None:
    key, other = (
        (generate_rsa(), generate_rsa())
        if kind == "rsa"
        else (generate_ed25519(), generate_ed25519())
    )
    good = base64.b64encode(signature(key, TEXT)).decode()
    foreign = base64.b64encode(signature(other, TEXT)).decode()
    public = key.public_key()
    assert verify(public, TEXT, good)
    for text, sent in (
        (TEXT + b"x", good),
        (TEXT, foreign),
        (TEXT, good[:-4]),
        (TEXT, "no base64!"),
        (TEXT, ""),
    ):
        assert not verify(public, text, sent)


def test_pkcs1_pkcs8_and_ed25519_files_are_read(
    tmp_path: Path, rsa_key: PrivateKey, ed_key: PrivateKey
) -> None:
    texts = {
        "pkcs1": pkcs1(rsa_key),
        "pkcs8": private_pem(rsa_key).decode(),
        "ed25519": private_pem(ed_key).decode(),
        "one_line": pkcs1(rsa_key).replace("\n", "\\n"),
        "padded": f"\n\n  {pkcs1(rsa_key)}\n",
        "crlf": pkcs1(rsa_key).replace("\n", "\r\n"),
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(text)
        key = read_private_key(path)
        wanted = ed_key if name == "ed25519" else rsa_key
        assert public_pem(key.public_key()) == public_pem(wanted.public_key())
    assert texts["pkcs1"].startswith("-----BEGIN RSA PRIVATE KEY-----")


def test_a_key_that_cannot_be_used_is_refused_in_words(tmp_path: Path, rsa_key: PrivateKey) -> None:
    locked = rsa_key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    cases = {
        "": "no PEM key.*BEGIN",
        "hello": "no PEM key.*BEGIN",
        public_pem(rsa_key.public_key()).decode(): "a public key, the private one is needed",
        pkcs1(rsa_key)[:400]: "damaged or cut off",
        locked: "passphrase",
        curve.decode(): "RSA and Ed25519",
    }
    for text, words in cases.items():
        path = tmp_path / "key.pem"
        path.write_text(text)
        with pytest.raises(InvalidKey, match=rf"key\.pem: .*{words}"):
            read_private_key(path)
    with pytest.raises(InvalidKey, match=r"absent\.pem: No such file.*check the path"):
        read_private_key(tmp_path / "absent.pem")
    (tmp_path / "key.pem").write_bytes(b"\x80\xff")
    with pytest.raises(InvalidKey, match="not a PEM text file"):
        read_private_key(tmp_path / "key.pem")


def test_no_message_about_a_key_repeats_it(rsa_key: PrivateKey) -> None:
    damaged = pkcs1(rsa_key)[:400]
    with pytest.raises(InvalidKey) as caught:
        parse_private_key(damaged, "KALSHI_PRIVATE_KEY")
    assert damaged[100:140] not in str(caught.value)


def test_a_written_key_is_its_owners_alone_and_replaces_an_older_one(
    tmp_path: Path, ed_key: PrivateKey, rsa_key: PrivateKey
) -> None:
    path = tmp_path / "deep" / "key.pem"
    write_private_key(rsa_key, path)
    write_private_key(ed_key, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_pem(read_private_key(path).public_key()) == public_pem(ed_key.public_key())
    assert list(path.parent.iterdir()) == [path]


def test_public_keys_are_read_from_pem(tmp_path: Path, rsa_key: PrivateKey) -> None:
    path = tmp_path / "public.pem"
    path.write_bytes(public_pem(rsa_key.public_key()))
    good = base64.b64encode(signature(rsa_key, TEXT)).decode()
    assert verify(read_public_key(path), TEXT, good)
    with pytest.raises(InvalidKey, match="mine: no public key; it must start with"):
        parse_public_key("nothing", "mine")
    with pytest.raises(InvalidKey, match="absent"):
        read_public_key(tmp_path / "absent")
