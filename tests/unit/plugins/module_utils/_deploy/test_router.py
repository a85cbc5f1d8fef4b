# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router as an app, the traffic of variants, and releases of which only variants failed."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    PlanError,
    PlatformError,
    SpecError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._core.failure import Failure
from ansible_collections.shipping.code.plugins.module_utils._deploy import (
    failed_variants,
    route_checks,
    router_control,
    router_info,
    router_spec,
    traffic,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import (
    FailedPreview,
    Record,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.lease import Lease
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    ControlPoint,
    RouterShape,
    StoredTraffic,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._routing import runtime_commands

OPTIONS: dict[str, Any] = {
    "image": "registry.example.com/haproxy:3.0",
    "replicas": None,
    "servers": 10,
    "variant_slots": 4,
    "constraints": [],
    "http_port": 80,
    "https_port": 443,
    "metrics_port": None,
    "drain": 60,
    "testers": False,
    "bots": [],
    "extra": [],
    "_pki": {},
    "app": "shop",
    "service": "web",
    "weights": None,
    "timeout": 5,
    "lease_ttl": 30.0,
    "lease_timeout": 0,
}


def resolved(*names: str, host: str = "shop.example.com", weight: float = 0) -> Resolved:
    """A release with a routed service and variants in the slots 1, 2, and so on."""
    listed = [
        {"name": name, "weight": weight, "slot": slot} for slot, name in enumerate(names, start=1)
    ]
    routes = [{"host": host, "path": "/", "port": 8080}]
    extension = {"routes": routes, **({"variants": listed} if listed else {})}
    services = {"web": {"image": "web:1", "reference": "web:1", "x-shipping": extension}}
    for name in names:
        extension = {"variant_of": "web"}
        services[f"web-{name}"] = {"image": "web:2", "reference": "web:2", "x-shipping": extension}
    return Resolved(services=services)


def live(spec: Resolved, number: int = 1) -> Record:
    return Record(number, "1", state="live", resolved=spec, content=spec.hash)


class Place:
    """A platform with one replica of the router; nothing of it is real."""

    name = "somewhere"
    shape = RouterShape("{{.Task.ID}}", "127.0.0.11:53")

    def __init__(self, **apps: Resolved) -> None:
        self.apps = {app: live(spec) for app, spec in apps.items()}
        self.stored = StoredTraffic()
        self.nodes = 1
        self.complaint = ""
        self.checked: list[list[str]] = []
        self.lease: Lease | None = None
        self.log: list[str] = []
        self.log_error: PlatformError | None = None
        self.router = self.records = self.leases = self

    def live_releases(self) -> dict[str, Record]:
        return dict(self.apps)

    def failed_previews(self) -> dict[str, FailedPreview]:
        return {}

    def read_records(self, app: str) -> tuple[Record, ...]:
        return (self.apps[app],) if app in self.apps else ()

    def slot_name(self, app: str, service: str, slot: int) -> str:
        return f"{app}-{service}-{slot}"

    def free_nodes(self, constraints: Any) -> int:
        return self.nodes

    def share_secrets(self, owners: Any, *, check: bool) -> bool:
        return False

    def check(self, image: str, command: Any, files: Any) -> str:
        self.checked.append(sorted(files))
        return self.complaint

    def control_points(self, *_given: Any) -> tuple[ControlPoint, ...]:
        return (ControlPoint("task1", "node1", "10.0.0.1", 30000),)

    def read_traffic(self) -> StoredTraffic:
        return self.stored

    def write_traffic(self, stored: StoredTraffic) -> None:
        self.stored = stored

    def forget_traffic(self, revision: int) -> None:
        self.stored = StoredTraffic()

    def log_lines(self, app: str, service: str, since: float, most: int) -> list[str]:
        if self.log_error:
            raise self.log_error
        return self.log

    def read_lease(self, app: str) -> Lease | None:
        return self.lease

    def write_lease(self, app: str, lease: Lease) -> Lease:
        self.lease = lease
        return lease


@pytest.fixture
def replicas(monkeypatch) -> dict[str, Any]:
    """The tables of the only replica, and what it answers to a change of them."""
    state: dict[str, Any] = {"tables": {}, "errors": []}

    def change(channels: Any, tables: Any, paths: Any) -> None:
        for error in state["errors"]:
            raise error
        state["tables"] = {(table.app, table.service): table for table in tables}

    def read(channels: Any, tables: Any, paths: Any) -> list[Any]:
        return [
            traffic_on_replica(state["tables"].get((table.app, table.service)), table)
            for table in tables
        ]

    def traffic_on_replica(have: Any, table: Any) -> Any:
        return type("OnReplica", (), {"replica": "task1", "is_current": have == table})

    monkeypatch.setattr(traffic, "change_tables", change)
    monkeypatch.setattr(traffic, "tables_on_replicas", read)
    monkeypatch.setattr(traffic, "identity_files", lambda pki: contextlib.nullcontext())
    monkeypatch.setattr(traffic, "all_channels", lambda *_given: contextlib.nullcontext([]))
    return state


def use(monkeypatch, place: Place) -> None:
    for module in (traffic, router_spec):
        monkeypatch.setattr(module, "connect", lambda options, platforms: place)


def router_of(place: Place, **options: Any) -> Resolved:
    """The release of the router for the routes of the other apps, as far as it is read."""
    spec = router_spec.describe_router({**OPTIONS, **options}, None, check=False)["spec"]
    service = {**spec["services"]["router"], "reference": spec["services"]["router"]["image"]}
    return Resolved(services={"router": service})


def test_the_same_routes_are_the_same_router(monkeypatch):
    place = Place(shop=resolved("green"))
    use(monkeypatch, place)
    first, again = (router_spec.describe_router(OPTIONS, None, check=False) for _time in range(2))
    assert first == again
    service = first["spec"]["services"]["router"]
    assert service["deploy"]["mode"] == "global"
    assert [port.get("published") for port in service["ports"]] == [80, None]
    assert (service["stop_signal"], service["stop_grace_period"]) == ("SIGUSR1", "65s")
    assert first["routes"] == [
        {
            "app": "shop",
            "service": "web",
            "host": "shop.example.com",
            "path": "/",
            "port": 8080,
        }
    ]


def test_a_configuration_is_checked_before_it_runs(monkeypatch):
    place = Place(shop=resolved())
    use(monkeypatch, place)
    place.apps["router"] = live(router_of(place))
    assert len(place.checked) == 1
    router_spec.describe_router(OPTIONS, None, check=False)
    assert len(place.checked) == 1
    place.complaint = "[ALERT] unknown keyword 'nonsense'"
    with pytest.raises(PlanError, match="unknown keyword 'nonsense'"):
        router_spec.describe_router({**OPTIONS, "extra": ["nonsense"]}, None, check=False)


@pytest.mark.parametrize(
    ("options", "nodes", "text"),
    [({"replicas": 2}, 1, "a second replica on one node"), ({}, 0, "no ready node")],
)
def test_each_replica_needs_a_node(monkeypatch, options, nodes, text):
    place = Place()
    place.nodes = nodes
    use(monkeypatch, place)
    with pytest.raises(SpecError, match=text):
        router_spec.describe_router({**OPTIONS, **options}, None, check=False)


def test_two_apps_on_one_route(monkeypatch):
    place = Place(shop=resolved(), blog=resolved())
    use(monkeypatch, place)
    with pytest.raises(SpecError, match=r"blog/web and shop/web"):
        router_spec.describe_router(OPTIONS, None, check=False)
    del place.apps["blog"]
    with pytest.raises(SpecError, match=r"blog/web and shop/web"):
        route_checks.check_release(place, "blog", resolved(), None)
    # The same routes as before cost no further call.
    route_checks.check_release(place, "blog", resolved(), resolved())


def shared(**options: Any) -> dict[str, Any]:
    check = options.pop("check", False)
    return traffic.change_traffic({**OPTIONS, **options}, None, check=check)


@pytest.fixture
def place(monkeypatch) -> Place:
    """A shop with a variant, and the router that knows it."""
    made = Place(shop=resolved("green", weight=10))
    use(monkeypatch, made)
    made.apps["router"] = live(router_of(made))
    return made


def test_the_declared_weights_apply_once(place, replicas):
    checked = shared(check=True)
    assert checked["changed"] and not replicas["tables"] and not place.stored.content
    first = shared()
    assert first["weights"]["after"] == {"stable": 90.0, "green": 10.0}
    assert (first["moved"], first["revision"]) == (10.0, 1)
    assert not shared()["changed"]
    assert shared(weights={"green": "25.5"})["moved"] == 15.5
    everything = shared(weights={"stable": 100})
    assert everything["weights"]["after"] == {"stable": 100.0, "green": 0.0}
    assert place.stored.revision == 3
    assert not place.lease.holder


def test_a_replica_with_another_table_is_mended(place, replicas):
    shared()
    table = replicas["tables"].pop(("shop", "web"))
    checked = shared(app=None, service=None, check=True)
    assert checked == {"changed": True, "drift": ["task1"]}
    assert shared(app=None, service=None)["changed"]
    assert replicas["tables"] == {("shop", "web"): table}
    assert not shared(app=None, service=None)["changed"]


def test_a_failed_change_keeps_no_table(place, replicas):
    replicas["errors"] = [PlatformError("router replica task1 did not answer")]
    with pytest.raises(PlatformError, match="task1"):
        shared()
    assert not place.stored.content and not place.lease.holder


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"weights": {"green": 60, "stable": 60}}, "sum is 120 %"),
        ({"weights": {"blue": 1}}, "is not a variant"),
        ({"service": "api"}, "no live release with such a service"),
        ({"app": "blog"}, "no live release with such a service"),
    ],
)
def test_what_cannot_be_shared(place, replicas, options, error):
    with pytest.raises((SpecError, PlanError), match=error):
        shared(**options)
    assert not replicas["tables"]


