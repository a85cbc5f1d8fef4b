# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
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
    print_line,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery import (
    delivery_answer,
    fleet,
    fleet_state,
    fleet_tools,
    metrics,
    removal_limit,
)
from ansible_collections.shipping.code.plugins.plugin_utils._delivery.fleet import (
    MachineDelivery,
)

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
            "catalog": {"type": "path"},
            "options": {"type": "dict"},
            "connect_timeout": {"type": "int"},
            "pipelining": {"type": "bool"},
        },
    },
    "selection": {"type": "dict"},
    "answers": {"type": "str", "default": "delivery_answer"},
    "final_answers": {"type": "str", "default": "delivery_final_answer"},
    "revision": {"type": "str"},
    "complete": {"type": "bool", "default": True},
    "state_path": {"type": "path"},
    "metrics_path": {"type": "path"},
    "max_shrink": {"type": "float", "default": 20},
    "may_empty": {"type": "list", "elements": "str", "default": []},
}

_NO_TOOLS = fleet_tools.HostTools().as_data()
_ANSWERS_OF_STEPS = {
    "users": ("select", "decide", "tell"),
    "answers": ("decide", "tell"),
    "final_answers": ("tell",),
}
"""The options that name variables of hosts, and the steps that read them."""


class ActionModule(ActionBase):
    """Compare the answers of all machines with what they had; on the control machine alone."""

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
            result.update(error.as_result())
        return result

    def _run(self, options: dict[str, Any], machines: list[MachineDelivery]) -> dict[str, Any]:
        if options["step"] == "select":
            return _select(machines, options)
        # The removal limit counts for the whole fleet only when every host has answered.
        options["complete"] &= all(machine.first_answer for machine in machines)
        with_removals = [machine.name for machine in machines if machine.has_blocked_removals]
        check = removal_limit.RemovalCheck()
        memberships: removal_limit.FleetMemberships = {}
        # A run for some machines that removes nothing has no need of what all the others have.
        if options["complete"] or with_removals:
            check, memberships = _check_removals(machines, options)
        catalog_reasons = _check_dropped_tools(machines, options)
        if check.blocked:
            failure = _both(
                _blocked(check, machines, options), _blocked_by_catalog(machines, catalog_reasons)
            )
            return self._report(options, machines, memberships, failure)
        second_call = _second_call(machines, catalog_reasons)
        if options["step"] == "decide" and second_call["apply"]:
            return {"changed": False, **second_call}
        failure = _blocked_by_catalog(machines, catalog_reasons)
        return self._report(options, machines, memberships, failure)

    def _report(
        self,
        options: dict[str, Any],
        machines: list[MachineDelivery],
        memberships: removal_limit.FleetMemberships,
        failure: dict[str, Any],
    ) -> dict[str, Any]:
        """Write and show the result; ``failure`` is that of removals that are blocked."""
        check_mode, removals_blocked = self._task.check_mode, bool(failure)
        waiting_since = {}
        if not check_mode:
            waiting_since = _remember(
                options, machines, memberships, removals_blocked=removals_blocked
            )
        rows = fleet.result_rows(
            machines, waiting_since, removals_blocked=removals_blocked, check_mode=check_mode
        )
        # Metrics are of the whole fleet: those of some machines would hide the state of the others.
        if options["complete"] and not check_mode:
            _publish(options, rows, removals_blocked=removals_blocked)
        faults = fleet.catalog_faults(machines)
        if not is_quiet("auto"):
            removals = fleet.removal_lines(
                machines, check_mode=check_mode, blocked=_blocked_causes(failure)
            )
            _show([*fleet.result_table(rows), *removals])
        # A play in batches continues with the next one, which the errors may not concern.
        is_last = not fleet.in_later_batches(machines, options["selected"])
        return {
            "changed": False,
            "apply": [],
            "machines": rows,
            "failed_machines": {
                row["machine"]: row["why"] for row in rows if row["state"] == fleet.FAILED
            },
            "catalog_faults": faults,
            "catalog_failure": _catalog_failure(faults) if is_last else "",
            "waiting": [row["machine"] for row in rows if row["state"] == fleet.WAITING],
            **failure,
        }


def _publish(
    options: dict[str, Any], rows: list[dict[str, Any]], *, removals_blocked: bool
) -> None:
    if options["metrics_path"]:
        metrics.write(options["metrics_path"], rows, removals_blocked=removals_blocked)
    delivery_answer.write_answer(rows, removals_blocked=removals_blocked)


