# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router as a user deploys it: routes, variants, weights, a replica that is killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.testbed.client import Client
from tests.testbed.tls import Authority

from .harness import Player, PlayOutcome, until
from .specs import Spec, shop

pytestmark = pytest.mark.long

HOST = "shop.example.com"
# Of the nodes; on a cluster, one that a Service of type NodePort may have.
PORTS = {"swarm": 18480, "kubernetes": 30480}
APP = "routed"


def routed(platform: Any, *variants: dict[str, Any]) -> Spec:
    """The shop's web service with a route, and variants of it."""
    web = shop(platform)["services"]["web"]
    web.pop("networks")
    # The steady client must not see its only replica go.
    web["environment"] = {"DRAIN_SECONDS": "2"}
    web["expose"] = ["8000"]
    web["x-shipping"] = {
        "routes": [{"host": HOST, "port": 8000}],
        "variants": list(variants),
    }
    return {"services": {"web": web}}


@dataclass
class Router:
    """The router, by the playbook and the modules of the collection."""

    player: Player
    platform: Any
    pki: Path

    def play(self, *flags: str, **variables: Any) -> PlayOutcome:
        """Run the playbook."""
        values = {
            "target": "all",
            "router_image": self.platform.image("tool:1"),
            "router_pki": str(self.pki),
            "router_http_port": self.port,
            "router_drain": 2,
            "router_node_addresses": self.addresses,
            "router_release": {"monitor": 1, **self.platform.options},
            **variables,
        }
        folder = self.player.folder()
        (folder / "hosts.yml").write_text(
            json.dumps({"all": {"hosts": {"platform": self.player.connection}}})
        )
        words = ("-i", "hosts.yml", "-e", json.dumps(values), *flags)
        return self.player.start_playbook(folder, "shipping.code.router", *words).wait()

    @property
    def port(self) -> int:
        """The port of its clients."""
        return PORTS[self.platform.name]

    @property
    def addresses(self) -> dict[str, str]:
        """The nodes are in networks of their own, and an API server leads into a cluster."""
        if self.platform.name == "kubernetes":
            return {}
        name = self.platform.engine.docker("info", "--format", "{{.Name}}").strip()
        return {name: self.platform.address}

    def run(self, module: str, *flags: str, **options: Any) -> PlayOutcome:
        """Run one of the router's modules."""
        given = {
            "pki": str(self.pki),
            "node_addresses": self.addresses,
            **self.platform.options,
            **options,
        }
        name = f"shipping.code.{module}"
        folder = self.player.folder()
        return self.player.start_tasks(folder, [{"name": module, name: given}], *flags).wait()

    def weights(self, *flags: str, **weights: Any) -> PlayOutcome:
        """Share the traffic."""
        return self.share(*flags, weights=weights)

    def share(self, *flags: str, **options: Any) -> PlayOutcome:
        """Share the traffic, by default with the declared weights."""
        place = self.platform.placement_options(APP, "traffic")
        return self.run("traffic", *flags, app=APP, service="web", **{**place, **options})

    def release(self, *variants: dict[str, Any], note: str = "") -> PlayOutcome:
        """Deploy the shop."""
        spec = routed(self.platform, *variants)
        spec["services"]["web"]["environment"]["NOTE"] = note
        options = {"app": APP, "version": "1", "spec": spec, **self.platform.options}
        return self.player.run("release", options)

    def visit(self, cookie: str = "") -> tuple[str, str]:
        """Return the answer to one request, and the visitor's cookie."""
        connection = http.client.HTTPConnection(self.platform.address, self.port, timeout=10)
        headers = {"Host": HOST, **({"Cookie": f"shipping_visitor={cookie}"} if cookie else {})}
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode().strip()
        given = answer.getheader("Set-Cookie") or ""
        connection.close()
        return text, cookie or given.partition("=")[2].partition(";")[0]


