# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a run, and from its end to the module's result."""

from __future__ import annotations

import base64
import getpass
import json
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from .._compose import model as composing
from .._core.errors import Problem, ShippingError, SpecError
from .._core.masking import mask, words_of
from . import journal, module_result, worker_process
from . import prepare as beginning
from .execute import work
from .lease import Seen
from .ports import Contents, Platform, Wishes
from .prepare import Planner, held_too_long
from .request import Begun, Job, Limits, Request

Options = Mapping[str, Any]
_ONE_SOURCE = (
    "is needed: the path of a Compose file; or spec, the same content inline; or, for Kubernetes,"
    " manifests"
)


def new_run() -> str:
    """A name for a run that tells people who and where it is."""
    return f"{getpass.getuser()}@{socket.gethostname()} {secrets.token_hex(8)}"


def connect(options: Options) -> Platform:
    """The platform that the options name; only that one's code is loaded."""
    if options["platform"] == "kubernetes":
        from .._platforms.kubernetes.connect import connect as to_kubernetes

        return to_kubernetes(options, registry_credentials(options))
    from .._platforms.swarm.connect import connect as to_swarm

    return to_swarm(options, registry_credentials(options))


def registry_credentials(options: Options) -> dict[str, dict[str, str]]:
    """``registry_auths`` as the engine takes them, by registry."""
    result = {}
    for entry in options.get("registry_auths") or ():
        names = {"username": "username", "password": "password", "identity_token": "identitytoken"}
        found = {names[key]: value for key, value in entry.items() if key in names and value}
        result[entry["registry"]] = {**found, "serveraddress": entry["registry"]}
    return result


def check_name(app: str, platform: str) -> None:
    """Refuse a name that cannot stand in the platform's object names."""
    if not composing.APP_NAME.fullmatch(app):
        raise SpecError(
            [
                Problem(
                    "app",
                    f"{app!r} must have 1 to 40 of a-z, 0-9, '-' and '_', and begin and end with a"
                    " letter or digit",
                )
            ],
            "the options",
        )
    if platform == "kubernetes" and "_" in app:
        raise SpecError(
            [Problem("app", f"{app!r} has '_', which no name on Kubernetes may have; write '-'")],
            "the options",
        )


def limits_of(options: Options) -> Limits:
    """The limits among the options; a limit below 1 makes no sense and is refused."""
    given = {
        name: options[name] for name in Limits.__dataclass_fields__ if options.get(name) is not None
    }
    problems = [
        Problem(name, f"must be more than 0, not {value}")
        for name, value in given.items()
        if value <= 0
    ]
    if problems:
        raise SpecError(problems, "the options")
    return Limits(**given)


def request_of(options: Options, check: bool) -> Request:
    """What the user asked for, from a module's options."""
    check_name(options["app"], options["platform"])
    job = options.get("_job") or {}
    limits = limits_of(options)
    return Request(
        app=options["app"],
        run=job.get("run") or new_run(),
        version=str(options.get("version") or ""),
        by=options.get("by") or "",
        commit=options.get("commit") or "",
        resolve_image=options.get("resolve_image") or "auto",
        wishes=Wishes(
            bool(options.get("adopt")), frozenset(options.get("recreate") or ()), limits.monitor
        ),
        limits=limits,
        immutable_versions=bool(options.get("immutable_versions")),
        check=check,
        seen=Seen(**job.get("seen", {})),
        release=options.get("release"),
        **_spec_of(options),
    )


def _spec_of(options: Options) -> dict[str, Any]:
    """The parts of a request that only a release or a scaling has."""
    if options.get("replicas") is not None:
        return {"replicas": _numbers(options["replicas"])}
    if options.get("state") != "present":
        return {}
    check_present(options)
    if options.get("manifests"):
        # One text, since each value of an option that is not logged is masked wherever it stands.
        documents = json.loads(
            base64.b64decode((options.get("_data") or {}).get("manifests", "W10="))
        )
        return {
            "manifests": {
                "documents": documents,
                "hooks": options["hooks"],
                "labels": options["manifests_labels"],
            }
        }
    from .._platforms import registry

    support = registry.support(options["platform"])
    app = composing.read(options["spec"], support, options.get("images"))
    return {"compose": app, "contents": contents_of(options, app)}


def check_present(options: Options) -> None:
    """Refuse a release without its version or its spec."""
    given = [name for name in ("compose", "spec", "manifests") if options.get(name)]
    problems = (
        []
        if options.get("version")
        else [Problem("version", "is needed, as it is called in the history")]
    )
    if len(given) != 1:
        problems.append(
            Problem(
                "compose",
                (
                    _ONE_SOURCE
                    if not given
                    else f"goes alone, and {' and '.join(given)} are set; set one of them"
                ),
            )
        )
    if given == ["manifests"] and options.get("platform") != "kubernetes":
        problems.append(
            Problem(
                "manifests", "are for platform: kubernetes; give a Swarm a Compose file by compose"
            )
        )
    if problems:
        raise SpecError(problems, "the options")


