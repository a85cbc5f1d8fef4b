# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module asks for, as a draft.

A release, a rollback, other numbers of tasks, nothing any more.
"""

from __future__ import annotations

from dataclasses import replace

from .._compose.model import Compose
from .._core.content_ids import config_id, secret_id
from .._core.errors import PlanError, Problem, SpecError, suggestion
from .health import LIVE, PENDING, judge, remember
from .history import Record, newest, next_number, rollback_target
from .ports import Contents, Observation, Platform
from .prepare import Draft, now
from .request import ABSENT, SCALE, Request
from .resolution import Resolved, references, resolve
from .state import States

_LARGEST = {"secrets": 500 * 1024, "configs": 1000 * 1024}


def release(platform: Platform, request: Request, seen: Observation) -> Draft:
    """Make the app be at a version."""
    compose = request.compose or Compose({}, {}, {}, {}, {})
    before = newest(seen.records, LIVE)
    ids = _content_ids(platform, request.app, compose, request.contents)
    images = platform.resolve_images(list(references(compose)), request.resolve_image, seen)
    adopted = (
        platform.adoptable(request.app, request.contents, seen) if request.wishes.adopt else {}
    )
    resolved = resolve(
        platform.naming(request.app),
        compose,
        images,
        ids,
        before.resolved if before else None,
        adopted,
    )
    resolved = platform.complete(request.app, resolved, seen, request.wishes)
    draft = _towards(platform, request, seen, resolved, request.version)
    unread = [name for name in adopted.get("secrets", {}) if name in compose.secrets]
    warnings = (
        (
            (
                f"the content of {', '.join(unread)} cannot be read, and is taken to be what was"
                " given now"
            ),
        )
        if unread
        else ()
    )
    return replace(
        draft,
        result={**draft.result, "notes": compose.notes},
        warnings=(*draft.warnings, *warnings),
    )


def manifests(platform: Platform, request: Request, seen: Observation) -> Draft:
    """Make the app be at a version of its manifests."""
    resolved, contents, notes = platform.from_manifests(
        request.app, request.manifests or {}, seen, request.resolve_image, request.wishes
    )
    draft = _towards(platform, replace(request, contents=contents), seen, resolved, request.version)
    return replace(draft, result={**draft.result, "notes": notes})


def rollback(platform: Platform, request: Request, seen: Observation) -> Draft:
    """Make the app be as an older release was: that is a new release with the old one's spec."""
    target = rollback_target(seen.records, request.release)
    live = newest(seen.records, LIVE)
    if target is None:
        number = live.number if live else 0
        what = (
            f"release {number} is a rollback already; name a number to go further back"
            if request.release is None
            else f"release {number} has that spec"
        )
        return Draft(
            result={"app": request.app, "release": live.summary() if live else {}},
            warnings=(what,) if request.release is None else (),
        )
    gone = platform.missing(target, seen, thorough=True)
    if gone:
        raise PlanError(
            f"release {target.number} cannot be restored",
            f"{', '.join(gone)} is gone",
            "Choose another release, or ship the version anew",
        )
    return _towards(platform, request, seen, target.resolved, target.version, str(target.number))


def _towards(
    platform: Platform,
    request: Request,
    seen: Observation,
    resolved: Resolved,
    version: str,
    rollback_of: str = "",
) -> Draft:
    """A draft that brings the app to a resolved spec."""
    platform.check(resolved)
    plan = platform.plan(request.app, resolved, seen, request.wishes)
    live, pending = newest(seen.records, LIVE), newest(seen.records, PENDING)
    same = live is not None and live.content == resolved.hash and live.version == version
    result = {
        "app": request.app,
        "version": version,
        "plan": plan.as_data(),
        "diff": {"before": plan.before, "after": plan.after},
        "release": live.summary() if live else {},
    }
    if same and not plan.changed:
        steady = _steady(seen.states, resolved, request.limits.max_crashes)
        return Draft(
            needed=not steady,
            what=f"who watches {version}",
            record=live,
            result=result,
            warnings=plan.notes,
        )
    record = Record(
        number=next_number(seen.records),
        version=version,
        by=request.by,
        commit=request.commit,
        started=now(),
        rollback_of=rollback_of,
        content=resolved.hash,
        resolved=resolved,
    )
    record.data()
    if (
        pending
        and pending.content == record.content
        and pending.version == version
        and pending.rollback_of == rollback_of
    ):
        record = pending
    return Draft(
        needed=True,
        changed=True,
        what=f"who releases {version}",
        record=record,
        contents=request.contents,
        result=result,
        warnings=(*_reused_version(request, seen, record), *plan.notes),
    )


