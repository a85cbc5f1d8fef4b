# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as they are: each object becomes a service of the app. Pure.

A service is called by its object's kind and name. A Secret's content is not in it: what is
in the record is the name of a Secret of ours that keeps it.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..._core.content_ids import canonical, digest
from ..._core.errors import Problem, SpecError
from .api_kinds import (
    APP,
    APPLIED,
    HASH,
    LABEL,
    NAMESPACED_BY,
    SERVICE,
    STANDARD,
    Kind,
    api_group,
    kind_word,
)
from .release_order import PODS, TEMPLATED, ReleaseOrder

Body = dict[str, Any]
Definitions = Mapping[tuple[str, str], Kind]

HASHED, UNTOUCHED = "hash", "none"
# A kind whose scope only the cluster knows: most are in a namespace.
_CUSTOM = Kind("", "", "")
CONTENT_OF = f"{LABEL}content"
_HOOK = "helm.sh/hook"
# Exported manifests have these. An apply that has managedFields is rejected, and one that has a
# resourceVersion fails when it is stale.
_OF_THE_SERVER = (
    "creationTimestamp",
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "selfLink",
)
JOB = "Job"
# What sets the number of pods of the workload that its spec.scaleTargetRef names.
_SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
# What is looked into here must be a mapping, where it is there at all.
_POD = (
    "spec",
    "spec.template",
    "spec.template.metadata",
    "spec.template.metadata.labels",
    "spec.template.spec",
)
_CRON = (
    "spec.jobTemplate",
    "spec.jobTemplate.spec",
    "spec.jobTemplate.spec.template",
    "spec.jobTemplate.spec.template.spec",
)
_MAPPINGS = {
    **dict.fromkeys(PODS, (*_POD, *_CRON)),
    **dict.fromkeys(_SCALERS, ("spec", "spec.scaleTargetRef")),
    "Secret": ("data", "stringData"),
    "Service": ("spec", "spec.selector"),
    "CustomResourceDefinition": ("spec", "spec.names"),
}


@dataclass
class Manifests:
    """The objects in order, and the secret contents of Secrets by object."""

    objects: dict[str, Body] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(documents: Iterable[Any], namespace: str | None, hooks: str) -> Manifests:
    """Check and tidy documents; raises :class:`SpecError` with every problem.

    Without a ``namespace`` each one is taken.
    """
    result = Manifests()
    named, problems = _named(documents)
    for title, document in zip(_titles(named, namespace), named):
        problems += _take(document, title, namespace, hooks, result)
    if not result.objects and not problems:
        problems.append(Problem("manifests", "have no objects"))
    if not problems:
        problems += [*_all_elsewhere(result.objects, namespace), *_scaled_twice(result.objects)]
    if problems:
        raise SpecError(problems, "the manifests")
    return result


def _named(documents: Iterable[Any]) -> tuple[list[Body], list[Problem]]:
    """Return the documents that can be addressed, and what is wrong with the others."""
    named: list[Body] = []
    problems: list[Problem] = []
    for number, document in enumerate(_unfolded(documents), 1):
        if document is None or document == {}:
            continue
        text = _unnamed(document) if isinstance(document, dict) else "must be a mapping"
        if text:
            problems.append(Problem(f"document {number}", text))
        else:
            named.append(document)
    return named, problems


def _unfolded(documents: Iterable[Any]) -> Iterable[Any]:
    """Yield the documents, and those of lists in their place."""
    for document in documents:
        # kind: List exists only in clients, such as kubectl get -o yaml: the API has no such
        # object.
        if (
            isinstance(document, dict)
            and str(document.get("kind", "")).endswith("List")
            and isinstance(document.get("items"), list)
        ):
            yield from document["items"]
        else:
            yield document


def _take(
    document: Body, title: str, namespace: str | None, hooks: str, result: Manifests
) -> list[Problem]:
    """Add a document to the result; return what is wrong with it."""
    metadata = document["metadata"]
    misshapen = list(_misshapen(document, title))
    if misshapen:
        return misshapen
    hook = (metadata.get("annotations") or {}).get(_HOOK)
    # Helm also takes test-success, the older name.
    if hook and (hooks == "skip" or "test" in hook):
        result.notes.append(f"{title}: ignored, a Helm hook ({hook})")
        return []
    problems = list(_objections(title, document, namespace, hook))
    if title in result.objects:
        problems.append(Problem(title, "is there twice"))
    body = _tidied(document, namespace)
    if body["kind"] == "Secret":
        result.contents[title] = _content(body, title, problems)
    result.objects[title] = body
    return problems


