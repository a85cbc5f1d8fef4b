# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version and the kinds of a cluster, from its answers of both forms."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlatformError
from ansible_collections.shipping.code.plugins.module_utils._deploy.run import preview_run, run
from ansible_collections.shipping.code.plugins.module_utils._deploy.run_request import (
    CAPABILITIES,
    RunRequest,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.registry import PLATFORMS

from .api_server import serving

pytest.importorskip("urllib3")


def group(name, version, *kinds):
    resources = [{"resource": f"{kind}s", "responseKind": {"kind": kind}} for kind in kinds]
    metadata = {"name": name} if name else {}
    return {"metadata": metadata, "versions": [{"version": version, "resources": resources}]}


AGGREGATED = {
    "/version": {"major": "1", "minor": "36", "gitVersion": "v1.36.3"},
    "/api": {"items": [group("", "v1", "Pod", "Secret")]},
    "/apis": {"items": [group("apps", "v1", "Deployment"), group("x.example", "v1alpha1")]},
}
# Before Kubernetes 1.30.
PLAIN = {
    "/version": {"gitVersion": "v1.29.0"},
    "/api": {"versions": ["v1"]},
    "/apis": {"groups": [{"name": "apps", "versions": [{"groupVersion": "apps/v1"}]}]},
}
ANSWERS = [
    (
        AGGREGATED,
        "v1.36.3",
        ["v1", "v1/Pod", "v1/Secret", "apps/v1", "apps/v1/Deployment", "x.example/v1alpha1"],
    ),
    (PLAIN, "v1.29.0", ["v1", "apps/v1"]),
]


def options(server):
    request = RunRequest(CAPABILITIES).as_options()
    return {"app": "shop", "platform": "kubernetes", "host": server.host, **request}


@pytest.mark.parametrize(("answers", "version", "apis"), ANSWERS)
def test_what_a_chart_sees(answers, version, apis):
    with serving() as server:
        server.answer = lambda asked: (200, answers[asked.path])
        result = run(options(server), None, PLATFORMS, check=False)
        assert result["capabilities"] == {"version": version, "apis": apis}
        # In Ansible's own process it is the same.
        answer = preview_run(options(server), None, PLATFORMS, check=True)
        assert answer.result["capabilities"] == result["capabilities"]
        assert {asked.method for asked in server.asked} == {"GET"}
        (accept,) = next(asked.all("Accept") for asked in server.asked if asked.path == "/apis")
    assert accept.startswith("application/json;g=apidiscovery.k8s.io;v=v2")


def test_an_answer_of_another_shape_is_an_error():
    with serving() as server:
        server.answer = lambda _asked: (200, {"items": [{}]})
        with pytest.raises(PlatformError, match="an answer of the cluster cannot be read"):
            run(options(server), None, PLATFORMS, check=False)


def test_a_platform_without_templates_has_nothing_to_tell():
    request = RunRequest(CAPABILITIES).as_options()
    given = {"app": "shop", "platform": PLATFORMS.default, **request}
    assert run(given, None, PLATFORMS, check=False)["capabilities"] == {}
