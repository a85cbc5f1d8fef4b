# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may happen to a release, and what must come of it. The same for every platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .specs import Spec, changed, tool, with_service

LIVE, ROLLED_BACK, REFUSED = "live", "rolled_back", "refused"
KUBERNETES = "kubernetes"
_SLOW = {"rollout_timeout": 12}


@dataclass(frozen=True)
class Case:
    """A change to the shop that runs, and what the play must say and do.

    ``refused`` means: told before anything was touched. ``says`` must stand in the message (for
    ``live``, in what was printed). ``elsewhere`` has verdict, kind and words of a platform on which
    the same change must come to something else.
    """

    name: str
    change: Callable[[Any, Spec], Spec]
    verdict: str
    kind: str = ""
    says: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    elsewhere: dict[str, tuple[str, str, tuple[str, ...]]] = field(default_factory=dict)

    def on(self, platform: Any) -> Case:
        """The case as it is on a platform, with the platform's names filled in."""
        verdict, kind, says = self.elsewhere.get(
            platform.name, (self.verdict, self.kind, self.says)
        )
        names = {
            "registry": platform.registry,
            "web": platform.task("web"),
            "extra": platform.task("extra"),
        }
        for key, value in names.items():
            says = tuple(text.replace(f"{{{key}}}", value) for text in says)
        return replace(self, verdict=verdict, kind=kind, says=says)


def _web(**keys: Any) -> Callable[[Any, Spec], Spec]:
    return lambda platform, spec: changed(spec, "web", **keys)


def _web_image(name: str) -> Callable[[Any, Spec], Spec]:
    return lambda platform, spec: changed(spec, "web", image=platform.image(name))


def _more(name: str, /, *command: str, **keys: Any) -> Callable[[Any, Spec], Spec]:
    return lambda platform, spec: with_service(spec, name, tool(platform, *command, **keys))


def _shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def _occupied(platform: Any, spec: Spec) -> Spec:
    platform.occupy(8097)
    return with_service(
        spec, "extra", tool(platform, ports=[{"target": 80, "published": 8097, "mode": "host"}])
    )


def _memory(platform: Any, spec: Spec) -> Spec:
    script = 'sleep 0.5; exec python3 -c "data = bytearray(200_000_000); print(len(data))"'
    return with_service(spec, "greedy", tool(platform, *_shell(script), mem_limit="20M"))


def _recovering(platform: Any, spec: Spec) -> Spec:
    script = "test -e /data/been || { touch /data/been; exit 7; }; exec sleep 100000"
    service = tool(platform, *_shell(script), volumes=["memory:/data"])
    return {**with_service(spec, "extra", service), "volumes": {"memory": {}}}


def _sick(output: str) -> dict[str, Any]:
    return {"test": ["CMD-SHELL", f"echo {output}; exit 1"], "interval": "500ms", "retries": 2}


