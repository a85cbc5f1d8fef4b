# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubernetes as a platform."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

from ..._core.cause import Cause
from ..._core.content_ids import secret_id
from ..._core.errors import (
    Denied,
    LeaseLost,
    NotFound,
    Outdated,
    PlanError,
    PlatformError,
    Problem,
)
from ..._core.image_references import Reference
from ..._core.parallel import side_by_side
from ..._deploy.diagnosis import REMEDIES
from ..._deploy.health import LIVE
from ..._deploy.history import Record, newest
from ..._deploy.lease import Lease
from ..._deploy.naming import Naming
from ..._deploy.plan import Plan
from ..._deploy.ports import Contents, Fence, Observation, Wishes
from ..._deploy.resolution import Resolved
from ..._deploy.state import Evidence, ServiceState, States, Task
from ..._registry.credentials import Credentials
from ..._registry.registries import Registries
from . import (
    adoption,
    diagnoser,
    manifests,
    planning,
    pod_security,
    render,
    storage,
)
from .api_kinds import (
    APP,
    CLAIM,
    CONFIG_MAP,
    CONTENT,
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    KIND,
    KINDS,
    LEASE_KIND,
    NAMESPACE,
    NETWORK_POLICY,
    NODE,
    OF_SERVICE,
    POD,
    RECORD,
    REGISTRY,
    RELEASE,
    REPLICA_SET,
    SECRET,
    SERVICE,
    SERVICE_KIND,
    STANDARD,
    TOKEN,
    VERSION,
    WORKLOADS,
    Kind,
)
from .cluster import MANAGER, Cluster, Conflict
from .compare import annotation, is_applied, label, owned_replicas
from .observe import Body, Found, own, states
from .planning import Entry
from .watch_cache import Mirror

SCALER = f"{MANAGER}-scale"
_ATTEMPTS, _PAUSE, _LEAST_PAUSE = 8, 0.3, 0.05
# Field managers behind which there are people, or ourselves; the others are controllers.
_PEOPLE = (*adoption.FORMER, "k9s", "lens", "node-fetch", "Mozilla", MANAGER)


@dataclass(frozen=True)
class Ways:
    """How the modules' options want things done."""

    monitor: float = 5.0
    create_namespace: bool = False
    conflicts: str = "take"
    pod_security: str = "auto"


