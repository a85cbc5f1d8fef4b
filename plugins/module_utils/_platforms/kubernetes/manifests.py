# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests as they are: each object becomes a service of the app. Pure.

A service is called by its object's kind and name. A Secret's content is no part of it: what stands
in the record is the name of a Secret of ours that keeps it.
"""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
)

Body = dict[str, Any]
Definitions = Mapping[tuple[str, str], Kind]

HASHED, UNTOUCHED = "hash", "none"
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
    "namespace",
)
# Others may need these, so they are made first; what runs pods comes last.
_EARLY = ("Namespace", "CustomResourceDefinition")
_PODS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob", "Pod")
# What holds what nobody can make again stays when it leaves the manifests.
LASTING = ("PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition")
TEMPLATED = ("Deployment", "DaemonSet", "StatefulSet")
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
    **dict.fromkeys(_PODS, (*_POD, *_CRON)),
    "Secret": ("data", "stringData"),
    "CustomResourceDefinition": ("spec", "spec.names"),
}


@dataclass
class Manifests:
    """What was read: the objects in order, and the secret contents of Secrets by object."""

    objects: dict[str, Body] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(documents: Iterable[Any], namespace: str | None, hooks: str) -> Manifests:
    """Check and tidy documents; raises :class:`SpecError` with every problem.

    Without a ``namespace`` each one is taken.
    """
    result = Manifests()
    problems: list[Problem] = []
    for number, document in enumerate(_unfolded(documents), 1):
        if isinstance(document, dict) and document:
            place = f"manifests[{number}]"
            problems += _take(document, place, namespace, hooks, result)
        elif document is not None and document != {}:
            problems.append(Problem(f"manifests[{number}]", "must be a mapping"))
    if not result.objects and not problems:
        problems.append(Problem("manifests", "have no objects"))
    if problems:
        raise SpecError(problems, "the manifests")
    return result


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
    document: Body, place: str, namespace: str | None, hooks: str, result: Manifests
) -> list[Problem]:
    """Add a document to the result; return what is wrong with it."""
    unnamed = _unnamed(document)
    if unnamed:
        return [Problem(place, unnamed)]
    metadata = document["metadata"]
    title = f"{document['kind']}/{metadata['name']}"
    misshapen = list(_misshapen(document, title))
    if misshapen:
        return misshapen
    hook = (metadata.get("annotations") or {}).get(_HOOK)
    # Helm also takes test-success, the older name.
    if hook and (hooks == "skip" or "test" in hook):
        result.notes.append(f"{title}: passed over, a hook of Helm ({hook})")
        return []
    problems = list(_objections(title, metadata, namespace, hook))
    if title in result.objects:
        problems.append(Problem(title, "is there twice"))
    body = _tidied(document)
    if body["kind"] == "Secret":
        result.contents[title] = _content(body, title, problems)
    result.objects[title] = body
    return problems


def _tidied(document: Body) -> Body:
    """Return a copy without what the server adds to an object."""
    body = {key: copy.deepcopy(value) for key, value in document.items() if key != "status"}
    body["metadata"] = {
        key: value for key, value in body["metadata"].items() if key not in _OF_THE_SERVER
    }
    return body


def _unnamed(document: Body) -> str:
    """Return what is wrong with a document that cannot be addressed."""
    given = document.get("metadata")
    metadata: Body = given if isinstance(given, dict) else {}
    texts = (document.get("apiVersion"), document.get("kind"), metadata.get("name"))
    if all(isinstance(text, str) for text in texts):
        return ""
    why = "; generateName makes another one each time" if metadata.get("generateName") else ""
    return f"needs apiVersion, kind and metadata.name{why}"


def _objections(
    title: str, metadata: Body, namespace: str | None, hook: str | None
) -> Iterable[Problem]:
    """Yield why an object cannot be part of this release."""
    if hook:
        yield Problem(
            title,
            f"is a hook of Helm ({hook}), which is not run; run it as a task of the play, or set"
            " hooks: skip",
        )
    if namespace and metadata.get("namespace") not in (None, namespace):
        yield Problem(
            title,
            f"is for the namespace {metadata['namespace']}, and this release is for {namespace};"
            " set namespace, or release it by itself",
        )


def _misshapen(document: Body, title: str) -> Iterable[Problem]:
    """Yield what is looked into here and has not the shape that the API gives it.

    Everything else is the API's to judge.
    """
    kind = document["kind"]
    paths = ("metadata.labels", "metadata.annotations", *_MAPPINGS.get(kind, ()))
    wrong = [path for path in paths if not isinstance(_at(document, path), (dict, type(None)))]
    yield from (Problem(f"{title}.{path}", "must be a mapping") for path in wrong)
    if not wrong and kind in TEMPLATED and _at(document, "spec.template") is None:
        yield Problem(f"{title}.spec.template", "is missing")
    if kind == "CustomResourceDefinition":
        yield from _undefined(document, title)
    if kind in _PODS:
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
                    f"{title}.data.{key}", "is no base64; write the text itself under stringData"
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
) -> dict[str, Body]:
    """Return the objects as services; raise SpecError where the cluster knows no such kind.

    ``names`` has the kept Secret of each Secret's content, ``labels`` what is done to each one's
    pods.
    """
    # Before the first release the cluster cannot be queried for the kinds that these manifests
    # define.
    own = definitions(read_.objects.values())
    known = {**STANDARD, **discovered, **own}
    problems = [
        Problem(
            title,
            f"the cluster knows no {body['kind']} in {body['apiVersion']}; install its definition"
            " first, or release it with these manifests",
        )
        for title, body in read_.objects.items()
        if (body["apiVersion"], body["kind"]) not in known
    ]
    if problems:
        raise SpecError(problems, "the manifests")
    result: dict[str, Body] = {}
    for title, body in sorted(read_.objects.items(), key=lambda item: _rank(item[1])):
        kind = known[body["apiVersion"], body["kind"]]
        pinned = with_images(body, images)
        image = next(iter(images_of(pinned)), "")
        result[title] = {
            "manifest": pinned,
            "kind": {
                "name": kind.name,
                "group": kind.group,
                "plural": kind.plural,
                "namespaced": kind.namespaced,
            },
            "image": image,
            "reference": next(iter(images_of(body)), ""),
            "labels_on_pods": labels.get(title, HASHED),
            **({} if kind.namespaced else {"namespace": namespace}),
            **({"content": names[title]} if title in names else {}),
            "depends_on": _needs(body, result, own),
        }
    return result


def _rank(body: Body) -> int:
    if body["kind"] in _EARLY:
        return 0
    return 2 if body["kind"] in _PODS else 1


def _needs(body: Body, before: Mapping[str, Body], own: Definitions) -> dict[str, str]:
    """Return what an object depends on: definitions are established before their resources.

    What pods use must be there before them.
    """
    rank = _rank(body)
    needs = {
        title: "service_healthy"
        for title, other in before.items()
        if rank > 0 and _rank(other["manifest"]) == 0
    }
    if rank == 2:
        needs.update(
            {
                title: "service_started"
                for title, other in before.items()
                if _rank(other["manifest"]) == 1
            }
        )
    return needs


def _pod_specs(body: Body) -> Iterable[Body]:
    """Yield the pod specs inside an object, wherever its kind has them."""
    for path in ("spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec"):
        candidate = _at(body, path)
        if isinstance(candidate, dict) and "containers" in candidate:
            yield candidate


def images_of(body: Body) -> list[str]:
    """Return every image that an object names, once each."""
    if body["kind"] not in _PODS:
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
    for container in _containers(result) if body["kind"] in _PODS else ():
        image = container.get("image")
        container["image"] = images.get(image, image) if image else image
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
    # Apps of one name may be in two namespaces: the label alone would not distinguish their
    # objects.
    if not service["kind"]["namespaced"]:
        metadata["annotations"][NAMESPACED_BY] = service["namespace"]
    if body["kind"] in TEMPLATED and service.get("labels_on_pods") == HASHED:
        template = body["spec"]["template"]
        inner = template["metadata"] = dict(template.get("metadata") or {})
        inner["labels"] = {**(inner.get("labels") or {}), APP: app}
        inner["labels"][HASH] = digest(template)
    # Last, because it covers everything else.
    metadata["annotations"][APPLIED] = digest(body)
    return body
