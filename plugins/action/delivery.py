# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.progress_lines import (
    is_quiet,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import (
    delivery_answer,
    fleet,
    fleet_state,
    metrics,
    removal_limit,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import Machine

display = Display()

_OPTIONS: dict[str, dict[str, Any]] = {
    "step": {"type": "str", "choices": ["select", "decide", "tell"], "required": True},
    "machines": {"type": "list", "elements": "str", "required": True},
    "users": {"type": "str", "default": "shipping_users"},
    "only": {
        "type": "dict",
        "default": {},
        "options": {
            "users": {"type": "list", "elements": "str", "default": []},
            "projects": {"type": "list", "elements": "str", "default": []},
        },
    },
    "settings": {
        "type": "dict",
        "options": {
            "catalogue": {"type": "path"},
            "options": {"type": "dict"},
            "connect_timeout": {"type": "int"},
            "pipelining": {"type": "bool"},
        },
    },
    "selection": {"type": "dict"},
    "answers": {"type": "str", "default": "delivery_answer"},
    "final_answers": {"type": "str", "default": "delivery_final_answer"},
    "serial": {"type": "str"},
    "complete": {"type": "bool", "default": True},
    "state_path": {"type": "path"},
    "metrics_path": {"type": "path"},
    "max_shrink": {"type": "float", "default": 20},
    "may_empty": {"type": "list", "elements": "str", "default": []},
}

_READ = {
    "users": ("select", "decide", "tell"),
    "answers": ("decide", "tell"),
    "final_answers": ("tell",),
}
"""The variables of hosts, and the steps that have them."""


class ActionModule(ActionBase):
    """Holds what all machines have answered against what they had; on the control machine alone."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Run the action."""
        variables = task_vars or {}
        result: dict[str, Any] = super().run(tmp, variables)
        try:
            options = _checked(self._task.args)
            result.update(self._run(options, _machines(variables["hostvars"], options)))
        except ShippingError as error:
            result.update({"failed": True, "msg": str(error), **error.facts})
        return result

    def _run(self, options: dict[str, Any], machines: list[Machine]) -> dict[str, Any]:
        if options["step"] == "select":
            return _selected(machines, options)
        options["complete"] &= all(machine.first for machine in machines)
        # A run for some machines that takes nothing away has no need of what all the others have.
        judged = options["complete"] or any(machine.held for machine in machines)
        judgement, to_have = (
            _judge(machines, options) if judged else (removal_limit.Judgement(), {})
        )
        apply = [machine.name for machine in machines if machine.held and not judgement.stop]
        if options["step"] == "decide" and apply:
            return {"changed": False, "apply": apply}
        return self._tell(
            options,
            machines,
            to_have,
            _stop_of(judgement, machines, options) if judgement.stop else {},
        )

    def _tell(
        self,
        options: dict[str, Any],
        machines: list[Machine],
        to_have: removal_limit.Fleet,
        stop: dict[str, Any],
    ) -> dict[str, Any]:
        since = {} if self._task.check_mode else _remember(options, machines, to_have, bool(stop))
        rows = fleet.rows(machines, bool(stop), since, self._task.check_mode)
        if options["complete"] and not self._task.check_mode:
            if options["metrics_path"]:
                metrics.write(options["metrics_path"], rows, removals_blocked=bool(stop))
            delivery_answer.write_answer(rows, removals_blocked=bool(stop))
        for line in () if is_quiet("auto") else fleet.table(rows):
            display.display(line)
        failed = {row["machine"]: row["why"] for row in rows if row["state"] == fleet.FAILED}
        waiting = [row["machine"] for row in rows if row["state"] == fleet.WAITING]
        return {
            "changed": False,
            "apply": [],
            "machines": rows,
            "failed_machines": failed,
            "waiting": waiting,
            **stop,
        }


def _delivered(options: dict[str, Any]) -> dict[str, Any]:
    return fleet_state.read_delivered(options["state_path"]) if options["state_path"] else {}


def _judge(
    machines: list[Machine], options: dict[str, Any]
) -> tuple[removal_limit.Judgement, removal_limit.Fleet]:
    """What the brake says, and what everybody is to have."""
    path = options["state_path"]
    coming = fleet.coming(machines, options["selected"])
    had = fleet.before(machines, fleet_state.read_baseline(path) if path else None)
    to_have = fleet.after(machines, _delivered(options), had, options["complete"], coming)
    limits = removal_limit.Limits(
        max_shrink=options["max_shrink"], may_empty=frozenset(options["may_empty"])
    )
    return removal_limit.judge(had, to_have, limits), to_have


def _selected(machines: list[Machine], options: dict[str, Any]) -> dict[str, Any]:
    """Whom a run is about, and what they may remove at once.

    The whole fleet is judged by what the machines themselves say alone.
    """
    if any(options["only"].values()):
        options = {**options, "complete": False}
        given = _delivered(options)
        machines = _concerned(machines, given, options)
    else:
        given = {} if options["complete"] else _given(machines, options)
    found = {
        "complete": options["complete"],
        "selected": [machine.name for machine in machines if machine.known],
    }
    return {
        "changed": False,
        **found,
        "may_remove": _may_remove(machines, given, {**options, **found}),
    }


def _given(machines: list[Machine], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What these machines were given last, as far as that is known."""
    return (
        fleet_state.read_delivered_to(options["state_path"], [machine.name for machine in machines])
        if options["state_path"]
        else {}
    )


def _may_remove(
    machines: list[Machine], given: dict[str, dict[str, Any]], options: dict[str, Any]
) -> dict[str, Any]:
    """What leaves by what the machines were given, where the brake lets it go.

    Of that they need not be asked first.
    """
    likely = [
        fleet.expected(machine, given[machine.name]) if machine.name in given else machine
        for machine in machines
    ]
    leaving = {
        machine.name: [{key: one[key] for key in ("id", "project")} for one in machine.removals]
        for machine in likely
        if machine.removals
    }
    if not leaving or _judge(likely, options)[0].stop:
        return {}
    return leaving


def _concerned(
    machines: list[Machine], given: dict[str, dict[str, Any]], options: dict[str, Any]
) -> list[Machine]:
    """The machines that have some users or projects, or had them.

    Where it is none, that is told.
    """
    users, projects = frozenset(options["only"]["users"]), frozenset(options["only"]["projects"])
    found = [machine for machine in machines if fleet.concerns(machine.users, users, projects)]
    found += [
        one
        for one in machines
        if one not in found
        and fleet.concerns(given.get(one.name, {}).get("users", ()), users, projects)
    ]
    if not found:
        remembered = (
            "was delivered"
            if options["state_path"]
            else "was delivered is not known here either, since there is no delivery_state_path"
        )
        display.warning(
            f"no machine has any of {', '.join(sorted(users | projects))}, neither by the inventory"
            f" nor by what {remembered}; nothing is delivered"
        )
    return found


def _checked(args: dict[str, Any]) -> dict[str, Any]:
    checked = ArgumentSpecValidator(_OPTIONS).validate(args)
    if checked.error_messages:
        raise SpecError([Problem("", text) for text in checked.error_messages], "the options")
    options: dict[str, Any] = checked.validated_parameters
    if options["step"] != "select":
        problems = [
            Problem(name, "is needed") for name in ("selection", "serial") if not options[name]
        ]
        if options["selection"] and not {"complete", "selected"} <= set(options["selection"]):
            problems.append(Problem("selection", "must be what step=select returned"))
        if problems:
            raise SpecError(problems, "the options")
        options |= {name: options["selection"][name] for name in ("complete", "selected")}
    if not 0 <= options["max_shrink"] <= 100:
        raise SpecError(
            [Problem("max_shrink", f"must be from 0 to 100, not {options['max_shrink']:g}")],
            "the options",
        )
    return options


def _machines(hostvars: Mapping[str, Mapping[str, Any]], options: dict[str, Any]) -> list[Machine]:
    unknown = [name for name in options["machines"] if name not in hostvars]
    if unknown:
        raise SpecError(
            [Problem("machines", f"{name} is no host of the inventory") for name in unknown],
            "the options",
        )
    return [_machine(name, hostvars[name], options) for name in options["machines"]]


def _machine(name: str, variables: Mapping[str, Any], options: dict[str, Any]) -> Machine:
    """A host as its variables have it.

    What a later task of the play registers is not read, since it may be from a play before.
    """
    users, first, second = (
        variables.get(options[variable]) if options["step"] in steps else None
        for variable, steps in _READ.items()
    )
    try:
        kept = tuple({key: user[key] for key in ("id", "name", "projects")} for user in users or ())
    except (KeyError, TypeError) as error:
        raise SpecError(
            [Problem(options["users"], "must be a list of users, each with id, name and projects")],
            f"the host {name}",
        ) from error
    return Machine(name, kept, first or {}, second or {}, known=users is not None)


def _remember(
    options: dict[str, Any], machines: list[Machine], to_have: removal_limit.Fleet, stopped: bool
) -> dict[str, str]:
    """Write what was delivered; since when machines are waiting."""
    path, now = options["state_path"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    waiting = [machine.name for machine in machines if machine.state(stopped) == fleet.WAITING]
    if not path:
        return dict.fromkeys(waiting, now)
    for machine in machines:
        if machine.state(stopped) == fleet.READY:
            users = [dict(user) for user in machine.users]
            fleet_state.write_delivered(
                path, {"machine": machine.name, "serial": options["serial"], "users": users}
            )
    known = {name: about["since"] for name, about in fleet_state.read_waiting(path).items()}
    for name in waiting:
        if name not in known:
            fleet_state.write_waiting(path, name, now)
    if options["complete"] and not stopped:
        fleet_state.write_baseline(
            path,
            options["serial"],
            {name: fleet.as_users(theirs) for name, theirs in to_have.items()},
        )
    return {name: known.get(name, now) for name in waiting}


def _stop_of(
    judgement: removal_limit.Judgement, machines: list[Machine], options: dict[str, Any]
) -> dict[str, Any]:
    """The failure that lists what would go, and counts what has gone before."""
    names = fleet.names_of(machines)
    there, gone = fleet.told_apart(
        judgement.lost, machines, fleet.coming(machines, options["selected"])
    )
    lost = [
        {"machine": machine, "user": names.get(identity, identity), "project": project}
        for machine, identity, project in there
    ]
    listed = "\n".join(f"  {one['machine']}: {one['user']} leaves {one['project']}" for one in lost)
    before = (
        f"{len(gone)} of these memberships have gone since the last delivery to the whole fleet. "
        if gone
        else ""
    )
    return {
        "failed": True,
        "lost": lost,
        "reasons": list(judgement.reasons),
        "msg": (
            f"nothing{' more' if gone else ''} was removed, since more would go than is likely to"
            f" be meant: {'; '.join(judgement.reasons)}. Look whether the directory answers in"
            " full. If these people have really left, set what stands in brackets for this run."
            f" What is new was delivered. {before}What would go:\n{listed}"
        ),
    }
