# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is not honoured: where it stands, what is wrong with it and what to write instead."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model

from .reading import SWARM, problems, problems_of, read_spec, spec

ON_THE_CONTROL_MACHINE = (
    "is a path of the control node, and a service runs on any node; "
    "ship the file under configs or secrets, set bind_mounts: as_configs for files with :ro, write"
    " an absolute path that exists on the nodes, or set bind_mounts: everywhere if all nodes have"
    " it at this path"
)
ON_ALL_ADDRESSES = (
    "Swarm publishes on all addresses of a node, not on {} alone; leave the address out and"
    " close the port by a firewall, or do not publish it"
)
LOOPBACK = (
    "Swarm publishes on all addresses of a node, not on {} alone; set loopback_ports: unpublished"
    " to leave the port out, or leave the address out and close the port by a firewall"
)
NO_CLEARING = "Swarm cannot clear an image's entrypoint; write the program that shall run instead"

# Habits that are good with docker compose on one machine, and those that are none.
HABITS = [
    ({"ports": ["127.0.0.1:5432:5432"]}, "ports[0]", LOOPBACK.format("127.0.0.1")),
    ({"ports": ["[::1]:5432:5432"]}, "ports[0]", LOOPBACK.format("::1")),
    ({"ports": ["10.0.0.1:5432:5432"]}, "ports[0]", ON_ALL_ADDRESSES.format("10.0.0.1")),
    (
        {"ports": [{"target": 80, "published": 81, "mode": "host", "host_ip": "127.0.0.2"}]},
        "ports",
        LOOPBACK.format("127.0.0.2"),
    ),
    (
        {"ports": [{"target": 80, "published": 81, "mode": "host", "host_ip": "web.example.com"}]},
        "ports[0].host_ip",
        "'web.example.com' is no IP address; write one, or leave it out to publish on all",
    ),
    (
        {"ports": ["80:80", {"target": 80, "published": 81, "host_ip": "10.0.0.1"}]},
        "ports[1].host_ip",
        ON_ALL_ADDRESSES.format("10.0.0.1"),
    ),
    (
        {"ports": ["80:80:80"]},
        "ports[0]",
        '\'80:80:80\' is no port; write for example "8080:80" or "53:53/udp"',
    ),
    (
        {"ports": ["8080-8089:80"]},
        "ports[0]",
        (
            "published '8080-8089' and target '80' must be ports or ranges of equal length, from 1"
            " to 65535"
        ),
    ),
    (
        {"ports": ["80:70000"]},
        "ports[0]",
        (
            "published '80' and target '70000' must be ports or ranges of equal length, from 1 to"
            " 65535"
        ),
    ),
    (
        {"ports": ["0:80"]},
        "ports[0]",
        "published '0' and target '80' must be ports or ranges of equal length, from 1 to 65535",
    ),
    ({"ports": [65536]}, "ports[0]", "'65536' must be a port or a range, from 1 to 65535"),
    ({"ports": ["82-80"]}, "ports[0]", "'82-80' must be a port or a range, from 1 to 65535"),
    (
        {"ports": ["http:80"]},
        "ports[0]",
        '\'http:80\' is no port; write for example "8080:80" or "53:53/udp"',
    ),
    ({"ports": [80.5]}, "ports[0]", '80.5 is no port; write for example "8080:80" or "53:53/udp"'),
    ({"ports": ["80:80/icmp"]}, "ports[0]", "'icmp' is not one of tcp, udp, sctp"),
    (
        {"ports": [{"target": 80, "protocol": "TCP"}]},
        "ports[0].protocol",
        "'TCP' is not one of tcp, udp, sctp",
    ),
    ({"ports": [{"published": 80}]}, "ports[0]", "needs target, the container's port"),
    ({"ports": "80:80"}, "ports", "must be a list, not '80:80'"),
    ({"volumes": ["./data:/data"]}, "volumes[0]", "./data " + ON_THE_CONTROL_MACHINE),
    ({"volumes": ["~/data:/data"]}, "volumes[0]", "~/data " + ON_THE_CONTROL_MACHINE),
    (
        {"volumes": [{"type": "bind", "source": "data", "target": "/data"}]},
        "volumes[0]",
        "data " + ON_THE_CONTROL_MACHINE,
    ),
    (
        {"volumes": [{"type": "bind", "target": "/data"}]},
        "volumes[0]",
        "a bind without source " + ON_THE_CONTROL_MACHINE,
    ),
    (
        {"volumes": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"selinux": "s"}}]},
        "volumes[0].bind.selinux",
        "'s' is not one of z, Z",
    ),
    ({"scale": "many"}, "scale", "must be a whole number, not 'many'"),
    ({"profiles": "dev"}, "profiles", "must be a list, not 'dev'"),
    (
        {"profiles": ["dev"]},
        "profiles",
        "are chosen on the control node, which did not happen here; leave profiles out, or the"
        " service",
    ),
    (
        {"scale": 2, "deploy": {"replicas": 3}},
        "scale",
        "says 2, and deploy.replicas says 3; write one of them",
    ),
    (
        {"scale": 2, "deploy": {"mode": "global"}},
        "scale",
        "a global service runs once on each node; leave replicas out, or the mode",
    ),
    ({"volumes": ["/a:/b:rx"]}, "volumes[0]", "unknown flag 'rx'; use ro, rw or nocopy"),
    ({"volumes": ["data"]}, "volumes[0]", "'data': the path in the container must begin with /"),
    (
        {"volumes": ["/a::ro"]},
        "volumes[0]",
        "'/a::ro': the path in the container must begin with /",
    ),
    (
        {"volumes": ["/a:/b:"]},
        "volumes[0]",
        "'/a:/b:' has nothing between its colons; write for example data:/data or data:/data:ro",
    ),
    (
        {"volumes": [{"type": "npipe", "source": "x", "target": "/x"}]},
        "volumes[0].type",
        "'npipe' is not one of volume, bind, tmpfs",
    ),
    (
        {"volumes": [{"type": "volume"}]},
        "volumes[0].target",
        "needs the path in the container, beginning with /",
    ),
    (
        {"volumes": [{"type": "volume", "target": "/x", "tmpfs": {"size": 1}}]},
        "volumes[0].tmpfs",
        "is for type tmpfs, not for type volume",
    ),
    (
        {"volumes": [{"type": "tmpfs", "source": "x", "target": "/x"}]},
        "volumes[0]",
        "a tmpfs has no source; leave it out",
    ),
    (
        {"volumes": [{"type": "volume", "target": "/x", "volume": {"subpath": "y"}}]},
        "volumes[0]",
        "has a subpath, and a new volume is empty; write source, its name",
    ),
    (
        {"volumes": [{"type": "volume", "target": "/x", "volume": {"subpath": "../y"}}]},
        "volumes[0].volume.subpath",
        "'../y' must be a path in the volume, without / at its begin",
    ),
    ({"volumes": ["/a:/x", "/b:/x/"]}, "volumes[1]", "/x is mounted twice; write one of them"),
    ({"volumes": ["/a:/x"], "tmpfs": "/x"}, "tmpfs", "/x is mounted twice; write one of them"),
    (
        {"volumes": ["/a:/x"], "tmpfs": ["/y", "/x"]},
        "tmpfs[1]",
        "/x is mounted twice; write one of them",
    ),
    (
        {"tmpfs": "/run:noexec,size=1m"},
        "tmpfs[0]",
        "Swarm's tmpfs supports size and mode, not noexec; leave it out",
    ),
    ({"tmpfs": ["run"]}, "tmpfs[0]", "'run': the path in the container must begin with /"),
    (
        {"command": "migrate && serve"},
        "command",
        (
            "'migrate && serve' has && outside quotes, and no shell reads it; quote it, or write"
            ' ["sh", "-c", "..."]'
        ),
    ),
    (
        {"command": "serve >log"},
        "command",
        (
            "'serve >log' has > outside quotes, and no shell reads it; quote it, or write [\"sh\","
            ' "-c", "..."]'
        ),
    ),
    (
        {"command": "echo it's"},
        "command",
        "\"echo it's\" cannot be split into words: ' has no counterpart",
    ),
    ({"command": {"run": "it"}}, "command[0]", "must be a text, not a mapping"),
    ({"command": ["a", None]}, "command[1]", "must be a text, not nothing"),
    ({"entrypoint": ""}, "entrypoint", NO_CLEARING),
    ({"entrypoint": " \n"}, "entrypoint", NO_CLEARING),
    ({"entrypoint": []}, "entrypoint", NO_CLEARING),
    ({"environment": [{"A": "b"}]}, "environment[0]", "must be a text, not a mapping"),
    ({"environment": "A=b"}, "environment", "must be a mapping or a list of KEY=value, not 'A=b'"),
    ({"environment": {"A": ["b"]}}, "environment.A", "must be a text, not a list"),
    (
        {"environment": ["A = b"]},
        "environment.A ",
        "'A ' is not a variable name; write KEY=value without spaces",
    ),
    (
        {"env_file": "app.env"},
        "env_file",
        (
            "is read on the control node, which did not happen here; write its lines under"
            " environment"
        ),
    ),
    (
        {"network_mode": "service:db"},
        "network_mode",
        (
            "Swarm knows only the networks host and bridge of a node, not 'service:db'; use another"
            " network"
        ),
    ),
    (
        {"network_mode": "host", "networks": ["default"]},
        "network_mode",
        "excludes networks; write one of them",
    ),
    (
        {"networks": {"default": {"ipv4_address": "10.0.0.9"}}},
        "networks.default.ipv4_address",
        "Swarm assigns addresses itself; use the service's name or aliases",
    ),
    ({"networks": {"default": "front"}}, "networks.default", "must be a mapping, not 'front'"),
    (
        {"networks": {"default": {"aliases": ["a", {"b": "c"}]}}},
        "networks.default.aliases[1]",
        "must be a text, not a mapping",
    ),
    ({"networks": True}, "networks", "must be a list or a mapping, not true or false"),
    ({"networks": "default"}, "networks", "must be a list or a mapping, not 'default'"),
    (
        {"healthcheck": {"test": ["curl", "localhost"]}},
        "healthcheck.test",
        "a list must begin with CMD, CMD-SHELL or NONE",
    ),
    (
        {"healthcheck": {"interval": 5}},
        "healthcheck.interval",
        "5 is no duration; write for example 10s, 1m30s or 500ms",
    ),
    (
        {"healthcheck": {"retries": "often"}},
        "healthcheck.retries",
        "must be a whole number, not 'often'",
    ),
    (
        {"healthcheck": {"retries": 0}},
        "healthcheck.retries",
        "must be a whole number of at least 1, not 0",
    ),
    (
        {"healthcheck": {"disable": "maybe"}},
        "healthcheck.disable",
        "must be true or false, not 'maybe'",
    ),
    (
        {"restart": "sometimes"},
        "restart",
        "'sometimes' is not one of no, always, unless-stopped, on-failure, on-failure:N",
    ),
    (
        {"restart": "always:3"},
        "restart",
        "'always:3' is not one of no, always, unless-stopped, on-failure, on-failure:N",
    ),
    ({"restart": "on-failure:x"}, "restart", "must be a whole number, not 'x'"),
    ({"mem_limit": -1}, "mem_limit", "-1 is no size; write for example 512M or 2G"),
    ({"cpus": "many"}, "cpus", "'many' is no number of CPUs; write for example 0.5"),
    ({"pids_limit": -1}, "pids_limit", "must be a whole number of at least 0, not -1"),
    (
        {"mem_limit": "1g", "deploy": {"resources": {"limits": {"memory": "2g"}}}},
        "mem_limit",
        "says 1G, and deploy.resources.limits.memory says 2G; write one of them",
    ),
    ({"extra_hosts": ["somehost"]}, "extra_hosts[0]", "'somehost' is no host; write name=address"),
    ({"extra_hosts": {"a": None}}, "extra_hosts.a", "'a=' is no host; write name=address"),
    (
        {"extra_hosts": ["a:10.0.0.1,"]},
        "extra_hosts[0]",
        "'a:10.0.0.1,' is no host; write name=address",
    ),
    (
        {"ulimits": {"nofile": {"soft": 1}}},
        "ulimits.nofile",
        "needs soft and hard, or one number for both",
    ),
    (
        {"ulimits": {"nofile": {"soft": -1, "hard": "x"}}},
        "ulimits.nofile.hard",
        "must be a whole number, not 'x'",
    ),
    ({"ulimits": [1]}, "ulimits", "must be a mapping, not a list"),
    (
        {"platform": "linux//v8"},
        "platform",
        "'linux//v8' is no platform; write for example linux/arm64",
    ),
    ({"secrets": [{"target": "x"}]}, "secrets[0]", "needs source, the name it is declared under"),
    ({"configs": {"a": "b"}}, "configs", "must be a list, not a mapping"),
    (
        {"image": "My App"},
        "image",
        "'My App' is not an image reference; write registry/name:tag in lower case",
    ),
    ({"image": "app:"}, "image", "'app:' is not an image reference; write registry/name:tag"),
    (
        {"deploy": {"mode": "global", "replicas": 2}},
        "deploy.replicas",
        "a global service runs once on each node; leave replicas out, or the mode",
    ),
    (
        {"deploy": {"mode": "globl"}},
        "deploy.mode",
        (
            "'globl' is not one of replicated, global, replicated-job, global-job;"
            " did you mean global?"
        ),
    ),
    ({"deploy": {"replicas": 1.5}}, "deploy.replicas", "must be a whole number, not 1.5"),
    ({"deploy": {"replicas": True}}, "deploy.replicas", "must be a whole number, not True"),
    (
        {"deploy": {"restart_policy": {"condition": "always"}}},
        "deploy.restart_policy.condition",
        "'always' is not one of any, none, on-failure",
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": "half"}}},
        "deploy.update_config.max_failure_ratio",
        "must be a number from 0 to 1, not 'half'",
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": -0.1}}},
        "deploy.update_config.max_failure_ratio",
        "must be a number from 0 to 1, not -0.1",
    ),
    (
        {"deploy": {"update_config": {"max_failure_ratio": 2}}},
        "deploy.update_config.max_failure_ratio",
        "must be a number from 0 to 1, not 2",
    ),
    (
        {"deploy": {"rollback_config": {"failure_action": "rollback"}}},
        "deploy.rollback_config.failure_action",
        "'rollback' is not one of pause, continue",
    ),
    (
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}}},
        "deploy.resources.reservations.devices[0]",
        "Swarm reserves a number of devices, not all of a node; write count: 1",
    ),
    (
        {"deploy": {"endpoint_mode": "dnsrr"}, "ports": ["80:80"]},
        "ports",
        (
            "endpoint_mode dnsrr has no virtual address to publish on; publish with mode: host, or"
            " leave endpoint_mode out"
        ),
    ),
    ({"memswap_limit": "1g"}, "memswap_limit", "needs a limit of memory; write mem_limit"),
    (
        {"mem_limit": "2g", "memswap_limit": "1g"},
        "memswap_limit",
        "is memory and swap together, so it must be at least 2G, not 1G",
    ),
    ({"mem_swappiness": 101}, "mem_swappiness", "must be a whole number of at most 100, not 101"),
    (
        {"oom_score_adj": -1001},
        "oom_score_adj",
        "must be a whole number of at least -1000, not -1001",
    ),
    (
        {"security_opt": ["no-new-privileges", "seccomp=./profile.json"]},
        "security_opt[1]",
        (
            "Swarm knows seccomp=unconfined here, and no profile such as ./profile.json; set the"
            " profile as each node's default"
        ),
    ),
    (
        {"security_opt": "systempaths=unconfined"},
        "security_opt",
        (
            "Swarm has no option systempaths=unconfined; set it as each node's default, or leave it"
            " out"
        ),
    ),
    (
        {"security_opt": ["apparmor=mine"]},
        "security_opt",
        "Swarm knows apparmor=unconfined, and no profile such as mine; leave it out",
    ),
    (
        {"security_opt": ["label=colour:blue"]},
        "security_opt[0]",
        (
            "'colour:blue' is no label; write label=disable, or user, role, type or level as in"
            " label=type:svirt_apache_t"
        ),
    ),
    ({"labels": {"a": {"b": "c"}}}, "labels.a", "must be a text, not a mapping"),
    ({"deploy": "fast"}, "deploy", "must be a mapping, not 'fast'"),
    ({"depends_on": "db"}, "depends_on", "must be a list or a mapping, not 'db'"),
]


