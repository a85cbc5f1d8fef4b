# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the objects that an app has on its platform, and ids of what is inside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .._core.content_ids import ID_LENGTH, digest, fit

LABEL = "shipping.code."
# A Swarm's configs and secrets have names of at most 64 characters; a service's name is a label
# of the DNS, which has at most 63 (RFC 1035 section 2.3.4).
OBJECT_LIMIT = 64
SERVICE_LIMIT = 63


@dataclass(frozen=True)
class Naming:
    """The names of an app's networks, volumes, secrets and configs on a platform.

    ``strict``: names may have only characters of the DNS.
    """

    app: str
    joint: str = "_"
    strict: bool = False
    volume_labels: Mapping[str, str] = field(default_factory=dict)

    def scoped(self, name: str) -> str:
        """Return the name of a network or volume of the app."""
        full = f"{self.app}{self.joint}{name}"
        return fit(self.dns(full), SERVICE_LIMIT) if self.strict else full

    def slot(self, service: str, slot: int) -> str:
        """Return the name of the replicas of the variant in a slot, on the router's network.

        Slot 0 is the service itself.
        """
        # With the app in it: services of all apps are on that network (moby #41532).
        full = f"{self.app}{self.joint}{service}" + (f"-slot{slot}" if slot else "")
        return fit(full, SERVICE_LIMIT)

    def content(self, name: str, content_id: str, prefix: str = "") -> str:
        """Return the name of a secret or config with this content.

        Objects never change: another content gets another object, and so another name. A name that
        the user gives is its ``prefix``, in place of those of the app and the object.
        """
        scoped = prefix or f"{self.app}{self.joint}{name}"
        readable = self.dns(scoped) if self.strict else scoped
        # Two apps may give one prefix, and each one removes its own objects.
        suffix = digest([self.app, name, content_id])[:ID_LENGTH] if prefix else content_id
        return f"{fit(readable, OBJECT_LIMIT - ID_LENGTH - 1)}{self.joint}{suffix}"

    @staticmethod
    def dns(name: str) -> str:
        """Return a name in the letters of the DNS (RFC 1123): others become ``-``."""
        clean = re.sub(r"[^a-z0-9.-]", "-", name.lower()).strip("-.")
        # RFC 1123: each part between two dots begins and ends with a letter or digit.
        return re.sub(r"[.-]{2,}", lambda run: run[0].replace(".", "-"), clean)


def record_name(app: str, number: int) -> str:
    """Return the name of the object that holds a release's record."""
    return fit(f"shipping.code.{app}.release.{number}", OBJECT_LIMIT)


def lease_name(app: str) -> str:
    """Return the name of the object that holds an app's lease."""
    return fit(f"shipping.code.{app}.lease", OBJECT_LIMIT)
