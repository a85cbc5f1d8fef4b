# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects and the kubeconfig of a CI's account."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import ci_account
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    Access,
)

RULES = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"]}]


def token(**claims: Any) -> str:
    account = {"serviceaccount": {"uid": "u1"}}
    body = {"iat": 1000, "exp": 2000, "kubernetes.io": account, **claims}
    part = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    return f"header.{part}.signature"


def test_objects_belong_together() -> None:
    account, role, binding = (body for _kind, body in ci_account.bodies("ci", "shop", RULES))
    assert account["automountServiceAccountToken"] is False
    assert role["rules"] == RULES
    assert binding["roleRef"]["name"] == role["metadata"]["name"] == "ci"
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ci", "namespace": "shop"}]
    for body in (account, role, binding):
        assert ci_account.is_managed(body) and body["metadata"]["namespace"] == "shop"
        live = {**body, "metadata": {**body["metadata"], "uid": "1"}, "secrets": []}
        assert ci_account.content(live) == ci_account.content(body)
        assert not ci_account.is_managed({"metadata": {"name": "ci"}})
    assert ci_account.content(None) == {}


@pytest.mark.parametrize("rules", [[], [{}], [{**RULES[0], "verb": []}], ["get"]])
def test_what_is_no_rule(rules: list[Any]) -> None:
    with pytest.raises(SpecError, match="rules"):
        ci_account.check_rules(rules)
    ci_account.check_rules(RULES)


def test_a_token_is_renewed_when_half_of_its_time_is_over() -> None:
    assert ci_account.expiry(token(), "u1", 1499) == 2000
    assert ci_account.expiry(token(), "u1", 1500) == 0
    assert ci_account.expiry(token(), "u2", 1000) == 0
    for odd in ("", "x", "a.b.c", "a.W10.c", token(exp=None), token(iat="x")):
        assert ci_account.expiry(odd, "u1", 1000) == 0


def test_the_kubeconfig_has_the_trust_of_the_access() -> None:
    access = Access("https://c.example.com:6443", ca=b"a CA", server_name="c")
    text = ci_account.kubeconfig(access, "ci", "shop", "a token")
    assert ci_account.token_of(text) == "a token"
    (cluster,) = json.loads(text)["clusters"]
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == b"a CA"
    assert cluster["cluster"]["tls-server-name"] == "c"
    for odd in ("", "a: b", "[]", "{}", '{"users": []}'):
        assert ci_account.token_of(odd) == ""