def test_the_router_must_have_the_routes_first(place, replicas):
    place.apps["blog"] = live(resolved(host="blog.example.com"))
    with pytest.raises(PlanError, match=r"Run the playbook shipping\.code\.router"):
        shared(app="blog")


def test_a_variant_with_traffic_is_not_removed(place, replicas):
    shared()
    with pytest.raises(PlanError, match="10 percent of the traffic"):
        route_checks.check_release(place, "shop", resolved(), resolved("green"))
    shared(weights={"stable": 100})
    route_checks.check_release(place, "shop", resolved(), resolved("green"))


def test_a_new_variant_is_known_before_it_has_traffic(place, replicas):
    shared(weights={"green": 10})
    place.apps["shop"] = live(resolved("green", "blue"))
    result = shared(weights={"green": 10})
    assert result["changed"] and result["moved"] == 0
    assert result["weights"]["after"] == {"stable": 90.0, "green": 10.0, "blue": 0.0}


def with_cells(**cells: str) -> Resolved:
    """A release whose service has variants by a header alone, beside one with replicas."""
    release = resolved("green")
    listed = release.services["web"]["x-shipping"]["variants"]
    for name, value in cells.items():
        headers = {"x-button": value}
        listed.append({"name": name, "weight": 5, "slot": 0, "request_headers": headers})
    return release


