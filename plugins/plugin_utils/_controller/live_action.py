# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running one of the collection's modules so that people see what it does while it does it.

The module's short part runs as any module and leaves a worker on the host that does the rest, whose
journal is read here. When the connection is lost or the play is stopped, the worker comes to its
end all the same.
"""

from __future__ import annotations

import contextlib
import getpass
import socket
import time
from collections.abc import Iterable, Iterator
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ...module_utils._core.errors import ShippingError
from ...module_utils._core.masking import mask
from ...module_utils._deploy import journal
from ...module_utils._deploy.entry import new_run
from ...module_utils._deploy.module_result import of_end, title
from ...module_utils._deploy.prepare import held_too_long
from .in_process import Call, is_here, look
from .progress_lines import is_quiet

display = Display()

_READ_EVERY = 0.2
_REMOTE_WAIT = 5
_START_TIMEOUT = 30
_HEARTBEAT = 15
_NOT_FOR_READING = (
    "_data",
    "_mask",
    "secret_values",
    "registry_auths",
    "spec",
    "compose",
    "values",
    "images",
    "manifests",
)


class LiveAction(ActionBase):
    """An action whose module may take its time; subclasses prepare the module's options."""

    _supports_check_mode = True
    _supports_async = True
    _supports_diff = True

    call: Call

    def prepare(self, task_vars: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The module's options, and the words that must never be shown."""
        return {**self._task.args, **self.author()}, []

    def author(self) -> dict[str, str]:
        """Who releases, where the user does not say."""
        return (
            {}
            if self._task.args.get("by")
            else {"by": f"{getpass.getuser()}@{socket.gethostname()}"}
        )

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        if self._task.async_val:
            name = self._task.action
            return {
                **result,
                "failed": True,
                "msg": (
                    f"{name} cannot run with async: it goes on by itself when the connection is"
                    " lost. Leave async out and set rollout_timeout."
                ),
            }
        words: list[str] = []
        try:
            options, words = self.prepare(variables)
            outcome = self._ship(options, words, variables)
        except ShippingError as error:
            outcome = {"failed": True, "msg": str(error), **error.facts}
        result.update(mask(outcome, words))
        return result

    def _ship(
        self, options: dict[str, Any], words: list[str], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        self._host = str(task_vars.get("inventory_hostname", self._task.delegate_to or "localhost"))
        self._words = words
        self._quiet = is_quiet(str(options.get("progress", "auto")))
        begun = self._begin(options, task_vars)
        if begun.get("failed"):
            return begun
        for note in begun.get("notes", ()):
            self._say(note)
        self._warn(begun.pop("told", ()))
        job = begun.pop("job", None)
        begun.pop("waiting_for", None), begun.pop("seen", None)
        if not job:
            return begun
        ended = self._follow(options, job, task_vars)
        self._warn(ended.get("warnings", ()))
        return of_end(
            begun, ended, title(job["kind"], options["app"], str(begun.get("version", "")))
        )

    def _begin(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The short part, as often as somebody else holds the app."""
        timeout = float(options.get("lease_timeout", 600))
        run, seen, told = new_run(), {"version": -1, "seconds": 0.0}, ""
        begun_at = since = time.monotonic()
        while True:
            begun = self._look_or_begin(
                {**options, "_job": {"phase": "begin", "run": run, "seen": seen}}, task_vars
            )
            whom = begun.get("waiting_for", "")
            if begun.get("failed") or not whom:
                return begun
            if time.monotonic() - begun_at > timeout:
                raise held_too_long(options["app"], whom, timeout)
            if whom != told:
                told = whom
                self._say(f"{options['app']} waits for {whom}")
            if begun["seen"]["version"] != seen["version"]:
                since = time.monotonic()
            time.sleep(1)
            seen = {"version": begun["seen"]["version"], "seconds": time.monotonic() - since}

    def _look_or_begin(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        found = (
            look(self.call, options, self._task.check_mode, self._task.diff)
            if is_here(self, task_vars)
            else None
        )
        return found or self._module(options, task_vars)

    def _module(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_args=options, task_vars=task_vars)
        return result

    def _follow(
        self, options: dict[str, Any], job: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Show the worker's journal until it ends."""
        self._remove_module_files()
        options = {key: value for key, value in options.items() if key not in _NOT_FOR_READING}
        for entry in self._entries(options, job["journal"], task_vars):
            if entry["kind"] == "line":
                self._say(entry["text"])
            elif entry["kind"] == "end":
                return dict(entry["result"])
        return _died(job)

    def _remove_module_files(self) -> None:
        """What the short part was given lies on the host no longer than that part ran."""
        with contextlib.suppress(AnsibleConnectionFailure):
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _entries(
        self, options: dict[str, Any], path: str, task_vars: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        """The journal's entries, read directly where the worker is on this machine."""
        offset, begun_at, spoke = 0, time.monotonic(), time.monotonic()
        while True:
            pages = self._pages(options, path, offset, task_vars)
            yield from pages.entries
            if pages.ended or not pages.alive:
                return
            offset = pages.offset
            now = time.monotonic()
            if pages.entries:
                spoke = now
            if offset == 0 and now - begun_at > _START_TIMEOUT:
                return
            if now - spoke > _HEARTBEAT:
                spoke = now
                self._say(f"{options['app']} still at work, {now - begun_at:.0f} s")

    def _pages(
        self, options: dict[str, Any], path: str, offset: int, task_vars: dict[str, Any]
    ) -> journal.Pages:
        if self._connection.transport in ("local", "ansible.builtin.local"):
            try:
                pages = journal.wait(path, offset, _READ_EVERY)
            except OSError:
                pages = None  # another user's journal, by become: the module reads it
            if pages:
                if pages.ended:
                    journal.clear(path)
                return pages
        read = {"phase": "read", "journal": path, "offset": offset, "seconds": _REMOTE_WAIT}
        try:
            found = self._module({**options, "_job": read}, task_vars)
        except AnsibleConnectionFailure as error:
            self._say(f"the connection is lost ({error}), the worker goes on; trying again")
            time.sleep(_REMOTE_WAIT)
            return journal.Pages([], offset, True)
        if found.get("failed"):
            raise ShippingError(
                "the worker's journal cannot be read",
                str(found.get("msg", "")),
                "The worker goes on; see shipping.code.release_info",
            )
        return journal.Pages(found["entries"], found["offset"], found["alive"])

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            display.warning(mask(f"{self._host}: {text}", self._words))

    def _say(self, text: str) -> None:
        """One line for people, which begins with the host's name."""
        if not self._quiet:
            display.display(mask(f"{self._host} | {text}", self._words))


def _died(job: dict[str, Any]) -> dict[str, Any]:
    number = job["number"]
    what = f"release {number} is left unfinished" if number else "the work is left unfinished"
    return {
        "verdict": "failed",
        "reason": (
            f"the worker was killed before it came to an end, and {what}. Run again: it recovers"
            " from the record, after the lease has run out"
        ),
        "failures": [],
        "warnings": [],
    }