@pytest.fixture
def router(player: Player, platform: Any, tmp_path: Path) -> Iterator[Router]:
    """The router, which is gone with its app at the end."""
    made = Router(player, platform, tmp_path / "router-pki")
    yield made
    places = {"router": {"namespace": "shipping-router"}} if platform.name == "kubernetes" else {}
    for app in (APP, "router"):
        absent = {"app": app, "state": "absent", **platform.options, **places.get(app, {})}
        player.run("release", absent)


GREEN = {"name": "green", "weight": 10}


def test_the_life_of_a_route(router: Router, platform: Any) -> None:
    """Route, variant, weights, a killed replica, the variant's end: no request is lost."""
    green = {**GREEN, "image": platform.image("shop-web:1.1.0")}
    if platform.name == "swarm":
        early = router.release()
        assert not early.ok and "shipping.code.router" in early.output, early.output
    first = router.play()
    assert first.ok, first.output
    assert (router.pki / "client.pem").stat().st_mode & 0o777 == 0o600
    assert router.release().ok
    routes = router.play()
    assert routes.ok, routes.output
    again = router.play()
    assert again.ok and "changed=0" in again.output, again.output
    until(lambda: router.visit()[0] == "shop 1.0.0")
    with Client(f"http://{platform.address}:{router.port}/", host=HOST) as client:
        assert router.release(green).ok
        reject_what_cannot_be(router, platform)
        share_a_tenth(router)
        fail_in_one_variant(router, platform, green)
        lost_before = list(client.lost)
        kill_the_replica(router, platform)
        lost_meanwhile = len(client.lost)
        remove_the_variant(router, green)
    # While the only replica of the only node is replaced, connections are refused.
    assert lost_before + client.lost[lost_meanwhile:] == []
    assert set(client.answers) <= {"shop 1.0.0", "shop 1.1.0"}


def reject_what_cannot_be(router: Router, platform: Any) -> None:
    """Each is one clear error, and changes nothing."""
    for weights, text in (
        ({"green": 60, "stable": 60}, "their sum is 120 %"),
        ({"blue": 10}, "is not a variant"),
        ({"green": "0.123"}, "with two decimals"),
    ):
        rejected = router.weights(**weights)
        assert not rejected.ok and text in rejected.output, rejected.output
    if platform.name == "swarm":
        second = router.play(router_replicas=2)
        assert not second.ok and "a second replica on one node" in second.output, second.output
    raw = router.play(router_extra=["nonsense"])
    assert not raw.ok and "nonsense" in raw.output, raw.output
    options = {"app": "other", "version": "1", "spec": routed(platform), **platform.options}
    other = router.player.run("release", options)
    assert not other.ok and f"both other/web and {APP}/web" in other.output, other.output
    unknown = router.share(pki="/nowhere")
    assert not unknown.ok and "incomplete" in unknown.output, unknown.output


def share_a_tenth(router: Router) -> None:
    """The declared weights apply, and each visitor keeps its variant."""
    checked = router.share("--check")
    assert checked.result["changed"] and router.visit()[0] == "shop 1.0.0"
    shared = router.share()
    assert shared.ok, shared.output
    assert shared.result["weights"]["after"] == {"stable": 90.0, "green": 10.0}
    assert shared.result["moved"] == 10.0
    assert not router.share().result["changed"]
    visits = [router.visit() for _number in range(400)]
    counts = Counter(text for text, _cookie in visits)
    assert 15 <= counts["shop 1.1.0"] <= 75, counts
    assert all(router.visit(cookie)[0] == text for text, cookie in visits[:80])
    # A ramp only adds visitors.
    assert router.weights(green="25.5").result["weights"]["after"]["green"] == 25.5
    kept = [cookie for text, cookie in visits if text == "shop 1.1.0"]
    assert all(router.visit(cookie)[0] == "shop 1.1.0" for cookie in kept)
    info = answered(router)
    assert [route["host"] for route in info["routes"]] == [HOST]
    assert info["weights"][0]["weights"] == {"stable": 74.5, "green": 25.5}
    served = {entry["variant"]: entry["requests"] for entry in info["counters"]}
    assert served["green"] >= len(kept) and served["stable"] > served["green"], info
    assert info["drift"] == [], info
    exposures = {entry["variant"]: entry for entry in info["exposures"]}
    assert exposures["green"]["requests"] >= len(kept)
    assert all(entry["lost"] == 0 for entry in info["exposures"])
    assert all(0 < entry["p50"] <= entry["p95"] <= entry["p99"] for entry in info["exposures"])