@pytest.mark.parametrize(("given", "place", "text"), HABITS)
def test_habits_that_cannot_be_honoured(given, place, text):
    assert problems_of(**given) == [f"services.web.{place}: {text}"]


@pytest.mark.parametrize(("key", "remedy"), SWARM.refused_keys.items())
def test_refused_keys_say_what_to_write_instead(key, remedy):
    assert problems_of(**{key: "x"}) == [f"services.web.{key}: {remedy}"]


# A few of them by their words, so that a table gone wrong is seen.
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (
            {"privileged": True},
            (
                "privileged: Swarm cannot run privileged containers; name the capabilities it needs"
                " under cap_add"
            ),
        ),
        (
            {"devices": ["/dev/kvm"]},
            (
                "devices: Swarm cannot give devices to services; bind-mount the device's socket, or"
                " run it outside the Swarm"
            ),
        ),
        (
            {"extends": {"service": "x"}},
            "extends: not supported; use a YAML anchor, or a second file in the compose list",
        ),
        ({"domainname": "example.com"}, "domainname: write the full name as hostname"),
    ],
)
def test_some_refused_keys_by_their_words(given, problem):
    assert problems_of(**given) == [f"services.web.{problem}"]


TYPOS = [
    ({"deploy": {"replica": 1}}, "deploy.replica: unknown key; did you mean replicas?"),
    ({"enviroment": {}}, "enviroment: unknown key; did you mean environment?"),
    ({"volume": []}, "volume: unknown key; did you mean volumes?"),
    ({"priviledged": True}, "priviledged: unknown key; did you mean privileged?"),
    (
        {"deploy": {"update_config": {"paralellism": 1}}},
        "deploy.update_config.paralellism: unknown key; did you mean parallelism?",
    ),
    (
        {"healthcheck": {"test": "true", "start-period": "5s"}},
        "healthcheck.start-period: unknown key; did you mean start_period?",
    ),
    (
        {"ports": [{"target": 80, "publish": 80}]},
        "ports[0].publish: unknown key; did you mean published?",
    ),
    (
        {"volumes": ["/x", {"target": "/y", "readonly": True}]},
        "volumes[1].readonly: unknown key; did you mean read_only?",
    ),
    ({"wobble": 1}, "wobble: unknown key"),
    ({1: 2}, "[1]: unknown key"),
]


