# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tour on a private Swarm or Kubernetes cluster of this host.

The collection's own playbooks deploy the example app to it, and tools to a workstation.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import downloaded_parts, images, kubernetes_images
from .client import Client
from .company import DOMAIN, CompanyBed, person
from .kubernetes_bed import KubernetesBed
from .machine import Machine
from .shop_repository import BRANCH, ShopRepository
from .swarm_bed import REGISTRY, SwarmBed
from .user_machine import UserMachine

ROOT = Path(__file__).resolve().parents[2]
NAME = "quickstart"
PORT = 8080
USER, COMPUTER = "ada", "pc"
VERSIONS = {"1.0.0": "", "1.1.0": "", "1.2.0": "DATABASE_URL"}


@dataclass(frozen=True)
class TourPlatform:
    """The platform of the tour: variables and environment of its plays, a command to inspect it."""

    address: str
    words: tuple[str, ...]
    environment: dict[str, str]
    look: str
    router: dict[str, Any]
    """Variables of the router that the inventory of the example cannot have."""
    builder: SwarmBed
    """The engine that builds what is pushed."""
    registry: str
    release: dict[str, Any]
    """Options of the release of what is pushed."""


def main(platform: str) -> int:
    """Run the whole tour; return 0, or exit with the error."""
    begun = time.monotonic()
    place = PLACES[platform]()
    client = Client(f"http://{place.address}:{PORT}/")
    tour = Tour(place, client)
    tour.ship("1.0.0")
    client.until("shop 1.0.0", 30)
    with client:
        tour.ship("1.1.0")
        say(tour.counted("shop 1.0.0", "shop 1.1.0"))
        say(
            "Version 1.2.0 needs a DATABASE_URL that is not set. Its release has to fail and to be"
            " rolled back to 1.1.0."
        )
        tour.ship("1.2.0", good=False)
        say(tour.counted("shop 1.1.0"))
        say("Roll back to 1.0.0.")
        tour.play("rollback", *place.words)
        say(tour.counted("shop 1.1.0", "shop 1.0.0"))
    tour.play("status", *place.words)
    split(tour)
    delivery = deliver(tour)
    repository = push(tour)
    _what_next(tour, time.monotonic() - begun, delivery, repository)
    return 0


def say(text: str) -> None:
    """Print a line of the tour's own."""
    print(f"\n\033[1m==> {text}\033[0m" if sys.stdout.isatty() else f"\n==> {text}", flush=True)


def swarm() -> TourPlatform:
    """Start a fresh machine with an engine, a registry and the images that a CI would push."""
    say(
        "Starting a private engine with a Swarm of one node, and a registry. An existing Docker"
        " installation is not touched."
    )
    Machine(NAME).down()
    engine = SwarmBed(Machine(NAME))
    engine.up()
    engine.registry()
    say("Building and pushing the example: a front, and web in two good versions and a bad one.")
    images.build_front(engine)
    for version, needs in VERSIONS.items():
        images.build_shop(engine, version, needs)
    return TourPlatform(
        engine.machine.address,
        ("-e", f"registry={REGISTRY}"),
        {"DOCKER_HOST": engine.host},
        "docker service ls",
        _router(
            REGISTRY,
            8081,
            {engine.docker("info", "--format", "{{.Name}}").strip(): engine.machine.address},
        ),
        engine,
        REGISTRY,
        {"platform": "swarm", "docker_host": engine.host},
    )


def kubernetes() -> TourPlatform:
    """Start a fresh machine with a cluster of one node, a registry and the images."""
    say(
        "Starting a private Kubernetes cluster of one node, and a registry. The first run builds"
        " its programs, which takes about 15 minutes."
    )
    downloaded_parts.programs(tell=lambda line: print(line, flush=True))
    Machine(NAME).down()
    cluster = KubernetesBed(Machine(NAME))
    cluster.up()
    cluster.registry()
    say("Pushing the example: a front, and web in two good versions and a bad one.")
    kubernetes_images.publish_front(cluster)
    for version, needs in VERSIONS.items():
        kubernetes_images.publish_shop(cluster, version, needs)
    registry = cluster.registry_address
    words = (
        "-e",
        "platform=kubernetes",
        "-e",
        f"registry={registry}",
        "-e",
        json.dumps({"insecure_registries": [registry]}),
    )
    kubectl = downloaded_parts.programs()["kubectl"]
    release = {"platform": "kubernetes", "namespace": "shop", "insecure_registries": [registry]}
    return TourPlatform(
        cluster.address,
        words,
        {"KUBECONFIG": str(cluster.kubeconfig)},
        f"{kubectl} --namespace shop get all",
        _router(registry, 30081),
        _build_host(cluster),
        registry,
        release,
    )