def _titles(documents: Iterable[Body], namespace: str | None) -> list[str]:
    """Return kind and name of each document, by which its service is called.

    The namespace is added where it is not the app's, the API group where two documents would have
    one title.
    """
    listed = list(documents)
    plain = [_title(document, document["kind"], namespace) for document in listed]
    groups: dict[str, set[str]] = {}
    for title, document in zip(plain, listed):
        groups.setdefault(title, set()).add(api_group(document["apiVersion"]))
    return [
        (
            title
            if len(groups[title]) == 1
            else _title(document, kind_word(document["apiVersion"], document["kind"]), namespace)
        )
        for title, document in zip(plain, listed)
    ]


def _title(document: Body, kind: str, namespace: str | None) -> str:
    elsewhere = _elsewhere(document, namespace)
    return "/".join(filter(None, (kind, elsewhere, document["metadata"]["name"])))


def _elsewhere(document: Body, namespace: str | None) -> str:
    """Return the namespace that an object is for, where that is not the app's."""
    known = STANDARD.get((document["apiVersion"], document["kind"]))
    declared = document["metadata"].get("namespace")
    # Clients ignore the namespace of what is in none, such as that of a ClusterRole.
    if not declared or declared == namespace or (known and not known.namespaced):
        return ""
    return str(declared)


def _all_elsewhere(objects: Mapping[str, Body], namespace: str | None) -> Iterable[Problem]:
    """Yield each object where all of them are for other namespaces than the release."""
    namespaced = {
        title: body
        for title, body in objects.items()
        if STANDARD.get((body["apiVersion"], body["kind"]), _CUSTOM).namespaced
    }
    places = {title: _elsewhere(body, namespace) for title, body in namespaced.items()}
    if namespace and places and all(places.values()):
        for title, place in places.items():
            yield Problem(
                title,
                f"is for the namespace {place}, and this release is for {namespace}; set namespace"
                " to the one that the app is in",
            )


def _scaled_twice(objects: Mapping[str, Body]) -> Iterable[Problem]:
    """Yield each workload that declares the number of its pods beside an autoscaler."""
    for title, scaler in objects.items():
        target = _at(scaler, "spec.scaleTargetRef") if scaler["kind"] in _SCALERS else None
        for other, body in objects.items():
            if target and _is_target(target, scaler, body) and "replicas" in (body["spec"] or {}):
                yield Problem(
                    f"{other}.spec.replicas",
                    f"is set by {title}, too; leave spec.replicas out of {other}",
                )


def _is_target(target: Body, scaler: Body, body: Body) -> bool:
    wanted = (target.get("kind", "Deployment"), target.get("name"))
    return (
        (body["kind"], body["metadata"]["name"]) == wanted
        and isinstance(body.get("spec"), dict)
        and body["metadata"].get("namespace") == scaler["metadata"].get("namespace")
    )


def _tidied(document: Body, namespace: str | None) -> Body:
    """Return a copy without what the server adds to an object."""
    body = {key: copy.deepcopy(value) for key, value in document.items() if key != "status"}
    left_out = _OF_THE_SERVER if _elsewhere(document, namespace) else (*_OF_THE_SERVER, "namespace")
    body["metadata"] = {
        key: value for key, value in body["metadata"].items() if key not in left_out
    }
    return body


def _unnamed(document: Body) -> str:
    """Return what is wrong with a document that cannot be addressed."""
    given = document.get("metadata")
    metadata: Body = given if isinstance(given, dict) else {}
    texts = (document.get("apiVersion"), document.get("kind"), metadata.get("name"))
    if all(isinstance(text, str) for text in texts):
        has_namespace = isinstance(metadata.get("namespace") or "", str)
        return "" if has_namespace else "needs a text as its metadata.namespace"
    why = "; generateName makes another one each time" if metadata.get("generateName") else ""
    return f"needs apiVersion, kind and metadata.name{why}"


def _objections(
    title: str, document: Body, namespace: str | None, hook: str | None
) -> Iterable[Problem]:
    """Yield why an object cannot be part of this release."""
    if hook:
        yield Problem(
            title,
            f"is a hook of Helm ({hook}), which is not run; run it as a task of the play, or set"
            " hooks: skip",
        )
    elsewhere = _elsewhere(document, namespace)
    if namespace and elsewhere and document["kind"] in PODS:
        yield Problem(
            title,
            f"is for the namespace {elsewhere}, and this release is for {namespace}, where its pods"
            f" are watched; release it as an app of its own with namespace: {elsewhere}",
        )


def _misshapen(document: Body, title: str) -> Iterable[Problem]:
    """Yield what is looked into here and has not the shape that the API gives it.

    The API checks everything else.
    """
    kind = document["kind"]
    paths = ("metadata.labels", "metadata.annotations", *_MAPPINGS.get(kind, ()))
    wrong = [path for path in paths if not isinstance(_at(document, path), (dict, type(None)))]
    yield from (Problem(f"{title}.{path}", "must be a mapping") for path in wrong)
    if not wrong and kind in TEMPLATED and _at(document, "spec.template") is None:
        yield Problem(f"{title}.spec.template", "is missing")
    if kind == "CustomResourceDefinition":
        yield from _undefined(document, title)
    if kind in PODS:
        yield from _misshapen_containers(document, title)