@pytest.mark.parametrize(("given", "problem"), TYPOS)
def test_typos(given, problem):
    content = {"services": {"web": {"image": "nginx", **given}}}
    separator = "" if problem.startswith("[") else "."
    assert problems(read_spec, content) == [f"services.web{separator}{problem}"]


def test_all_problems_are_told_at_once_and_in_the_order_of_the_spec():
    content = {
        "services": {
            "web": {
                "image": "My App",
                "privileged": True,
                "deploy": {"replica": 1, "mode": "globl"},
            },
            "db": {"ports": ["127.0.0.1:5432:5432"], "volumes": ["nope:/data"]},
        },
        "volume": {},
        "networks": {"front": {"driver": "macvlan"}},
        "secrets": {"token": {}},
    }
    assert problems(read_spec, content) == [
        "volume: unknown key; did you mean volumes?",
        (
            "services.web.image: 'My App' is not an image reference; write registry/name:tag in"
            " lower case"
        ),
        (
            "services.web.privileged: Swarm cannot run privileged containers; name the capabilities"
            " it needs under cap_add"
        ),
        "services.web.deploy.replica: unknown key; did you mean replicas?",
        (
            "services.web.deploy.mode: 'globl' is not one of replicated, global, replicated-job,"
            " global-job; did you mean global?"
        ),
        "services.db.ports[0]: " + LOOPBACK.format("127.0.0.1"),
        "services.db: needs an image; write image: registry/name:tag",
        "networks.front.driver: 'macvlan' is not one of overlay, bridge, default",
        "secrets.token: needs exactly one of file, content, environment or external",
        "services.db.volumes: no volume nope is declared; declare it under volumes",
    ]


def test_the_error_counts_and_lists():
    with pytest.raises(model.SpecError) as caught:
        read_spec(spec(privileged=True, wobble=1))
    assert (
        str(caught.value)
        == "2 problems in the spec; nothing was changed: \n  services.web.privileged: Swarm cannot"
        " run privileged containers; name the capabilities it needs under cap_add\n "
        " services.web.wobble: unknown key"
    )
    assert caught.value.facts["problems"][1] == {
        "path": "services.web.wobble",
        "text": "unknown key",
    }
