# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The router's place on a Swarm; the engine is a stand-in that keeps configs and a container."""

from __future__ import annotations

import base64
import io
import tarfile
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    NotFound,
    Outdated,
    PlatformError,
)
from ansible_collections.shipping.code.plugins.module_utils._core.spare_capacity import (
    NodeSpace,
    SpareCapacity,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import (
    FailedPreview,
    Record,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import (
    ControlPoint,
    StoredTraffic,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.router import (
    RouterPlace,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.storage import (
    Storage,
)

LABEL = "shipping.code."


class Engine:
    """What the place calls; ``answers`` has what other GETs return."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.configs: dict[str, dict[str, Any]] = {}
        self.container: dict[str, Any] = {}
        self.images = {"haproxy:3"}
        self.status, self.output = 0, b""
        self.deleted: list[str] = []

    def get(self, path: str, **query: Any) -> Any:
        kind = path.strip("/")
        if kind != "configs":
            answer = self.answers[kind]
            if isinstance(answer, Exception):
                raise answer
            return answer
        wanted = [label.partition("=")[::2] for label in query["filters"]["label"]]
        return [
            config
            for config in self.configs.values()
            if all(_has_label(config["Spec"]["Labels"], *pair) for pair in wanted)
        ]

    def post(self, path: str, body: Any = None, *_headers: Any, **_query: Any) -> Any:
        if path == "/configs/create":
            if body["Name"] in self.configs:
                raise PlatformError("conflict", status=409)
            self.configs[body["Name"]] = {
                "ID": body["Name"],
                "Version": {"Index": 1},
                "Spec": body,
            }
            return {"ID": body["Name"]}
        if path == "/containers/create":
            if body["Image"] not in self.images:
                raise NotFound("no such image")
            self.container = dict(body)
            return {"Id": "c1"}
        return {"StatusCode": self.status}

    def pull(self, image: str, headers: Any) -> None:
        self.images.add(image)

    def put_archive(self, path: str, folder: str, archive: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            self.container["files"] = {
                member.name: (member.mode, members.extractfile(member).read()) for member in members
            }

    def raw(self, path: str, **query: Any) -> bytes:
        return self.output

    def delete(self, path: str) -> None:
        self.deleted.append(path)
        self.configs.pop(path.rpartition("/")[2], None)


class NoCredentials:
    def header(self, registry: str) -> dict[str, str]:
        return {}


def place(engine: Engine) -> RouterPlace:
    return RouterPlace(engine, NoCredentials(), Storage(engine))  # type: ignore[arg-type]


def test_the_log_of_all_replicas():
    started = {"ContainerStatus": {"ContainerID": "c1"}}
    # The engine waits for the container of a task that has none yet.
    tasks = [{"ID": "t1", "Status": started}, {"ID": "t2", "Status": {}}]
    engine = Engine(tasks=tasks)
    parts = (b'{"a": 1}\n{"b"', b": 2}\n", b"caf\xc3\xa9\n")
    engine.output = b"".join(b"\x01\0\0\0" + len(part).to_bytes(4, "big") + part for part in parts)
    lines = place(engine).log_lines("router", "router", 12.7, 5)
    assert lines == ['{"a": 1}', '{"b": 2}', "café"]


def test_tables_are_kept_by_revision():
    engine = Engine()
    kept = place(engine)
    assert kept.read_traffic() == StoredTraffic()
    for revision in range(1, 6):
        kept.write_traffic(StoredTraffic(revision, b"%d" % revision))
    assert kept.read_traffic() == StoredTraffic(5, b"5")
    assert len(engine.configs) == 3
    with pytest.raises(Outdated):
        kept.write_traffic(StoredTraffic(5, b"another run's"))
    kept.forget_traffic(5)
    assert kept.read_traffic() == StoredTraffic(4, b"4")


def test_the_newest_live_release_of_each_app():
    engine = Engine()
    for app, number, state in (("shop", 1, "live"), ("shop", 2, "live"), ("shop", 3, "failed")):
        record = Record(number, f"1.{number}", state=state, resolved=Resolved())
        labels = {**record.labels(), f"{LABEL}app": app, f"{LABEL}kind": "release"}
        data = base64.b64encode(record.data()).decode()
        engine.post("/configs/create", {"Name": f"{app}{number}", "Labels": labels, "Data": data})
    live = place(engine).live_releases()
    assert {app: record.version for app, record in live.items()} == {"shop": "1.2"}


def _has_label(labels: dict[str, str], key: str, value: str) -> bool:
    """As the engine filters: a key without a value is any value."""
    return key in labels and value in ("", labels[key])


def test_previews_without_a_live_release():
    engine = Engine()
    for app, number, state, of in (
        ("shop", 1, "failed", ""),
        ("shop-a", 1, "failed", "shop"),
        ("shop-b", 1, "live", "shop"),
        ("shop-b", 2, "failed", "shop"),
        ("shop-c", 1, "pending", "shop"),
    ):
        record = Record(number, "1", state=state, branch=f"b{number}", preview_of=of)
        labels = {**record.labels(), f"{LABEL}app": app, f"{LABEL}kind": "release"}
        engine.post("/configs/create", {"Name": f"{app}{number}", "Labels": labels, "Data": ""})
    failed = place(engine).failed_previews()
    assert failed == {app: FailedPreview("b1", "shop") for app in ("shop-a", "shop-c")}


def task(identity: str, state: str = "running", port: int = 30001) -> dict[str, Any]:
    ports = [
        {"TargetPort": 80, "PublishedPort": 80},
        {"TargetPort": 9443, "PublishedPort": port},
    ]
    return {
        "ID": identity,
        "NodeID": "n1",
        "Status": {"State": state, "PortStatus": {"Ports": ports}},
    }


def test_replicas_take_commands_on_ports_of_their_nodes():
    node = {"ID": "n1", "Description": {"Hostname": "a"}, "Status": {"Addr": "10.0.0.1"}}
    engine = Engine(tasks=[task("t2"), task("t1"), task("t3", "starting")], nodes=[node])
    found = place(engine).control_points("router", "router", 9443, {})
    assert found == (
        ControlPoint("t1", "a", "10.0.0.1", 30001),
        ControlPoint("t2", "a", "10.0.0.1", 30001),
    )
    elsewhere = place(engine).control_points("router", "router", 9443, {"a": "192.0.2.1"})
    assert {point.address for point in elsewhere} == {"192.0.2.1"}
    engine.answers["tasks"] = NotFound("service router_router not found")
    assert place(engine).control_points("router", "router", 9443, {}) == ()


def test_a_configuration_is_checked_in_a_container_that_is_removed():
    engine = Engine()
    assert place(engine).check("haproxy:3", ["haproxy", "-c"], {"/etc/a.cfg": b"x"}) == ""
    assert engine.container["Entrypoint"] == ["haproxy"] and engine.container["Cmd"] == ["-c"]
    assert engine.container["files"] == {"etc/a.cfg": (0o600, b"x")}
    assert engine.deleted == ["/containers/c1?force=true&v=true"]


def test_what_the_check_prints_is_the_answer():
    engine = Engine()
    engine.status = 1
    engine.output = b"\x02\0\0\0\0\0\0\x06[ALERT\x02\0\0\0\0\0\0\x05] no\n"
    assert place(engine).check("haproxy:3", ["haproxy"], {}) == "[ALERT] no"
    engine.output = b""
    assert place(engine).check("haproxy:3", ["haproxy"], {}) == "haproxy exited with code 1"


def test_an_image_that_is_missing_is_pulled():
    engine = Engine()
    assert place(engine).check("registry.example.com/haproxy:4", ["haproxy"], {}) == ""
    assert "registry.example.com/haproxy:4" in engine.images


def test_slots_have_names_of_the_whole_swarm():
    kept = place(Engine())
    assert kept.slot_name("shop", "web", 0) == "tasks.shop_web"
    assert kept.slot_name("shop", "web", 2) == "tasks.shop_web-slot2"


def test_reservations_of_running_tasks_are_subtracted_from_ready_nodes():
    resources = {"NanoCPUs": 2_000_000_000, "MemoryBytes": 4096}
    nodes = [
        {
            "ID": name,
            "Description": {"Resources": resources},
            "Spec": {"Availability": availability},
            "Status": {"State": state},
        }
        for name, availability, state in (
            ("n1", "active", "ready"),
            ("n2", "drain", "ready"),
            ("n3", "active", "down"),
            ("n4", "active", "ready"),
        )
    ]
    reserved = {"Resources": {"Reservations": {"NanoCPUs": 500_000_000, "MemoryBytes": 96}}}
    tasks = [
        {"NodeID": "n1", "Spec": reserved},
        {"NodeID": "n1", "Spec": {"Resources": {}}},
        {"Spec": reserved},
    ]
    found = place(Engine(nodes=nodes, tasks=tasks)).spare_capacity()
    assert found == SpareCapacity((NodeSpace(1_500_000_000, 4000), NodeSpace(2_000_000_000, 4096)))
