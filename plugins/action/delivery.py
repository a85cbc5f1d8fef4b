# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.utils.display import Display
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.controller_action import (
    ControllerAction,
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
    HostDelivery,
)

display = Display()

_OPTIONS: dict[str, dict[str, Any]] = {
    "step": {"type": "str", "choices": ["select", "check", "report"], "required": True},
    "hosts": {"type": "list", "elements": "str", "required": True},
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
    "results": {"type": "str", "default": "delivery_toolbox_result"},
    "final_results": {"type": "str", "default": "delivery_toolbox_final_result"},
    "revision": {"type": "str"},
    "complete": {"type": "bool", "default": True},
    "state_path": {"type": "path"},
    "metrics_path": {"type": "path"},
    "max_shrink": {"type": "float", "default": 20},
    "may_empty": {"type": "list", "elements": "str", "default": []},
}

_RESULTS_OF_STEPS = {
    "users": ("select", "check", "report"),
    "results": ("check", "report"),
    "final_results": ("report",),
}
"""The options that name variables of hosts, and the steps that read them."""


class ActionModule(ControllerAction):
    """Compares the results of all hosts with their former memberships, on the controller."""

    def task_result(self, variables: dict[str, Any]) -> dict[str, Any]:
        """Take the step."""
        options = _checked(self._task.args)
        return self._run(options, _hosts(variables["hostvars"], options))

    def _run(self, options: dict[str, Any], hosts: list[HostDelivery]) -> dict[str, Any]:
        if options["step"] == "select":
            return _select(hosts, options)
        # The removal limit counts for the whole fleet only if each host has a result.
        options["complete"] &= all(host.first_result for host in hosts)
        check = removal_limit.RemovalCheck()
        memberships: removal_limit.FleetMemberships = {}
        # A run for some hosts without removals does not need the memberships of the others.
        if options["complete"] or any(host.has_blocked_removals for host in hosts):
            check, memberships = _check_removals(hosts, options)
        catalog_reasons = _check_dropped_tools(hosts, options)
        failure = _blocked_by_catalog(hosts, catalog_reasons)
        if check.blocked:
            failure = _both(_blocked(check, hosts, options), failure)
        elif options["step"] == "check":
            second_call = _second_call(hosts, catalog_reasons)
            if second_call["approved_hosts"]:
                return {"changed": False, **second_call}
        return self._report(options, hosts, memberships, failure)

    def _report(
        self,
        options: dict[str, Any],
        hosts: list[HostDelivery],
        memberships: removal_limit.FleetMemberships,
        failure: dict[str, Any],
    ) -> dict[str, Any]:
        """Write and show the result; ``failure`` is that of removals that are blocked."""
        check_mode, removals_blocked = self._task.check_mode, bool(failure)
        waiting_since = {}
        if not check_mode:
            waiting_since = _remember(
                options, hosts, memberships, removals_blocked=removals_blocked
            )
        rows = fleet.result_rows(
            hosts, waiting_since, removals_blocked=removals_blocked, check_mode=check_mode
        )
        # Metrics are of the whole fleet: those of some hosts would hide the state of the others.
        if options["complete"] and not check_mode:
            _publish(options, rows, removals_blocked=removals_blocked)
        errors = fleet.catalog_errors(hosts)
        if not is_quiet("auto"):
            removals = fleet.removal_lines(
                hosts, check_mode=check_mode, blocked=_blocked_causes(failure)
            )
            _show([*fleet.result_table(rows), *removals])
        # A play in batches continues with the next batch, which the errors may not concern.
        is_last = not fleet.in_later_batches(hosts, options["selected"])
        return {
            "changed": False,
            "approved_hosts": [],
            "hosts": rows,
            "failed_hosts": {
                row["host"]: row["reason"] for row in rows if row["state"] == fleet.FAILED
            },
            "catalog_errors": errors,
            "catalog_error_message": (
                _catalog_error_message(errors, check_mode=check_mode) if is_last else ""
            ),
            "waiting": [row["host"] for row in rows if row["state"] == fleet.WAITING],
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


def _catalog_error_message(errors: list[str], *, check_mode: bool) -> str:
    if not errors:
        return ""
    verb = "would be" if check_mode else "were"
    listed = "".join(f"\n  {error}" for error in errors)
    return (
        "The catalog has errors. The tools that they concern stay as they are; all others"
        f" {verb} delivered. Correct the catalog, then run again:{listed}"
    )


def _read_delivered(options: dict[str, Any]) -> dict[str, Any]:
    # Optional: the containers of AWX keep no files. Then only the installed states are known.
    return fleet_state.read_delivered(options["state_path"]) if options["state_path"] else {}


def _check_removals(
    hosts: list[HostDelivery], options: dict[str, Any]
) -> tuple[removal_limit.RemovalCheck, removal_limit.FleetMemberships]:
    """Return whether removals are blocked, and the memberships that users must have."""
    path = options["state_path"]
    baseline = fleet_state.read_baseline(path) if path else None
    before = fleet.memberships_before(hosts, baseline)
    after = fleet.memberships_after(
        hosts,
        _read_delivered(options),
        before,
        fleet.in_later_batches(hosts, options["selected"]),
        complete=options["complete"],
    )
    return removal_limit.check_removals(before, after, _limits(options)), after


def _check_dropped_tools(hosts: list[HostDelivery], options: dict[str, Any]) -> list[str]:
    """Return why tools that the catalog drops may not be removed; nothing where they may."""
    # Most runs drop nothing, and have no need of what all other hosts have.
    if not any(host.dropped_tools for host in hosts):
        return []
    drops = fleet_tools.drops(hosts, _read_tools(hosts, options))
    return removal_limit.check_dropped_tools(drops, _limits(options))


def _read_tools(
    hosts: list[HostDelivery], options: dict[str, Any]
) -> dict[str, fleet_tools.HostTools]:
    """Return the tools of the fleet's hosts as deliveries left them."""
    path = options["state_path"]
    if not path:
        return {}
    # Those of hosts that have left the fleet count no more.
    records = (
        fleet_state.read_tools_of(path, [host.name for host in hosts])
        if options["complete"]
        else fleet_state.read_tools(path)
    )
    return _host_tools(records)


def _host_tools(records: Mapping[str, Mapping[str, Any]]) -> dict[str, fleet_tools.HostTools]:
    return {name: fleet_tools.HostTools.from_data(data) for name, data in records.items()}


def _limits(options: dict[str, Any]) -> removal_limit.RemovalLimits:
    return removal_limit.RemovalLimits(
        max_shrink=options["max_shrink"], may_empty=frozenset(options["may_empty"])
    )


def _second_call(hosts: list[HostDelivery], catalog_reasons: list[str]) -> dict[str, Any]:
    """Return the hosts on which blocked removals are approved, and how to call them.

    An error of the catalog does not block removals from users who have left a project.
    """
    blocked = [host for host in hosts if host.has_blocked_removals]
    if not catalog_reasons:
        return {
            "approved_hosts": [host.name for host in blocked],
            "removals": "apply",
            "approved_removals": {},
        }
    left = [host for host in blocked if host.removals]
    return {
        "approved_hosts": [host.name for host in left],
        "removals": "block",
        "approved_removals": {host.name: _pairs(host) for host in left},
    }


def _pairs(host: HostDelivery) -> list[dict[str, str]]:
    return [{"id": removal["id"], "project": removal["project"]} for removal in host.removals]


def _select(hosts: list[HostDelivery], options: dict[str, Any]) -> dict[str, Any]:
    """Return the hosts to deliver to, and the removals that are approved before the first call.

    For the whole fleet, only the results of the hosts count.
    """
    complete, delivered = options["complete"], {}
    if any(options["only"].values()):
        complete, delivered = False, _read_delivered(options)
        hosts = _concerned(hosts, delivered, options)
    elif not complete:
        delivered = _read_delivered_to(hosts, options)
    selection = {
        "complete": complete,
        "selected": [host.name for host in hosts if host.in_inventory],
    }
    return {
        "changed": False,
        **selection,
        "approved_removals": _approved_removals(hosts, delivered, {**options, **selection}),
    }


def _read_delivered_to(
    hosts: list[HostDelivery], options: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the last host assignments of these hosts, as far as they are known."""
    if not options["state_path"]:
        return {}
    names = [host.name for host in hosts]
    return fleet_state.read_delivered_to(options["state_path"], names)


def _approved_removals(
    hosts: list[HostDelivery], delivered: dict[str, dict[str, Any]], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the removals that follow from the last deliveries, if the limit allows them.

    So these hosts need no second call.
    """
    expected = [
        fleet.with_expected_result(host, delivered[host.name]) if host.name in delivered else host
        for host in hosts
    ]
    removals = {host.name: _pairs(host) for host in expected if host.removals}
    if not removals or _check_removals(expected, options)[0].blocked:
        return {}
    return removals


def _concerned(
    hosts: list[HostDelivery], delivered: dict[str, dict[str, Any]], options: dict[str, Any]
) -> list[HostDelivery]:
    """Return the hosts that have some users or projects, and then those that had them.

    Warn if there are none.
    """
    users, projects = frozenset(options["only"]["users"]), frozenset(options["only"]["projects"])
    have = [host for host in hosts if fleet.concerns(host.users, users, projects)]
    had = [
        host
        for host in hosts
        if host not in have
        and fleet.concerns(delivered.get(host.name, {}).get("users", ()), users, projects)
    ]
    if not (have or had):
        names = ", ".join(sorted(users | projects))
        hint = "" if options["state_path"] else ", and set delivery_state_path for former members"
        display.warning(
            f"no host has any of {names}: neither the inventory nor the state of deliveries has"
            f" them. Check the names{hint}."
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
            yield Problem(name, "is required")
    if options["selection"] and not {"complete", "selected"} <= set(options["selection"]):
        yield Problem("selection", "must be the result of step=select")


def _hosts(
    hostvars: Mapping[str, Mapping[str, Any]], options: dict[str, Any]
) -> list[HostDelivery]:
    unknown = [name for name in options["hosts"] if name not in hostvars]
    if unknown:
        raise SpecError(
            [Problem("hosts", f"{name} is not a host of the inventory") for name in unknown],
            "the options",
        )
    return [_host(name, hostvars[name], options) for name in options["hosts"]]


def _host(name: str, variables: Mapping[str, Any], options: dict[str, Any]) -> HostDelivery:
    """Return a host as its variables have it.

    Variables that a later task registers are not read, since they may be of an earlier play.
    """
    users, first_result, second_result = (
        variables.get(options[option]) if options["step"] in steps else None
        for option, steps in _RESULTS_OF_STEPS.items()
    )
    try:
        kept = tuple({key: user[key] for key in ("id", "name", "projects")} for user in users or ())
    except (KeyError, TypeError) as error:
        raise SpecError(
            [Problem(options["users"], "must be a list of users, each with id, name and projects")],
            f"the host {name}",
        ) from error
    return HostDelivery(
        name, kept, first_result or {}, second_result or {}, in_inventory=users is not None
    )


def _remember(
    options: dict[str, Any],
    hosts: list[HostDelivery],
    memberships: removal_limit.FleetMemberships,
    *,
    removals_blocked: bool,
) -> dict[str, str]:
    """Store what was delivered, and return since when hosts are waiting."""
    path = options["state_path"]
    states = {host.name: host.state(removals_blocked=removals_blocked) for host in hosts}
    if not path:
        return _waiting_since(path, states)
    for host in hosts:
        if states[host.name] == fleet.READY:
            _write_delivered(path, host, options["revision"])
    # A delivery to some hosts must not lower the baseline of later removals.
    is_new_baseline = options["complete"] and not removals_blocked
    _write_tools(hosts, options, is_new_baseline=is_new_baseline)
    waiting_since = _waiting_since(path, states)
    if is_new_baseline:
        baseline = {name: fleet.users_with(pairs) for name, pairs in memberships.items()}
        fleet_state.write_baseline(path, options["revision"], baseline)
    return waiting_since


def _write_tools(
    hosts: list[HostDelivery], options: dict[str, Any], *, is_new_baseline: bool
) -> None:
    path, selected = options["state_path"], [host for host in hosts if host.selected]
    records = _host_tools(fleet_state.read_tools_of(path, [host.name for host in selected]))
    for host in selected:
        former = records.get(host.name, fleet_tools.HostTools())
        tools = fleet_tools.after_run(
            host, former, options["may_empty"], is_new_baseline=is_new_baseline
        )
        if tools != former:
            fleet_state.write_tools(path, host.name, tools.as_data())


def _waiting_since(path: str | None, states: Mapping[str, str]) -> dict[str, str]:
    """Return since when hosts are waiting, and store it if there is a state."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    waiting = [name for name, state in states.items() if state == fleet.WAITING]
    if not path:
        return dict.fromkeys(waiting, now)
    former = {name: about["since"] for name, about in fleet_state.read_waiting(path).items()}
    for name in waiting:
        if name not in former:
            fleet_state.write_waiting(path, name, now)
    return {name: former.get(name, now) for name in waiting}


def _write_delivered(path: str, host: HostDelivery, revision: str) -> None:
    users = [dict(user) for user in host.users]
    record = {"host": host.name, "revision": revision, "users": users}
    fleet_state.write_delivered(path, record)


def _blocked(
    check: removal_limit.RemovalCheck, hosts: list[HostDelivery], options: dict[str, Any]
) -> dict[str, Any]:
    """Return the failure that lists blocked memberships, and counts those removed before."""
    names = fleet.login_names(hosts)
    present, removed = fleet.split_lost(
        check.lost, hosts, fleet.in_later_batches(hosts, options["selected"])
    )
    lost = [
        {"host": host, "user": names.get(user_id, user_id), "project": project}
        for host, user_id, project in present
    ]
    listed = "\n".join(f"  {one['host']}: {one['user']} leaves {one['project']}" for one in lost)
    before = (
        f"{len(removed)} of these memberships were removed since the last delivery to the whole"
        " fleet. "
        if removed
        else ""
    )
    return {
        "failed": True,
        "lost": lost,
        "reasons": list(check.reasons),
        "msg": (
            f"Removals are blocked by the removal limit: {'; '.join(check.reasons)}. Check that the"
            " directory returns all members. If these users have left, approve the removals with"
            f" the setting in parentheses. New tools were delivered. {before}Blocked removals:\n"
            f"{listed}"
        ),
    }


def _blocked_by_catalog(hosts: list[HostDelivery], reasons: list[str]) -> dict[str, Any]:
    """Return the failure that lists tools that the catalog drops; empty without reasons."""
    if not reasons:
        return {}
    dropped = list(_dropped_tools(hosts))
    listed = "\n".join(
        f"  {one['host']}: {one['user']} loses {one['tool']} of {one['project']}" for one in dropped
    )
    return {
        "failed": True,
        "dropped": dropped,
        "reasons": reasons,
        "msg": (
            f"Removals because of the catalog are blocked: {'; '.join(reasons)}. Restore the tools"
            " in the catalog, or approve the removals with the setting in parentheses. Other tools"
            f" were delivered. Blocked removals:\n{listed}"
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
    if "lost" in failure:
        return {fleet.LEFT, *fleet.BY_CATALOG}
    return set(fleet.BY_CATALOG) if failure else set()


def _dropped_tools(hosts: list[HostDelivery]) -> Iterator[dict[str, str]]:
    for host in hosts:
        for removal in host.dropped_tools:
            about = {"host": host.name, "user": removal["name"]}
            for tool in removal["tools"]:
                yield {**about, "project": removal["project"], "tool": tool}
