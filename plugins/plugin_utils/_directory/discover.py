# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of a domain, as its DNS has them.

SRV records: RFC 2782; for Active Directory MS-ADTS 6.3.2.3.

DNS is rarely signed, so an answer must not choose whose certificate is to be
trusted: only servers inside of the domain are taken, and only with TLS.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .directory_errors import DirectoryError, Inaccessible, Unanswered
from .settings import ConnectionSettings, Server


@dataclass(frozen=True)
class SrvRecord:
    """One SRV record."""

    priority: int
    weight: int
    port: int
    host: str


def discover(settings: ConnectionSettings) -> tuple[Server, ...]:
    """Return the servers in the order in which to connect to them."""
    return tuple(servers(query(settings.srv_name, settings.timeout), settings))


def servers(targets: Iterable[SrvRecord], settings: ConnectionSettings) -> Iterator[Server]:
    """Yield the records as servers.

    StartTLS at the port that they name, else LDAPS at its own port, which no record names.
    """
    for target in ordered(targets, random.SystemRandom()):
        if not f".{target.host}".endswith(f".{settings.srv_domain}"):
            hint = "Correct the record, or write the servers to uris"
            raise Inaccessible(
                f"the SRV record {settings.srv_name} names {target.host}",
                f"which is outside of {settings.srv_domain}",
                hint,
            )
        scheme, port = ("ldap", target.port) if settings.start_tls else ("ldaps", 636)
        yield Server(f"{scheme}://{target.host}:{port}", scheme, target.host, port)


def ordered(targets: Iterable[SrvRecord], chance: random.Random) -> Iterator[SrvRecord]:
    """Yield the lowest priority first, and within one priority by chance, as the weights say."""
    remaining = sorted(targets, key=lambda target: (target.priority, target.weight, target.host))
    while remaining:
        most_urgent = [target for target in remaining if target.priority == remaining[0].priority]
        # RFC 2782: a weight of 0 has a very small chance beside others, not none.
        chosen = chance.choices(most_urgent, [target.weight or 0.01 for target in most_urgent])[0]
        remaining.remove(chosen)
        yield chosen


def query(name: str, timeout: int) -> list[SrvRecord]:
    """Return the SRV records of this name, by the name servers of the controller."""
    resolver, exception = _library()
    what = f"the DNS has no servers under {name}"
    try:
        # With a dot at the end and without the search list, which could add a domain to the name.
        answer = resolver.Resolver().resolve(f"{name}.", "SRV", search=False, lifetime=timeout)
    except (resolver.NXDOMAIN, resolver.NoAnswer) as error:
        raise Unanswered(
            what,
            "there is no such record",
            "Check srv_domain and srv_site, or write the servers to uris",
        ) from error
    except exception.DNSException as error:
        raise Unanswered(
            what,
            " ".join(str(error).split()),
            "Check the name servers of this host, or write the servers to uris",
        ) from error
    targets = [
        SrvRecord(
            record.priority, record.weight, record.port, record.target.to_text().rstrip(".").lower()
        )
        for record in answer
    ]
    # RFC 2782: a target of ``.`` means that the service is decidedly not available.
    if not any(target.host for target in targets):
        raise Inaccessible(what, "its record excludes this service", "Write the servers to uris")
    return [target for target in targets if target.host]


def _library() -> tuple[Any, Any]:
    try:
        return importlib.import_module("dns.resolver"), importlib.import_module("dns.exception")
    except ImportError as error:
        hint = (
            "Run pip install 'dnspython>=2.6,<3' for the Python that runs Ansible, or write the"
            " servers to uris instead of srv_domain"
        )
        raise DirectoryError(
            "the servers cannot be looked for", "the Python library dnspython is missing", hint
        ) from error