class Kubernetes:
    """An app's services in one namespace of a cluster."""

    name = "kubernetes"

    def __init__(
        self, cluster: Cluster, credentials: Credentials, registries: Registries, ways: Ways
    ) -> None:
        self.cluster = cluster
        self.credentials = credentials
        self.registries = registries
        self.ways = ways
        self._changed = threading.Event()
        self._mirrors: list[Mirror] = []
        self._applied: dict[str, int] = {}
        self._taken_over: dict[tuple[str, str], Body] = {}
        self._contents = Contents()

    def naming(self, app: str) -> Naming:
        """In the letters of the DNS."""
        return render.naming(app)

    def observe(self, app: str) -> Observation:
        """Everything of an app, in a dozen calls side by side for any number of services."""
        selector = f"{APP}={app}"
        ask, meta = self.cluster.items, self.cluster.metadata
        contents = f"{selector},{KIND} in ({CONTENT},{REGISTRY})"
        kinds = (*OF_SERVICE, REPLICA_SET, POD)
        calls = [partial(ask, kind, selector) for kind in kinds]
        calls += [
            partial(ask, SECRET, f"{selector},{KIND}={RECORD}"),
            partial(meta, SECRET, contents),
            partial(meta, CONFIG_MAP, contents),
        ]
        calls += [
            partial(self._one, LEASE_KIND, storage.lease_name(app)),
            partial(self._one, NAMESPACE, self.cluster.namespace),
        ]
        *lists, sets, pods, records, secrets, configs, lease, namespace = side_by_side(
            lambda call: call(), calls
        )
        history = storage.records(records)
        lists += side_by_side(
            lambda kind: self._of_kind(app, kind),
            self._more_kinds(*(record.resolved for record in history)),
        )
        objects = own(
            app,
            self.cluster.namespace,
            [*(body for found in lists for body in found), *records, *secrets, *configs],
        )
        found = Found(
            objects, sets, pods, [], namespace[0] if namespace else None, self.cluster.clock
        )
        self._add_adopted(found)
        resolved = history[0].resolved if history else Resolved()
        return Observation(
            history,
            storage.as_lease(lease[0]) if lease else None,
            states(app, found, resolved, self.ways.monitor),
            found,
        )

    def _more_kinds(self, *apps: Resolved) -> list[Kind]:
        """Kinds that manifests have, beyond those that every app may have."""
        found = {
            render.kind_of({}, service)
            for resolved in apps
            for service in resolved.services.values()
            if "manifest" in service
        }
        return sorted(found - set(OF_SERVICE), key=lambda kind: kind.name)

    def _of_kind(self, app: str, kind: Kind) -> list[Body]:
        """The app's objects of a kind, but for what this collection keeps for itself.

        None where the kind is not defined.
        """
        try:
            return self.cluster.items(kind, f"{APP}={app},!{KIND}")
        except NotFound:
            return []

    def _one(self, kind: Kind, name: str) -> list[Body]:
        found = self.cluster.find(kind, name)
        return [found] if found else []

    def _add_adopted(self, found: Found) -> None:
        """Pods of workloads that were taken over, and of manifests, may lack our labels."""
        if any(adoption.is_foreign(body) for body in found.workloads.values()):
            found.replica_sets, found.pods = side_by_side(self.cluster.items, (REPLICA_SET, POD))

    def check(self, resolved: Resolved) -> None:
        """Every key is honoured by every version that is supported."""

    def from_manifests(
        self, app: str, given: Mapping[str, Any], seen: Observation, mode: str, wishes: Wishes
    ) -> tuple[Resolved, Contents, list[str]]:
        """Manifests as an app: its spec, the contents of its Secrets, and what was passed over."""
        found = manifests.read(given["documents"], self.cluster.namespace, given["hooks"])
        salt = self.salt(app)
        names = {
            title: self.naming(app).content(title, secret_id(content, salt))
            for title, content in found.contents.items()
        }
        images = sorted(
            {image for body in found.objects.values() for image in manifests.images_of(body)}
        )
        pinned = self.resolve_images(images, mode, seen) if mode == "always" else {}
        before = newest(seen.records, LIVE)
        former = before.resolved.services if before else {}
        default = manifests.UNTOUCHED if wishes.adopt else given["labels"]
        labels = {
            title: former.get(title, {}).get("labels_on_pods", default) for title in found.objects
        }
        services = manifests.services(
            found, self._discovered(found), names, pinned, labels, self.cluster.namespace
        )
        claims = sorted(
            body["metadata"]["name"]
            for body in found.objects.values()
            if body["kind"] == CLAIM.name
        )
        kept = {name: {"source": title, "id": name[-12:]} for title, name in names.items()}
        resolved = Resolved(services=services, secrets=kept, volumes=claims)
        self._contents = Contents(secrets=found.contents)
        return resolved, self._contents, found.notes

    def _discovered(self, found: manifests.Manifests) -> dict[tuple[str, str], Kind]:
        """The kinds of API versions that are not every cluster's, as this one calls them."""
        result = {}
        for version in manifests.unknown(found.objects.values()):
            group = f"/apis/{version}" if "/" in version else f"/api/{version}"
            try:
                resources = self.cluster.raw(group)["resources"]
            except NotFound:
                continue
            for entry in resources:
                if "/" not in entry["name"]:
                    result[version, entry["kind"]] = Kind(
                        entry["kind"], group, entry["name"], entry["namespaced"]
                    )
        return result

    def _filled(self, app: str, service: Mapping[str, Any], body: Body) -> Body:
        """A manifest's Secret with its content: what was just given, or what is kept."""
        name = service.get("content")
        if not name:
            return body
        content: Any = self._contents.secrets.get(annotation(body, SERVICE))
        if content is None:
            content = self.cluster.get(SECRET, name)["data"]["data"]
        return {**body, "data": manifests.data_of(content)}

    def complete(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Resolved:
        """Which credentials the machines need, the security of pods, others' keys.

        And what is taken over.
        """
        found: Found = seen.inner
        before = newest(seen.records, LIVE)
        former = before.resolved.services if before else {}
        level = (
            "restricted"
            if self.ways.pod_security == "auto"
            and pod_security.enforced(found.namespace) == pod_security.RESTRICTED
            else self.ways.pod_security
        )
        self._fetch(found, planning.external(resolved))
        if wishes.adopt:
            self._fetch(
                found,
                [
                    (kind.name, name)
                    for name in resolved.services
                    for kind in WORKLOADS
                    if (kind.name, name) not in found.objects
                ],
            )
        strangers = (
            {
                name: found.strangers.get((render.kind_of_workload(service).name, name))
                for name, service in resolved.services.items()
            }
            if wishes.adopt
            else {}
        )
        pods = self.cluster.items(POD) if any(strangers.values()) else []
        services = {}
        for name, service in resolved.services.items():
            added = {"security": level, **self._pull_secret(app, service, former.get(name, {}))}
            services[name] = adoption.completed(
                app,
                name,
                {**service, **added},
                former.get(name, {}),
                strangers.get(name),
                resolved,
                pods,
            )
        return replace(
            resolved,
            services=services,
            secrets=_with_keys(SECRET, resolved.secrets, found),
            configs=_with_keys(CONFIG_MAP, resolved.configs, found),
        )

    def _pull_secret(
        self, app: str, service: Mapping[str, Any], former: Mapping[str, Any]
    ) -> dict[str, str]:
        """The Secret for the image's registry, where there are credentials now or were before."""
        registry = Reference.parse(service["reference"]).registry
        known = (
            former.get("pull_secret") and Reference.parse(former["reference"]).registry == registry
        )
        return (
            {"pull_secret": storage.registry_name(app)}
            if known or self.credentials.for_registry(registry)
            else {}
        )

    def _fetch(self, found: Found, keys: Iterable[tuple[str, str]]) -> None:
        """Look for objects by name that do not bear the app's label."""
        wanted = [key for key in keys if key not in found.strangers and key not in found.objects]
        for key, bodies in zip(
            wanted, side_by_side(lambda key: self._one(KINDS[key[0]], key[1]), wanted)
        ):
            if bodies:
                found.strangers[key] = {**bodies[0], "kind": key[0]}

    def _fetch_entries(self, found: Found, wanted: list[Entry]) -> None:
        """Look for what has a name that is wanted and does not bear the app's label."""
        missing = [entry for entry in wanted if entry.key not in found.strangers]
        for entry, bodies in zip(
            missing, side_by_side(lambda entry: self._one(entry.kind, entry.key[1]), missing)
        ):
            if bodies:
                found.strangers[entry.key] = {**bodies[0], "kind": entry.key[0]}

    def salt(self, app: str) -> bytes:
        """From the namespace's own id, so that it is the same for every run."""
        namespace = self.cluster.find(NAMESPACE, self.cluster.namespace)
        return hashlib.sha256(
            f"{namespace['metadata']['uid'] if namespace else ''} {app}".encode()
        ).digest()

    def resolve_images(self, references: list[str], mode: str, seen: Observation) -> dict[str, str]:
        """One registry call for each distinct image, side by side."""
        if mode == "never":
            return {reference: reference for reference in references}
        answers = side_by_side(self._resolve, references)
        refused = [answer for answer in answers if isinstance(answer, Cause)]
        if refused:
            remedies = sorted({REMEDIES[cause.kind] for cause in refused})
            raise PlanError(
                "cannot resolve " + ("an image" if len(refused) == 1 else f"{len(refused)} images"),
                "; ".join(cause.text for cause in refused),
                ". ".join(remedies),
                failures=[{"kind": cause.kind, "text": cause.text} for cause in refused],
            )
        return dict(zip(references, map(str, answers)))

    def _resolve(self, text: str) -> str | Cause:
        reference = Reference.parse(text)
        if reference.digest:
            return reference.pinned(reference.digest)
        answer = self.registries.digest(text)
        return answer if isinstance(answer, Cause) else reference.pinned(answer)

    def plan(self, app: str, resolved: Resolved, seen: Observation, wishes: Wishes) -> Plan:
        """Compare with what was observed.

        What differs is tried by the server itself, without being written.
        """
        found = seen.inner
        services = resolved.services
        wanted = [
            replace(entry, wanted=self._filled(app, services.get(entry.service, {}), entry.wanted))
            for entry in planning.entries(app, resolved, found)
        ]
        self._fetch(found, planning.external(resolved))
        self._fetch_entries(found, [entry for entry in wanted if entry.live is None])
        if any(entry.differs for entry in wanted) and found.nodes is None:
            found.nodes = self._nodes()
        wanted = [adoption.entry(entry, found, wishes) for entry in wanted]
        self._look_at_strangers(app, seen)
        noted = list(planning.problems(app, resolved, found, wanted, wishes))
        notes: tuple[str, ...] = ()
        if found.namespace is None:
            notes = (
                (
                    f"the namespace {self.cluster.namespace} does not exist yet, so the plan was"
                    " made without the cluster's word"
                ),
            )
            if not self.ways.create_namespace:
                raise storage.missing_namespace(self.cluster.namespace)
        elif not noted:
            wanted, refused, unable = self._rehearsed(wanted)
            noted += refused
            notes = tuple(unable)
        planned = planning.plan(app, resolved, seen.records, found, wanted, wishes, noted)
        return replace(
            planned,
            create={
                **planned.create,
                "secrets": (*planned.create["secrets"], *self._registries_to_write(app, resolved)),
            },
            notes=(*planned.notes, *notes),
        )

    def _look_at_strangers(self, app: str, seen: Observation) -> None:
        """What pods of workloads that are about to be taken over have been through is not this run's."""
        found: Found = seen.inner
        if set(found.workloads) - set(seen.states):
            self._add_adopted(found)
            before = states(app, found, Resolved(), self.ways.monitor)
            cast(dict[str, ServiceState], seen.states).update(
                {name: state for name, state in before.items() if name not in seen.states}
            )

    def drift(self, app: str, resolved: Resolved, seen: Observation) -> Plan:
        """By comparing alone, which needs no right to write.

        Told in the words of the objects, since the spec is the same.
        """
        found = seen.inner
        wanted = [
            replace(entry, predicted=entry.live) if entry.is_there else entry
            for entry in planning.entries(app, resolved, found)
        ]
        return planning.plan(app, resolved, (), found, wanted, Wishes(), [])

    def _nodes(self) -> list[Body] | None:
        try:
            return self.cluster.items(NODE)
        except Denied:
            return None

    def _registries_to_write(self, app: str, resolved: Resolved) -> tuple[str, ...]:
        content = self._login_for_machines(resolved)
        return (
            (storage.registry_name(app),)
            if content and not storage.same_registries(self.cluster, app, content)
            else ()
        )

    def _login_for_machines(self, resolved: Resolved) -> bytes:
        registries = {
            Reference.parse(service["reference"]).registry
            for service in resolved.services.values()
            if "pull_secret" in service
        }
        return self.credentials.dockerconfigjson(sorted(registries)) if registries else b""

    def _rehearsed(self, wanted: list[Entry]) -> tuple[list[Entry], list[Problem], list[str]]:
        """Each entry that differs with what the server makes of it, what it refuses.

        And what it cannot say.
        """
        results = side_by_side(
            lambda entry: self._rehearse(entry) if entry.differs else (entry, None, ""), wanted
        )
        return (
            [entry for entry, _p, _n in results],
            [p for _e, p, _n in results if p],
            sorted({note for _e, _p, note in results if note}),
        )

    def _rehearse(self, entry: Entry) -> tuple[Entry, Problem | None, str]:
        place = (
            f"services.{entry.service}"
            if entry.service
            else f"networks: {entry.wanted['metadata']['name']}"
        )
        body = _keeping_replicas(entry.wanted, entry.live)
        try:
            if self._must_be_made_anew(entry.wanted, entry.live):
                return entry, None, ""
            if entry.live is not None:
                problem = self._conflicting(entry, body, place)
                if problem:
                    return entry, problem, ""
            predicted = self.cluster.apply(entry.kind, body, dry=True)
        except PlatformError as error:
            if "dry run" in error.why or "dryRun" in error.why:
                return (
                    entry,
                    None,
                    (
                        f"a webhook refuses dry runs, so {entry.title} was compared without the"
                        f" cluster's word ({error.why})"
                    ),
                )
            if (
                isinstance(error, NotFound)
                and entry.live is None
                and entry.kind not in KINDS.values()
            ):
                return (
                    entry,
                    None,
                    (
                        f"{entry.title} was not tried by the cluster, which gets its definition"
                        " with this release"
                    ),
                )
            if isinstance(error, Denied) or not error.facts.get("status"):
                raise
            return entry, Problem(place, f"the cluster refuses {entry.title}: {error.why}"), ""
        return replace(entry, predicted=predicted), None, ""

    def _conflicting(self, entry: Entry, body: Body, place: str) -> Problem | None:
        """A field that somebody else holds.

        People's changes are taken back, controllers' are not fought.
        """
        try:
            self.cluster.apply(entry.kind, body, force=False, dry=True)
        except Conflict as error:
            held = [
                (manager, path)
                for manager, path in error.owners
                if self.ways.conflicts == "fail" or not manager.startswith(_PEOPLE)
            ]
            if held:
                manager, path = held[0]
                key = (
                    "leave deploy.replicas out"
                    if path == ".spec.replicas"
                    else "leave it out of the spec"
                )
                return Problem(
                    place,
                    f"{entry.title}: {path} is held by {manager}; {key}, or take it from {manager}"
                    " first",
                )
        return None

    @staticmethod
    def _must_be_made_anew(wanted: Body, live: Body | None) -> bool:
        """A Service cannot change between having an address and having none."""
        if live is None or wanted["kind"] != SERVICE_KIND.name:
            return False
        return bool(
            (wanted["spec"].get("clusterIP") == "None") != (live["spec"].get("clusterIP") == "None")
        )

    def belongings(self, app: str, seen: Observation) -> dict[str, list[str]]:
        """What bears the app's label, but for volumes."""
        found: Found = seen.inner
        return found.belongings()

    def adoptable(
        self, app: str, contents: Contents, seen: Observation
    ) -> dict[str, dict[str, str]]:
        """Nothing: others' Secrets and ConfigMaps are used by declaring them external."""
        return {}

    def look(self, app: str, resolved: Resolved) -> States:
        """What the watches have brought; they are begun by the first look."""
        self._changed.clear()
        if not self._mirrors:
            self._mirrors = self._new_mirrors(app, resolved)
        side_by_side(Mirror.start, self._mirrors)
        for mirror in self._mirrors:
            if mirror.trouble:
                raise mirror.trouble
        sets, pods, events, *others = (mirror.items for mirror in self._mirrors)
        objects = own(app, self.cluster.namespace, [body for bodies in others for body in bodies])
        found = Found(objects, sets, pods, events, clock=self.cluster.now(), applied=self._applied)
        return states(app, found, resolved, self.ways.monitor)

    def _new_mirrors(self, app: str, resolved: Resolved) -> list[Mirror]:
        selector = f"{APP}={app}"
        of_pods = (
            ""
            if any(
                "selector" in service or "manifest" in service
                for service in resolved.services.values()
            )
            else selector
        )
        mirrors = [
            Mirror(self.cluster, kind, self._changed, of_pods) for kind in (REPLICA_SET, POD)
        ]
        mirrors.append(
            Mirror(
                self.cluster, EVENT, self._changed, fields="type=Warning,involvedObject.kind=Pod"
            )
        )
        made = {
            render.kind_of({}, service)
            for service in resolved.services.values()
            if "manifest" in service
        }
        kinds = [*WORKLOADS, *sorted(made - set(WORKLOADS), key=lambda kind: kind.name)]
        return [
            *mirrors,
            *(Mirror(self.cluster, kind, self._changed, f"{selector},!{KIND}") for kind in kinds),
        ]

    def pause(self, seconds: float) -> None:
        """Until the next event."""
        time.sleep(_LEAST_PAUSE)
        self._changed.wait(seconds)

    def evidence(self, task: Task, cause: Cause, reference: str) -> Evidence:
        """What the cluster and the registry say of a failed pod."""
        return diagnoser.examine(self.cluster, task, cause, reference, self.registries)

    def make_objects(self, app: str, resolved: Resolved, contents: Contents, fence: Fence) -> None:
        """Make the secrets and configs that are missing.

        And let the machines into the registries.
        """
        content = self._login_for_machines(resolved)
        if content and not storage.same_registries(self.cluster, app, content):
            fence.check()
            storage.write_registries(self.cluster, app, content)
        selector = f"{APP}={app},{KIND}={CONTENT}"
        existing = {
            section: {body["metadata"]["name"] for body in self.cluster.metadata(kind, selector)}
            for section, kind in (("secrets", SECRET), ("configs", CONFIG_MAP))
        }
        storage.make_objects(self.cluster, app, resolved, contents, existing, fence)

    def make_networks(self, app: str, resolved: Resolved, fence: Fence) -> None:
        """Make the policies what they must be, side by side."""
        side_by_side(
            lambda body: self._write(NETWORK_POLICY, body, {}, fence),
            render.policies(app, resolved),
        )

    def apply(self, app: str, name: str, record: Record, seen: Observation, fence: Fence) -> None:
        """Make one service what is declared: first what its pods need, then the workload."""
        service = record.resolved.services[name]
        *others, workload = render.of_service(app, name, record.resolved)
        for body in others:
            self._write(KINDS[body["kind"]], body, {}, fence)
        notes = {RELEASE: str(record.number), VERSION: record.version}
        written = self._write(
            render.kind_of(workload, service), self._filled(app, service, workload), notes, fence
        )
        self._applied[name] = written["metadata"].get("generation", 0)
        if "manifest" not in service:
            self._remove_superfluous(app, name, [*others, workload], fence)

    def _write(self, kind: Kind, body: Body, notes: Mapping[str, str], fence: Fence) -> Body:
        """One object, from a fresh read, until nobody else was faster."""
        name = body["metadata"]["name"]
        for _attempt in range(_ATTEMPTS):
            live = self.cluster.find(kind, name)
            if live is not None and is_applied(body, live):
                return live
            self._refuse_later(name, live, fence)
            fence.check()
            if live is not None and self._must_be_made_anew(body, live):
                self.cluster.delete(kind, name, live["metadata"]["uid"])
                live = None
            try:
                return self._send(kind, body, live, notes, fence)
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"{kind.name} {name} could not be written",
            f"somebody else changed it {_ATTEMPTS} times meanwhile",
            "Find out who does, then run again",
        )

    def _send(
        self, kind: Kind, body: Body, live: Body | None, notes: Mapping[str, str], fence: Fence
    ) -> Body:
        if live is not None and _keeping_replicas(body, live) is not body:
            # Another manager holds the number before we let go of it, or the server would make it
            # 1.
            number = {"replicas": live["spec"]["replicas"]}
            held = {
                "apiVersion": kind.version,
                "kind": kind.name,
                "metadata": {"name": body["metadata"]["name"]},
                "spec": number,
            }
            live = self.cluster.apply(kind, held, manager=SCALER)
        metadata = {
            **body["metadata"],
            "annotations": {**body["metadata"]["annotations"], **notes, TOKEN: str(fence.token)},
        }
        if live is not None:
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
        written = self.cluster.apply(kind, {**body, "metadata": metadata})
        if live is not None and not label(live, APP):
            self._taken_over[kind.name, live["metadata"]["name"]] = live
            adoption.hand_over(self.cluster, kind, written)
        return written

    def _refuse_later(self, name: str, live: Body | None, fence: Fence) -> None:
        """Stop where a later holder of the lease wrote it."""
        token = int(annotation(live, TOKEN) or 0) if live is not None else 0
        if live is not None and token > fence.token:
            why = f"a later run wrote {name} (token {token}, this run has {fence.token})"
            raise LeaseLost(
                f"this run no longer holds {label(live, APP) or name}",
                why,
                "Nothing more was written",
            )

    def _remove_superfluous(self, app: str, name: str, bodies: list[Body], fence: Fence) -> None:
        needed = {(body["kind"], body["metadata"]["name"]) for body in bodies}
        kinds = (SERVICE_KIND, NETWORK_POLICY)
        for kind, found in zip(
            kinds,
            side_by_side(
                lambda kind: self.cluster.metadata(kind, f"{APP}={app},{SERVICE}={name}"), kinds
            ),
        ):
            for body in found:
                if (kind.name, body["metadata"]["name"]) not in needed:
                    fence.check()
                    self.cluster.delete(kind, body["metadata"]["name"], body["metadata"]["uid"])

    def set_replicas(self, app: str, service: str, replicas: int, fence: Fence) -> None:
        """Set one service's number of pods, and nothing else."""
        of, slash, called = service.partition("/")
        kind, name = (STANDARD["apps/v1", of], called) if slash else (DEPLOYMENT, service)
        for _attempt in range(_ATTEMPTS):
            live = self.cluster.find(kind, name)
            if live is None:
                raise NotFound(
                    f"there is no service {name} in {app}",
                    "the cluster does not have it",
                    "Release the app first",
                )
            self._refuse_later(name, live, fence)
            fence.check()
            metadata = {
                "resourceVersion": live["metadata"]["resourceVersion"],
                "annotations": {TOKEN: str(fence.token)},
            }
            try:
                written = self.cluster.merge(
                    kind, name, {"metadata": metadata, "spec": {"replicas": replicas}}, SCALER
                )
                self._applied[service] = written["metadata"]["generation"]
                return
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be scaled",
            f"somebody else changed it {_ATTEMPTS} times meanwhile",
            "Find out who does, then run again",
        )

    def remove_services(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> list[str]:
        """Remove services and wait until their pods are gone; volumes stay.

        What this run took over is put back as it was.
        """
        wanted = set(names)
        put_back = self._remove_manifests(
            app, {name for name in wanted if "/" in name}, fence, deadline
        )
        going = {name for name in wanted if "/" not in name}
        if not going:
            return put_back
        selector = f"{APP}={app},{SERVICE} in ({','.join(sorted(going))})"
        kinds = (DEPLOYMENT, DAEMON_SET, SERVICE_KIND, NETWORK_POLICY)
        bodies = [
            (kind, body)
            for kind, found in zip(
                kinds, side_by_side(lambda kind: self.cluster.metadata(kind, selector), kinds)
            )
            for body in found
        ]
        sets = self.cluster.metadata(REPLICA_SET, "")
        gone = {
            body["metadata"]["uid"] for kind, body in bodies if self._removed(kind, body, fence)
        }
        owners = _with_owned(gone, sets)
        put_back += sorted(
            {name for kind, name in self._taken_over if kind in (DEPLOYMENT.name, DAEMON_SET.name)}
            & going
        )
        going -= set(put_back)
        while True:
            found = [
                (kind.name, body)
                for kind in (REPLICA_SET, POD)
                for body in self.cluster.metadata(kind, "")
            ]
            left = [
                kind
                for kind, body in found
                if _owners(body) & owners
                or (label(body, APP) == app and label(body, SERVICE) in going)
            ]
            if not left:
                return put_back
            _wait(
                deadline,
                f"pods of removed services of {app} are still there",
                f"a {left[-1]} does not end",
                f"kubectl get pods -l {selector}",
            )

    def _remove_manifests(
        self, app: str, names: set[str], fence: Fence, deadline: float
    ) -> list[str]:
        """Remove objects of manifests, and wait until they and their pods are gone.

        What holds data or others' definitions stays.
        """
        if not names:
            return []
        kinds = {
            **{kind.name: kind for kind in OF_SERVICE},
            **{
                kind.name: kind
                for kind in self._more_kinds(*(r.resolved for r in self.observe(app).records))
            },
        }
        going = [
            (kinds[name.partition("/")[0]], name.partition("/")[2])
            for name in names
            if name.partition("/")[0] not in manifests.LASTING
        ]
        sets = self.cluster.metadata(REPLICA_SET, "")
        uids = set()
        for kind, name in going:
            live = self.cluster.find(kind, name)
            if live is not None and label(live, APP) == app:
                uids |= {live["metadata"]["uid"]} if self._removed(kind, live, fence) else set()
        while True:
            left = [
                f"{kind.name}/{name}"
                for kind, name in going
                if (self.cluster.find(kind, name) or {"metadata": {}})["metadata"].get("uid")
                in uids
            ]
            left += [
                f"Pod/{pod['metadata']['name']}"
                for pod in self.cluster.metadata(POD, "")
                if not left and _owners(pod) & _with_owned(uids, sets)
            ]
            if not left:
                return [
                    f"{kind.name}/{name}"
                    for kind, name in going
                    if (kind.name, name) in self._taken_over
                ]
            _wait(
                deadline,
                f"removed objects of {app} are still there",
                f"{left[0]} does not end",
                f"kubectl get {left[0].lower()}",
            )

    def _removed(self, kind: Kind, body: Body, fence: Fence) -> bool:
        """Remove an object; False where it was put back instead."""
        fence.check()
        original = self._taken_over.get((kind.name, body["metadata"]["name"]))
        if original is not None:
            adoption.put_back(self.cluster, kind, original)
        else:
            self.cluster.delete(kind, body["metadata"]["name"], body["metadata"]["uid"])
        return original is None

    def remove_networks(
        self, app: str, names: Iterable[str], fence: Fence, deadline: float
    ) -> None:
        """Remove the policies; they are gone at once."""
        wanted = set(names) | {
            body["metadata"]["name"] for body in render.policies(app, Resolved())
        }
        for body in self.cluster.metadata(NETWORK_POLICY, f"{APP}={app}"):
            if body["metadata"]["name"] in wanted:
                fence.check()
                self.cluster.delete(
                    NETWORK_POLICY, body["metadata"]["name"], body["metadata"]["uid"]
                )

    def sweep(self, app: str, needed: list[Resolved], fence: Fence) -> None:
        """Remove the secrets and configs that no release needs any more."""
        storage.sweep(self.cluster, app, needed, fence)

    def missing(self, record: Record, seen: Observation, thorough: bool = False) -> list[str]:
        """Secrets, configs and images that are gone. Only ``thorough`` asks registries."""
        found: Found = seen.inner
        self._fetch(found, planning.external(record.resolved))
        gone = []
        for section, kind in (("secrets", SECRET), ("configs", CONFIG_MAP)):
            there = found.names(kind.name) | {
                name for of, name in found.strangers if of == kind.name
            }
            gone += [
                f"{section[:-1]} {name}"
                for name in getattr(record.resolved, section)
                if name not in there
            ]
        if thorough:
            images = {
                image: reference
                for service in record.resolved.services.values()
                for image, reference in _images(service).items()
            }
            answers = side_by_side(self.registries.digest, images)
            gone += [
                f"image {images[image]}"
                for image, answer in zip(images, answers)
                if isinstance(answer, Cause) and answer.kind == "image_missing"
            ]
        return gone

    def stamp(self, app: str, fence: Fence) -> None:
        """Put the token on all objects, so that whoever held the app before cannot write them."""

        def write(item: tuple[Kind, str]) -> None:
            kind, name = item
            for _attempt in range(_ATTEMPTS):
                live = self.cluster.find(kind, name)
                if live is None:
                    return
                self._refuse_later(name, live, fence)
                fence.check()
                metadata = {
                    "resourceVersion": live["metadata"]["resourceVersion"],
                    "annotations": {TOKEN: str(fence.token)},
                }
                try:
                    self.cluster.merge(kind, name, {"metadata": metadata})
                    return
                except Outdated:
                    time.sleep(_PAUSE)

        kinds = [
            *OF_SERVICE,
            *self._more_kinds(*(record.resolved for record in self.observe(app).records)),
        ]
        found = side_by_side(
            lambda kind: [(kind, body["metadata"]["name"]) for body in self._of_kind(app, kind)],
            kinds,
        )
        side_by_side(write, [item for items in found for item in items])

    def write_record(self, app: str, record: Record) -> Record:
        """Make the record, or write its verdict."""
        return storage.write_record(self.cluster, app, record)

    def remove_record(self, record: Record) -> None:
        """Remove a record."""
        self.cluster.delete(SECRET, record.id)

    def read_lease(self, app: str) -> Lease | None:
        """The lease as it is now."""
        return storage.read_lease(self.cluster, app)

    def write_lease(self, app: str, lease: Lease) -> Lease:
        """Make the lease or write it; its namespace, too, where that was asked for."""
        return storage.write_lease(self.cluster, app, lease, self.ways.create_namespace)


def _images(service: Mapping[str, Any]) -> dict[str, str]:
    """Every image of a service with how the spec writes it."""
    if "manifest" in service:
        return {image: image for image in manifests.images_of(service["manifest"])}
    return {service["image"]: service["reference"]}


def _owners(body: Body) -> set[str]:
    return {owner["uid"] for owner in body["metadata"].get("ownerReferences") or []}


def _with_owned(uids: set[str], bodies: Iterable[Body]) -> set[str]:
    """The ids of removed workloads with those of their ReplicaSets.

    Which are gone sooner than the pods.
    """
    return uids | {body["metadata"]["uid"] for body in bodies if _owners(body) & uids}


def _keeping_replicas(wanted: Body, live: Body | None) -> Body:
    """What is wanted, with the number of pods that is there where we held it and let go of it."""
    if (
        live is None
        or wanted["kind"] not in ("Deployment", "StatefulSet")
        or "replicas" in wanted["spec"]
        or not owned_replicas(live, MANAGER)
    ):
        return wanted
    return {**wanted, "spec": {**wanted["spec"], "replicas": live["spec"]["replicas"]}}


def _with_keys(
    kind: Kind, objects: Mapping[str, Mapping[str, Any]], found: Found
) -> dict[str, dict[str, Any]]:
    """Others' Secrets and ConfigMaps with the keys that they have."""
    result = {}
    for name, entry in objects.items():
        body = found.strangers.get((kind.name, name)) if entry.get("external") else None
        keys = (
            sorted({**(body.get("data") or {}), **(body.get("binaryData") or {})}) if body else []
        )
        result[name] = {**entry, **({"keys": keys} if keys else {})}
    return result


def _wait(deadline: float, what: str, why: str, look: str) -> None:
    if time.monotonic() > deadline:
        raise PlatformError(what, why, f"Look at {look}, then run again")
    time.sleep(_PAUSE)
