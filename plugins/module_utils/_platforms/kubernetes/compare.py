# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare declared with existing objects. Pure.

Only declared things are owned: what an object has beyond them is others' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._deploy.plan import Change
from .api_kinds import APPLIED, NAMESPACED_BY, RELEASE, TOKEN, VERSION, kind_word

Body = Mapping[str, Any]

# What identifies an entry of a list, as the API's schemas have it (x-kubernetes-list-map-keys).
_KEYS = ("name", "target", "mountPath", "containerPort", "port", "ip", "topologyKey")
# Fields that differ between unset and false or 0.
_MEANT = frozenset(
    {
        "automountServiceAccountToken",
        "allowPrivilegeEscalation",
        "hostUsers",
        "runAsNonRoot",
        "runAsUser",
        "runAsGroup",
        "fsGroup",
    }
)
_OWN_ANNOTATIONS = (APPLIED, TOKEN, RELEASE, VERSION)
_OF_THE_SERVER = (
    "managedFields",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "uid",
    "selfLink",
)


def is_applied(wanted: Body, live: Body) -> bool:
    """Return whether an object is what was applied last, and that is what is wanted now."""
    # A field that left the spec is still in the object: only the digest of what was applied last
    # shows that. An edit by hand shows only in the fields.
    return annotation(wanted, APPLIED) == annotation(live, APPLIED) and covers(live, wanted)


def annotation(body: Body, key: str) -> str:
    """Return an object's annotation, empty without one."""
    return str((body["metadata"].get("annotations") or {}).get(key, ""))


def label(body: Body, key: str) -> str:
    """Return an object's label, empty without one."""
    return str((body["metadata"].get("labels") or {}).get(key, ""))


def key_of(body: Body) -> tuple[str, str]:
    """Return what identifies an object of an app: its kind and name.

    The kind has its API group unless that is one of Kubernetes' own, the name its namespace where
    that is not the app's.
    """
    metadata = body["metadata"]
    namespace, app_namespace = metadata.get("namespace", ""), annotation(body, NAMESPACED_BY)
    is_elsewhere = namespace and app_namespace and namespace != app_namespace
    name = f"{namespace}/{metadata['name']}" if is_elsewhere else str(metadata["name"])
    return kind_word(str(body.get("apiVersion", "")), str(body["kind"])), name


def covers(live: Any, wanted: Any) -> bool:
    """Return whether everything that is wanted is there, whatever else there is."""
    if isinstance(wanted, Mapping):
        return isinstance(live, Mapping) and _covers_mapping(live, wanted)
    if isinstance(wanted, list) and wanted and isinstance(live, list):
        return _covers_list(live, wanted)
    return bool(live == wanted)


def _covers_mapping(live: Body, wanted: Body) -> bool:
    return all(
        covers(live[key], value) if key in live else _says_nothing(key, value)
        for key, value in wanted.items()
    )


def _covers_list(live: list[Any], wanted: list[Any]) -> bool:
    key = _key(wanted)
    if key:
        known = _by_identity([item for item in live if isinstance(item, Mapping)], key)
        return all(covers(known.get(_identity(item, key)), item) for item in wanted)
    # A list without keys is atomic: its owner writes it as a whole.
    return len(live) == len(wanted) and all(
        covers(live_item, item) for live_item, item in zip(live, wanted)
    )


def _says_nothing(key: str, value: Any) -> bool:
    """Return whether the server leaves a value out, since it means as much as none."""
    return key not in _MEANT and value in ("", 0, False)


def _key(items: list[Any]) -> str:
    """Return the key that all entries of a list have; empty without one."""
    if not items:
        return ""
    return next(
        (key for key in _KEYS if all(isinstance(item, Mapping) and key in item for item in items)),
        "",
    )


def _identity(item: Mapping[str, Any], key: str) -> str:
    # One port may be open by TCP and by UDP: containerPort and protocol are the keys of the list.
    protocol = item.get("protocol")
    return (
        f"{item.get(key)}/{protocol}"
        if protocol and key in ("containerPort", "port")
        else str(item.get(key))
    )