def _numbers(replicas: Mapping[str, Any]) -> dict[str, int]:
    problems, result = [], {}
    for name, number in replicas.items():
        if isinstance(number, bool) or not str(number).isdigit():
            problems.append(
                Problem(f"replicas.{name}", f"must be a whole number of at least 0, not {number!r}")
            )
        else:
            result[name] = int(number)
    if problems:
        raise SpecError(problems, "the options")
    return result


def contents_of(options: Options, app: composing.Compose) -> Contents:
    """The bytes of secrets and configs.

    Handed over by the action, or written in the spec itself.
    """
    data = options.get("_data") or {}
    found: dict[str, dict[str, bytes]] = {"secrets": {}, "configs": {}}
    for section, known in found.items():
        for name, entry in getattr(app, section).items():
            if name in data.get(section, {}):
                known[name] = base64.b64decode(data[section][name])
            elif "content" in entry:
                known[name] = entry["content"].encode()
    return Contents(**found)


def hidden_words(options: Options, request: Request) -> list[str]:
    """Everything that must not be shown."""
    credentials = [
        value
        for entry in registry_credentials(options).values()
        for key, value in entry.items()
        if key in ("password", "identitytoken")
    ]
    given = [str(value) for value in (options.get("secret_values") or {}).values()]
    tokens = [options["api_key"]] if options.get("api_key") else []
    return words_of(
        [
            *request.contents.secrets.values(),
            *(options.get("_mask") or ()),
            *given,
            *credentials,
            *tokens,
        ]
    )


def run(options: Options, check: bool, planner: Planner) -> dict[str, Any]:
    """One call of a module, whichever part of a run it is asked for."""
    job = options.get("_job") or {}
    phases: dict[str, Callable[..., dict[str, Any]]] = {"begin": _begin, "read": _read}
    return (
        phases[job["phase"]](options, check, planner)
        if job
        else _all_at_once(options, check, planner)
    )


def _begin(options: Options, check: bool, planner: Planner) -> dict[str, Any]:
    """The short part; what is left goes on in a worker."""
    request = request_of(options, check)
    words = hidden_words(options, request)
    book = journal.Journal(journal.path_for(request.app, request.run), words)
    begun = beginning.begin(connect(options), request, planner)
    answer = _answer(begun, words)
    if begun.job:
        job = begun.job
        worker_process.detach(lambda: _work(options, job, book))
        answer["job"] = {"kind": job.kind, "number": job.number, "journal": book.path}
    return answer


def look(options: Options, check: bool, planner: Planner) -> dict[str, Any] | None:
    """The short part of a run that writes nothing; None where there is something to write."""
    request = request_of(options, check)
    begun = beginning.look(connect(options), request, planner)
    return _answer(begun, hidden_words(options, request)) if begun else None


def _answer(begun: Begun, words: list[str]) -> dict[str, Any]:
    """What the short part came to, for the action plugin."""
    answer = {
        **module_result.of_beginning(begun),
        "waiting_for": begun.waiting_for,
        "seen": vars(begun.seen),
        "told": list(begun.warnings),
    }
    return dict(mask(answer, words))


def _work(options: Options, job: Job, book: journal.Journal) -> None:
    """The long part, in a process of its own; the journal has the result."""
    book.start()
    try:
        ended = work(connect(options), job, book.line, book.hide).as_data()
    except ShippingError as error:
        ended = _unfinished(str(error))
    except BaseException as error:
        book.end(_unfinished(f"the worker ended unexpectedly ({type(error).__name__}: {error})"))
        raise
    book.end(ended)


def _unfinished(reason: str) -> dict[str, Any]:
    return {"verdict": "failed", "reason": reason, "failures": [], "warnings": []}


def _read(options: Options, check: bool, planner: Planner) -> dict[str, Any]:
    """What the journal has that is new; when it has ended it is removed."""
    given = options["_job"]
    pages = journal.wait(given["journal"], given["offset"], given["seconds"])
    if pages.ended:
        journal.clear(given["journal"])
    return {"changed": False, **vars(pages)}


def _all_at_once(options: Options, check: bool, planner: Planner) -> dict[str, Any]:
    """Both parts in this process, for callers that bring no action plugin."""
    request = request_of(options, check)
    words = hidden_words(options, request)
    platform = connect(options)
    begun = _patient_begin(platform, request, planner, options)
    answer = {**module_result.of_beginning(begun), "told": list(begun.warnings)}
    if begun.job:
        ended = work(platform, begun.job, lambda line: None, partial(mask, words=words)).as_data()
        answer["told"] += ended["warnings"]
        answer = module_result.of_end(
            answer,
            ended,
            module_result.title(begun.job.kind, request.app, answer.get("version", "")),
        )
    return dict(mask(answer, words))


def _patient_begin(
    platform: Platform, request: Request, planner: Planner, options: Options
) -> Begun:
    """Begin, and wait for whoever holds the app."""
    timeout = float(options.get("lease_timeout") or 600)
    deadline = time.monotonic() + timeout
    since = time.monotonic()
    while True:
        begun = beginning.begin(platform, request, planner)
        if not begun.waiting_for:
            return begun
        if time.monotonic() > deadline:
            raise held_too_long(request.app, begun.waiting_for, timeout)
        if begun.seen.version != request.seen.version:
            since = time.monotonic()
        time.sleep(1)
        request = replace(request, seen=Seen(begun.seen.version, time.monotonic() - since))
