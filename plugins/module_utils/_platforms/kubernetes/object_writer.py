# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write one object by server-side apply, without losing what others write at the same time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..._core.errors import LeaseLost, NotFound, Outdated, PlatformError
from ..._deploy.ports import Fence
from . import adoption, defaulted_fields
from .api_kinds import APP, SERVICE_KIND, STANDARD, TOKEN, Kind
from .cluster import MANAGER, Busy, Cluster, Invalid, Unserved
from .compare import annotation, is_applied, key_of, label, owned_replicas
from .observe import Body

SCALER = f"{MANAGER}-scale"
_ATTEMPTS, _PAUSE = 8, 0.3
# Seconds in which a stamp may lose against other clients, before the first change of a run.
_STAMP_PATIENCE = 30.0


def keeping_replicas(wanted: Body, live: Body | None) -> Body:
    """Return the wanted object, with the current number of pods if the spec drops it."""
    if (
        live is None
        or key_of(wanted)[0] not in ("Deployment", "StatefulSet")
        or "replicas" in wanted["spec"]
        # The server resets a field to its default (1) when its only owner leaves it out.
        or not owned_replicas(live, MANAGER)
    ):
        return wanted
    return {**wanted, "spec": {**wanted["spec"], "replicas": live["spec"]["replicas"]}}


def must_be_recreated(wanted: Body, live: Body | None) -> bool:
    """Return whether a Service changes between having an address and having none.

    The API does not allow that in place.
    """
    if live is None or key_of(wanted)[0] != SERVICE_KIND.name:
        return False
    return bool(
        (wanted["spec"].get("clusterIP") == "None") != (live["spec"].get("clusterIP") == "None")
    )


class ObjectWriter:
    """Write objects under a fence."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def write(self, kind: Kind, body: Body, notes: Mapping[str, str], fence: Fence) -> Body:
        """Write one object from a fresh read, until no other client was faster."""
        name = body["metadata"]["name"]
        for _attempt in range(_ATTEMPTS):
            live = self._cluster.find(kind, name)
            # Its notes stay, too: the release in them is the one that wrote the object last.
            if live is not None and is_applied(body, live):
                return live
            _refuse_later(name, live, fence)
            fence.check()
            if live is not None and must_be_recreated(body, live):
                # spec.clusterIP is immutable.
                self._cluster.delete(kind, name, live["metadata"]["uid"])
                live = None
            try:
                return self._send(kind, body, live, notes, fence)
            except Outdated:
                time.sleep(_PAUSE)
            except Unserved as error:
                if (body["apiVersion"], kind.name) in STANDARD:
                    raise
                # A definition is established a moment before its resources are served.
                raise Busy(error.what, error.why, "Try again") from error
        raise PlatformError(
            f"{kind.name} {name} could not be written",
            f"another client changed it {_ATTEMPTS} times meanwhile",
            "Find that client, then run the task again",
        )

    def _send(
        self, kind: Kind, body: Body, live: Body | None, notes: Mapping[str, str], fence: Fence
    ) -> Body:
        if live is not None and keeping_replicas(body, live) is not body:
            live = self._hand_replicas_to_scaler(kind, live)
        metadata = {
            **body["metadata"],
            "annotations": {**body["metadata"]["annotations"], **notes, TOKEN: str(fence.token)},
        }
        if live is not None:
            # Also a forced apply fails (409) then where another client has written since the read.
            metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
        body = {**body, "metadata": metadata}
        is_replaced = False
        try:
            written = self._cluster.apply(kind, body)
        except Invalid as error:
            written = self._replace(kind, body, live, error)
            is_replaced = True
        # After the apply, by which our manager owns the fields: only those are taken from the
        # former owners.
        if is_replaced or (live is not None and not label(live, APP)):
            adoption.hand_over(self._cluster, kind, written)
        return written

    def _replace(self, kind: Kind, body: Body, live: Body | None, error: Invalid) -> Body:
        """Write an object whose new form forbids defaults of the former one; then apply it."""
        replacement = defaulted_fields.replacement(error.refusals, body, live or {"metadata": {}})
        if live is None or replacement is None:
            raise error
        # By a manager that hands over to ours, which must own by applies alone.
        replaced = self._cluster.replace(kind, replacement, adoption.BEFORE)
        metadata = {
            **body["metadata"],
            "resourceVersion": replaced["metadata"]["resourceVersion"],
        }
        return self._cluster.apply(kind, {**body, "metadata": metadata})

    def _hand_replicas_to_scaler(self, kind: Kind, live: Body) -> Body:
        """Hand the number to another manager before this one drops it.

        Else the server would make it 1.
        """
        held = {
            "apiVersion": kind.version,
            "kind": kind.name,
            "metadata": {"name": live["metadata"]["name"]},
            "spec": {"replicas": live["spec"]["replicas"]},
        }
        return self._cluster.apply(kind, held, manager=SCALER)

    def set_replicas(self, kind: Kind, name: str, replicas: int, fence: Fence) -> Body:
        """Set a workload's number of pods, and nothing else; raise NotFound without one."""
        for _attempt in range(_ATTEMPTS):
            live = self._cluster.get(kind, name)
            try:
                spec = {"spec": {"replicas": replicas}}
                # Not as our manager: the next apply without replicas would reset a number that it
                # owns to 1.
                return self._merge(kind, live, spec, fence, manager=SCALER)
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"service {name} could not be scaled",
            f"another client changed it {_ATTEMPTS} times meanwhile",
            "Find that client, then run the task again",
        )

    def stamp(self, kind: Kind, name: str, fence: Fence) -> None:
        """Put the token on an object, if it is still there.

        Raise PlatformError where others change it all the time: a former holder could write it.
        """
        deadline = time.monotonic() + _STAMP_PATIENCE
        while time.monotonic() < deadline:
            live = self._cluster.find(kind, name)
            if live is None:
                return
            try:
                self._merge(kind, live, {}, fence)
                return
            except Outdated:
                time.sleep(_PAUSE)
        raise PlatformError(
            f"{kind.name} {name} could not be fenced from the former run",
            f"another client changed it all along for {_STAMP_PATIENCE:.0f} s",
            "Find that client, then run the task again",
        )

    def _merge(
        self,
        kind: Kind,
        live: Body,
        fields: Mapping[str, Any],
        fence: Fence,
        *,
        manager: str = MANAGER,
    ) -> Body:
        """Change some fields of an object that was read as ``live``, and put the token on it."""
        name = live["metadata"]["name"]
        _refuse_later(name, live, fence)
        fence.check()
        metadata = {
            "resourceVersion": live["metadata"]["resourceVersion"],
            "annotations": {TOKEN: str(fence.token)},
        }
        return self._cluster.merge(kind, name, {"metadata": metadata, **fields}, manager)


def _refuse_later(name: str, live: Body | None, fence: Fence) -> None:
    """Raise LeaseLost where a later holder of the lease wrote the object."""
    token = int(annotation(live, TOKEN) or 0) if live is not None else 0
    if live is not None and token > fence.token:
        raise LeaseLost(
            f"this run lost the lease of {label(live, APP) or name}",
            f"a later run wrote {name} (token {token}, this run has {fence.token})",
            "Nothing more was written",
        )


def no_such_service(name: str, app: str) -> NotFound:
    """Return the error of a service that the cluster does not have."""
    return NotFound(
        f"there is no service {name} in {app}",
        "the cluster does not have it",
        "Release the app first",
    )
