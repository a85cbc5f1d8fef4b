# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of objects that an app is made of, and the keys of our labels."""

from __future__ import annotations

from dataclasses import dataclass

LABEL = "shipping.code/"
APP, SERVICE, KIND, HASH, TOKEN, RELEASE, VERSION, APPLIED = (
    f"{LABEL}{name}"
    for name in ("app", "service", "kind", "hash", "token", "release", "version", "applied")
)
MANAGED_BY = "app.kubernetes.io/managed-by"
NETWORK = "network.shipping.code/"
INTERNAL = f"{LABEL}internal"
RECORD, LEASE, CONTENT, REGISTRY, VOLUME, POLICY = (
    "release",
    "lease",
    "content",
    "registry",
    "volume",
    "network",
)
# Which namespace's app an object belongs to that is in no namespace itself, or in another one.
NAMESPACED_BY = f"{LABEL}namespace"
RECORD_TYPE = "shipping.code/release"


@dataclass(frozen=True)
class Kind:
    """A kind of object: its name, the path of its API group, and how it is called there.

    ``namespace`` is set where its objects are in another namespace than the app.
    """

    name: str
    group: str
    plural: str
    namespaced: bool = True
    namespace: str = ""

    @property
    def version(self) -> str:
        """Return the value of ``apiVersion``."""
        return self.group.replace("/apis/", "").replace("/api/", "")

    def path(self, namespace: str, name: str = "") -> str:
        """Return the path of the collection or of one object."""
        place = f"/namespaces/{self.namespace or namespace}" if self.namespaced else ""
        return f"{self.group}{place}/{self.plural}{'/' + name if name else ''}"


DEPLOYMENT = Kind("Deployment", "/apis/apps/v1", "deployments")
DAEMON_SET = Kind("DaemonSet", "/apis/apps/v1", "daemonsets")
JOB = Kind("Job", "/apis/batch/v1", "jobs")
REPLICA_SET = Kind("ReplicaSet", "/apis/apps/v1", "replicasets")
POD = Kind("Pod", "/api/v1", "pods")
SERVICE_KIND = Kind("Service", "/api/v1", "services")
CLAIM = Kind("PersistentVolumeClaim", "/api/v1", "persistentvolumeclaims")
NETWORK_POLICY = Kind("NetworkPolicy", "/apis/networking.k8s.io/v1", "networkpolicies")
SECRET = Kind("Secret", "/api/v1", "secrets")
CONFIG_MAP = Kind("ConfigMap", "/api/v1", "configmaps")
LEASE_KIND = Kind("Lease", "/apis/coordination.k8s.io/v1", "leases")
EVENT = Kind("Event", "/api/v1", "events")
NAMESPACE = Kind("Namespace", "/api/v1", "namespaces", namespaced=False)
NODE = Kind("Node", "/api/v1", "nodes", namespaced=False)

WORKLOADS = (DEPLOYMENT, DAEMON_SET)
# What is made of a service, in the order in which it is made.
OF_SERVICE = (CLAIM, SERVICE_KIND, NETWORK_POLICY, *WORKLOADS)
# Jobs are looked for only where an app has some, so that other apps need no right to them.
KINDS = {kind.name: kind for kind in (*OF_SERVICE, JOB, SECRET, CONFIG_MAP)}


def _standard(
    group: str, *kinds: tuple[str, str], namespaced: bool = True
) -> dict[tuple[str, str], Kind]:
    path = f"/apis/{group}" if "/" in group else f"/api/{group}"
    return {(group, name): Kind(name, path, plural, namespaced) for name, plural in kinds}


# The kinds that every cluster has, by apiVersion and kind; others are discovered.
STANDARD: dict[tuple[str, str], Kind] = {
    **_standard(
        "v1",
        ("ConfigMap", "configmaps"),
        ("Endpoints", "endpoints"),
        ("LimitRange", "limitranges"),
        ("PersistentVolumeClaim", "persistentvolumeclaims"),
        ("Pod", "pods"),
        ("ResourceQuota", "resourcequotas"),
        ("Secret", "secrets"),
        ("Service", "services"),
        ("ServiceAccount", "serviceaccounts"),
    ),
    **_standard(
        "v1",
        ("Namespace", "namespaces"),
        ("PersistentVolume", "persistentvolumes"),
        namespaced=False,
    ),
    **_standard(
        "apps/v1",
        ("DaemonSet", "daemonsets"),
        ("Deployment", "deployments"),
        ("ReplicaSet", "replicasets"),
        ("StatefulSet", "statefulsets"),
    ),
    **_standard("batch/v1", ("CronJob", "cronjobs"), ("Job", "jobs")),
    **_standard("autoscaling/v2", ("HorizontalPodAutoscaler", "horizontalpodautoscalers")),
    **_standard(
        "networking.k8s.io/v1", ("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies")
    ),
    **_standard("networking.k8s.io/v1", ("IngressClass", "ingressclasses"), namespaced=False),
    **_standard("policy/v1", ("PodDisruptionBudget", "poddisruptionbudgets")),
    **_standard("rbac.authorization.k8s.io/v1", ("Role", "roles"), ("RoleBinding", "rolebindings")),
    **_standard(
        "rbac.authorization.k8s.io/v1",
        ("ClusterRole", "clusterroles"),
        ("ClusterRoleBinding", "clusterrolebindings"),
        namespaced=False,
    ),
    **_standard(
        "apiextensions.k8s.io/v1",
        ("CustomResourceDefinition", "customresourcedefinitions"),
        namespaced=False,
    ),
    **_standard("scheduling.k8s.io/v1", ("PriorityClass", "priorityclasses"), namespaced=False),
    **_standard("storage.k8s.io/v1", ("StorageClass", "storageclasses"), namespaced=False),
}


def api_group(version: str) -> str:
    """Return the API group of an ``apiVersion``; empty for the core group."""
    return version.rpartition("/")[0]


_STANDARD_GROUPS = frozenset((api_group(version), name) for version, name in STANDARD)


def kind_word(version: str, kind: str) -> str:
    """Return a kind's name, with its API group unless that is one of Kubernetes' own.

    Two groups may have a kind of one name, such as the Service of Knative.
    """
    group = api_group(version)
    is_own = not version or (group, kind) in _STANDARD_GROUPS
    return kind if is_own else f"{kind}.{group}"
