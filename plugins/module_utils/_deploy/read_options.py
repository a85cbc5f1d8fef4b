# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the user's intent from the options of a module, and reject what makes no sense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._compose import model as composing
from .._core.errors import Problem, SpecError
from .contents import read_contents
from .intent import Intent, Limits
from .platform_definition import Options, PlatformDefinition, Platforms
from .ports import Wishes
from .ramp_options import read_ramp
from .run_request import RunRequest

_ORIGIN = "the options"
_NAME_RULE = (
    "must have 1 to 40 of a-z, A-Z, 0-9, '-' and '_', and begin and end with a letter or digit"
)


def read_intent(
    options: Options, request: RunRequest, platforms: Platforms, *, check: bool
) -> Intent:
    """Return what the user wants; raise SpecError with everything that is wrong."""
    check_name(options["app"], platforms.definition(options["platform"]))
    limits = read_limits(options)
    return Intent(
        app=options["app"],
        run=request.run,
        version=_text(options, "version"),
        by=_text(options, "by"),
        commit=_text(options, "commit"),
        branch=_text(options, "branch"),
        preview_of=_text(options, "preview_of"),
        resolve_image=_text(options, "resolve_image") or "auto",
        wishes=Wishes(
            bool(options.get("adopt")),
            frozenset(options.get("recreate") or ()),
            limits.monitor,
            relative_binds=request.relative_binds,
        ),
        limits=limits,
        immutable_versions=bool(options.get("immutable_versions")),
        after_release=options.get("after_release"),
        release_notes=tuple(options.get("release_notes") or ()),
        check=check,
        lease_age=request.lease_age,
        release=options.get("release"),
        ramp=read_ramp(options),
        has_router_keys=bool(options.get("_pki")),
        abort_canary=bool(options.get("abort_canary")),
        ramp_event=_text(options, "decision"),
        **_read_spec(options, request, platforms),
    )


def _text(options: Options, name: str) -> str:
    return str(options.get(name) or "")


def _read_spec(options: Options, request: RunRequest, platforms: Platforms) -> dict[str, Any]:
    """Return the parts of an intent that only a release or a scaling has."""
    if options.get("replicas") is not None:
        return {"replicas": _read_replicas(options["replicas"])}
    if options.get("state") != "present":
        return {}
    check_present(options, platforms)
    if options.get("manifests"):
        return {
            "manifests": {
                "documents": list(request.manifests),
                "hooks": options["hooks"],
                "labels": options["manifests_labels"],
            }
        }
    support = platforms.support(options["platform"])
    app = composing.read(options["spec"], support, options.get("images"))
    return {"compose": app, "contents": read_contents(app, request.contents)}


def check_name(app: str, platform: PlatformDefinition) -> None:
    """Reject a name that the platform's object names cannot have."""
    if not composing.APP_NAME.fullmatch(app):
        raise SpecError([Problem("app", f"{app!r} {_NAME_RULE}")], _ORIGIN)
    problem = platform.problem_of_name(app)
    if problem:
        raise SpecError([Problem("app", problem)], _ORIGIN)


def read_limits(options: Options) -> Limits:
    """Return the limits among the options; a limit of 0 or less is rejected."""
    given = {
        name: options[name] for name in Limits.__dataclass_fields__ if options.get(name) is not None
    }
    problems = [
        Problem(name, f"must be more than 0, not {value}")
        for name, value in given.items()
        if value <= 0
    ]
    if problems:
        raise SpecError(problems, _ORIGIN)
    return Limits(**given)


def check_present(options: Options, platforms: Platforms) -> None:
    """Reject a release without its version or its spec."""
    sources = [name for name in ("compose", "spec", "manifests") if options.get(name)]
    problems = []
    if not options.get("version"):
        problems.append(Problem("version", "is needed, as it is called in the history"))
    if not sources:
        problems.append(Problem("compose", _one_source(platforms)))
    elif len(sources) > 1:
        text = f"excludes other sources, and {' and '.join(sources)} are set; set one of them"
        problems.append(Problem("compose", text))
    if sources == ["manifests"]:
        problems += _without_manifests(options, platforms)
    if problems:
        raise SpecError(problems, _ORIGIN)


def _without_manifests(options: Options, platforms: Platforms) -> list[Problem]:
    """Return the problem of a platform that takes no manifests."""
    platform = platforms.definition(options.get("platform") or platforms.default)
    if platform.check_manifests:
        return []
    names = ", ".join(definition.name for definition in platforms.with_manifests)
    text = f"are for platform: {names}; give a {platform.title} a Compose file by compose"
    return [Problem("manifests", text)]


def _one_source(platforms: Platforms) -> str:
    titles = " or ".join(definition.title for definition in platforms.with_manifests)
    return (
        "is needed: the path of a Compose file; or spec, the same content inline; or, for"
        f" {titles}, manifests"
    )


def _read_replicas(replicas: Mapping[str, Any]) -> dict[str, int]:
    problems, result = [], {}
    for name, number in replicas.items():
        if isinstance(number, bool) or not str(number).isdigit():
            problems.append(
                Problem(f"replicas.{name}", f"must be a whole number of at least 0, not {number!r}")
            )
        else:
            result[name] = int(number)
    if problems:
        raise SpecError(problems, _ORIGIN)
    return result
