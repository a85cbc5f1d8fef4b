# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The account of a CI: its objects, its kubeconfig, and when its token is renewed. Pure.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..._core.errors import Problem, ShippingError, SpecError
from .api_kinds import KIND, MANAGED_BY, Kind
from .cluster_access import Access

_MANAGER = "shipping.code"
_RBAC = "rbac.authorization.k8s.io"
ACCOUNT = Kind("ServiceAccount", "/api/v1", "serviceaccounts")
ROLE = Kind("Role", f"/apis/{_RBAC}/v1", "roles")
BINDING = Kind("RoleBinding", f"/apis/{_RBAC}/v1", "rolebindings")
_LABELS = {MANAGED_BY: _MANAGER, KIND: "access"}
# What these objects have beside their metadata.
_CONTENT = ("rules", "roleRef", "subjects", "automountServiceAccountToken")
_RULE_KEYS = {"apiGroups", "resources", "resourceNames", "verbs"}


def check_rules(rules: Sequence[Any]) -> None:
    """Raise SpecError unless each rule is one of a Role."""
    problems = []
    for number, rule in enumerate(rules):
        keys = set(rule) if isinstance(rule, Mapping) else set()
        if not keys >= {"apiGroups", "resources", "verbs"} or not keys <= _RULE_KEYS:
            text = "is not a rule of a Role; write apiGroups, resources and verbs"
            problems.append(Problem(f"rules[{number}]", text))
    if problems or not rules:
        raise SpecError(problems or [Problem("rules", "is empty; write the rules of the Role")])


def bodies(
    name: str, namespace: str, rules: Sequence[Mapping[str, Any]]
) -> list[tuple[Kind, dict[str, Any]]]:
    """Return the objects, in the order in which they are created."""
    subject = {"kind": ACCOUNT.name, "name": name, "namespace": namespace}
    reference = {"apiGroup": _RBAC, "kind": ROLE.name, "name": name}
    contents: list[tuple[Kind, dict[str, Any]]] = [
        # The account is for a CI outside of the cluster: no pod needs its token.
        (ACCOUNT, {"automountServiceAccountToken": False}),
        (ROLE, {"rules": [dict(rule) for rule in rules]}),
        (BINDING, {"roleRef": reference, "subjects": [subject]}),
    ]
    return [
        (
            kind,
            {
                "apiVersion": kind.version,
                "kind": kind.name,
                "metadata": {"name": name, "namespace": namespace, "labels": dict(_LABELS)},
                **content,
            },
        )
        for kind, content in contents
    ]


def content(body: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the content of an object without the server's additions; empty without an object."""
    found = {key: body[key] for key in _CONTENT if body and key in body}
    return {"kind": body["kind"], **found} if body else {}


def is_managed(body: Mapping[str, Any]) -> bool:
    """Return whether the collection has created an object."""
    labels = body["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in _LABELS.items())


def unmanaged(kind: Kind, name: str) -> ShippingError:
    """Return the error of an object that another client has created."""
    return ShippingError(
        f"{kind.name} {name} cannot be used",
        "it was not created by this collection",
        "Set name to another one, or remove the object",
    )


def token_request(name: str, seconds: int) -> tuple[Kind, dict[str, Any]]:
    """Return the request of a token that expires."""
    kind = Kind("TokenRequest", ACCOUNT.group, f"{ACCOUNT.plural}/{name}/token")
    version = "authentication.k8s.io/v1"
    return kind, {
        "apiVersion": version,
        "kind": kind.name,
        "metadata": {"name": name},
        "spec": {"expirationSeconds": seconds},
    }


def kubeconfig(access: Access, name: str, namespace: str, token: str) -> str:
    """Return a kubeconfig of one context. JSON is YAML, so that no library is needed."""
    cluster = {
        "server": access.host,
        **({"certificate-authority-data": _encoded(access.ca)} if access.ca else {}),
        **({"tls-server-name": access.server_name} if access.server_name else {}),
        **({"proxy-url": access.proxy} if access.proxy else {}),
    }
    place = {"cluster": "cluster", "user": name, "namespace": namespace}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": place}],
        "current-context": name,
    }
    return json.dumps(document, indent=2) + "\n"


def token_of(text: str) -> str:
    """Return the token of such a kubeconfig; empty if it has none."""
    try:
        return str(json.loads(text)["users"][0]["user"]["token"])
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def expiry(token: str, account_uid: str, now: float) -> int:
    """Return when a token expires; 0 if it is another account's, or half of its time is over.

    The claims of https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    are read without a check of the signature, which the API server makes.
    """
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        uid = claims["kubernetes.io"]["serviceaccount"]["uid"]
        begin, end = int(claims["iat"]), int(claims["exp"])
    except (ValueError, KeyError, IndexError, TypeError):
        return 0
    return end if uid == account_uid and now < (begin + end) / 2 else 0


def _encoded(content_of_file: bytes) -> str:
    return base64.b64encode(content_of_file).decode()
