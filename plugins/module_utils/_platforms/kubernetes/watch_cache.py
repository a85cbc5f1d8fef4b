# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that keeps itself up to date by a watch, as Kubernetes' own controllers have it.

A watch ends now and then; it is resumed from the version seen last, and where that is too long ago
(status 410) the list is read again.
https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

from __future__ import annotations

import threading
from typing import Any

from ..._core.errors import NotFound, PlatformError, Unreachable
from . import kstatus
from .api_kinds import Kind
from .cluster import Busy, Cluster, Expired

_SECONDS = 240
# Twenty tries, half a second apart: a definition of the same release is served a moment after it is
# made.
_RETRY, _PATIENCE = 0.5, 20


class WatchCache:
    """The objects of one kind, and a thread that follows what happens to them.

    ``changed`` is set at every event.
    """

    def __init__(
        self,
        cluster: Cluster,
        kind: Kind,
        changed: threading.Event,
        selector: str = "",
        fields: str = "",
    ) -> None:
        self.kind = kind
        self.trouble: PlatformError | None = None
        self._cluster = cluster
        self._selector, self._fields = selector, fields
        self._changed = changed
        self._items: dict[str, dict[str, Any]] = {}
        self._version = ""
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def items(self) -> list[dict[str, Any]]:
        """Return the objects as the watch has them."""
        with self._lock:
            return list(self._items.values())

    def start(self) -> None:
        """Read the list, once; then follow it."""
        if self._thread is None:
            try:
                self._read()
            except (NotFound, Busy):
                self._changed.set()  # its kind is defined by the same release, and comes
            # A watch may be silent for minutes and must not keep the process from ending.
            self._thread = threading.Thread(target=self._follow, daemon=True)
            self._thread.start()

    def _read(self) -> None:
        found = self._cluster.listing(self.kind, self._selector, self._fields)
        with self._lock:
            self._items = {
                item["metadata"]["uid"]: self._typed(item) for item in found.get("items") or []
            }
        self._version = found["metadata"]["resourceVersion"]
        self._changed.set()

    def _follow(self) -> None:
        tries = 0
        while True:
            try:
                if not self._version:
                    self._read()
                self.trouble, tries = None, 0
                for event in self._cluster.watch(
                    self.kind, self._selector, self._version, _SECONDS, self._fields
                ):
                    self._take(event)
            except Expired:
                self._version = ""
            except (NotFound, Busy) as error:
                tries += 1
                self.trouble = error if tries > _PATIENCE and isinstance(error, Busy) else None
                threading.Event().wait(_RETRY)
            except Unreachable as error:
                # The version stays, and the watch is resumed from it.
                self.trouble = error
                self._changed.set()
                threading.Event().wait(_RETRY)
            except PlatformError as error:
                # Also the answer of a server that is starting: its answer may be another one soon.
                self.trouble, self._version = error, ""
                self._changed.set()
                threading.Event().wait(_RETRY)

    def _typed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return an object with its kind, which items of a typed list lack."""
        return {"apiVersion": self.kind.version, **body, "kind": self.kind.name}

    def _take(self, event: dict[str, Any]) -> None:
        body = event["object"]
        self._version = body["metadata"]["resourceVersion"]
        with self._lock:
            if event["type"] == "DELETED" and not _is_finished_job(self.kind, body):
                self._items.pop(body["metadata"]["uid"], None)
            elif event["type"] in ("ADDED", "MODIFIED", "DELETED"):
                self._items[body["metadata"]["uid"]] = self._typed(body)
        if event["type"] != "BOOKMARK":
            self._changed.set()


def _is_finished_job(kind: Kind, body: dict[str, Any]) -> bool:
    """Return whether an object that was removed is a Job that had completed.

    One with ``ttlSecondsAfterFinished: 0`` may be removed between two looks. Its deletion is taken
    out of it, so that it counts as what it was.
    """
    if kind.name != "Job":
        return False
    body["metadata"].pop("deletionTimestamp", None)
    return kstatus.status({**body, "kind": kind.name})[0] == kstatus.CURRENT