def test_variants_by_headers_are_in_the_table(place, replicas):
    place.apps["shop"] = live(with_cells(buy="buy-now", order="order"))
    assert shared()["weights"]["after"] == {
        "stable": 90.0,
        "buy": 5.0,
        "order": 5.0,
        "green": 0.0,
    }
    table = replicas["tables"]["shop", "web"]
    assert {name: variant.slot for name, variant in table.variants.items()} == {
        "stable": 0,
        "buy": 0,
        "order": 0,
        "green": 1,
    }
    assert table.variants["buy"].headers == (("x-button", "buy-now"),)
    assert not shared()["changed"]
    # Another value changes the table and moves nobody.
    place.apps["shop"] = live(with_cells(buy="get-it", order="order"))
    result = shared()
    assert result["changed"] and result["moved"] == 0
    assert replicas["tables"]["shop", "web"].variants["buy"].headers == (("x-button", "get-it"),)


def test_replicas_of_a_variant_with_traffic_are_not_removed(place, replicas):
    shared()
    without_replicas = resolved("green")
    without_replicas.services["web"]["x-shipping"]["variants"][0]["slot"] = 0
    del without_replicas.services["web-green"]
    with pytest.raises(PlanError, match="10 percent of the traffic"):
        route_checks.check_release(place, "shop", without_replicas, resolved("green"))


class Replica:
    """The runtime API of a replica with counters of a route of the shop's web service."""

    replica = "task1"

    def __init__(self, table: Any) -> None:
        self.table = table

    def send(self, commands: Any) -> list[str]:
        return [self.answer(command) for command in commands]

    def answer(self, command: str) -> str:
        route = "shop_web.98c8f1f1"
        if command == "show stat":
            head = "# pxname,svname,stot,hrsp_4xx,hrsp_5xx,bin,bout,act"
            rows = (f"{route}.0,BACKEND,100,4,2,1000,9000,1", f"{route}.1,BACKEND,7,0,1,70,700,1")
            return "\n".join([head, *rows])
        if command == f"show table {route}.cells":
            return (
                "# table: cells, type: string, size:128, used:1\n0x7f: key=0.buy use=0 exp=0"
                " shard=0 http_req_cnt=30 http_err_cnt=3 http_fail_cnt=1 bytes_in_cnt=300"
                " bytes_out_cnt=3000"
            )
        entries = runtime_commands.map_entries(self.table)
        return "\n".join(f"0x1 {key} {value}" for key, value in entries.items())

    def close(self) -> None:
        """Close nothing."""


