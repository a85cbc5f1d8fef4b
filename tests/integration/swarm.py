# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker Swarm as the rollout suite sees it. Another platform brings a class with the same methods."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.testbed.client import Client
from tests.testbed.proxy import Proxy
from tests.testbed.swarm import PASSWORD, PRIVATE_REGISTRY, REGISTRY, USER, Swarm

STACK = "com.docker.stack.namespace"


@dataclass
class SwarmPlatform:
    """What the suite needs of a platform besides the modules under test."""

    engine: Swarm
    name: str = "swarm"
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """How the modules reach it."""
        return {"platform": "swarm", "docker_host": self.engine.host}

    def image(self, name: str, private: bool = False) -> str:
        """The reference of an image in the platform's registry."""
        return f"{PRIVATE_REGISTRY if private else REGISTRY}/{name}"

    @property
    def credentials(self) -> dict[str, str]:
        """What lets one into the private registry."""
        return {"registry": PRIVATE_REGISTRY, "username": USER, "password": PASSWORD}

    @property
    def registry(self) -> str:
        """The open registry."""
        return REGISTRY

    def task(self, service: str) -> str:
        """How a task of a service begins to be called."""
        return f"task {service}.1 on test"

    def client(self, port: int) -> Client:
        """A user who asks a service on a port of its machine."""
        return Client(f"http://{self.engine.machine.address}:{port}/")

    def proxy(self, folder: Path) -> Proxy:
        """The platform's API through something that can hold requests."""
        return Proxy(self.engine.socket, folder / "held.sock")

    def services(self, app: str) -> dict[str, dict[str, Any]]:
        """The app's services by their names in the spec."""
        ids = self.engine.docker("service", "ls", "--quiet", "--filter", f"label={STACK}={app}").split()
        found = json.loads(self.engine.docker("service", "inspect", *ids)) if ids else []
        return {service["Spec"]["Name"][len(app) + 1 :]: service for service in found}

    def running(self, app: str) -> dict[str, set[str]]:
        """The ids of the tasks that run, by service."""
        result: dict[str, set[str]] = {}
        for name, service in self.services(app).items():
            listed = self.engine.docker(
                "service", "ps", "--no-trunc", "--format", "{{.ID}} {{.CurrentState}}", "--filter", "desired-state=running", service["ID"]
            )
            result[name] = {line.split()[0] for line in listed.splitlines() if "Running" in line}
        return result

    def versions(self, app: str) -> dict[str, int]:
        """A number for each service that grows with every write of it."""
        return {name: service["Version"]["Index"] for name, service in self.services(app).items()}

    def records(self, app: str) -> list[dict[str, str]]:
        """What the history says of each release, the newest first: number, version, state, reason."""
        ids = self.engine.docker(
            "config", "ls", "--quiet", "--filter", f"label=shipping.code.app={app}", "--filter", "label=shipping.code.kind=release"
        ).split()
        found = json.loads(self.engine.docker("config", "inspect", *ids)) if ids else []
        prefix = "shipping.code."
        records = [{key.removeprefix(prefix): value for key, value in config["Spec"]["Labels"].items()} for config in found]
        return sorted(({**record, "number": record["release"]} for record in records), key=lambda record: -int(record["number"]))

    def occupy(self, port: int) -> None:
        """Let something outside the platform listen on a port of its machine."""
        if self.engine.machine.pid(f"port-{port}") is None:
            self.engine.machine.start(f"port-{port}", f"python3 -m http.server {port}", isolated=False)

    def remove_service(self, app: str, name: str) -> None:
        """Remove a service by hand."""
        self.engine.docker("service", "rm", f"{app}_{name}")

    def change_by_hand(self, app: str, name: str, *words: str) -> None:
        """Change a service by hand, as ``docker service update`` does."""
        self.engine.docker("service", "update", "--quiet", "--detach", *words, f"{app}_{name}")

    def labels(self, app: str, name: str) -> dict[str, str]:
        """The labels of a service."""
        return dict(self.services(app)[name]["Spec"].get("Labels") or {})

    def environment(self, app: str, name: str) -> dict[str, str]:
        """What a task of the service finds in its environment."""
        ids = self.engine.docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={app}_{name}").split()
        raw = self.engine.docker("exec", ids[0], "env", "-0")
        return dict(entry.partition("=")[::2] for entry in raw.split("\0") if entry)

    def exec(self, app: str, name: str, *command: str) -> str:
        """What a command in a task of the service prints."""
        ids = self.engine.docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={app}_{name}").split()
        return self.engine.docker("exec", ids[0], *command)

    def objects(self, kind: str) -> set[str]:
        """The names of all objects of a kind: secret, config, network, service, volume."""
        return set(self.engine.docker(kind, "ls", "--format", "{{.Name}}").split())

    def label_machine(self, *labels: str) -> None:
        """Give the machine labels that placements ask for."""
        node = self.engine.docker("node", "ls", "--quiet").strip()
        self.engine.docker("node", "update", *(f"--label-add={label}" for label in labels), node)

    def make_network(self, name: str) -> None:
        """Make a network that apps can call external."""
        if name not in self.objects("network"):
            self.engine.docker("network", "create", "--driver", "overlay", name)

    def publish(self, reference: str, dockerfile: str, push: bool = True) -> None:
        """Build an image and push it; where it is pushed, the machine does not keep it."""
        self.engine.docker("build", "--quiet", "--tag", reference, "-", input=dockerfile)
        self.ids[reference] = self.engine.image_id(reference)
        if push:
            self.engine.docker("push", "--quiet", reference)
            self.drop_image(reference)

    def drop_image(self, reference: str) -> None:
        """Let the machine lose a published image, as soon as nothing runs of it."""
        for attempt in range(50):
            try:
                self.engine.docker("image", "rm", "--force", self.ids[reference])
                return
            except RuntimeError as error:
                if "No such image" in str(error):
                    return
                if "running container" not in str(error) or attempt == 49:
                    raise
                time.sleep(0.2)

    def forget_image(self, name: str, digest: str) -> None:
        """Lose an image: from the registry and from the machine."""
        folder = self.engine.machine.folder / "registry" / "data" / "docker" / "registry" / "v2" / "repositories" / name
        shutil.rmtree(folder)
        self.engine.docker("image", "rm", "--force", self.engine.docker("image", "inspect", "--format", "{{.Id}}", f"{REGISTRY}/{name}@{digest}").strip())

    def everything(self) -> str:
        """All that the platform tells of its objects to whom may inspect them."""
        told = []
        for kind in ("service", "config", "secret"):
            ids = self.engine.docker(kind, "ls", "--quiet").split()
            told.append(self.engine.docker(kind, "inspect", *ids) if ids else "")
        return "".join(told)

    def restart(self, power_cut: bool = False) -> None:
        """Restart the platform."""
        if power_cut:
            self.engine.kill()
        else:
            self.engine.stop()
        self.engine.start()
