# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension on Swarm, and that Swarm takes what Kubernetes does not."""

from __future__ import annotations

from ..._compose.reading import problems, read_spec, spec

PROBE = "needs either http with path and port, or tcp with port"


def test_extensions_on_swarm():
    """What is for Kubernetes is passed over; a check that is not made is said."""
    extension = {"probe": {"tcp": {"port": 80}}, "overlay": {"kubernetes": {"Anything": 1}}}
    taken = read_spec(spec(**{"x-shipping": extension}))
    assert taken.notes == [
        "services.web.x-shipping.probe: ignored, since Swarm checks with healthcheck"
    ]
    assert "x-shipping" not in taken.services["web"]
    swarm = {"x-shipping": {"overlay": {"swarm": {}}, "probe": {"tcp": {}}}}
    assert problems(read_spec, spec(**swarm)) == [
        "services.web.x-shipping.overlay.swarm: not supported yet on Swarm; leave it out",
        f"services.web.x-shipping.probe: {PROBE}",
    ]


def test_shared_memory_is_a_mount():
    """A container's setting, which an engine lacks for services."""
    as_mount = {"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": "256M"}}
    taken = read_spec(spec(shm_size="256m", volumes=["data:/data"]) | {"volumes": {"data": None}})
    data = {"type": "volume", "source": "data", "target": "/data"}
    assert taken.services["web"]["volumes"] == [data, as_mount]
    # So that a file which has the mount by hand becomes no other release.
    assert read_spec(spec(shm_size="256m")) == read_spec(spec(volumes=[as_mount]))
    assert read_spec(spec(shm_size=0)) == read_spec(spec())
    assert problems(read_spec, spec(shm_size="64m", tmpfs=["/dev/shm"])) == [
        "services.web.shm_size: another mount has the target /dev/shm; write one of them"
    ]


def test_swarm_is_not_limited_so():
    swarm_only = {
        "user": "postgres",
        "ulimits": {"nofile": 9},
        "logging": {"driver": "gelf"},
        "restart": "no",
        "hostname": "{{.Node.Hostname}}",
    }
    taken = read_spec(spec(**swarm_only))
    assert taken.notes == [] and {"user", "ulimits", "logging", "hostname"} <= set(
        taken.services["web"]
    )
