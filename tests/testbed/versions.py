# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of platforms that the test bed can run: the one table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class KubernetesParts:
    """The versions of the Go modules that a cluster is built of, and of the Helm beside it."""

    kubernetes: str
    etcd: str
    containerd: str
    helm: str


@dataclass(frozen=True)
class EngineParts:
    """The versions of the Go modules that an engine is built of, and what it calls itself."""

    moby: str
    calls_itself: str
    containerd: str
    runc: str


KUBERNETES_VERSIONS = {
    "1.31": KubernetesParts("v1.31.13", "v3.6.5", "v2.2.0", "v3.20.0"),
    "1.36": KubernetesParts("v1.36.3", "v3.6.5", "v2.2.0", "v3.20.0"),
    "1.37": KubernetesParts("v1.37.2", "v3.7.3", "v2.4.2", "v4.3.2"),
}
TODAYS_KUBERNETES = "1.36"

DEBIAN_ENGINES = {"26": "trixie"}
"""Engines that are a Debian release's package, by the release's code name."""

BUILT_ENGINES = {"29": EngineParts("v2.0.0-beta.24", "29.0.0", "v2.2.0", "v1.4.0")}

ENGINES = ("", *DEBIAN_ENGINES, *BUILT_ENGINES)
"""The first is the host's own, which is 20.10 on Debian 12."""


def check(version: str, known: Iterable[str]) -> None:
    """Raise RuntimeError if a version, which a person may have written, is not in the table."""
    names = [name for name in known if name]
    if version not in names:
        text = f"has no version {version}: its versions are {', '.join(names)}"
        raise RuntimeError(f"tests/testbed/versions.py {text}")
