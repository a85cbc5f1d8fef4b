# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the work of a module; each form takes one request and returns one answer.

- With the action plugin: ``prepare`` in the module, then a worker, whose journal ``follow`` reads.
- Without it: the whole run in the module's process.
- In Ansible's own process: a preview, which answers where nothing has to be written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .._core.errors import ShippingError
from .._core.failure import Failure
from .._core.masking import mask
from .._core.module_exit import answer as exit_with_answer
from .._core.slow_calls import reporting
from . import worker_process
from .contents import hidden_words
from .health import FAILED
from .intent import Intent
from .job import Job
from .journal import Journal, path_for, read_new, remove_journal
from .lease import LeaseAge
from .lease_wait import lease_timeout, wait_for_lease
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .prepare import Planner, prepare, preview
from .ramp_release import execute_job
from .read_options import read_intent
from .run_answer import RunAnswer, RunOutcome
from .run_names import new_run
from .run_request import CAPABILITIES, FOLLOW, PREPARE, WHOLE, RunRequest


@dataclass(frozen=True)
class _Call:
    """One call of a module: its options, the user's intent, and the words to hide."""

    options: Options
    intent: Intent
    planner: Planner
    platforms: Platforms
    words: list[str]

    @classmethod
    def read(
        cls,
        options: Options,
        request: RunRequest,
        planner: Planner,
        platforms: Platforms,
        *,
        check: bool,
    ) -> _Call:
        """Read the options; raise SpecError with everything that is wrong."""
        named = request if request.run else replace(request, run=new_run(options.get("by")))
        intent = read_intent(options, named, platforms, check=check)
        return cls(options, intent, planner, platforms, hidden_words(options, request, intent))


def run_module(module: Any, planner: Planner, platforms: Platforms) -> None:
    """Run a module to its end; errors become its failure, with their facts."""
    exit_with_answer(
        module, lambda options: run(options, planner, platforms, check=module.check_mode)
    )


def run(options: Options, planner: Planner, platforms: Platforms, *, check: bool) -> dict[str, Any]:
    """Execute one call of a module."""
    request = RunRequest.from_options(options)
    if request.phase == FOLLOW:
        return _follow(request).as_data()
    if request.phase == CAPABILITIES:
        return _capabilities(options, platforms).as_data()
    call = _Call.read(options, request, planner, platforms, check=check)
    phases: dict[str, Callable[[_Call], dict[str, Any]]] = {PREPARE: _prepare, WHOLE: _run_whole}
    return phases[request.phase](call)


def preview_run(
    options: Options, planner: Planner, platforms: Platforms, *, check: bool
) -> RunAnswer | None:
    """Return the answer of a run that writes nothing; None if it has to write."""
    request = RunRequest.from_options(options)
    if request.phase == CAPABILITIES:
        return _capabilities(options, platforms)
    call = _Call.read(options, request, planner, platforms, check=check)
    answer = preview(connect(options, platforms), call.intent, planner)
    return answer.masked(call.words) if answer else None


def _prepare(call: _Call) -> dict[str, Any]:
    """Execute the short part; a worker executes the job that is left."""
    # First, so that an unusable folder ends the run before anything is changed.
    journal = Journal(path_for(call.intent.app, call.intent.run), call.words)
    answer = prepare(connect(call.options, call.platforms), call.intent, call.planner).masked(
        call.words
    )
    if answer.job:
        job = answer.job
        worker_process.detach(lambda: _work(call.options, call.platforms, job, journal))
        answer = replace(answer, journal=journal.path)
    return answer.as_data()


def _work(options: Options, platforms: Platforms, job: Job, journal: Journal) -> None:
    """Execute the long part in a process of its own; the journal gets its outcome."""
    journal.start()
    try:
        with reporting(lambda line: journal.write_line(f"{job.app} {line}")):
            platform = connect(options, platforms)
            outcome = execute_job(platform, job, journal.write_line, journal.hide, options)
    except ShippingError as error:
        outcome = RunOutcome(FAILED, text=str(error), reason="rejected")
    # Readers see only the journal, not the output of the worker.
    except BaseException as error:
        failure = Failure(
            "the worker",
            "ended",
            f"internal error {type(error).__name__} ({error})",
            "Report it with the output at -vvv",
        )
        outcome = RunOutcome(FAILED, text=failure.sentence(), reason="internal_error")
        journal.end(outcome.as_data())
        raise
    journal.end(outcome.as_data())


def _follow(request: RunRequest) -> RunAnswer:
    """Read new entries of the journal; remove it when it has ended."""
    pages = read_new(request.journal, request.offset, request.seconds)
    if pages.ended:
        remove_journal(request.journal)
    return RunAnswer({"changed": False}, pages=pages)


def _capabilities(options: Options, platforms: Platforms) -> RunAnswer:
    """Read what the templates of manifests may depend on."""
    read = platforms.definition(options["platform"]).read_capabilities
    return RunAnswer({"changed": False, "capabilities": read(options) if read else {}})


def _run_whole(call: _Call) -> dict[str, Any]:
    """Execute both parts in this process, and wait for the lease."""
    platform = connect(call.options, call.platforms)

    def attempt(age: LeaseAge) -> RunAnswer:
        return prepare(platform, replace(call.intent, lease_age=age), call.planner)

    answer = wait_for_lease(attempt, call.intent.app, lease_timeout(call.options), _no_progress)
    if answer.job:
        hide = partial(mask, words=call.words)
        outcome = execute_job(platform, answer.job, _no_progress, hide, call.options)
        answer = answer.finished(outcome)
    return answer.masked(call.words).as_result()


def _no_progress(_line: str) -> None:
    """Drop progress: a module cannot show it."""
