# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version and the kinds of a cluster, as Helm's charts see them.

API: https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._core.answer_shape import reading_answers_of
from ..._core.parallel import side_by_side
from .cluster import Cluster


@reading_answers_of("the cluster")
def read(cluster: Cluster) -> dict[str, Any]:
    """Return the version and the kinds, as ``.Capabilities`` of a chart has them."""
    version, core, groups = side_by_side(cluster.discovery, ("/version", "/api", "/apis"))
    return {"version": version["gitVersion"], "apis": [*apis(core), *apis(groups)]}


def apis(answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the API versions in an answer, such as ``apps/v1``, and the kinds in each of them.

    A server before Kubernetes 1.30 answers without kinds.
    """
    if "items" not in answer:
        yield from answer.get("versions", ())
        for group in answer.get("groups", ()):
            yield from (version["groupVersion"] for version in group["versions"])
        return
    for group in answer["items"]:
        # The core group has no name.
        name = group["metadata"].get("name")
        for version in group["versions"]:
            api = "/".join(filter(None, (name, version["version"])))
            yield api
            yield from (
                f"{api}/{resource['responseKind']['kind']}"
                for resource in version.get("resources", ())
            )