def exposed(milliseconds: int, end: str) -> str:
    """A line of the router's log."""
    fields = {"shipping": "exposure", "row": "shop_web.98c8f1f1|shop/web|0|0", "table": "1.1.salt"}
    fields |= {"choice": "0.buy", "unit": "ab", "bucket": "7", "end": end}
    numbers = {"time": 1796087832.772, "status": 200, "ms": milliseconds, "bytes": 300}
    return json.dumps({**fields, **numbers}, separators=(",", ":"))


def test_counters_of_variants_by_headers(place, replicas, monkeypatch):
    place.apps["shop"] = live(with_cells(buy="buy-now", order="order"))
    shared()
    table = replicas["tables"]["shop", "web"]
    monkeypatch.setattr(router_info, "connect", lambda options, platforms: place)
    monkeypatch.setattr(router_info, "identity_files", lambda pki: contextlib.nullcontext())
    info = runtime_commands.ReplicaInfo("task1", "3.0", 60, 0)
    monkeypatch.setattr(router_info, "connect_to", lambda *_given: (Replica(table), info))
    monkeypatch.setattr(router_info, "route_id", lambda route: "shop_web.98c8f1f1")
    durations = [1] * 90 + [20] * 7 + [300] * 3
    place.log = ["Server is UP", *(exposed(ms, "CD" if ms == 300 else "--") for ms in durations)]
    place.log[-1] = exposed(300, "--")
    options = {**OPTIONS, "node_addresses": {}, "window": 60}
    result = router_info.read_router(options, None)
    assert result["drift"] == [] and result["outdated"] is False
    (exposures,) = result["exposures"]
    assert (exposures["variant"], exposures["requests"], exposures["lost"]) == ("buy", 100, 2)
    assert exposures["p50"] == 1
    assert 20 <= exposures["p95"] <= 22
    assert 300 <= exposures["p99"] <= 330
    assert "warnings" not in result
    problem = "the log cannot be read", "the driver is syslog", "Use another one"
    place.log_error = PlatformError(*problem)
    result = router_info.read_router({**options, "window": 5}, None)
    assert result["exposures"] == [] and "the driver is syslog" in result["warnings"][0]
    place.apps["blog"] = live(resolved(host="blog.example.com"))
    assert router_info.read_router(options, None)["outdated"] is True
    del place.apps["blog"]
    result = router_info.read_router({**options, "window": 0}, None)
    assert result["exposures"] == [] and "warnings" not in result
    rows = {row["variant"]: row for row in result["counters"]}
    assert [*rows] == ["stable", "buy", "order", "green"]
    named = ("requests", "responses_4xx", "responses_5xx", "bytes_in", "bytes_out")
    numbers = {name: tuple(row[key] for key in named) for name, row in rows.items()}
    assert numbers == {
        "stable": (70, 1, 1, 700, 6000),
        "buy": (30, 3, 1, 300, 3000),
        "order": (0, 0, 0, 0, 0),
        "green": (7, 0, 1, 70, 700),
    }


def with_replicas(number: int, **deploy: Any) -> Resolved:
    release = resolved("green")
    release.services["web-green"]["deploy"] = {"replicas": number, **deploy}
    return release


def test_more_replicas_than_the_router_knows(monkeypatch):
    place = Place(shop=resolved("green"))
    use(monkeypatch, place)
    place.apps["router"] = live(router_of(place))
    route_checks.check_release(place, "shop", with_replicas(10), None)
    with pytest.raises(
        PlanError, match=r"shop/web-green cannot have 11 .*Set router_servers to 11"
    ):
        route_checks.check_release(place, "shop", with_replicas(11), None)
    place.apps["router"] = live(router_of(place, servers=12))
    route_checks.check_release(place, "shop", with_replicas(11), None)
    place.apps["shop"] = live(with_replicas(11))
    with pytest.raises(SpecError, match="shop/web-green has 11 replicas"):
        router_spec.describe_router(OPTIONS, None, check=False)
    with pytest.raises(SpecError, match="from 10 to 500"):
        router_spec.describe_router({**OPTIONS, "servers": 9}, None, check=False)