def _build_host(cluster: KubernetesBed) -> SwarmBed:
    """Start a machine with an engine: the nodes of the cluster have none."""
    Machine(f"{NAME}-build").down()
    machine = Machine(f"{NAME}-build")
    machine.up()
    machine.connect(cluster.machine)
    engine = SwarmBed(machine, f"--insecure-registry {cluster.registry_address}")
    engine.start()
    images.load_base(engine)
    return engine


def _router(registry: str, port: int, addresses: dict[str, str] | None = None) -> dict[str, Any]:
    return {
        "router_image": f"{registry}/shop-front:1",
        "router_http_port": port,
        "router_pki": str(Machine(NAME).folder / "router-pki"),
        # This host is not in the network of the nodes.
        "router_node_addresses": addresses or {},
    }


PLACES = {"swarm": swarm, "kubernetes": kubernetes}


def environment(more: dict[str, str]) -> dict[str, str]:
    """Return the environment of plays."""
    return {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **more}


class Tour:
    """The plays of the tour, and a client that queries the shop meanwhile."""

    def __init__(self, place: TourPlatform, client: Client) -> None:
        self.place = place
        self.client = client
        self.environment = environment(place.environment)
        self.seen: dict[str, int] = {}

    def play(self, name: str, *words: str, good: bool = True) -> None:
        """Run one of the collection's playbooks.

        Stop the tour if it does not end as expected.
        """
        command = ["ansible-playbook", f"playbooks/{name}.yml", *words]
        say(f"$ {shlex.join(command)}")
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, check=False
        )
        if (done.returncode == 0) != good:
            sys.exit(f"the tour ends here: {name} did not {'succeed' if good else 'fail'}")

    def ship(self, version: str, *, good: bool = True) -> None:
        """Deploy a version."""
        self.play("deploy", "-e", f"version={version}", *self.place.words, good=good)

    def run_command(self, company: CompanyBed, *words: str) -> str:
        """Run a command as a user who logged in to her workstation; return its output."""
        say(f"$ ssh {USER}@{COMPUTER}.{DOMAIN} {shlex.join(words)}")
        done = company.machines[COMPUTER].ssh(USER, "bash", "-lc", shlex.quote(shlex.join(words)))
        output = (done.stdout + done.stderr).strip()
        print(output, flush=True)
        return output

    def counted(self, *expected: str) -> str:
        """Return the answers of the shop since the last time.

        End the tour if a request was lost, or if there was another answer.
        """
        now = dict(self.client.answers)
        counts = {
            answer: number - self.seen.get(answer, 0)
            for answer, number in now.items()
            if number > self.seen.get(answer, 0)
        }
        self.seen = now
        if self.client.lost or set(counts) != set(expected):
            sys.exit(
                f"the tour ends here: requests were lost, or others than {', '.join(expected)}"
                f" answered: {self.client.lost[:3]}"
            )
        text = ", ".join(f"{number} × '{answer}'" for answer, number in counts.items())
        return f"requests meanwhile: {text}, {len(self.client.lost)} lost"


def split(tour: Tour) -> None:
    """Show two versions side by side: a tenth of the visitors, then all of them."""
    router = ("-e", json.dumps(tour.place.router), *tour.place.words)
    say("Deploy a router, which can share the traffic between versions of a service.")
    tour.play("router", *router)
    say("Deploy 1.1.0 beside 1.0.0, then give the router the new route, and the weights.")
    files = json.dumps({"compose": ["shop/compose.yml", "shop/split.yml"]})
    tour.play("deploy", "-e", "version=1.0.0", "-e", files, *tour.place.words)
    tour.play("router", *router)
    tour.play("traffic", "-e", "service=web", *router)
    visitors = Visitors(f"{tour.place.address}:{tour.place.router['router_http_port']}")
    say(visitors.counted("shop 1.0.0", "shop 1.1.0"))
    say("1.1.0 is as good. Give it all visitors.")
    weights = json.dumps({"weights": {"next": 100}})
    tour.play("traffic", "-e", "service=web", "-e", weights, *router)
    say(visitors.counted("shop 1.1.0"))


