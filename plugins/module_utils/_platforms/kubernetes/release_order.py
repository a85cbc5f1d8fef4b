# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which the objects of manifests are written. Pure.

Namespaces and definitions, what pods use, pods, custom resources that webhooks of those pods admit
or convert, and the configurations of these webhooks last: a webhook whose pods do not answer yet
would reject them. Each rank waits for what it needs only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .api_kinds import STANDARD, Kind, api_group

Body = Mapping[str, Any]

PODS = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "Job", "CronJob", "Pod")
TEMPLATED = ("Deployment", "DaemonSet", "StatefulSet")
_EARLY = ("Namespace", "CustomResourceDefinition")
_ADMISSION = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
EARLY, CONFIGURATION, RUNNING, ADMITTED, ADMITTING = range(5)
_HEALTHY, _STARTED = "service_healthy", "service_started"


@dataclass(frozen=True)
class ReleaseOrder:
    """The objects of a release by title, their kinds, and the app's namespace."""

    objects: Mapping[str, Body]
    kinds: Mapping[str, Kind]
    namespace: str

    def sorted(self) -> list[str]:
        """Return the titles in the order in which they are written."""
        return sorted(self.objects, key=self._ranks.__getitem__)

    def needs(self, title: str) -> dict[str, str]:
        """Return what an object depends on: the titles with the condition that they must meet."""
        rank = self._ranks[title]
        needs: dict[str, str] = {}
        if rank > EARLY:
            needs.update(self._with_rank(EARLY, _HEALTHY))
        if rank in (RUNNING, ADMITTING):
            needs.update(self._with_rank(CONFIGURATION, _STARTED))
        if rank == ADMITTING:
            needs.update(self._with_rank(ADMITTED, _STARTED))
            needs.update(dict.fromkeys(self._serving(title), _HEALTHY))
        if rank == ADMITTED:
            needs.update(dict.fromkeys(self._awaited(title), _HEALTHY))
        return needs

    def _with_rank(self, rank: int, condition: str) -> dict[str, str]:
        return {title: condition for title, known in self._ranks.items() if known == rank}

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {title: self._rank(title) for title in self.objects}

    def _rank(self, title: str) -> int:
        kind = self.objects[title]["kind"]
        if kind in _EARLY:
            return EARLY
        if kind in PODS:
            return RUNNING
        if self._serving(title):
            return ADMITTING
        return ADMITTED if self._awaited(title) else CONFIGURATION

    def _serving(self, title: str) -> list[str]:
        """Return the workloads of this release that answer a webhook or serve an API."""
        result: list[str] = []
        for service in _backends(self.objects[title]):
            place = service.get("namespace") or self.namespace
            result += self._behind(str(service.get("name")), str(place))
        return result

    def _behind(self, service: str, namespace: str) -> Iterator[str]:
        """Yield the workloads whose pods a Service selects."""
        here = {
            title: body
            for title, body in self.objects.items()
            if self._namespace(title) == namespace
        }
        selector = _selector(service, here)
        for title, body in here.items():
            is_workload = selector and body["kind"] in TEMPLATED
            if is_workload and selector.items() <= _pod_labels(body).items():
                yield title

    def _namespace(self, title: str) -> str:
        return str(self.objects[title]["metadata"].get("namespace") or self.namespace)

    def _awaited(self, title: str) -> list[str]:
        """Return the workloads of this release that admit or convert a custom resource."""
        body = self.objects[title]
        if (body["apiVersion"], body["kind"]) in STANDARD or body["kind"] in _ADMISSION:
            return []
        group, plural = api_group(body["apiVersion"]), self.kinds[title].plural
        result: list[str] = []
        for other, candidate in self.objects.items():
            if _converts(candidate, group, plural) or any(
                _matches(rule, group, plural) for rule in _rules(candidate)
            ):
                result += self._serving(other)
        return result


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """Return the mappings in a value that may not be a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def calls_services(body: Body) -> bool:
    """Return whether an object makes the API server call a Service, which may not answer yet."""
    return any(_backends(body))


def _backends(body: Body) -> Iterable[Body]:
    """Return the Services that a webhook configuration, an APIService or a definition names."""
    if body["kind"] in _ADMISSION:
        clients = [hook.get("clientConfig") for hook in _mappings(body.get("webhooks"))]
    elif body["kind"] == "APIService":
        clients = [body.get("spec")]
    elif body["kind"] == "CustomResourceDefinition":
        conversion = _mappings([body["spec"].get("conversion")])
        hooks = _mappings([each.get("webhook") for each in conversion])
        clients = [hook.get("clientConfig") for hook in hooks]
    else:
        clients = []
    return _mappings([client.get("service") for client in _mappings(clients)])


def _converts(body: Body, group: str, plural: str) -> bool:
    """Return whether an object is the definition of a kind."""
    if body["kind"] != "CustomResourceDefinition":
        return False
    return bool((body["spec"]["group"], body["spec"]["names"]["plural"]) == (group, plural))


def _rules(body: Body) -> Iterator[Body]:
    if body["kind"] not in _ADMISSION:
        return
    for hook in _mappings(body.get("webhooks")):
        yield from _mappings(hook.get("rules"))


def _matches(rule: Body, group: str, plural: str) -> bool:
    groups, resources = _texts(rule.get("apiGroups")), _texts(rule.get("resources"))
    return bool({group, "*"} & groups and {plural, "*", "*/*"} & resources)


def _texts(value: Any) -> set[str]:
    return {str(item) for item in value} if isinstance(value, list) else set()


def _selector(service: str, objects: Mapping[str, Body]) -> Mapping[str, Any]:
    """Return the labels by which a Service finds its pods; empty where there is no such Service."""
    for body in objects.values():
        if body["kind"] == "Service" and body["metadata"]["name"] == service:
            return (body.get("spec") or {}).get("selector") or {}
    return {}


def _pod_labels(body: Body) -> Mapping[str, Any]:
    template = (body.get("spec") or {}).get("template") or {}
    return (template.get("metadata") or {}).get("labels") or {}
