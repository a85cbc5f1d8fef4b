# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files in the styles of those that users bring: which a platform accepts, and why not.

They are written for this test, after the habits of public files.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)

from ...module_utils._compose.reading import KUBERNETES, SWARM, read_spec

STYLES = Path(__file__).parent / "styles"
PLATFORMS = {"swarm": SWARM, "kubernetes": KUBERNETES}
NAMES = sorted(path.stem for path in STYLES.glob("*.yml"))
# Those that a file cannot do without, as its author says.
VALUES = {
    "DB_DATA_LOCATION": "/srv/photos/database",
    "DB_PASS": "a",
    "DB_PASSWORD": "a",
    "DOMAIN": "example.com",
    "EMAIL": "admin@example.com",
    "MAIL_HOSTNAME": "mail",
    "RPC_SECRET": "a",
    "SERVER_HOST": "builds.example.com",
    "UPLOAD_LOCATION": "/srv/photos/uploads",
}
IMAGES = {
    "cloud-proxied": {"proxy": "registry.example.com/proxy:1"},
    "dashboards": dict.fromkeys(["app", "init"], "registry.example.com/dashboards:1"),
}


def problems(name, platform, unpublished=()):
    """Why a platform rejects a file; nothing where it accepts it."""

    def read(path):
        file = Path(path)
        # Files that a Compose file names have one line.
        return file.read_bytes() if file.suffix == ".yml" and file.exists() else b"KEY=value\n"

    sources = SpecSources(
        read=read,
        compose=[str(STYLES / f"{name}.yml")],
        values=VALUES,
        # As on a Swarm of one node.
        resolve_binds=platform == "swarm",
        unpublished=unpublished,
    )
    try:
        load(sources, lambda content: read_spec(content, IMAGES.get(name), PLATFORMS[platform]))
    except SpecError as error:
        return [str(problem) for problem in error.problems]
    return []


def one_address(platform):
    otherwise = {
        "Swarm": "leave the address out and close the port by a firewall",
        "Kubernetes": "write the long form with mode: host",
    }
    return (
        f"{platform} publishes on all addresses of a node, not on 127.0.0.1 alone; set"
        f" loopback_ports: unpublished to leave the port out, or {otherwise[platform]}"
    )


def relative(path):
    return (
        f"{path} is a path of the control node, and a service runs on any node; ship the file under"
        " configs or secrets, set bind_mounts: as_configs for files with :ro, write an absolute"
        " path that exists on the nodes, or set bind_mounts: everywhere if all nodes have it at"
        " this path"
    )


def host_name(name):
    return (
        f"Kubernetes supports a name of a-z, 0-9 and '-', not {name!r}; write such a name, or leave"
        " it out"
    )