def same(before: Body, after: Body) -> bool:
    """Return whether a write would change nothing but our own notes."""
    return bool(without_notes(before) == without_notes(after))


def without_notes(body: Body) -> dict[str, Any]:
    """Return an object without what the server adds by itself and without our own notes."""
    metadata = {
        key: value for key, value in body.get("metadata", {}).items() if key not in _OF_THE_SERVER
    }
    annotations = {
        key: value
        for key, value in (metadata.pop("annotations", None) or {}).items()
        if key not in _OWN_ANNOTATIONS and not _is_controllers(key)
    }
    if annotations:
        metadata["annotations"] = annotations
    return {
        **{
            key: value for key, value in body.items() if key not in ("status", "kind", "apiVersion")
        },
        "metadata": metadata,
    }


def _is_controllers(key: str) -> bool:
    # The controllers of Deployments and DaemonSets write the first two, kubectl apply the third.
    return key.startswith(
        ("deployment.kubernetes.io/", "deprecated.daemonset.", "kubectl.kubernetes.io/last-applied")
    )


def differences(path: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield the leaves in which two trees differ; None stands for nothing."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in _joined_keys(before, after):
            inner = f"{path}.{key}" if path else str(key)
            yield from differences(inner, before.get(key), after.get(key))
        return
    key = _common_key(before, after)
    if not key:
        yield Change(path, before, after)
        return
    old, new = _by_identity(before, key), _by_identity(after, key)
    for name in _joined_keys(old, new):
        yield from differences(f"{path}[{name}]", old.get(name), new.get(name))


def _joined_keys(before: Body, after: Body) -> list[Any]:
    return [*after, *(key for key in before if key not in after)]


def _common_key(before: Any, after: Any) -> str:
    """Return what identifies the entries of two lists; empty where nothing does."""
    if isinstance(before, list) and isinstance(after, list) and before and after:
        return _key([*before, *after])
    return ""


def _by_identity(items: list[Any], key: str) -> dict[str, Any]:
    return {_identity(item, key): item for item in items}


def entry_like(item: Mapping[str, Any], items: Any) -> Any:
    """Return the entry of a list with the same identity; None without one."""
    key = _key([item])
    if not key or not isinstance(items, list) or not _key(items):
        return None
    return _by_identity(items, _key(items)).get(_identity(item, _key(items)))


def merged(live: Any, wanted: Any) -> Any:
    """Return what is there with everything that is wanted, as an apply would merge it."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        both = {key: merged(live[key], wanted[key]) for key in wanted if key in live}
        return {**live, **wanted, **both}
    if not _common_key(live, wanted):
        return wanted
    added = [item for item in wanted if entry_like(item, live) is None]
    return [merged(item, entry_like(item, wanted) or item) for item in live] + added


def projected(live: Any, shape: Any) -> Any:
    """Return the part of an object that another one has, too.

    The declared part of it, for users to read.
    """
    if isinstance(shape, Mapping) and isinstance(live, Mapping):
        return _projected_mapping(live, shape)
    if isinstance(shape, list) and isinstance(live, list) and _key(shape):
        key = _key(shape)
        known = _by_identity(shape, key)
        # A custom resource may have entries of any type.
        named = _by_identity([item for item in live if isinstance(item, Mapping)], key)
        return [projected(item, known[name]) for name, item in named.items() if name in known]
    return live


def _projected_mapping(live: Body, shape: Body) -> dict[str, Any]:
    return {
        key: projected(live[key], value) if key in live else value
        for key, value in shape.items()
        if key in live or _says_nothing(key, value)
    }


def owned_replicas(live: Body, manager: str) -> bool:
    """Return whether a field manager holds the number of replicas by an apply."""
    for entry in live["metadata"].get("managedFields") or []:
        fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
        if (
            entry.get("manager") == manager
            and entry.get("operation") == "Apply"
            and "f:replicas" in fields
        ):
            return True
    return False
