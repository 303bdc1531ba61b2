"""Who may reach the page: this machine, others through TLS, or in plain text if you say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.credentials import key_file_problem
from config.fields import LOOPBACK

if TYPE_CHECKING:
    from config.running import Machine

EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - asked about, not bound to


def door_problems(machine: Machine) -> list[str]:
    """One line for each setting of the page that would leave it open, or not to be reached."""
    certificate, key = machine.api_tls_cert, machine.api_tls_key
    problems = []
    if (certificate is None) != (key is None):
        problems.append("API_TLS_CERT and API_TLS_KEY: set both or neither")
    if certificate is not None and not certificate.is_file():
        problems.append(f"API_TLS_CERT={str(certificate)!r}: no such file")
    if key is not None and (problem := key_file_problem(key)):
        problems.append(f"API_TLS_KEY={str(key)!r}: {problem}")
    host = machine.api_host
    if host not in LOOPBACK and certificate is None and not machine.api_allow_plain:
        problems.append(
            f"API_HOST={host}: tokens and commands would travel in plain text; set API_TLS_CERT "
            "and API_TLS_KEY, reach the page through an SSH tunnel or a TLS proxy on this machine, "
            "or set API_ALLOW_PLAIN=true where the network is trusted"
        )
    if host in EVERYWHERE and not machine.api_names:
        problems.append(
            f"API_HOST={host!r}: name the hosts under which browsers reach the page in API_NAMES, "
            "for requests to any other name are refused"
        )
    return problems
