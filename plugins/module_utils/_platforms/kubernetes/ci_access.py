# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Give a CI the right to deploy to one namespace, or withdraw it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..._core.atomic_write import write_atomically
from ..._core.errors import ShippingError, os_words
from . import ci_account
from .api_kinds import NAMESPACE, Kind
from .ci_account import ACCOUNT, BINDING, ROLE
from .cluster import Cluster
from .cluster_access import access

_MODE = 0o600
# By the owner alone (0600) is what is compared.
_ALL_RIGHTS = 0o777


def converge(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of the module; with ``check_mode``, change nothing."""
    check = options["check_mode"]
    target = access(options)
    if not target.verify:
        raise ShippingError(
            "the kubeconfig cannot be made",
            "validate_certs is false, so that the CI would send its token to any server",
            "Set ca_path, or a kubeconfig with the authority of the cluster",
        )
    cluster = Cluster(target)
    if options["state"] == "absent":
        return _remove(cluster, options, check=check)
    ci_account.check_rules(options["rules"] or [])
    cluster.get(NAMESPACE, cluster.namespace)
    wanted = ci_account.bodies(options["name"], cluster.namespace, options["rules"])
    live = {kind: _managed(cluster, kind, options["name"]) for kind, _body in wanted}
    written, before, after = [], [], []
    for kind, body in wanted:
        if ci_account.content(body) == ci_account.content(live[kind]):
            continue
        before.append(ci_account.content(live[kind]))
        after.append(ci_account.content(body))
        written.append(f"{kind.name} {options['name']}")
        live[kind] = cluster.apply(kind, body, dry=check)
    account = live[ACCOUNT] or {}
    file = _token_file(cluster, options, account["metadata"]["uid"], check=check)
    return {
        **file,
        "changed": bool(written) or file["changed"],
        "objects": written,
        "diff": {"before": _shown(before), "after": _shown(after)},
    }


def _shown(contents: list[dict[str, Any]]) -> str:
    return "".join(f"{json.dumps(content, indent=2)}\n" for content in contents if content)


def _managed(cluster: Cluster, kind: Kind, name: str) -> dict[str, Any] | None:
    """Return an object of the account, or None; raise ShippingError if it is not managed."""
    body = cluster.find(kind, name)
    if body and not ci_account.is_managed(body):
        raise ci_account.unmanaged(kind, name)
    return body


def _token_file(
    cluster: Cluster, options: Mapping[str, Any], uid: str, *, check: bool
) -> dict[str, Any]:
    """Write the kubeconfig, unless it has a token that lasts."""
    if not options["path"]:
        return {"changed": False}
    path, name = os.path.expanduser(options["path"]), options["name"]
    text, mode = _read(path)
    token = ci_account.token_of(text)
    end = ci_account.expiry(token, uid, cluster.now())
    renewed = not end
    if renewed and not check:
        answer = cluster.create(*ci_account.token_request(name, options["expires_in"]))
        token = answer["status"]["token"]
        end = ci_account.expiry(token, uid, 0)
    content = ci_account.kubeconfig(cluster.access, name, cluster.namespace, token)
    changed = renewed or content != text or mode != _MODE
    if changed and not check:
        _write(path, content)
    time_of_end = datetime.fromtimestamp(end, timezone.utc).isoformat() if end else ""
    return {"changed": changed, "path": path, "renewed": renewed, "expires_at": time_of_end}


def _remove(cluster: Cluster, options: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    name, removed = options["name"], []
    found = {kind: _managed(cluster, kind, name) for kind in (BINDING, ROLE, ACCOUNT)}
    for kind, body in found.items():
        if not body:
            continue
        removed.append(f"{kind.name} {name}")
        if not check:
            cluster.delete(kind, name, body["metadata"]["uid"])
    file_removed = _remove_file(os.path.expanduser(options["path"] or ""), check=check)
    return {"changed": bool(removed) or file_removed, "objects": removed}


def _remove_file(path: str, *, check: bool) -> bool:
    """Return whether there was a file to remove."""
    if not path or not os.path.lexists(path):
        return False
    if not check:
        try:
            os.unlink(path)
        except OSError as error:
            raise _no_file(path, error) from error
    return True


def _read(path: str) -> tuple[str, int]:
    """Return the text and the mode of a file; nothing without one, or if it is not text."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read(), os.fstat(stream.fileno()).st_mode & _ALL_RIGHTS
    except (FileNotFoundError, UnicodeDecodeError):
        return "", 0
    except OSError as error:
        raise _no_file(path, error) from error


def _write(path: str, text: str) -> None:
    """Replace a file at once; it is never readable by others."""
    try:
        write_atomically(path, text.encode(), _MODE)
    except OSError as error:
        raise _no_file(path, error) from error


def _no_file(path: str, error: OSError) -> ShippingError:
    return ShippingError(f"{path} cannot be used", os_words(error), "Correct path or its rights")
