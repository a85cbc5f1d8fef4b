# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a Compose file that a platform supports, as data for the model.

The model knows no platform by name: these tables decide what it supports, rejects and ignores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .._core.parsing import Parser, SpecReader
from .normal_form import Compose

Check = Callable[[Compose, SpecReader], None]


@dataclass(frozen=True)
class Plain:
    """A key whose value a platform takes as it is, at one place of its own description.

    The platform renders, compares and documents such a key by this alone. ``default`` is what the
    platform does if the key is not written; ``remark`` is for the documentation.
    """

    place: str
    default: object = None
    remark: str = ""

    @property
    def text(self) -> str:
        """Return how the key is honored, in words."""
        return f"`{self.place}`, {self.remark}" if self.remark else f"`{self.place}`"


def texts(keys: Mapping[str, str | Plain]) -> dict[str, str]:
    """Return how each key is honored, in words."""
    return {key: how.text if isinstance(how, Plain) else how for key, how in keys.items()}


def plain_keys(keys: Mapping[str, str | Plain]) -> dict[str, Plain]:
    """Return the keys whose value is taken as it is."""
    return {key: how for key, how in keys.items() if isinstance(how, Plain)}


def _unchanged(app: Compose) -> Compose:
    return app


@dataclass(frozen=True)
class Support:
    """The keys that a platform supports, and how; those that it rejects, and the alternative.

    Keys are paths below services.<name>, or for objects below a top-level section's entry. A
    rejected value belongs to a key that is supported otherwise; its text may have a place for the
    value.
    """

    platform: str
    keys: Mapping[str, str]
    refused_keys: Mapping[str, str]
    object_keys: Mapping[str, str]
    refused_object_keys: Mapping[str, str]
    refused_values: Mapping[str, str]
    read_overlay: Parser
    """Reads the raw fields under x-shipping.overlay.<platform>."""
    platforms: tuple[str, ...] = ()
    """All platforms: an overlay for another one of them is ignored, for anything else an error."""
    checks: tuple[Check, ...] = ()
    """Called with the app in normal form. They report problems and notes, and change nothing."""
    device_kinds: Mapping[str, str] = field(default_factory=dict)
    """Capability of a device, or driver and capability -> the kind that nodes offer."""
    host_mode_addresses: bool = False
    """A port in host mode may be published on one address of its node."""
    node_networks: tuple[str, ...] = ("host",)
    """The networks of nodes that services may join."""
    as_honored: Callable[[Compose], Compose] = _unchanged
    """Return the app without the settings that the platform ignores, each other one in one form.

    Otherwise a change of an ignored setting would make another release.
    """
    routed: bool = False
    """The platform has a router: services may have routes and variants."""
    relative_binds: bool = False
    """The plan takes relative paths of bind mounts where the app can run on one node only."""

    @property
    def modes_without_addresses(self) -> tuple[str, ...]:
        """Return the modes in which ports are published on all addresses of a node."""
        return ("ingress",) if self.host_mode_addresses else ("ingress", "host")
