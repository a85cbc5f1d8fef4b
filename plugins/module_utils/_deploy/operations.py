# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plan the work of each module: a release, a rollback, a scaling, the removal of an app."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from .._compose.model import Compose
from .._compose.service_routes import is_routed, routes_of
from .._core.content_ids import config_id, secret_id
from .._core.errors import PlanError, Problem, SpecError, suggestion
from .health import LIVE, PENDING, assess, remember
from .history import Record, newest, next_number, notes_text, rollback_target
from .intent import ABSENT, SCALE, Intent
from .plan import Plan
from .ports import Contents, Observation, Platform
from .prepare import PlannedRun, now
from .progress import check_none, stand, standing
from .ramp_plan import has_work, planned_ramp, ramp_decision
from .resolution import Resolutions, Resolved, references, resolve
from .route_checks import check_release, check_servers
from .service_diff import unknown_recreate
from .state import States
from .strategy.ramp import ABORT

# Bytes: what the store of a Swarm takes of a secret and a config; one of Kubernetes takes more.
_LARGEST = {"secrets": 500 * 1024, "configs": 1000 * 1024}


def release(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan a version of an app."""
    compose = intent.compose or Compose({}, {}, {}, {}, {})
    before = newest(seen.records, LIVE)
    ids = _content_ids(platform, intent.app, compose, intent.contents)
    pinned = platform.preview.resolve_images(list(references(compose)), intent.resolve_image, seen)
    adopted = (
        platform.adopter.adoptable(intent.app, intent.contents, seen)
        if platform.adopter and intent.wishes.adopt
        else {}
    )
    resolved = resolve(
        platform.reader.naming(intent.app),
        compose,
        Resolutions(pinned.images, ids, before.resolved if before else None, adopted),
    )
    check_release(platform.router, intent.app, resolved, before.resolved if before else None)
    if platform.completer:
        resolved, seen = platform.completer.complete(intent.app, resolved, seen, intent.wishes)
    ramp, notes = planned_ramp(platform, intent, resolved, before)
    planned = _towards(platform, intent, seen, resolved, ramp=ramp)
    warnings = [*pinned.warnings, *notes, *planned.warnings]
    # A Swarm's API never returns the data of a secret.
    warnings += _unread([name for name in adopted.get("secrets", {}) if name in compose.secrets])
    result = {**planned.result, "notes": compose.notes}
    return replace(planned, result=result, warnings=tuple(warnings))


def _unread(names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [
        f"the content of {', '.join(names)} cannot be read; the run assumes that it is as in"
        " the spec"
    ]


def manifests(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan a version of an app's manifests."""
    if platform.manifests is None:
        raise SpecError([Problem("manifests", f"are not supported with platform: {platform.name}")])
    resolved, contents, notes = platform.manifests.read_manifests(
        intent.app, intent.manifests or {}, seen, intent.resolve_image, intent.wishes
    )
    planned = _towards(platform, replace(intent, contents=contents), seen, resolved)
    return replace(planned, result={**planned.result, "notes": notes})


def rollback(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan a new release with the spec of an older one; a standing canary ends instead."""
    record = standing(seen.records)
    if record and intent.release is not None:
        check_none(intent.app, seen.records, f"cannot return to release {intent.release}")
    if record:
        return ramp_decision(intent, record, ABORT)
    target = rollback_target(seen.records, intent.release)
    live = newest(seen.records, LIVE)
    if target is None:
        number = live.number if live else 0
        warning = f"release {number} is a rollback already; set release to roll back further"
        return PlannedRun(
            result={"app": intent.app, "release": live.summary() if live else {}},
            warnings=(warning,) if intent.release is None else (),
        )
    # Before anything is changed: a rollback that lacks an image would stop half-way.
    gone = platform.reader.missing([target], seen, thorough=True)[0]
    if gone:
        raise PlanError(
            f"release {target.number} cannot be restored",
            f"{', '.join(gone)} does not exist any more",
            "Choose another release, or deploy the version again",
        )
    check_release(platform.router, intent.app, target.resolved, live.resolved if live else None)
    old = replace(intent, version=target.version)
    return _towards(platform, old, seen, target.resolved, rollback_of=str(target.number))


def _towards(
    platform: Platform,
    intent: Intent,
    seen: Observation,
    resolved: Resolved,
    *,
    rollback_of: str = "",
    ramp: Mapping[str, Any] | None = None,
) -> PlannedRun:
    """Plan the deployment of a resolved spec, as a release of the intent's version."""
    _check_newest(intent, seen)
    # Here, since only a spec that the platform has completed equals that of the record.
    _check_standing(intent, seen, resolved)
    wishes = replace(intent.wishes, rolls_back=bool(rollback_of))
    plan = platform.preview.plan(intent.app, resolved, seen, wishes, intent.contents)
    names = {*resolved.services, *resolved.networks}
    notes = (*unknown_recreate(wishes.recreate, names), *plan.notes)
    live = newest(seen.records, LIVE)
    result = _result(intent, plan, live)
    aborts = _aborted(intent, seen, resolved)
    if live and _runs(live, resolved, intent, plan) and not aborts:
        return PlannedRun(
            # No writes are needed, but services may be unhealthy, as after a run that was killed.
            needed=not _steady(seen.states, resolved, plan, intent.limits.max_crashes),
            purpose=f"watching {intent.version}",
            record=live,
            result=result,
            warnings=notes,
        )
    record = _pending_or_new(intent, seen, resolved, rollback_of, ramp or {})
    if not has_work(record):
        return PlannedRun(
            record=record, result=result, warnings=(f"the {stand(record)} has not ended",)
        )
    return PlannedRun(
        needed=True,
        changed=True,
        purpose=f"deploying {intent.version}",
        record=record,
        contents=intent.contents,
        result=result,
        warnings=(*_reused_version(intent, seen, record), *notes),
        aborts=aborts,
    )


def _result(intent: Intent, plan: Plan, live: Record | None) -> dict[str, Any]:
    return {
        "app": intent.app,
        "version": intent.version,
        "plan": plan.as_data(),
        "diff": {"before": plan.before, "after": plan.after},
        "release": live.summary() if live else {},
    }


def _check_newest(intent: Intent, seen: Observation) -> None:
    """Raise PlanError if another run has released since the caller read the history.

    The run under the lease plans again, so that no run can release between this and the first
    write.
    """
    last = newest(seen.records)
    number = last.number if last else 0
    if intent.after_release is not None and number != intent.after_release:
        raise PlanError(
            f"{intent.app} {intent.version} is not deployed",
            f"release {number} was made since the history was read, which ended with"
            f" {intent.after_release}",
            "Run the play again",
            reason="newer_release",
        )


def _check_standing(intent: Intent, seen: Observation, resolved: Resolved) -> None:
    """Raise PlanError where a canary has not ended, except for a run of the same release."""
    if intent.abort_canary:
        return
    if standing(seen.records) and not _is_resumed(intent, seen, resolved):
        check_none(intent.app, seen.records, f"{intent.version} is not deployed")


def _aborted(intent: Intent, seen: Observation, resolved: Resolved) -> int:
    """Return the number of the release whose canary this one ends; 0 without any."""
    record = standing(seen.records)
    if record is None or not intent.abort_canary or _is_resumed(intent, seen, resolved):
        return 0
    return record.number


def _is_resumed(intent: Intent, seen: Observation, resolved: Resolved) -> bool:
    """Return whether a run of the standing canary's own release resumes it."""
    record = standing(seen.records)
    return bool(record and _is_release(record, resolved, intent.version))


def _runs(live: Record, resolved: Resolved, intent: Intent, plan: Plan) -> bool:
    """Return whether the live release is the wanted one, and nothing differs from it."""
    return _is_release(live, resolved, intent.version) and not plan.changed


def _is_release(record: Record, resolved: Resolved, version: str) -> bool:
    return record.content == resolved.hash and record.version == version


def _pending_or_new(
    intent: Intent,
    seen: Observation,
    resolved: Resolved,
    rollback_of: str,
    ramp: Mapping[str, Any],
) -> Record:
    """Return the record of a killed run of the same release, else a new one."""
    record = Record(
        number=next_number(seen.records),
        version=intent.version,
        by=intent.by,
        commit=intent.commit,
        branch=intent.branch,
        preview_of=intent.preview_of,
        release_notes=notes_text(intent.release_notes),
        started=now(),
        rollback_of=rollback_of,
        content=resolved.hash,
        resolved=resolved,
        ramp=ramp,
    )
    record.data()  # raises where it is too large, before anything is written
    # The same release again resumes the record of the killed run, with its number.
    pending = newest(seen.records, PENDING)
    if pending and _is_release(pending, resolved, intent.version):
        return pending if pending.rollback_of == rollback_of else record
    return record


def _reused_version(intent: Intent, seen: Observation, record: Record) -> tuple[str, ...]:
    """Return the warning for a version that was live with another spec."""
    # A rollback bears the version of its target on purpose.
    if record.rollback_of:
        return ()
    live = (old for old in seen.records if old.state == LIVE and old.version == record.version)
    former = next((old for old in live if old.content != record.content), None)
    if former is None:
        return ()
    text = f"version {record.version} exists as release {former.number} with another spec"
    if intent.immutable_versions:
        raise PlanError(text, "immutable_versions is set", "Set another version")
    return (f"{text}; it becomes release {record.number}",)


def _steady(states: States, resolved: Resolved, plan: Plan, max_crashes: int) -> bool:
    """Return whether every service runs what is declared and is healthy, by one look."""
    done = {service.name for service in plan.services if service.done}
    return all(
        name in states and assess(states[name], remember(states[name]), 0.0, max_crashes).live
        for name in resolved.services
        if name not in done
    )


def _content_ids(
    platform: Platform, app: str, compose: Compose, contents: Contents
) -> dict[str, dict[str, str]]:
    """Return the ids of the secrets and configs that are to be made; they follow the content."""
    salt = platform.reader.salt(app) if contents.secrets else b""
    makers = {"secrets": lambda content: secret_id(content, salt), "configs": config_id}
    problems: list[Problem] = []
    result: dict[str, dict[str, str]] = {"secrets": {}, "configs": {}}
    for section, make_id in makers.items():
        given = getattr(contents, section)
        for name, entry in getattr(compose, section).items():
            if entry.get("external"):
                continue
            text = _unusable(given.get(name), _LARGEST[section])
            if text:
                problems.append(Problem(f"{section}.{name}", text))
            else:
                result[section][name] = make_id(_identified(given[name], entry))
    if problems:
        raise SpecError(problems)
    return result


def _identified(content: bytes, entry: Mapping[str, Any]) -> bytes:
    """Return what the id of a content follows: the driver that fills it in is part of it."""
    driver = entry.get("template_driver", "")
    # Of contents without a driver the ids are those of former versions.
    return content + b"\0" + driver.encode() if driver else content


def _unusable(content: bytes | None, largest: int) -> str:
    if content is None:
        return "has no content; only the control node reads files"
    if not 1 <= len(content) <= largest:
        return f"has {len(content)} bytes; 1 to {largest} are supported"
    return ""


def scale(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan other replica counts, without a new release."""
    check_none(intent.app, seen.records, "cannot be scaled")
    _check_scalable(intent, seen.states)
    before = {name: seen.states[name].wanted for name in intent.replicas}
    changes = {name: number for name, number in intent.replicas.items() if number != before[name]}
    if platform.router:
        check_servers(platform.router, intent.app, _routed(changes, seen))
    numbers = {"before": before, "after": dict(intent.replicas)}
    return PlannedRun(
        kind=SCALE,
        needed=bool(changes),
        changed=bool(changes),
        purpose=f"scaling {', '.join(changes)}",
        replicas=changes,
        result={"app": intent.app, "replicas": numbers, "diff": numbers},
        warnings=tuple(
            f"{name} declares deploy.replicas, so the next release sets it back"
            for name in sorted(_declaring_replicas(changes, seen))
        ),
    )


def _declaring_replicas(names: Iterable[str], seen: Observation) -> list[str]:
    """Return the services whose replica count is in the live release's spec."""
    live = newest(seen.records, LIVE)
    services = live.resolved.services if live else {}
    return [name for name in names if "replicas" in services.get(name, {}).get("deploy", {})]


def _check_scalable(intent: Intent, states: States) -> None:
    reasons = {name: _unscalable(name, states) for name in intent.replicas}
    problems = [Problem(f"replicas.{name}", text) for name, text in reasons.items() if text]
    if problems:
        raise SpecError(problems, f"replicas of {intent.app}")


def _routed(numbers: Mapping[str, int], seen: Observation) -> dict[str, int]:
    """Return the numbers of services with routes."""
    live = newest(seen.records, LIVE)
    services = live.resolved.services if live else {}
    return {
        name: number
        for name, number in numbers.items()
        if name in services and is_routed(services[name])
    }


def _unscalable(name: str, states: States) -> str:
    if name not in states:
        return f"is not a service of the app{suggestion(name, states)}"
    if states[name].job:
        return "is a job, which only a release runs. Write deploy.replicas"
    return "is global: it runs once on each node" if states[name].everywhere else ""


def absent(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan the removal of an app, except its volumes."""
    there = platform.reader.belongings(intent.app, seen)
    # Volumes are never removed, since their data cannot be restored. So they are listed.
    volumes: set[str] = set()
    for record in seen.records:
        volumes.update(record.resolved.volumes)
    left = any(there.values())
    return PlannedRun(
        kind=ABSENT,
        warnings=tuple(_staying(volumes, seen)) if left else (),
        needed=left,
        changed=left,
        purpose=f"removing {intent.app}",
        result={
            "app": intent.app,
            "removed": there,
            "volumes_kept": sorted(volumes),
            "kept": list(seen.kept),
            "diff": {"before": there, "after": {}},
        },
    )


def _staying(volumes: Iterable[str], seen: Observation) -> Iterable[str]:
    """Yield the warnings for what stays when the app is removed."""
    live = newest(seen.records, LIVE)
    services = live.resolved.services.values() if live else ()
    hosts = {route["host"] for route in chain.from_iterable(map(routes_of, services))}
    if hosts:
        yield (
            f"the router answers requests of {', '.join(sorted(hosts))} with 503 until you run the"
            " playbook shipping.code.router, which removes the routes"
        )
    names = ", ".join(sorted(volumes))
    if names:
        yield f"volumes are kept: {names}. Remove them by hand if you do not need their data"
    others = ", ".join(seen.kept)
    if others:
        yield f"objects are kept: {others}. Remove them by hand if you do not need them"


def release_or_absent(platform: Platform, intent: Intent, seen: Observation) -> PlannedRun:
    """Plan a release if there is a spec, else the removal of the app."""
    if intent.manifests:
        return manifests(platform, intent, seen)
    return release(platform, intent, seen) if intent.compose else absent(platform, intent, seen)