def answered(router: Router) -> dict[str, Any]:
    """Return what all replicas answered."""
    outcome = router.run("router_info")
    assert outcome.ok, outcome.output
    silent = [replica for replica in outcome.result["replicas"] if not replica["reached"]]
    assert silent == [], outcome.output
    return outcome.result


def fail_in_one_variant(router: Router, platform: Any, green: dict[str, Any]) -> None:
    """The variant that fails is left out; the rest of its release is live."""
    bad = {"name": "bad", "environment": {"NEEDS": "NOWHERE_SET"}}
    failed = router.release(green, bad, note="changed")
    assert not failed.ok and "NOWHERE_SET is missing" in failed.output, failed.output
    services = platform.services(APP)
    assert sorted(services) == ["web", "web-green"]
    assert platform.environment(APP, "web")["NOTE"] == "changed"
    states = [record["state"] for record in platform.records(APP)[:2]]
    assert states == ["live", "failed"]
    assert router.release(green, note="changed").result["changed"] is False


def kill_the_replica(router: Router, platform: Any) -> None:
    """A new replica takes the newest table by itself."""
    task = router.run("router_info").result["replicas"][0]["replica"]
    platform.kill_replica("router", task)
    until(lambda: replaced(router, task), 60)
    until(lambda: answered(router)["drift"] == [])
    assert not router.run("traffic").result["changed"]


def replaced(router: Router, task: str) -> bool:
    """Whether another replica answers."""
    replicas = router.run("router_info").result.get("replicas", [])
    return bool(replicas) and replicas[0]["replica"] != task and replicas[0]["reached"]


def remove_the_variant(router: Router, green: dict[str, Any]) -> None:
    """A variant with traffic is not removed; without it, it is."""
    busy = router.release()
    assert not busy.ok and "25.5 percent of the traffic" in busy.output
    back = router.weights(stable=100)
    assert back.ok and back.result["weights"]["after"] == {"stable": 100.0, "green": 0.0}
    gone = router.release()
    assert gone.ok, gone.output
    assert list(router.platform.services(APP)) == ["web"]


def test_a_route_with_a_certificate(router: Router, platform: Any, tmp_path: Path) -> None:
    """The secret of the app serves HTTPS, and a new one replaces it."""
    authority = Authority(tmp_path / "authority")
    assert router.play().ok
    for name in ("first", "second"):
        certificate, key = authority.issue(name, f"DNS:{HOST}")
        spec = routed(platform)
        spec["secrets"] = {"tls": {"environment": "TLS"}}
        spec["services"]["web"]["x-shipping"]["routes"][0]["certificate"] = "tls"
        options = {"app": APP, "version": name, "spec": spec, **platform.options}
        values = {"TLS": certificate.read_text() + key.read_text()}
        released = router.player.run("release", {**options, "secret_values": values})
        assert released.ok, released.output
        tls = {"router_https_port": router.port + 1}
        played = router.play(**tls)
        assert played.ok, played.output
        context = ssl.create_default_context(cafile=str(authority.certificate))
        until(lambda context=context, name=name: _subject(router, context) == name)
        again = router.play(**tls)
        assert again.ok and "changed=0" in again.output, again.output


def _subject(router: Router, context: ssl.SSLContext) -> str:
    """Return the name in the certificate of the router, after a request over it."""
    address = (router.platform.address, router.port + 1)
    with (
        contextlib.suppress(OSError),
        socket.create_connection(address, 5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as stream,
    ):
        stream.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        assert b"shop 1.0.0" in b"".join(iter(lambda: stream.recv(4096), b""))
        subject: Any = stream.getpeercert()
        return str(dict(pair[0] for pair in subject["subject"])["commonName"])
    return ""