NO_DEVICES = (
    "Swarm cannot give devices to services; bind-mount the device's socket, or run it outside the"
    " Swarm"
)
PLUGIN = (
    "Kubernetes gives devices by the name of their plugin; write"
    " deploy.resources.reservations.generic_resources with that name as the kind"
)
NUMBERS = (
    "Kubernetes supports numbers only, not 'unit:root'; write the uid and gid, as in 1000:1000"
)
CLAIM = (
    "Kubernetes supports size and access_mode; create the claim beforehand and declare the volume"
    " external"
)
OTHER_NAME = "calls db by another name; write aliases: [mysql] under services.db.networks.default"
# Style -> platform -> place and reason of each problem.
REJECTED = {
    "cleaning": {
        "kubernetes": {
            "services.prune.hostname": host_name("{{.Node.Hostname}}"),
            "services.prune.deploy.restart_policy.delay": (
                "Kubernetes restarts a pod after 5m at most, not after 24h; write a CronJob under"
                " manifests in an app of its own"
            ),
            "services.backup.deploy.restart_policy.condition": (
                "Kubernetes always restarts the pods of a service; leave it out, or write"
                " deploy.mode: replicated-job where the program ends"
            ),
        },
    },
    "cloud-local": {
        "swarm": {"services.app.ports[0]": one_address("Swarm")},
        "kubernetes": {"services.app.ports[0]": one_address("Kubernetes")},
    },
    "documents": {
        "kubernetes": {
            "services.archive.volumes[1]": relative("./export"),
            "services.archive.volumes[2]": relative("./consume"),
        },
    },
    "game": {"kubernetes": {"services.game.volumes[0]": relative("~/world")}},
    "git-hosting": {"kubernetes": {"services.forge.hostname": host_name("git.example.com")}},
    "home": {
        "swarm": {
            "services.home.privileged": (
                "Swarm cannot run privileged containers; name the capabilities it needs under"
                " cap_add"
            ),
            "services.radio.devices": NO_DEVICES,
        },
        "kubernetes": {"services.radio.devices": PLUGIN},
    },
    "inventory": {
        "kubernetes": {"services.inventory.user": NUMBERS, "services.worker.user": NUMBERS},
    },
    "log-search": {
        "kubernetes": {
            "services.search.volumes[0]": relative("./search/search.yml"),
            "services.beats.volumes[0]": relative("./beats/filebeat.yml"),
        },
    },
    "monitoring-compose": {
        "kubernetes": {
            "services.prometheus.volumes[0]": relative("./prometheus/"),
            "services.alerts.volumes[0]": relative("./alerts/"),
        },
    },
    "name-server": {
        platform.lower(): {
            "services.upstream.networks.names.ipv4_address": (
                f"{platform} assigns addresses itself; use the service's name or aliases"
            ),
        }
        for platform in ("Swarm", "Kubernetes")
    },
    "old-links": {
        "swarm": {
            "services.web.cpu_shares": (
                "Swarm has no CPU shares; reserve CPUs by deploy.resources.reservations.cpus"
            ),
            "services.db.volumes_from": "name the volume in both services",
            "services.web.links[0]": OTHER_NAME,
        },
        "kubernetes": {
            "services.web.cpu_shares": "reserve CPUs by deploy.resources.reservations.cpus",
            "services.db.volumes_from": "name the volume in both services",
            "services.web.links[0]": OTHER_NAME,
        },
    },
    "registry": {
        "kubernetes": {
            f"volumes.images.driver_opts.{key}": CLAIM for key in ("type", "o", "device")
        },
    },
    "social": {
        "swarm": {"services.web.ports[0]": one_address("Swarm")},
        "kubernetes": {
            "services.db.volumes[0]": relative("./postgres14"),
            "services.web.ports[0]": one_address("Kubernetes"),
            "services.web.volumes[0]": relative("./public/system"),
        },
    },
    "stream-platform": {
        "kubernetes": {
            "services.init_topics": (
                "Kubernetes finds a service by a name of a-z, 0-9 and '-' that begins with a"
                " letter; rename it"
            ),
        },
    },
    "vpn": {
        "swarm": {"services.vpn.devices": NO_DEVICES},
        "kubernetes": {"services.vpn.devices": PLUGIN},
    },
}


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", NAMES)
def test_accepted_or_rejected_with_the_reason(name, platform):
    reasons = REJECTED.get(name, {}).get(platform, {})
    assert problems(name, platform) == [f"{place}: {text}" for place, text in reasons.items()]


@pytest.mark.parametrize(("platform", "accepted"), [("swarm", 22), ("kubernetes", 13)])
def test_how_many_of_28_are_accepted(platform, accepted):
    """A change of this number is a change that users notice."""
    assert len(NAMES) == 28 and set(REJECTED) <= set(NAMES)
    assert sum(platform not in REJECTED.get(name, {}) for name in NAMES) == accepted


@pytest.mark.parametrize("platform", PLATFORMS)
def test_loopback_ports_by_choice(platform):
    modes = PLATFORMS[platform].modes_without_addresses
    assert problems("cloud-local", platform) and not problems("cloud-local", platform, modes)