def _reused_version(request: Request, seen: Observation, record: Record) -> tuple[str, ...]:
    """What to say of a version that was live with another spec."""
    other = next(
        (
            old
            for old in seen.records
            if old.state == LIVE and old.version == record.version and old.content != record.content
        ),
        None,
    )
    if other is None or record.rollback_of:
        return ()
    text = f"version {record.version} was release {other.number} already, with another spec"
    if request.immutable_versions:
        raise PlanError(text, "immutable_versions is set", "Give the new content a new version")
    return (f"{text}; it becomes release {record.number}",)


def _steady(states: States, resolved: Resolved, max_crashes: int) -> bool:
    """Whether every service runs what is declared and is healthy, by one look."""
    return all(
        name in states and judge(states[name], remember(states[name]), 0.0, max_crashes).live
        for name in resolved.services
    )


def _content_ids(
    platform: Platform, app: str, compose: Compose, contents: Contents
) -> dict[str, dict[str, str]]:
    problems: list[Problem] = []
    result: dict[str, dict[str, str]] = {"secrets": {}, "configs": {}}
    salt = platform.salt(app) if contents.secrets else b""
    for section in ("secrets", "configs"):
        given = getattr(contents, section)
        for name, entry in getattr(compose, section).items():
            if entry.get("external"):
                continue
            if name not in given:
                problems.append(
                    Problem(
                        f"{section}.{name}",
                        "its content was not given; a file is read on the control machine only",
                    )
                )
            elif len(given[name]) > _LARGEST[section] or not given[name]:
                problems.append(
                    Problem(
                        f"{section}.{name}",
                        f"has {len(given[name])} bytes; from 1 to {_LARGEST[section]} are possible",
                    )
                )
            else:
                result[section][name] = (
                    secret_id(given[name], salt) if section == "secrets" else config_id(given[name])
                )
    if problems:
        raise SpecError(problems)
    return result


def scale(platform: Platform, request: Request, seen: Observation) -> Draft:
    """Other numbers of tasks, without a new release."""
    problems = [
        Problem(f"replicas.{name}", text)
        for name in request.replicas
        for text in [_unscalable(name, seen.states)]
        if text
    ]
    if problems:
        raise SpecError(problems, f"the numbers for {request.app}")
    wanted = {
        name: number
        for name, number in request.replicas.items()
        if seen.states[name].wanted != number
    }
    before = {name: seen.states[name].wanted for name in request.replicas}
    live = newest(seen.records, LIVE)
    declared = {
        name
        for name in wanted
        if live and "replicas" in live.resolved.services.get(name, {}).get("deploy", {})
    }
    numbers = {"before": before, "after": dict(request.replicas)}
    warnings = tuple(
        f"{name} declares deploy.replicas; the next release sets it back"
        for name in sorted(declared)
    )
    return Draft(
        kind=SCALE,
        needed=bool(wanted),
        changed=bool(wanted),
        what=f"who scales {', '.join(wanted)}",
        replicas=wanted,
        result={"app": request.app, "replicas": numbers, "diff": numbers},
        warnings=warnings,
    )


def _unscalable(name: str, states: States) -> str:
    if name not in states:
        return f"no such service{suggestion(name, states)}"
    return "is global and runs once on each machine" if states[name].everywhere else ""


def absent(platform: Platform, request: Request, seen: Observation) -> Draft:
    """Nothing of the app any more, but for its volumes."""
    there = platform.belongings(request.app, seen)
    volumes = sorted({volume for record in seen.records for volume in record.resolved.volumes})
    left = any(there.values())
    return Draft(
        kind=ABSENT,
        needed=left,
        changed=left,
        what=f"who removes {request.app}",
        result={
            "app": request.app,
            "removed": there,
            "volumes_kept": volumes,
            "diff": {"before": there, "after": {}},
        },
    )


def release_or_absent(platform: Platform, request: Request, seen: Observation) -> Draft:
    """A release where there is a spec, else the end of the app."""
    return (manifests if request.manifests else release if request.compose else absent)(
        platform, request, seen
    )
