# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.shipping.code.plugins.module_utils._app.errors import Problem, ShippingError, SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import brake, fleet, metrics, state
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import Machine
from ansible_collections.shipping.code.plugins.plugin_utils._lines import is_quiet

display = Display()

_OPTIONS: dict[str, dict[str, Any]] = {
    "step": {"type": "str", "choices": ["select", "decide", "tell"], "required": True},
    "members": {"type": "dict", "required": True},
    "only_users": {"type": "list", "elements": "str", "default": []},
    "only_projects": {"type": "list", "elements": "str", "default": []},
    "selected": {"type": "list", "elements": "str"},
    "answers": {"type": "dict", "default": {}},
    "final_answers": {"type": "dict", "default": {}},
    "serial": {"type": "str"},
    "complete": {"type": "bool", "default": True},
    "state_path": {"type": "path"},
    "metrics_path": {"type": "path"},
    "max_shrink": {"type": "float", "default": 20},
    "may_empty": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(ActionBase):
    """Holds what all machines have answered against what they had; on the control machine alone."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action."""
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        try:
            result.update(self._run(_checked(self._task.args)))
        except ShippingError as error:
            result.update({"failed": True, "msg": str(error), **error.facts})
        return result

    def _run(self, options: dict[str, Any]) -> dict[str, Any]:
        machines = [_machine(name, options) for name in options["members"]]
        if options["step"] == "select":
            return _selected(machines, options)
        options["complete"] &= all(machine.first for machine in machines)
        # A run for some machines that takes nothing away has no need of what all the others have.
        judged = options["complete"] or any(machine.held for machine in machines)
        judgement, to_have = _judge(machines, options) if judged else (brake.Judgement(), {})
        apply = [machine.name for machine in machines if machine.held and not judgement.stop]
        if options["step"] == "decide" and apply:
            return {"changed": False, "apply": apply}
        return self._tell(options, machines, to_have, _stop_of(judgement, machines) if judgement.stop else {})

    def _tell(self, options: dict[str, Any], machines: list[Machine], to_have: brake.Fleet, stop: dict[str, Any]) -> dict[str, Any]:
        since = {} if self._task.check_mode else _remember(options, machines, to_have, bool(stop))
        rows = fleet.rows(machines, bool(stop), since, self._task.check_mode)
        if options["metrics_path"] and options["complete"] and not self._task.check_mode:
            metrics.write(options["metrics_path"], rows, bool(stop))
        for line in () if is_quiet("auto") else fleet.table(rows):
            display.display(line)
        failed = {row["machine"]: row["why"] for row in rows if row["state"] == fleet.FAILED}
        waiting = [row["machine"] for row in rows if row["state"] == fleet.WAITING]
        return {"changed": False, "apply": [], "machines": rows, "failed_machines": failed, "waiting": waiting, **stop}


def _delivered(options: dict[str, Any]) -> dict[str, Any]:
    return state.read_delivered(options["state_path"]) if options["state_path"] else {}


def _judge(machines: list[Machine], options: dict[str, Any]) -> tuple[brake.Judgement, brake.Fleet]:
    """What the brake says, and what everybody is to have."""
    path = options["state_path"]
    coming = [machine for machine in machines if not machine.first and machine.name in (options["selected"] or options["members"])]
    had = fleet.before(machines, state.read_baseline(path) if path else None)
    to_have = fleet.after(machines, _delivered(options), had, options["complete"], coming)
    limits = brake.Limits(max_shrink=options["max_shrink"], may_empty=frozenset(options["may_empty"]))
    return brake.judge(had, to_have, limits), to_have


def _selected(machines: list[Machine], options: dict[str, Any]) -> dict[str, Any]:
    """Whom a run is about, and what they may remove at once."""
    some = options["only_users"] or options["only_projects"]
    given = _delivered(options) if some else _given(machines, options)
    if some:
        machines = _concerned(machines, given, options)
    names = [machine.name for machine in machines]
    return {"changed": False, "selected": names, "may_remove": _may_remove(machines, given, {**options, "selected": names})}


def _given(machines: list[Machine], options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What these machines were given last, as far as that is known."""
    if not options["state_path"]:
        return {}
    found = ((machine.name, state.read_given(options["state_path"], machine.name)) for machine in machines)
    return {name: record for name, record in found if record}


def _may_remove(machines: list[Machine], given: dict[str, dict[str, Any]], options: dict[str, Any]) -> dict[str, Any]:
    """What leaves by what the machines were given, where the brake lets it go: of that they need not be asked first.

    A delivery to the whole fleet is judged by what the machines themselves say alone.
    """
    likely = [fleet.expected(machine, given[machine.name]) if machine.name in given else machine for machine in machines]
    leaving = {machine.name: [{key: one[key] for key in ("id", "project")} for one in machine.removals] for machine in likely if machine.removals}
    if options["complete"] or not leaving or _judge(likely, options)[0].stop:
        return {}
    return leaving


def _concerned(machines: list[Machine], given: dict[str, dict[str, Any]], options: dict[str, Any]) -> list[Machine]:
    """The machines that have some users or projects, or had them; where it is none, that is told."""
    users, projects = frozenset(options["only_users"]), frozenset(options["only_projects"])
    found = [machine for machine in machines if fleet.concerns(machine.users, users, projects)]
    found += [one for one in machines if one not in found and fleet.concerns(given.get(one.name, {}).get("users", ()), users, projects)]
    if not found:
        remembered = "was delivered" if options["state_path"] else "was delivered is not known here either, since there is no delivery_state_path"
        display.warning(f"no machine has any of {', '.join(sorted(users | projects))}, neither by the inventory nor by what {remembered}; nothing is delivered")
    return found


def _checked(args: dict[str, Any]) -> dict[str, Any]:
    checked = ArgumentSpecValidator(_OPTIONS).validate(args)
    if checked.error_messages:
        raise SpecError([Problem("", text) for text in checked.error_messages], "the options")
    options: dict[str, Any] = checked.validated_parameters
    if options["step"] != "select" and not options["serial"]:
        raise SpecError([Problem("serial", "is needed")], "the options")
    if not 0 <= options["max_shrink"] <= 100:
        raise SpecError([Problem("max_shrink", f"must be from 0 to 100, not {options['max_shrink']:g}")], "the options")
    return options


def _machine(name: str, options: dict[str, Any]) -> Machine:
    users = tuple({key: user[key] for key in ("id", "name", "projects")} for user in options["members"][name] or ())
    return Machine(name, users, options["answers"].get(name) or {}, options["final_answers"].get(name) or {})


def _remember(options: dict[str, Any], machines: list[Machine], to_have: brake.Fleet, stopped: bool) -> dict[str, str]:
    """Write what was delivered; since when machines are waiting."""
    path, now = options["state_path"], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    waiting = [machine.name for machine in machines if machine.state(stopped) == fleet.WAITING]
    if not path:
        return dict.fromkeys(waiting, now)
    for machine in machines:
        if machine.state(stopped) == fleet.READY:
            users = [dict(user) for user in machine.users]
            state.write_delivered(path, {"machine": machine.name, "serial": options["serial"], "users": users})
    known = {name: about["since"] for name, about in state.read_waiting(path).items()}
    for name in waiting:
        if name not in known:
            state.write_waiting(path, name, now)
    if options["complete"] and not stopped:
        state.write_baseline(path, options["serial"], {name: fleet.as_users(theirs) for name, theirs in to_have.items()})
    return {name: known.get(name, now) for name in waiting}


def _stop_of(judgement: brake.Judgement, machines: list[Machine]) -> dict[str, Any]:
    """The failure that lists what would go."""
    names = fleet.names_of(machines)
    lost = [{"machine": machine, "user": names.get(identity, identity), "project": project} for machine, identity, project in judgement.lost]
    listed = "\n".join(f"  {one['machine']}: {one['user']} leaves {one['project']}" for one in lost)
    return {
        "failed": True,
        "lost": lost,
        "reasons": list(judgement.reasons),
        "msg": f"nothing was removed, since more would go than is likely to be meant: {'; '.join(judgement.reasons)}. "
        f"Look whether the directory answers in full. If these people have really left, set what stands in brackets for this run. "
        f"What is new was delivered. What would go:\n{listed}",
    }
