# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's rejections of a write, and what mends them. Pure.

Texts: moby/swarmkit manager/controlapi and manager/constraint, moby daemon/cluster; those of the
unit tests were answered by Docker 20.10.24.
"""

from __future__ import annotations

PORT_IN_USE = "is already in use by service"

# All these words are in the engine's message -> the hint.
_HINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    ((PORT_IN_USE,), "Publish another port, or free this one at the service that is named"),
    (("ingress mode can't be used with dnsrr",), "Publish it in mode host, or remove dnsrr"),
    (("duplicate published ports",), "Publish each port once"),
    (("is in use by",), "Remove or change what uses it first"),
    (("already exists",), "Give it another name, or remove the other one"),
    (("invalid memory value",), "Write at least 4M in deploy.resources"),
    (("invalid cpu value",), "Write at least 0.001 cpus in deploy.resources"),
    (("duplicate mount point",), "Mount one volume only at each path"),
    (("conflicting target",), "Give each secret and each config a path of its own"),
    (("malformed", "reference"), "Correct the target of the secret or config"),
    (("not a valid repository/tag",), "Correct the image of the service"),
    (("valid as a dns name",), "Write letters, digits, '-' and '_' only, no blanks and no dots"),
    (("name must be", "or fewer"), "Give it a shorter name"),
    (("expanding",), "Correct the placeholder: Swarm knows those of .Service, .Node and .Task"),
    (("healthconfig",), "Correct the times in healthcheck; 1ms is the least"),
    (("taskspec:",), "Correct the times and ratios below deploy"),
    (("constraint expected",), "Write deploy.placement.constraints with == or !="),
    (("key '", "is invalid"), "Correct the name of the label in deploy.placement.constraints"),
    (("value '", "is invalid"), "Correct the value in deploy.placement.constraints"),
    (
        ("cannot be used with services",),
        "Use an overlay network: docker network create --driver overlay NAME",
    ),
    (("plugin", "not found"), "Install the plugin on the nodes, or choose another driver"),
    (("not found",), "It was removed during the run; run the task again"),
    (
        ("too large",),
        "Move large labels and environment variables into configs: a service has about 1 MB",
    ),
    (
        ("larger than max",),
        "Move large labels and environment variables into configs: a service has about 1 MB",
    ),
    (("data must be larger",), "Make the content smaller, or mount it from a volume"),
    (("does not have a leader",), "Start the other managers: more than half of them must run"),
    (("authorization denied",), "Allow it to this client in the engine's authorization plugin"),
)
_GENERIC = "Correct what the engine names, then run again"


def hint(text: str, status: int) -> str:
    """Return what mends a rejection; empty where the engine itself failed in an unknown way."""
    lowered = text.lower()
    for words, mends in _HINTS:
        if all(word in lowered for word in words):
            return mends
    return _GENERIC if status < 500 else ""
