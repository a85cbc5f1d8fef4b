# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine answers to a write that it does not take, and what mends it."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm import (
    engine,
    write_rejections,
)

# As Docker 20.10.24 answered them.
ANSWERS = [
    (400, "port '80' is already in use by service 'a' (zdk) as an ingress port", "another port"),
    (400, "port '80' is already in use by service 'h' (o4k) as a host-published port", "another"),
    (409, "name conflicts with an existing object: service a already exists", "another name"),
    (409, "network with name ov1 already exists", "another name"),
    (
        400,
        "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
        "mode host",
    ),
    (400, "invalid memory value 1000: Must be at least 4MiB", "4M"),
    (400, "invalid cpu value 1e-06: Must be at least 0.001", "0.001"),
    (400, "ContainerSpec: duplicate mount point: /d", "one volume"),
    (400, 'ContainerSpec: "A B" is not a valid repository/tag', "image"),
    (400, "name must be valid as a DNS name component", "letters"),
    (
        400,
        'expanding env failed: expanding env "A={{.Nope}}": template: expansion:1:2: executing'
        ' "expansion" at <.Nope>: can\'t evaluate field Nope in type *template.Context',
        "placeholder",
    ),
    (500, "network nonet not found", "run the task again"),
    (404, 'plugin "weave" not found', "driver"),
    (
        403,
        "The network docker_gwbridge cannot be used with services. Only networks scoped to the"
        " swarm can be used, such as those created with the overlay driver.",
        "overlay",
    ),
    (500, "constraint expected one operator from ==, !=", "constraints"),
    (500, "key 'node.labels.a b' is invalid", "constraints"),
    (400, "ContainerSpec: Interval in HealthConfig cannot be less than 1ms", "healthcheck"),
    (400, "TaskSpec: update-delay cannot be negative", "deploy"),
    (500, "raft: raft message is too large and can't be sent", "configs"),
    (500, "grpc: received message larger than max (5700067 vs. 4194304)", "configs"),
    (
        400,
        "network nz0zwmrg16615i3umwo39e81w is in use by service 9miu69l2oq4n2ybit0zg3frzg",
        "uses it",
    ),
    (400, "secret references 's1' and 's1' have a conflicting target: 'one'", "path of its own"),
    (400, "config not found: c9", "run the task again"),
    (400, "secret 's1' is in use by the following service: two", "uses it"),
    (400, "secret data must be larger than 0 and less than 512000 bytes", "smaller"),
    (400, "something new", "Correct what the engine names"),
]


@pytest.mark.parametrize(("status", "answer", "says"), ANSWERS)
def test_each_rejection_has_a_hint(status, answer, says):
    assert says in write_rejections.hint(answer, status)


def test_an_engine_that_fails_in_an_unknown_way_gets_no_guess():
    assert write_rejections.hint("something new", 500) == ""


def test_an_address_by_ssh_is_rejected_before_anything_is_opened():
    with pytest.raises(ShippingError) as caught:
        engine.Engine(engine.Connection(docker_host="ssh://deploy@swarm.example.com"))
    assert "cannot use docker_host ssh://deploy@swarm.example.com" in str(caught.value)
    assert "run the task on the manager" in str(caught.value)


def test_an_empty_address_is_rejected_as_empty():
    with pytest.raises(ShippingError) as caught:
        engine.Engine(engine.Connection(docker_host=""))
    assert str(caught.value).startswith("docker_host cannot be used: it is empty. Write")
