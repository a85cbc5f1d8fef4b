# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker Swarm as the rollout suite sees it.

Another platform brings a class with the same methods.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tests.testbed.client import Client
from tests.testbed.proxy import Proxy
from tests.testbed.swarm_bed import PASSWORD, PRIVATE_REGISTRY, REGISTRY, USER, SwarmBed

STACK = "com.docker.stack.namespace"


@dataclass
class SwarmPlatform:
    """What the suite needs of a platform besides the modules under test."""

    engine: SwarmBed
    name: str = "swarm"
    ids: dict[str, str] = field(default_factory=dict)
    # What the requests are by which a run can be blocked, and the how manieth of each is meant.
    requests: ClassVar[dict[str, tuple[str, int]]] = {
        "record": (r"POST \S+/configs/create", 1),
        "write": (r"POST \S+/services/\S+/update", 1),
        "write back": (r"POST \S+/services/\S+/update", 2),
        "watch": (r"GET \S+/tasks", 6),
        "verdict": (r'"shipping.code.state": "live"', 1),
    }
    # For how long a new task must hold before the old one goes: until the front has surely found
    # it.
    hold: ClassVar[str] = "1s"
    # What may be said below ``deploy`` without restarting a task.
    harmless: ClassVar[dict[str, Any]] = {"placement": {"constraints": ["node.role == manager"]}}

    @property
    def options(self) -> dict[str, Any]:
        """How the modules reach it."""
        return {"platform": "swarm", "docker_host": self.engine.host}

    @property
    def api(self) -> tuple[int, ...]:
        """The newest API that its engine speaks."""
        number = self.engine.docker("version", "--format", "{{.Server.APIVersion}}")
        return tuple(int(part) for part in number.split("."))

    @property
    def address(self) -> str:
        """The address of its machine."""
        return self.engine.machine.address

    def enforcing(self) -> contextlib.AbstractContextManager[None]:
        """Networks are what they say."""
        return contextlib.nullcontext()

    @staticmethod
    def placement_options(app: str, module: str = "release") -> dict[str, Any]:
        """What the modules need to be told of where an app is."""
        return {}

    def proxy_options(self, proxy: Proxy) -> dict[str, Any]:
        """How the modules reach it through a proxy."""
        return {"docker_host": proxy.host}

    def object_name(self, app: str, name: str) -> str:
        """The name of an app's network or volume, with which its secrets' and configs' begin."""
        return f"{app}_{name}"

    def image(self, name: str, *, private: bool = False) -> str:
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
        """The beginning of the name of a service's replica in a message."""
        return f"replica {service}.1 on node test"

    def client(self, port: int) -> Client:
        """A user who asks a service on a port of its machine."""
        return Client(f"http://{self.engine.machine.address}:{port}/")

    def proxy(self, folder: Path) -> Proxy:
        """The platform's API through something that can block requests."""
        return Proxy(self.engine.socket, folder / "proxy.sock")

    def services(self, app: str) -> dict[str, dict[str, Any]]:
        """The app's services by their names in the spec."""
        ids = self.engine.docker(
            "service", "ls", "--quiet", "--filter", f"label={STACK}={app}"
        ).split()
        found = json.loads(self.engine.docker("service", "inspect", *ids)) if ids else []
        return {service["Spec"]["Name"][len(app) + 1 :]: service for service in found}

    def running(self, app: str) -> dict[str, set[str]]:
        """The ids of the tasks that run, by service."""
        result: dict[str, set[str]] = {}
        for name, service in self.services(app).items():
            listed = self.engine.docker(
                "service",
                "ps",
                "--no-trunc",
                "--format",
                "{{.ID}} {{.CurrentState}}",
                "--filter",
                "desired-state=running",
                service["ID"],
            )
            result[name] = {line.split()[0] for line in listed.splitlines() if "Running" in line}
        return result

    def completed(self, app: str, name: str) -> set[str]:
        """The ids of the tasks of a job that have completed."""
        service = self.services(app).get(name)
        if service is None:
            return set()
        words = ("--no-trunc", "--format", "{{.ID}} {{.CurrentState}}")
        listed = self.engine.docker("service", "ps", *words, service["ID"])
        return {line.split()[0] for line in listed.splitlines() if "Complete" in line}

    def versions(self, app: str) -> dict[str, int]:
        """A number for each service that grows with every write of it."""
        return {name: service["Version"]["Index"] for name, service in self.services(app).items()}

    def records(self, app: str) -> list[dict[str, str]]:
        """What the history says of each release, the newest first.

        Number, version, state, reason.
        """
        ids = self.engine.docker(
            "config",
            "ls",
            "--quiet",
            "--filter",
            f"label=shipping.code.app={app}",
            "--filter",
            "label=shipping.code.kind=release",
        ).split()
        found = json.loads(self.engine.docker("config", "inspect", *ids)) if ids else []
        prefix = "shipping.code."
        records = [
            {key.removeprefix(prefix): value for key, value in config["Spec"]["Labels"].items()}
            for config in found
        ]
        return sorted(
            ({**record, "number": record["release"]} for record in records),
            key=lambda record: -int(record["number"]),
        )

    def silent_registry(self) -> contextlib.AbstractContextManager[None]:
        """The open registry accepts connections and answers nothing."""
        return self.engine.machine.paused("registry")

    def occupy(self, port: int) -> None:
        """Let something outside the platform listen on a port of its machine."""
        if self.engine.machine.pid(f"port-{port}") is None:
            self.engine.machine.start(
                f"port-{port}", f"python3 -m http.server {port}", isolated=False
            )

    def remove_service(self, app: str, name: str) -> None:
        """Remove a service by hand."""
        self.engine.docker("service", "rm", f"{app}_{name}")

    def change_by_hand(
        self,
        app: str,
        name: str,
        labels: dict[str, str] | None = None,
        environment: dict[str, str] | None = None,
        hostname: str = "",
    ) -> None:
        """Change a service by hand."""
        words = [f"--label-add={key}={value}" for key, value in (labels or {}).items()]
        words += [f"--env-add={key}={value}" for key, value in (environment or {}).items()]
        words += [f"--hostname={hostname}"] if hostname else []
        self.engine.docker("service", "update", "--quiet", "--detach", *words, f"{app}_{name}")

    def drift_path(self, service: str, *keys: str) -> str:
        """How a key that was changed by hand is told."""
        return ".".join(keys)

    def make_service(self, app: str, name: str) -> None:
        """Make a service by hand, of the name that one of the app would have."""
        self.engine.docker(
            "service",
            "create",
            "--quiet",
            "--detach",
            "--name",
            f"{app}_{name}",
            "--replicas",
            "0",
            self.image("tool:1"),
        )

    def remove_object(self, app: str, kind: str, *names: str) -> None:
        """Remove objects of a kind by hand."""
        self.engine.docker(kind, "rm", *names)

    def secrets_of(self, app: str, name: str) -> set[str]:
        """The names of the secrets that a service is given."""
        return {
            grant["SecretName"]
            for grant in self.services(app)[name]["Spec"]["TaskTemplate"]["ContainerSpec"][
                "Secrets"
            ]
        }

    def replicas_of(self, app: str, name: str) -> int:
        """How many tasks a service shall have."""
        return int(self.services(app)[name]["Spec"]["Mode"]["Replicated"]["Replicas"])

    def is_global(self, app: str, name: str) -> bool:
        """Whether a service shall run on every machine."""
        return "Global" in self.services(app)[name]["Spec"]["Mode"]

    def created(self, app: str) -> dict[str, str]:
        """When each service was made."""
        return {name: service["CreatedAt"] for name, service in self.services(app).items()}

    def labels(self, app: str, name: str) -> dict[str, str]:
        """The labels of a service."""
        return dict(self.services(app)[name]["Spec"].get("Labels") or {})

    def environment(self, app: str, name: str) -> dict[str, str]:
        """What a task of the service finds in its environment."""
        ids = self.engine.docker(
            "ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={app}_{name}"
        ).split()
        raw = self.engine.docker("exec", ids[0], "env", "-0")
        return dict(entry.partition("=")[::2] for entry in raw.split("\0") if entry)

    def exec(self, app: str, name: str, *command: str) -> str:
        """What a command in a task of the service prints."""
        ids = self.engine.docker(
            "ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={app}_{name}"
        ).split()
        return self.engine.docker("exec", ids[0], *command)

    def objects(self, kind: str, app: str) -> set[str]:
        """The names of an app's objects of a kind: secret, config, network, service, volume."""
        return {
            name
            for name in self.engine.docker(kind, "ls", "--format", "{{.Name}}").split()
            if name.startswith(app)
        }

    def kill_replica(self, _app: str, replica: str) -> None:
        """Kill the container of a task."""
        label = f"label=com.docker.swarm.task.id={replica}"
        self.engine.docker("kill", self.engine.docker("ps", "--quiet", "--filter", label).strip())

    def stop(self, app: str) -> None:
        """Take an app away, and not wait for it."""
        self._remove("--filter", f"name={app}_")

    def stop_all(self) -> None:
        """Take away whatever runs."""
        self._remove()

    def _remove(self, *which: str) -> None:
        if ids := self.engine.docker("service", "ls", "--quiet", *which).split():
            self.engine.docker("service", "rm", *ids)

    def label_machine(self, *labels: str) -> None:
        """Give the machine labels that placements ask for."""
        node = self.engine.docker("node", "ls", "--quiet").strip()
        self.engine.docker("node", "update", *(f"--label-add={label}" for label in labels), node)

    def make_manager(self) -> None:
        """Let the machine be a manager; it is the only one, and its engine offers GPUs."""

    def make_namespace(self, app: str) -> None:
        """Make where an app shall be, which is here."""

    def has_path(self, path: str) -> bool:
        """Whether the machine has a file or directory."""
        return Path(path).exists()

    def make_network(self, name: str, app: str) -> None:
        """Make a network that apps can call external."""
        if name not in self.objects("network", name):
            self.engine.docker("network", "create", "--driver", "overlay", name)

    def make_volume(self, name: str, app: str) -> None:
        """Make a volume that an app can call external; machines make them by themselves."""

    def make_config(self, name: str, app: str, content: str) -> None:
        """Make a config that an app can call external."""
        self.engine.docker("config", "create", name, "-", input=content)

    def make_secret(self, name: str, app: str, content: str) -> None:
        """Make a secret that an app can call external."""
        self.engine.docker("secret", "create", name, "-", input=content)

    def driven_volume(self, app: str) -> dict[str, Any]:
        """What a volume of another driver is described by."""
        return {"driver": "local", "driver_opts": {"type": "tmpfs", "device": "tmpfs"}}

    def publish(self, reference: str, dockerfile: str, *, push: bool = True) -> None:
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
        folder = (
            self.engine.machine.folder
            / "registry"
            / "data"
            / "docker"
            / "registry"
            / "v2"
            / "repositories"
            / name
        )
        shutil.rmtree(folder)
        self.engine.docker(
            "image",
            "rm",
            "--force",
            self.engine.docker(
                "image", "inspect", "--format", "{{.Id}}", f"{REGISTRY}/{name}@{digest}"
            ).strip(),
        )

    def everything(self, app: str) -> str:
        """All that the platform tells of its objects to whom may inspect them."""
        told = []
        for kind in ("service", "config", "secret"):
            ids = self.engine.docker(kind, "ls", "--quiet").split()
            told.append(self.engine.docker(kind, "inspect", *ids) if ids else "")
        return "".join(told)

    def restart(self, *, power_cut: bool = False) -> None:
        """Restart the platform."""
        if power_cut:
            self.engine.kill()
        else:
            self.engine.stop()
        self.engine.start()