def _show(lines: list[str]) -> None:
    for line in lines:
        print_line(line)


def _catalog_failure(faults: list[str]) -> str:
    if not faults:
        return ""
    listed = "".join(f"\n  {fault}" for fault in faults)
    return (
        "The catalog has errors. The tools that they concern stay as they are; all others were"
        f" delivered. Correct the catalog, then run again:{listed}"
    )


def _read_delivered(options: dict[str, Any]) -> dict[str, Any]:
    # Optional: the containers of AWX keep no files, so that the hosts' own answers have to do.
    return fleet_state.read_delivered(options["state_path"]) if options["state_path"] else {}


def _check_removals(
    machines: list[MachineDelivery], options: dict[str, Any]
) -> tuple[removal_limit.RemovalCheck, removal_limit.FleetMemberships]:
    """Return whether removals are blocked, and what everybody is to have."""
    path = options["state_path"]
    baseline = fleet_state.read_baseline(path) if path else None
    before = fleet.memberships_before(machines, baseline)
    after = fleet.memberships_after(
        machines,
        _read_delivered(options),
        before,
        fleet.in_later_batches(machines, options["selected"]),
        complete=options["complete"],
    )
    return removal_limit.check_removals(before, after, _limits(options)), after


def _check_dropped_tools(machines: list[MachineDelivery], options: dict[str, Any]) -> list[str]:
    """Return why tools that the catalog drops may not be removed; nothing where they may."""
    # Most runs drop nothing, and have no need of what all other hosts have.
    if not any(machine.dropped_tools for machine in machines):
        return []
    drops = fleet_tools.drops(machines, _read_tools(machines, options))
    return removal_limit.check_dropped_tools(drops, _limits(options))


def _read_tools(
    machines: list[MachineDelivery], options: dict[str, Any]
) -> dict[str, fleet_tools.HostTools]:
    """Return the tools of the fleet's hosts as deliveries left them."""
    path = options["state_path"]
    if not path:
        return {}
    # Those of hosts that have left the fleet count no more.
    records = (
        fleet_state.read_tools_of(path, [machine.name for machine in machines])
        if options["complete"]
        else fleet_state.read_tools(path)
    )
    return {name: fleet_tools.HostTools.from_data(data) for name, data in records.items()}


def _limits(options: dict[str, Any]) -> removal_limit.RemovalLimits:
    return removal_limit.RemovalLimits(
        max_shrink=options["max_shrink"], may_empty=frozenset(options["may_empty"])
    )


def _second_call(machines: list[MachineDelivery], catalog_reasons: list[str]) -> dict[str, Any]:
    """Return which machines remove what they hold, and how.

    An error of the catalog does not keep the tools of users who have left a project.
    """
    blocked = [machine for machine in machines if machine.has_blocked_removals]
    if not catalog_reasons:
        return {
            "apply": [machine.name for machine in blocked],
            "removals": "apply",
            "may_remove": {},
        }
    left = [machine for machine in blocked if machine.removals]
    return {
        "apply": [machine.name for machine in left],
        "removals": "hold",
        "may_remove": {machine.name: _pairs(machine) for machine in left},
    }


def _pairs(machine: MachineDelivery) -> list[dict[str, str]]:
    return [{"id": removal["id"], "project": removal["project"]} for removal in machine.removals]


def _select(machines: list[MachineDelivery], options: dict[str, Any]) -> dict[str, Any]:
    """Return which machines a run is about, and what they may remove at once.

    For the whole fleet only the answers of the machines themselves count.
    """
    complete, delivered = options["complete"], {}
    if any(options["only"].values()):
        complete, delivered = False, _read_delivered(options)
        machines = _concerned(machines, delivered, options)
    elif not complete:
        delivered = _read_delivered_to(machines, options)
    selection = {
        "complete": complete,
        "selected": [machine.name for machine in machines if machine.in_inventory],
    }
    return {
        "changed": False,
        **selection,
        "may_remove": _may_remove(machines, delivered, {**options, **selection}),
    }


