# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Apps resolved for a cluster that is only imagined, and what it would have of them."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import (
    Resolutions,
    Resolved,
    references,
    resolve,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import render
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
    own,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.support import (
    SUPPORT,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4
APP, NAMESPACE = "shop", "stores"
# What services of these tests may name.
DECLARED: dict[str, Any] = {
    "networks": {
        "front": {},
        "inside": {"internal": True},
        "theirs": {"external": True, "name": "theirs"},
    },
    "volumes": {
        "data": {
            "driver": "fast",
            "driver_opts": {"size": "2g", "access_mode": "ReadWriteMany"},
            "labels": {"a": "b c", "d": "e"},
        },
        "cache": {},
    },
    "secrets": {"token": {"environment": "TOKEN"}, "theirs": {"external": True}},
    "configs": {"settings": {"content": "a"}},
}


def resolved(content: dict[str, Any], **added: Any) -> Resolved:
    """An app with made-up digests and ids; ``added`` is what the platform adds to each service."""
    read = model.read(content, SUPPORT)
    images = {reference: f"{reference}@{DIGEST}" for reference in references(read)}
    ids = {
        section: dict.fromkeys(getattr(read, section), "0123456789ab")
        for section in ("secrets", "configs")
    }
    app = resolve(render.naming(APP), read, Resolutions(images, ids))
    return replace(
        app, services={name: {**service, **added} for name, service in app.services.items()}
    )


def web(**keys: Any) -> dict[str, Any]:
    """A spec with one service of these keys."""
    return {"services": {"web": {"image": "nginx:1", **keys}}, **copy.deepcopy(DECLARED)}


def one(*, added: dict[str, Any] | None = None, **keys: Any) -> Resolved:
    """An app of one service."""
    return resolved(web(**keys), **(added or {}))


def bodies(app: Resolved) -> list[dict[str, Any]]:
    """Everything that an app is made of."""
    result = []
    for name in app.services:
        result += render.of_service(APP, name, app)
    return [*result, *render.policies(APP, app)]


def by_title(app: Resolved) -> dict[str, dict[str, Any]]:
    """The same by kind and name."""
    return {f"{body['kind']}/{body['metadata']['name']}": body for body in bodies(app)}


def pod(app: Resolved) -> dict[str, Any]:
    """The spec of the pods of its only service."""
    spec: dict[str, Any] = render.workload(APP, "web", app)["spec"]["template"]["spec"]
    return spec


def container(app: Resolved) -> dict[str, Any]:
    """Their container."""
    found: dict[str, Any] = pod(app)["containers"][0]
    return found


def cluster_fills(body: dict[str, Any]) -> dict[str, Any]:
    """A body as a cluster gives it back: with what the server and the controllers add."""
    live: dict[str, Any] = json.loads(json.dumps(body))
    live["metadata"].update(
        namespace=NAMESPACE,
        uid=f"uid-{body['metadata']['name']}",
        resourceVersion="7",
        generation=1,
        creationTimestamp="2026-01-01T00:00:00Z",
    )
    live["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    live["metadata"]["managedFields"] = [
        {"manager": "shipping.code", "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    ]
    live["status"] = {"observedGeneration": 1}
    if "template" in live["spec"]:
        live["spec"]["progressDeadlineSeconds"] = 600
        live["spec"].setdefault("replicas", 1)
        pod = live["spec"]["template"]["spec"]
        pod.setdefault("restartPolicy", "Always")
        pod["schedulerName"] = "default-scheduler"
        live["spec"]["template"]["spec"]["containers"][0]["terminationMessagePath"] = (
            "/dev/termination-log"
        )
    return live


def found_for(app: Resolved, **more: Any) -> Snapshot:
    """What a cluster has where an app runs as it is resolved."""
    return Snapshot(
        own(APP, NAMESPACE, [cluster_fills(body) for body in bodies(app)]),
        **{"namespace": {"metadata": {"name": NAMESPACE}}, **more},
    )