def _misshapen_containers(document: Body, title: str) -> Iterable[Problem]:
    for pod in _pod_specs(document):
        for key in ("containers", "initContainers"):
            if not _is_list_of_mappings(pod.get(key) or []):
                yield Problem(f"{title}, {key}", "must be a list of mappings")


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _undefined(document: Body, title: str) -> Iterable[Problem]:
    """Yield what a definition lacks for its resources to be addressed."""
    versions = _at(document, "spec.versions")
    names = [_at(document, path) for path in ("spec.group", "spec.names.kind", "spec.names.plural")]
    if not isinstance(versions, list) or not all(
        isinstance(entry, dict) and isinstance(entry.get("name"), str) for entry in versions
    ):
        yield Problem(f"{title}.spec.versions", "must be a list of versions with names")
    elif not all(isinstance(name, str) for name in names):
        yield Problem(f"{title}.spec", "needs group, names.kind and names.plural")


def _at(body: Any, path: str) -> Any:
    """Return the value at a path; None where a part of the path is missing."""
    for key in path.split("."):
        body = body.get(key) if isinstance(body, dict) else None
    return body


def _content(body: Body, title: str, problems: list[Problem]) -> bytes:
    """Take the content out of a Secret: canonical JSON of its data."""
    data = dict(body.pop("data", None) or {})
    # stringData wins over data, as on the server (Secret, v1).
    for key, value in (body.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(str(value).encode()).decode()
    for key, value in data.items():
        try:
            base64.b64decode(str(value), validate=True)
        except ValueError:
            problems.append(
                Problem(
                    f"{title}.data.{key}", "is not base64; write the text itself under stringData"
                )
            )
    # The name of the kept Secret follows the content, so the order of keys must not matter.
    return canonical(data).encode()


def data_of(content: bytes | str) -> dict[str, str]:
    """Return the data of a Secret from its content, or from that in base64."""
    text = base64.b64decode(content) if isinstance(content, str) else content
    found: dict[str, str] = json.loads(text)
    return found


def definitions(objects: Iterable[Body]) -> dict[tuple[str, str], Kind]:
    """Return the kinds that these objects define themselves, by apiVersion and kind."""
    found = {}
    for body in objects:
        if body["kind"] == "CustomResourceDefinition":
            spec = body["spec"]
            for version in spec.get("versions", []):
                api = f"{spec['group']}/{version['name']}"
                found[api, spec["names"]["kind"]] = Kind(
                    spec["names"]["kind"],
                    f"/apis/{api}",
                    spec["names"]["plural"],
                    spec.get("scope") != "Cluster",
                )
    return found


def standard_version(group: str, kind: str) -> str:
    """Return the API version in which every cluster has a kind; empty for kinds of others.

    Kinds have moved between the groups of Kubernetes, such as Ingress from ``extensions``.
    """
    if "." in group and not group.endswith(".k8s.io"):
        return ""
    return next((version for version, name in STANDARD if name == kind), "")


def unknown(objects: Iterable[Body]) -> list[str]:
    """Return the API versions that must be queried for the names of their kinds."""
    bodies = list(objects)
    known = {**STANDARD, **definitions(bodies)}
    return sorted(
        {body["apiVersion"] for body in bodies if (body["apiVersion"], body["kind"]) not in known}
    )


def services(
    read_: Manifests,
    discovered: Definitions,
    names: Mapping[str, str],
    *,
    images: Mapping[str, str],
    labels: Mapping[str, str],
    namespace: str,
    served: Mapping[tuple[str, str], str] | None = None,
) -> dict[str, Body]:
    """Return the objects as services; raise SpecError where the cluster knows no such kind.

    ``names`` has the kept Secret of each Secret's content, ``labels`` what is done to each one's
    pods, ``served`` the API version in which the cluster has a kind that it lacks in another one.
    """
    # Before the first release the cluster cannot be queried for the kinds that these manifests
    # define.
    known = {**STANDARD, **discovered, **definitions(read_.objects.values())}
    kinds = _kinds_of(read_.objects, known, served or {})
    order = ReleaseOrder(read_.objects, kinds, namespace)
    result: dict[str, Body] = {}
    for title in order.sorted():
        body, kind = read_.objects[title], kinds[title]
        pinned = with_images(body, images)
        # Clients ignore the namespace of what is in none.
        elsewhere = pinned["metadata"].get("namespace") if kind.namespaced else None
        if not elsewhere:
            pinned["metadata"].pop("namespace", None)
        result[title] = {
            "manifest": pinned,
            "kind": _as_data(kind, elsewhere),
            "image": next(iter(images_of(pinned)), ""),
            "reference": next(iter(images_of(body)), ""),
            "labels_on_pods": labels.get(title, HASHED),
            **({"namespace": namespace} if elsewhere or not kind.namespaced else {}),
            **({"content": names[title]} if title in names else {}),
            "depends_on": order.needs(title),
        }
    return result


def _as_data(kind: Kind, elsewhere: str | None) -> dict[str, Any]:
    """Return a kind as the record has it."""
    data = asdict(kind)
    del data["namespace"]
    return {**data, **({"namespace": elsewhere} if elsewhere else {})}


def _kinds_of(
    objects: Mapping[str, Body], known: Definitions, served: Mapping[tuple[str, str], str]
) -> dict[str, Kind]:
    """Return the kind of each object; raise SpecError where the cluster has no such kind."""
    problems = [
        Problem(title, _unknown_kind(body, served))
        for title, body in objects.items()
        if (body["apiVersion"], body["kind"]) not in known
    ]
    if problems:
        raise SpecError(problems, "the manifests")
    return {title: known[body["apiVersion"], body["kind"]] for title, body in objects.items()}


def _unknown_kind(body: Body, served: Mapping[tuple[str, str], str]) -> str:
    """Return why an object's kind is unknown, and what to write instead."""
    what = f"the cluster knows no {body['kind']} in {body['apiVersion']}"
    version = served.get((body["apiVersion"], body["kind"]))
    if version:
        return f"{what}, but it has one in {version}; write apiVersion: {version}"
    return f"{what}; install its definition first, or release it with these manifests"


def _pod_specs(body: Body) -> Iterable[Body]:
    """Yield the pod specs inside an object, wherever its kind has them."""
    for path in ("spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec"):
        candidate = _at(body, path)
        if isinstance(candidate, dict) and "containers" in candidate:
            yield candidate


def images_of(body: Body) -> list[str]:
    """Return every image that an object names, once each."""
    if body["kind"] not in PODS:
        return []
    images = [container["image"] for container in _containers(body) if container.get("image")]
    return list(dict.fromkeys(map(str, images)))


def _containers(body: Body) -> Iterable[Body]:
    for pod in _pod_specs(body):
        for key in ("containers", "initContainers"):
            yield from pod.get(key) or []


def with_images(body: Body, images: Mapping[str, str]) -> Body:
    """Return the object with its images pinned."""
    result = copy.deepcopy(body)
    for container in _containers(result) if body["kind"] in PODS else ():
        image = container.get("image")
        container["image"] = images.get(image, image) if image else image
    return result


def is_manifest(body: Body) -> bool:
    """Return whether a rendered object is one of manifests."""
    return SERVICE in (body["metadata"].get("annotations") or {})


def job_content(body: Body) -> str:
    """Return what identifies the work of a Job: the digest of its spec."""
    return digest(body.get("spec"))


def finished_jobs(live: Iterable[Mapping[str, Body]]) -> dict[str, set[str]]:
    """Return the contents of the Jobs that have run in releases that were live, by title.

    ``live`` has the services of each of these releases.
    """
    result: dict[str, set[str]] = {}
    for services_ in live:
        for title, service in services_.items():
            body = service.get("manifest") or {}
            if body.get("kind") == JOB:
                result.setdefault(title, set()).add(job_content(body))
    return result


def rendered(app: str, name: str, service: Mapping[str, Any]) -> Body:
    """Return an object as it is applied, without the content of a Secret."""
    body: Body = copy.deepcopy(service["manifest"])
    metadata = body["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), APP: app}
    # An annotation, because the value of a label may not have the slash of Deployment/shop.
    metadata["annotations"] = {**(metadata.get("annotations") or {}), SERVICE: name}
    if "content" in service:
        metadata["annotations"][CONTENT_OF] = service["content"]
    if body["kind"] == JOB:
        metadata["annotations"][CONTENT_OF] = job_content(body)
    # Apps of one name may be in two namespaces: the label alone would not distinguish their
    # objects.
    if "namespace" in service:
        metadata["annotations"][NAMESPACED_BY] = service["namespace"]
    if body["kind"] in TEMPLATED and service.get("labels_on_pods") == HASHED:
        template = body["spec"]["template"]
        inner = template["metadata"] = dict(template.get("metadata") or {})
        inner["labels"] = {**(inner.get("labels") or {}), APP: app}
        inner["labels"][HASH] = digest(template)
    # Last, because it covers everything else.
    metadata["annotations"][APPLIED] = digest(body)
    return body