def test_more_variants_than_the_router_has_slots(monkeypatch):
    five = resolved("a", "b", "c", "d", "e")
    place = Place(shop=resolved("green"))
    use(monkeypatch, place)
    with pytest.raises(PlanError, match=r"shop/web cannot have 5 .*has 4 slots"):
        route_checks.check_release(place, "shop", five, None)
    place.apps["router"] = live(router_of(place))
    with pytest.raises(PlanError, match=r"cannot have 5 .*Set router_variant_slots to 5"):
        route_checks.check_release(place, "shop", five, None)
    place.apps["router"] = live(router_of(place, variant_slots=6))
    route_checks.check_release(place, "shop", five, None)
    place.apps["shop"] = live(five)
    with pytest.raises(SpecError, match="is 4, and a variant of shop/web has slot 5"):
        router_spec.describe_router(OPTIONS, None, check=False)
    with pytest.raises(SpecError, match="from 1 to 16"):
        router_spec.describe_router({**OPTIONS, "variant_slots": 17}, None, check=False)


def test_a_replica_on_each_of_many_nodes(monkeypatch):
    place = Place(shop=resolved("green"))
    place.nodes = 11
    with pytest.raises(PlanError, match="shop/web-green cannot have 11 replicas"):
        route_checks.check_release(place, "shop", with_replicas(1, mode="global"), None)


def failure(service: str) -> Failure:
    return Failure(object=service, facts={"service": service})


def test_only_variants_are_left_out():
    release = resolved("green", "blue")
    assert failed_variants.failed_variants([failure("web-green")], release) == ["web-green"]
    both = [failure("web-green"), failure("web")]
    assert failed_variants.failed_variants(both, release) == []
    rest = failed_variants.without(release, None, ["web-green"])
    assert sorted(rest.services) == ["web", "web-blue"]
    assert [item["name"] for item in rest.services["web"]["x-shipping"]["variants"]] == ["blue"]
    # One that ran before runs on as before.
    kept = failed_variants.without(release, resolved("green"), ["web-green"])
    assert sorted(kept.services) == ["web", "web-blue", "web-green"]


def with_config(name: str) -> Resolved:
    """A release whose variant has a config, and a network of the same name."""
    release = resolved("green")
    release.services["web-green"].update(
        {"configs": [{"object": name, "target": "/c"}], "networks": {name: {}}}
    )
    other = {f"{name}-of-others": {"source": "other", "id": name}}
    configs = {name: {"source": "settings", "id": name}, **other}
    return replace(release, configs=configs, networks={name: {}})


def test_a_restored_variant_keeps_what_it_uses():
    rest = failed_variants.without(with_config("new"), with_config("old"), ["web-green"])
    assert rest.services["web-green"]["configs"] == [{"object": "old", "target": "/c"}]
    assert sorted(rest.configs) == ["new", "new-of-others", "old"]
    assert rest.configs["old"] == {"source": "settings", "id": "old"}
    assert sorted(rest.networks) == ["new", "old"]


def silent(*_given: Any) -> Any:
    raise Unreachable("router replica task1 did not answer", "the stream ended", "Run it again")


def test_a_replica_that_does_not_answer_is_no_zero(place, replicas, monkeypatch):
    place.apps["shop"] = live(resolved("green"))
    monkeypatch.setattr(router_info, "connect", lambda options, platforms: place)
    monkeypatch.setattr(router_info, "identity_files", lambda pki: contextlib.nullcontext())
    monkeypatch.setattr(router_info, "connect_to", silent)
    options = {**OPTIONS, "node_addresses": {}, "window": 0}
    result = router_info.read_router(options, None)
    assert [replica["reached"] for replica in result["replicas"]] == [False]
    (warning,) = result["warnings"]
    assert warning.startswith("router replica task1 did not answer: the stream ended.")
    assert "The counters lack those of this replica" in warning


@pytest.mark.parametrize("failures", [0, 2, 3])
def test_a_connection_is_tried_again(failures, monkeypatch):
    info = runtime_commands.ReplicaInfo("task1", "3.0", 60, 0)
    attempts: list[int] = []

    def connect(*given: Any) -> Any:
        attempts.append(len(attempts))
        return silent() if len(attempts) <= failures else ("channel", info)

    monkeypatch.setattr(router_control, "_connect", connect)
    monkeypatch.setattr(router_control, "_PAUSE", 0)
    expected = pytest.raises(Unreachable) if failures == 3 else contextlib.nullcontext()
    with expected:
        router_control.connect_to("point", "identity", time.monotonic() + 5)
    assert len(attempts) == min(failures + 1, 3)
    with pytest.raises(Unreachable):
        monkeypatch.setattr(router_control, "_connect", silent)
        router_control.connect_to("point", "identity", time.monotonic() - 1)
