# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one of the collection's modules, and show what it does while it does it.

The module's short part runs as any module and leaves a worker on the host that does the rest, whose
journal is read here. If the connection is lost or the play is stopped, the worker still finishes.
"""

from __future__ import annotations

import contextlib
import getpass
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from ...module_utils._core.errors import ShippingError
from ...module_utils._core.failure import Failure
from ...module_utils._core.masking import mask
from ...module_utils._core.slow_calls import reporting, waiting_for
from ...module_utils._deploy.health import FAILED
from ...module_utils._deploy.job import Job
from ...module_utils._deploy.journal import Pages, read_new, remove_journal
from ...module_utils._deploy.lease import LeaseAge
from ...module_utils._deploy.lease_wait import lease_timeout, wait_for_lease
from ...module_utils._deploy.run_answer import RunAnswer, RunOutcome
from ...module_utils._deploy.run_names import new_run
from ...module_utils._deploy.run_request import CAPABILITIES, FOLLOW, PREPARE, RunRequest
from .in_process import InProcessRunner, ModuleSpec
from .module_runner import AnsibleModuleRunner, is_local
from .progress_lines import is_quiet, show_line
from .router_action import RouterKeys
from .task_options import read_options

display = Display()

# Seconds.
_READ_LOCAL_EVERY = 0.2
# One call of a module takes 0.7 to 1.5 s on a remote host, so that each waits there for news.
_READ_REMOTE_FOR = 5
_START_TIMEOUT = 30
_HEARTBEAT = 15
# Not needed by calls that only read: secrets and large values.
_NOT_FOR_READING = (
    "secret_values",
    "registry_auths",
    "spec",
    "compose",
    "values",
    "images",
    "manifests",
    "helm_values",
    "helm_values_files",
    "_pki",
)


class LiveAction(RouterKeys):
    """An action whose module may take its time; subclasses prepare the module's options."""

    _supports_check_mode = True
    # With False, ActionBase.run would end the action without a hint.
    _supports_async = True
    _supports_diff = True

    module: ModuleSpec
    early_warnings: tuple[str, ...] = ()
    early_notes: tuple[str, ...] = ()
    """Warnings and notes of :meth:`module_options`, before the host is called."""

    def module_options(self) -> tuple[dict[str, Any], RunRequest]:
        """Return the module's options, and the request with what only the controller can read."""
        return {**self.given_options(), **self.author()}, RunRequest()

    def given_options(self) -> dict[str, Any]:
        """Return the options of the task in their types."""
        return read_options(self.module.arguments, self._task.args)

    def author(self) -> dict[str, str]:
        """Return the option with the user of the run, if the task does not set it."""
        if self._task.args.get("by"):
            return {}
        return {"by": f"{getpass.getuser()}@{socket.gethostname()}"}

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        if self._task.async_val:
            failure = Failure(
                event=f"{self._task.action} cannot run with async",
                cause="releases continue in the background if the connection drops",
                hint="Remove async and set rollout_timeout",
            )
            return {**result, "failed": True, "msg": failure.sentence()}
        self._hidden: list[str] = []
        self._host = str(variables.get("inventory_hostname", self._task.delegate_to or "localhost"))
        self._quiet = is_quiet(str(self._task.args.get("progress", "auto")))
        app = str(self._task.args.get("app", ""))
        self._module = AnsibleModuleRunner(self, variables)
        self._preview = InProcessRunner(self.module, self, variables)
        slow = reporting(lambda text: self._report(f"{app} {text}"))
        with contextlib.nullcontext() if self._quiet else slow:
            try:
                options, request = self.module_options()
                options = self.with_keys(options)
                self._hidden = list(request.hidden)
                outcome = self._run_live(options, request)
            except ShippingError as error:
                outcome = error.as_result()
        result.update(mask(outcome, self._hidden))
        return result

    def capabilities(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return what the templates of manifests may depend on, as the platform has it."""
        answer = self._call_module(_for_reading(options), RunRequest(CAPABILITIES))
        if answer.failed:
            error = ShippingError(str(answer.result.get("msg", "")))
            error.add_facts(**answer.result)
            raise error
        found: dict[str, Any] = answer.result["capabilities"]
        return found

    def _run_live(self, options: dict[str, Any], request: RunRequest) -> dict[str, Any]:
        self._warn(self.early_warnings)
        run = new_run(str(options.get("by") or ""))
        # Waited for here and not in the module, so that users see which run holds the app.
        answer = wait_for_lease(
            partial(self._prepare, options, replace(request, phase=PREPARE, run=run)),
            str(options.get("app", "")),
            lease_timeout(options),
            self._report,
        )
        if not answer.failed:
            answer = self._with_early_notes(answer)
            for note in answer.result.get("notes", ()):
                self._report(note)
        self._warn(answer.warnings)
        if answer.job and not answer.failed:
            outcome = self._follow(options, answer.job, answer.journal)
            self._warn(outcome.warnings)
            answer = answer.finished(outcome)
        return dict(answer.result)

    def _prepare(self, options: dict[str, Any], request: RunRequest, age: LeaseAge) -> RunAnswer:
        """Execute the short part: in this process if that writes nothing, else in the module."""
        return self._call_module(options, replace(request, lease_age=age))

    def _with_early_notes(self, answer: RunAnswer) -> RunAnswer:
        if not self.early_notes:
            return answer
        notes = [*self.early_notes, *answer.result.get("notes", ())]
        return replace(answer, result={**answer.result, "notes": notes})

    def _call_module(self, options: dict[str, Any], request: RunRequest) -> RunAnswer:
        call = {**options, **request.as_options()}
        result = self._preview.run(call)
        if result is None:
            # The waits inside the module cannot be shown: it answers at its end.
            with waiting_for(f"the module on {self._host}"):
                result = self._module.run(call)
        return RunAnswer.from_data(result)

    def _follow(self, options: dict[str, Any], job: Job, path: str) -> RunOutcome:
        """Show the worker's journal until it ends; return the outcome of the job."""
        self._remove_module_files()
        for entry in self._entries(_for_reading(options), path):
            if entry["kind"] == "line":
                self._report(entry["text"])
            elif entry["kind"] == "end":
                return RunOutcome.from_data(entry["result"])
        return _killed(job)

    def _remove_module_files(self) -> None:
        """Remove the module's files from the host: they may hold secrets."""
        with contextlib.suppress(AnsibleConnectionFailure):
            # ActionBase._remove_tmp_path and the shell's tmpdir are private. Ansible itself removes
            # the folder at the end of the action, which is after the rollout.
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _entries(self, options: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
        """Yield the journal's entries until the worker ends or is found dead."""
        offset, started, last_news = 0, time.monotonic(), time.monotonic()
        while True:
            pages = self._pages(options, path, offset)
            yield from pages.entries
            if pages.ended or not pages.alive:
                return
            offset = pages.offset
            now = time.monotonic()
            if pages.entries:
                last_news = now
            # Before the first entry there is no process id to check.
            if offset == 0 and now - started > _START_TIMEOUT:
                return
            if now - last_news > _HEARTBEAT:
                last_news = now
                self._report(f"{options['app']} still running, {now - started:.0f} s so far")

    def _pages(self, options: dict[str, Any], path: str, offset: int) -> Pages:
        """Read the journal, directly if the worker is on the control node, else by the module."""
        pages = self._local_pages(path, offset) if is_local(self) else None
        if pages:
            return pages
        request = RunRequest(FOLLOW, journal=path, offset=offset, seconds=_READ_REMOTE_FOR)
        try:
            result = self._module.run({**options, **request.as_options()})
        # The rollout needs no connection, so a lost one does not fail it.
        except AnsibleConnectionFailure as error:
            self._report(f"the connection is lost ({error}), the worker continues; reconnecting")
            time.sleep(_READ_REMOTE_FOR)
            return Pages([], offset, True)
        answer = RunAnswer.from_data(result)
        if answer.failed or answer.pages is None:
            raise ShippingError(
                "the worker's journal cannot be read",
                str(answer.result.get("msg", "")),
                "The worker continues; see shipping.code.release_info",
            )
        return answer.pages

    def _local_pages(self, path: str, offset: int) -> Pages | None:
        try:
            pages = read_new(path, offset, _READ_LOCAL_EVERY)
        except OSError:
            return None  # another user's journal, by become: the module reads it
        if pages.ended:
            remove_journal(path)
        return pages

    def _warn(self, texts: Iterable[str]) -> None:
        for text in texts:
            display.warning(mask(f"{self._host}: {text}", self._hidden))

    def _report(self, text: str) -> None:
        """Show one line of progress, which begins with the host's name."""
        if not self._quiet:
            show_line(mask(f"{self._host} | {text}", self._hidden))


def _for_reading(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key not in _NOT_FOR_READING}


def _killed(job: Job) -> RunOutcome:
    """Return the outcome of a job whose worker was killed."""
    what = f", and release {job.number} is unfinished" if job.number else ""
    failure = Failure(
        "the worker",
        f"was killed{what}",
        hint="Run the task again: it resumes once the lease has expired",
    )
    return RunOutcome(FAILED, text=failure.sentence(), reason="worker_killed")