class Visitors:
    """Visitors of the routed shop, each with its cookie."""

    def __init__(self, address: str, number: int = 200) -> None:
        self.address = address
        self.cookies = [f"visitor{number}" for number in range(number)]

    def counted(self, *expected: str) -> str:
        """Return the answers to one request of each visitor; end the tour if there are others."""
        answers = Counter(map(self._visit, self.cookies))
        if set(answers) != set(expected):
            sys.exit(f"the tour ends here: others than {', '.join(expected)} answered: {answers}")
        text = ", ".join(f"{answers[answer]} × '{answer}'" for answer in expected)
        return f"{len(self.cookies)} visitors: {text}"

    def _visit(self, cookie: str) -> str:
        connection = http.client.HTTPConnection(self.address, timeout=10)
        headers = {"Host": "shop.example.com", "Cookie": f"shipping_visitor={cookie}"}
        try:
            connection.request("GET", "/", headers=headers)
            return connection.getresponse().read().decode().strip()
        except OSError as error:
            return f"lost: {error}"
        finally:
            connection.close()


def deliver(tour: Tour) -> str:
    """Show the other half: a user joins a project, uses its tools, and leaves it.

    Return the words of a delivery.
    """
    say(
        f"The other half: a directory with the project atlas, and the workstation of {USER}, who is"
        " not in a project yet."
    )
    UserMachine(f"{NAME}-{COMPUTER}").down()
    company = CompanyBed(Machine(NAME), {COMPUTER: (USER,)})
    company.up(tour.client.url)
    company.machine.connect(company.machines[COMPUTER].machine)
    words = (
        "-i",
        str(company.inventory),
        "-e",
        f"delivery_catalog={company.catalog}",
        "-e",
        f"delivery_state_path={company.folder}/state",
    )
    tour.play("deliver", *words)
    say(
        f"{USER} joins atlas: {person(USER)} becomes a member of its group in the directory."
        " The next delivery does the rest."
    )
    company.join(USER)
    tour.play("deliver", *words)
    tour.run_command(company, "tools")
    if tour.run_command(company, "atlas") not in tour.seen:
        sys.exit("the tour ends here: the delivered command got no answer from the shop")
    say(f"{USER} leaves the project.")
    company.leave(USER)
    tour.play("deliver", *words)
    if "not found" not in tour.run_command(company, "atlas"):
        sys.exit("the tour ends here: the command is still there")
    return shlex.join(words)


def push(tour: Tour) -> ShopRepository:
    """Show how a push is deployed; return the repository."""
    place = tour.place
    say(
        "The shop gets a repository of its own. Each push to it is built, tested and deployed by"
        " the hook docs/ci/post-receive. Change its version, and push."
    )
    base = f"{place.registry}/{images.BASE}"
    place.builder.docker("tag", images.BASE, base)
    place.builder.docker("push", "--quiet", base)
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    builder = {"DOCKER_HOST": place.builder.host, "PATH": programs}
    repository = ShopRepository(
        place.builder.machine.folder, environment({**place.environment, **builder})
    )
    repository.create(place.registry, place.release["platform"], place.release)
    repository.edit("2.0.0")
    commit = ("commit", "--quiet", "--all", "--message", "Show 2.0.0")
    say(f"$ cd {repository.clone} && git {shlex.join(commit)} && git push origin {BRANCH}")
    repository.git(*commit)
    with Client(tour.client.url) as client:
        repository.git("push", "origin", BRANCH)
        served = client.ask()
    if client.lost or served != "shop 2.0.0":
        sys.exit(f"the tour ends here: the shop serves {served!r}, and lost {client.lost[:3]}")
    say(f"pushed, and the shop serves {served!r}. requests meanwhile: {len(client.lost)} lost")
    return repository


def _what_next(tour: Tour, seconds: float, delivery: str, repository: ShopRepository) -> None:
    place, client = tour.place, tour.client
    settings = " ".join(f"{name}={value}" for name, value in place.environment.items())
    words = shlex.join(place.words)
    say(
        f"The tour took {seconds:.0f} s. The shop runs at {client.url} until you run make clean."
        " Try next:"
    )
    print(f"""
  export PATH={Path(sys.executable).parent}:$PATH {settings}
  ansible-playbook playbooks/status.yml {words}
  ansible-playbook playbooks/scale.yml {words} -e '{{"replicas": {{"web": 4}}}}'
  ansible-playbook playbooks/deploy.yml {words} -e version=1.1.0 --check --diff
  {place.look}
  python -m tests.testbed.company join {NAME} {USER}
  ansible-playbook playbooks/deliver.yml {delivery}
  cd {repository.clone}  # edit web/app.py, commit, and then:
  ANSIBLE_CONFIG={ROOT}/ansible.cfg DOCKER_HOST={place.builder.host} git push origin {BRANCH}

  For your own platform, see docs/docsite/rst/guide_start.rst.
""")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "swarm"))