CASES = [
    Case("good", _web_image("shop-web:1.1.0"), LIVE, says=("1.0.0 → case-good  1/1 healthy",)),
    Case(
        "image not found",
        _web_image("shop-web:9"),
        REFUSED,
        says=("has no {registry}/shop-web:9", "Build and push the image"),
    ),
    Case(
        "image of an unknown name",
        _web_image("no-such-thing:1"),
        REFUSED,
        says=("has no {registry}/no-such-thing:1",),
    ),
    Case(
        "registry says no",
        lambda platform, spec: changed(
            spec, "web", image=platform.image("shop-web:1.1.0", private=True)
        ),
        REFUSED,
        says=("denies access to", "registry_auths"),
    ),
    Case(
        "registry unreachable",
        _web(image="127.0.0.1:5999/shop-web:1"),
        REFUSED,
        says=("does not answer", "connection refused"),
    ),
    Case(
        "image not found by the machine",
        _web_image("shop-web:9"),
        ROLLED_BACK,
        "image_missing",
        ("has no", "shop-web:9"),
        {"resolve_image": "never"},
        interrupted=True,
    ),
    Case(
        "registry says no to the machine",
        lambda platform, spec: changed(
            spec, "web", image=platform.image("shop-web:1.0.0", private=True)
        ),
        ROLLED_BACK,
        "image_denied",
        ("denies access to",),
        {"resolve_image": "never"},
        interrupted=True,
    ),
    Case(
        "exit at start",
        _web(command=_shell("echo DATABASE_URL is missing >&2; exit 3")),
        ROLLED_BACK,
        "crash",
        ("{web}", "exited with code 3", "DATABASE_URL is missing"),
    ),
    Case(
        "exit at start, the engine goes back",
        _web(
            command=_shell("echo broken; exit 4"),
            deploy={
                "update_config": {
                    "order": "start-first",
                    "monitor": "2s",
                    "failure_action": "rollback",
                }
            },
        ),
        ROLLED_BACK,
        "crash",
        ("exited with code 4", "the engine rolled the update back"),
        elsewhere={KUBERNETES: (ROLLED_BACK, "crash", ("exited with code 4",))},
    ),
    Case(
        "crash loop of a new service",
        _more("extra", *_shell("echo no luck; exit 5")),
        ROLLED_BACK,
        "crash",
        ("{extra}", "exited with code 5 (3 times)", "no luck"),
    ),
    Case(
        "ends with code 0",
        _more("extra", "true"),
        ROLLED_BACK,
        "ended",
        ("exited with code 0", "must keep running"),
    ),
    Case(
        "never started again",
        _more("extra", *_shell("exit 6"), deploy={"restart_policy": {"condition": "none"}}),
        ROLLED_BACK,
        "crash",
        ("exited with code 6", "does not restart it"),
        elsewhere={
            KUBERNETES: (
                REFUSED,
                "",
                ("restart_policy.condition: Kubernetes always restarts the pods of a service",),
            )
        },
    ),
    Case(
        "no such command",
        _web(command=["no-such-program"]),
        ROLLED_BACK,
        "start_failed",
        ("does not exist in the image", "no-such-program"),
    ),
    Case(
        "no such user",
        _web(user="nobody-knows"),
        ROLLED_BACK,
        "start_failed",
        ("nobody-knows",),
        elsewhere={
            KUBERNETES: (
                REFUSED,
                "",
                ("services.web.user: Kubernetes supports numbers only, not 'nobody-knows'",),
            )
        },
    ),
    Case(
        "no such directory to mount",
        _web(volumes=["/no/such/directory:/data"]),
        ROLLED_BACK,
        "mount_failed",
        ("/no/such/directory",),
    ),
    Case(
        "failing health check",
        _web(healthcheck=_sick("the cache is down")),
        ROLLED_BACK,
        "unhealthy",
        ("failed its health check", "the cache is down"),
    ),
    Case(
        "never healthy",
        _web(healthcheck={**_sick("still warming up"), "start_period": "60s"}),
        ROLLED_BACK,
        "never_healthy",
        ("did not become healthy", "still warming up"),
        _SLOW,
    ),
    Case(
        "slow start within start_period",
        _web(environment={"DRAIN_SECONDS": "2"}, command=_shell("sleep 4; exec python3 /app.py")),
        LIVE,
    ),
    Case(
        "no node matches",
        _more("extra", deploy={"placement": {"constraints": ["node.labels.gpu == yes"]}}),
        ROLLED_BACK,
        "no_node",
        ("extra", "node.labels.gpu == yes"),
    ),
    Case(
        "a global service on no machine",
        _more(
            "extra",
            deploy={"mode": "global", "placement": {"constraints": ["node.labels.gpu == yes"]}},
        ),
        ROLLED_BACK,
        "no_node",
        ("no node matches",),
    ),
    Case(
        "not enough CPU",
        _more("extra", deploy={"resources": {"reservations": {"cpus": "64"}}}),
        ROLLED_BACK,
        "no_resources",
        ("CPU, memory or devices", "Lower deploy.resources.reservations"),
    ),
    Case(
        "not enough devices",
        _more("extra", gpus=[{"count": 9}]),
        ROLLED_BACK,
        "no_resources",
        ("CPU, memory or devices", "Lower deploy.resources.reservations"),
    ),
    Case(
        "not enough memory",
        _more("extra", deploy={"resources": {"reservations": {"memory": "900G"}}}),
        ROLLED_BACK,
        "no_resources",
    ),
    Case(
        "wrong architecture",
        _more("extra", platform="linux/s390x"),
        ROLLED_BACK,
        "wrong_architecture",
        ("architecture",),
    ),
    Case(
        "host port of another service",
        _more("extra", ports=[{"target": 80, "published": 8099, "mode": "host"}]),
        ROLLED_BACK,
        "port_taken",
        ("port is in use",),
    ),
    Case(
        "host port of something else on the machine",
        _occupied,
        ROLLED_BACK,
        "port_taken",
        ("in use on the node",),
        # The node's network plugin forwards the port by a rule and does not listen on it.
        elsewhere={KUBERNETES: (LIVE, "", ())},
    ),
    Case(
        "killed for memory",
        _memory,
        ROLLED_BACK,
        "killed_for_memory",
        ("memory limit of 20M",),
        {"monitor": 4},
    ),
    Case(
        "a log driver that is not there",
        _more("extra", logging={"driver": "nosuchdriver"}),
        ROLLED_BACK,
        "missing_plugin",
        elsewhere={
            KUBERNETES: (REFUSED, "", ("Kubernetes has no log drivers such as nosuchdriver",))
        },
    ),
    Case(
        "a crash that recovers",
        _recovering,
        LIVE,
        says=("1 replica failed before it became healthy",),
    ),
    Case(
        "ignores TERM",
        _web(
            command=_shell("trap '' TERM; python3 /app.py & while true; do wait; done"),
            stop_grace_period="2s",
        ),
        LIVE,
    ),
    Case(
        "an external secret that is missing",
        lambda platform, spec: {
            **changed(spec, "web", secrets=["gone"]),
            "secrets": {"gone": {"external": True}},
        },
        REFUSED,
        says=("secrets: gone: is external and does not exist",),
    ),
    Case(
        "an external network that is missing",
        lambda platform, spec: {
            **changed(spec, "web", networks=["gone"]),
            "networks": {**spec["networks"], "gone": {"external": True}},
        },
        REFUSED,
        says=("networks: gone: is external and does not exist",),
    ),
    Case(
        "start-first on a host port",
        lambda platform, spec: changed(
            spec,
            "front",
            command=["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"],
            deploy={"update_config": {"order": "start-first"}},
        ),
        REFUSED,
        says=("start-first cannot work", "port 8099"),
    ),
    Case(
        "a typo",
        lambda platform, spec: changed(spec, "web", deploy={"replica": 2}),
        REFUSED,
        says=("services.web.deploy.replica: unknown key; did you mean replicas?",),
    ),
]