def _read_delivered_to(
    machines: list[MachineDelivery], options: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return what these machines were delivered last, as far as that is known."""
    if not options["state_path"]:
        return {}
    names = [machine.name for machine in machines]
    return fleet_state.read_delivered_to(options["state_path"], names)


def _may_remove(
    machines: list[MachineDelivery], delivered: dict[str, dict[str, Any]], options: dict[str, Any]
) -> dict[str, Any]:
    """Return what is removed by what the machines were delivered, within the removal limit.

    For that they need not be queried first.
    """
    expected = [
        fleet.with_expected_answer(machine, delivered[machine.name])
        if machine.name in delivered
        else machine
        for machine in machines
    ]
    removals = {machine.name: _pairs(machine) for machine in expected if machine.removals}
    if not removals or _check_removals(expected, options)[0].blocked:
        return {}
    return removals


def _concerned(
    machines: list[MachineDelivery], delivered: dict[str, dict[str, Any]], options: dict[str, Any]
) -> list[MachineDelivery]:
    """Return the machines that have some users or projects, and then those that had them.

    A warning says so where there are none.
    """
    users, projects = frozenset(options["only"]["users"]), frozenset(options["only"]["projects"])
    have = [machine for machine in machines if fleet.concerns(machine.users, users, projects)]
    had = [
        machine
        for machine in machines
        if machine not in have
        and fleet.concerns(delivered.get(machine.name, {}).get("users", ()), users, projects)
    ]
    if not (have or had):
        remembered = (
            "was delivered"
            if options["state_path"]
            else "was delivered is not known here either, since there is no delivery_state_path"
        )
        display.warning(
            f"no machine has any of {', '.join(sorted(users | projects))}, neither by the inventory"
            f" nor by what {remembered}; nothing is delivered"
        )
    return have + had


def _checked(args: dict[str, Any]) -> dict[str, Any]:
    checked = ArgumentSpecValidator(_OPTIONS).validate(args)
    if checked.error_messages:
        raise SpecError([Problem("", text) for text in checked.error_messages], "the options")
    options: dict[str, Any] = checked.validated_parameters
    if options["step"] != "select":
        problems = list(_problems_of_selection(options))
        if problems:
            raise SpecError(problems, "the options")
        options |= {name: options["selection"][name] for name in ("complete", "selected")}
    if not 0 <= options["max_shrink"] <= 100:
        raise SpecError(
            [Problem("max_shrink", f"must be from 0 to 100, not {options['max_shrink']:g}")],
            "the options",
        )
    return options


def _problems_of_selection(options: dict[str, Any]) -> Iterator[Problem]:
    for name in ("selection", "revision"):
        if not options[name]:
            yield Problem(name, "is needed")
    if options["selection"] and not {"complete", "selected"} <= set(options["selection"]):
        yield Problem("selection", "must be what step=select returned")


def _machines(
    hostvars: Mapping[str, Mapping[str, Any]], options: dict[str, Any]
) -> list[MachineDelivery]:
    unknown = [name for name in options["machines"] if name not in hostvars]
    if unknown:
        raise SpecError(
            [Problem("machines", f"{name} is no host of the inventory") for name in unknown],
            "the options",
        )
    return [_machine(name, hostvars[name], options) for name in options["machines"]]


def _machine(name: str, variables: Mapping[str, Any], options: dict[str, Any]) -> MachineDelivery:
    """Return a host as its variables have it.

    What a later task of the play registers is not read, since it may be from a play before.
    """
    users, first_answer, second_answer = (
        variables.get(options[option]) if options["step"] in steps else None
        for option, steps in _ANSWERS_OF_STEPS.items()
    )
    try:
        kept = tuple({key: user[key] for key in ("id", "name", "projects")} for user in users or ())
    except (KeyError, TypeError) as error:
        raise SpecError(
            [Problem(options["users"], "must be a list of users, each with id, name and projects")],
            f"the host {name}",
        ) from error
    return MachineDelivery(
        name, kept, first_answer or {}, second_answer or {}, in_inventory=users is not None
    )


def _remember(
    options: dict[str, Any],
    machines: list[MachineDelivery],
    memberships: removal_limit.FleetMemberships,
    *,
    removals_blocked: bool,
) -> dict[str, str]:
    """Write what was delivered, and return since when machines are waiting."""
    path = options["state_path"]
    states = {
        machine.name: machine.state(removals_blocked=removals_blocked) for machine in machines
    }
    for machine in machines if path else ():
        if states[machine.name] == fleet.READY:
            _write_delivered(path, machine, options["revision"])
    is_new_baseline = options["complete"] and not removals_blocked
    if path:
        _write_tools(machines, options, is_new_baseline=is_new_baseline)
    waiting_since = _waiting_since(path, states)
    # A delivery to some machines must not lower what later removals are counted against.
    if path and is_new_baseline:
        baseline = {name: fleet.users_with(pairs) for name, pairs in memberships.items()}
        fleet_state.write_baseline(path, options["revision"], baseline)
    return waiting_since


def _write_tools(
    machines: list[MachineDelivery], options: dict[str, Any], *, is_new_baseline: bool
) -> None:
    path, selected = options["state_path"], [machine for machine in machines if machine.selected]
    records = fleet_state.read_tools_of(path, [machine.name for machine in selected])
    for machine in selected:
        former = fleet_tools.HostTools.from_data(records.get(machine.name, _NO_TOOLS))
        tools = fleet_tools.after_run(
            machine, former, options["may_empty"], is_new_baseline=is_new_baseline
        )
        if tools != former:
            fleet_state.write_tools(path, machine.name, tools.as_data())


def _waiting_since(path: str | None, states: Mapping[str, str]) -> dict[str, str]:
    """Return since when machines are waiting, and remember it where there is a state."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    waiting = [name for name, state in states.items() if state == fleet.WAITING]
    if not path:
        return dict.fromkeys(waiting, now)
    former = {name: about["since"] for name, about in fleet_state.read_waiting(path).items()}
    for name in waiting:
        if name not in former:
            fleet_state.write_waiting(path, name, now)
    return {name: former.get(name, now) for name in waiting}


def _write_delivered(path: str, machine: MachineDelivery, revision: str) -> None:
    users = [dict(user) for user in machine.users]
    record = {"host": machine.name, "revision": revision, "users": users}
    fleet_state.write_delivered(path, record)


def _blocked(
    check: removal_limit.RemovalCheck, machines: list[MachineDelivery], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the failure that lists what would be removed, and counts what was before."""
    names = fleet.login_names(machines)
    present, removed = fleet.split_lost(
        check.lost, machines, fleet.in_later_batches(machines, options["selected"])
    )
    lost = [
        {"machine": machine, "user": names.get(user_id, user_id), "project": project}
        for machine, user_id, project in present
    ]
    listed = "\n".join(f"  {one['machine']}: {one['user']} leaves {one['project']}" for one in lost)
    before = (
        f"{len(removed)} of these memberships have gone since the last delivery to the whole"
        " fleet. "
        if removed
        else ""
    )
    return {
        "failed": True,
        "lost": lost,
        "reasons": list(check.reasons),
        "msg": (
            f"nothing{' more' if removed else ''} was removed, since more would go than is likely"
            f" to be meant: {'; '.join(check.reasons)}. Look whether the directory answers in"
            " full. If these people have really left, set what stands in brackets for this run."
            f" What is new was delivered. {before}What would go:\n{listed}"
        ),
    }


def _blocked_by_catalog(machines: list[MachineDelivery], reasons: list[str]) -> dict[str, Any]:
    """Return the failure that lists what the catalog would remove; nothing without reasons."""
    if not reasons:
        return {}
    dropped = list(_dropped_tools(machines))
    listed = "\n".join(
        f"  {one['machine']}: {one['user']} loses {one['tool']} of {one['project']}"
        for one in dropped
    )
    return {
        "failed": True,
        "dropped": dropped,
        "reasons": reasons,
        "msg": (
            f"Removals because of the catalog are blocked: {'; '.join(reasons)}. Restore what is"
            " missing in the catalog. If it is to be removed, set what stands in brackets."
            f" All else was delivered. What would be removed:\n{listed}"
        ),
    }


def _both(failure: dict[str, Any], by_catalog: dict[str, Any]) -> dict[str, Any]:
    """Return one failure of two: the directory and the catalog may be wrong at once."""
    if not by_catalog:
        return failure
    return {
        **failure,
        **by_catalog,
        "reasons": [*failure["reasons"], *by_catalog["reasons"]],
        "msg": f"{failure['msg']}\n{by_catalog['msg']}",
    }


def _blocked_causes(failure: dict[str, Any]) -> set[str]:
    """Return the causes of removals that a failure blocks."""
    by_catalog = {fleet.DROPPED, fleet.OTHER_PLATFORM}
    if "lost" in failure:
        return {fleet.LEFT, *by_catalog}
    return by_catalog if failure else set()


def _dropped_tools(machines: list[MachineDelivery]) -> Iterator[dict[str, str]]:
    for machine in machines:
        for removal in machine.dropped_tools:
            about = {"machine": machine.name, "user": removal["name"]}
            for tool in removal["tools"]:
                yield {**about, "project": removal["project"], "tool": tool}
