# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From measurements to docs/benchmarks.md and its picture."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any

from . import (
    events,
    measure_delivery,
    measure_directory,
    measure_experiments,
    measure_kubernetes,
    measure_many_hosts,
    measure_router,
    measure_ship,
    measure_swarm,
    seen,
)
from .measure import Results, Runs, Spread, spread

_MARK = re.compile(r"^<!-- ([\w-]+) -->\n", re.MULTILINE)
_INTRODUCTION = (
    (
        "`make bench` measures on one host, with an engine, a cluster and directories of its own."
        " The contenders of each part run in turn."
    ),
    "Figures are medians of whole commands. Below each part are the day and the versions.",
)
_PHASES = ("first", "no changes", "one changed")


def today() -> str:
    """Return the day, as the sections have it."""
    return f"measured on {date.today().isoformat()}"


def with_section(
    page: str, order: Sequence[str], name: str, facts: Iterable[str], section: str
) -> str:
    """Return the page with this section instead of its former one; ``order`` names all sections."""
    _before, *former = _MARK.split(page)
    measured = f"{section.strip()}\n\n*{'; '.join(facts)}*"
    sections = {**dict(zip(former[::2], former[1::2], strict=True)), name: measured}
    marked = "\n".join(
        f"<!-- {known} -->\n\n{sections[known].strip()}\n" for known in order if known in sections
    )
    return "\n".join([_header(), "", "# Benchmarks", "", *_INTRODUCTION, "", marked])


def on_swarm(results: Results, services: int) -> str:
    """Return the section of the Swarm."""
    quiet = results["no changes"]
    lines = [
        f"## {services} services on a Swarm",
        "",
        "Seconds, and how many times as long as this collection.",
        "",
        *_table(
            {phase: results[phase] for phase in _PHASES},
            measure_swarm.SIDE_BY_SIDE,
        ),
        "",
        (
            "This collection's time ends when all services are verified to run the release and to"
            " be healthy. The time of the others ends when the"
        ),
        (
            "engine has accepted their requests. None of them waits, so neither their time nor"
            " their answer includes the outcome of the rollout."
        ),
        "A run with no changes is the same for all.",
        "",
        f"- no changes: {_beyond(quiet):.2f} s more than an empty play",
        "",
        "![Seconds for no changes, by the number of services](pictures/nothing-to-do.svg)",
        "",
        *_swarm_floors(results, services),
        "## How soon a failure is reported on a Swarm",
        "",
        (
            "Seconds from the first sign of the failure that the engine shows until the play prints"
            " it with its cause. For failures that the"
        ),
        (
            "plan finds, seconds from the start of the play. An update of one of"
            f" {services} services, median of three."
        ),
        (
            "docker_swarm_service, docker_stack and docker stack deploy report success for all of"
            " them."
        ),
        "",
        *_failures(results, measure_swarm.FAILURES),
        "",
    ]
    return "\n".join(lines)


def on_ship(results: Results) -> str:
    """Return the section of a commit that is shipped."""
    changed = results["one changed"]
    ratio = changed[measure_ship.OURS].median / changed[measure_ship.FLOOR].median
    quiet = _beyond(results["no changes"], measure_ship.OURS, measure_ship.EMPTY)
    lines = [
        "## A commit, from the repository to a running service on a Swarm",
        "",
        "Seconds, and how many times as long as this collection. One image, without tests; one of"
        " its lines changes.",
        "",
        *_table(
            {phase: results[phase] for phase in _PHASES},
            measure_ship.SIDE_BY_SIDE,
            measure_ship.OURS,
        ),
        "",
        "Both wait until the service runs the image, with the engine's monitor of 5 s.",
        "",
        f"- no changes: {quiet:.2f} s more than an empty play",
        f"- one line changed: {ratio:.2f} × Docker's client",
        "",
    ]
    return "\n".join(lines)


def on_kubernetes(results: Results, sizes: Sequence[int]) -> str:
    """Return the section of the cluster."""
    few, many = sizes
    contenders = measure_kubernetes.SIDE_BY_SIDE
    of_few, of_many = ({phase: results[f"{size} {phase}"] for phase in _PHASES} for size in sizes)
    ((_name, peer),) = results[measure_kubernetes.PEER].items()
    lines = [
        f"## {few} and {many} services on a Kubernetes cluster",
        "",
        (
            f"Seconds, and how many times as long as this collection. {few} services: as many"
            " Deployments and Services, and a NetworkPolicy, the"
        ),
        "same for all. Each contender has a namespace of its own.",
        "",
        *_table(of_few, contenders),
        "",
        (
            f"{many} services. A kubelet takes 110 pods, so only one contender is deployed at a"
            " time. The loop is left out: it would take minutes a round."
        ),
        "",
        *_table(
            of_many,
            (*measure_kubernetes.ALONE, measure_kubernetes.SINGLE, measure_kubernetes.EMPTY),
        ),
        "",
        (
            "This collection's time ends when all services are verified to run the release and to"
            " be healthy. The time of the others ends when the"
        ),
        (
            "API server has accepted their requests. In the line with wait, the module waits for"
            " one object after the other."
        ),
        "In the line with rollout status, the client waits for all Deployments.",
        "A run with no changes is the same for all.",
        "",
        (
            f"- no changes: {_beyond(of_few['no changes']):.2f} s more than an empty play;"
            f" with {many} services {_beyond(of_many['no changes']):.2f} s"
        ),
        *_kubernetes_floors(of_many, many),
        "",
        "## How soon a failure is reported on a Kubernetes cluster",
        "",
        (
            "Seconds from the first sign of the failure that the API shows until the play prints it"
            " with its cause. For failures that the plan"
        ),
        (
            f"finds, seconds from the start of the play. An update of one of {few} services,"
            " median of three."
        ),
        "",
        *_failures(results, measure_kubernetes.failures("")),
        "",
        (
            "Without wait, kubernetes.core.k8s and kubectl apply report success for all of them."
            " With `wait: true` and"
        ),
        (
            f"`wait_timeout: {measure_kubernetes.PATIENCE}`, for the image that no registry has,"
            f" kubernetes.core.k8s ends after {peer.median:.0f} s with:"
        ),
        "",
        "```text",
        peer.said,
        "```",
        "",
    ]
    return "\n".join(lines)


def _swarm_floors(results: Results, services: int) -> list[str]:
    """Return the section that compares with what waits for the same."""
    waited = {
        "first": results[measure_swarm.WAITED_FIRST],
        "one changed": results[measure_swarm.WAITED_CHANGE],
    }
    names = (measure_swarm.WAITING, measure_swarm.FLOOR, measure_swarm.UPDATE)
    peaks = {
        phase.removeprefix("memory "): runs[measure_swarm.MANY].peak
        for phase, runs in results.items()
        if phase.startswith("memory ")
    }
    (few, small), (many, large) = peaks.items()
    return [
        "## How long it takes to wait on a Swarm",
        "",
        (
            f"The same {services} services, until each has run for {measure_swarm.MONITOR} s. The"
            " floor of a first release is a small program that makes"
        ),
        (
            "them by plain API calls side by side and watches their tasks. The floor of a change is"
            " the client, which waits for one service."
        ),
        "",
        "| | first | one changed |",
        "| --- | --- | --- |",
        *(f"| {name} | {' | '.join(_cells(name, waited, names[0]))} |" for name in names),
        "",
        f"- first: {_ratio(waited['first'], *names[:2])}",
        f"- one changed: {_ratio(waited['one changed'], names[0], names[2])}",
        f"- peak memory with {many} services: {large / small:.2f} × that with {few}",
        "",
    ]


def _kubernetes_floors(phases: Mapping[str, Mapping[str, Runs]], services: int) -> list[str]:
    """Return how far a first release and a change are from their floors."""
    ours, floor, single = (
        measure_kubernetes.OURS,
        measure_kubernetes.FLOOR,
        measure_kubernetes.SINGLE,
    )
    return [
        f"- first, {services} services: {_ratio(phases['first'], ours, floor)}",
        f"- one changed of {services} services: {_ratio(phases['one changed'], ours, single)}",
    ]


def _ratio(runs: Mapping[str, Runs], name: str, floor: str) -> str:
    return f"{runs[name].median / runs[floor].median:.2f} × {floor}"


def on_directory(results: Results, size: measure_directory.DirectorySize) -> str:
    """Return the section of one size of directory."""
    floor = results[measure_directory.LIST][measure_directory.FLOOR]
    ((_name, peer),) = results[measure_directory.NAMELESS].items()
    lines = [
        f"## {size.machines:,} hosts of a directory, with {size.projects:,} projects",
        "",
        (
            "Seconds, and how many times as long as Ansible takes for the same inventory from"
            f" ready JSON. {size.machines:,} users have a host each."
        ),
        (
            "Each user is in two projects, in one of them through a nested group. OpenLDAP runs on"
            " the same host, over LDAPS. The benchmark first verifies"
        ),
        (
            "that both inventories are equal, to the last variable. Processor: the seconds that the"
            " command itself computes, without the server."
        ),
        "",
        (
            f"| | {measure_directory.LIST} | processor"
            f" | {measure_directory.HOST} | processor | peak memory |"
        ),
        "| --- | --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {_times(name, results[measure_directory.LIST])} |"
            f" {_times(name, results[measure_directory.HOST])} | {_memory(runs, floor)} |"
            for name, runs in results[measure_directory.LIST].items()
        ),
        "",
        (
            "Ready JSON is what a script prints, which Ansible reads faster than a file."
            " microsoft.ad.ldap returns only hosts; OpenLDAP's hosts have"
        ),
        "the attribute that it needs. Without the attribute it ends with:",
        "",
        "```text",
        peer.said,
        "```",
        "",
    ]
    return "\n".join(lines)


def on_delivery(results: Results, size: measure_delivery.DeliverySize, peer: str) -> str:
    """Return the section of one size of fleet."""
    quiet = results["no changes"]
    contenders = size.contenders
    more = _beyond(quiet, measure_delivery.OURS, measure_delivery.FLOOR)
    of_ping = quiet[measure_delivery.OURS].median / quiet[measure_delivery.PING].median
    peers = f" {peer}." if size.has_peers else ""
    back, there = (
        results[measure_delivery.BACK][measure_delivery.BACK],
        results[measure_delivery.BACK_ON_MACHINE][measure_delivery.OURS],
    )
    lines = [
        f"## {len(measure_delivery.TOOLS)} tools to {size.machines} hosts",
        "",
        (
            "Seconds, and how many times as long as this collection."
            f" {len(measure_delivery.SCRIPTS)} scripts,"
            f" {len(measure_delivery.ARCHIVES)} archives of 300 files,"
        ),
        (
            f"{len(measure_delivery.PYTHONS)} Python packages from wheels and"
            f" {len(measure_delivery.BINARIES)} programs of 2 MB,"
            " by SSH to hosts with a user each, all on"
        ),
        (
            "this host. Each command opens its own connections, 20 at once. After each command the"
            f" output of all tools is checked.{peers}"
        ),
        "",
        *_table({phase: results[phase] for phase in _PHASES}, contenders, measure_delivery.OURS),
        "",
        (
            f"Medians of {size.first} runs from nothing, {size.quiet} with no changes and"
            f" {size.changed} with one changed. For this collection, the ping and the empty"
        ),
        (
            f"play, medians of {size.quiet + size.alone} runs with no changes in turn."
            " Only this collection also checks each tool against its"
        ),
        "checksum, keeps users apart, can roll back, and removes tools that are no longer wanted.",
        "",
        (
            f"- no changes: {more:.2f} s more than an empty play,"
            f" {of_ping:.2f} × one ping{_faster_than_loop(quiet)}"
        ),
        (
            f"- rolling back a generation: {there.median:.2f} s on the host; a play that does it"
            f" everywhere {back.median:.2f} s"
        ),
        "",
    ]
    return "\n".join(lines)


def _faster_than_loop(quiet: Mapping[str, Runs]) -> str:
    if measure_delivery.LOOP not in quiet:
        return ""
    faster = quiet[measure_delivery.LOOP].median / quiet[measure_delivery.OURS].median
    return f", {faster:.1f} × as fast as the loop"


def on_many_hosts(results: Mapping[int, Results], rounds: int) -> str:
    """Return the section of deliveries to hosts that only answer."""
    contenders = (measure_delivery.OURS, measure_delivery.PING, measure_delivery.FLOOR)
    phases = {hosts: found[measure_many_hosts.PHASE] for hosts, found in results.items()}
    few, many = min(phases), max(phases)
    ours = measure_delivery.OURS
    each = measure_many_hosts.seconds_for_each_host(phases[few], few)
    each_of_many = measure_many_hosts.seconds_for_each_host(phases[many], many)
    peaks = phases[many][ours].peak, phases[few][ours].peak
    lines = [
        f"## No changes on {few} and {many} hosts that only answer",
        "",
        "What the controller itself takes: a program in place of each host's Python repeats what a",
        "real delivery of 20 tools answered. Seconds, and how many times as long as the delivery.",
        "20 forks.",
        "",
        f"| | {' | '.join(_heading_of_hosts(hosts) for hosts in phases)} |",
        f"| --- |{' --- | --- | --- |' * len(phases)}",
        *(_row_of_hosts(name, phases) for name in contenders),
        "",
        f"Medians of {rounds} runs in turn.",
        "",
        f"- A host costs {each:.3f} s of the processor beyond an empty play if there are {few},"
        f" {each_of_many:.3f} s if there are {many}.",
        f"- Peak memory for {many} hosts is {peaks[0] / peaks[1]:.2f} times that for {few}.",
        "",
    ]
    return "\n".join(lines)


def _heading_of_hosts(hosts: int) -> str:
    return f"{hosts} hosts | processor | peak memory"


def _row_of_hosts(name: str, phases: Mapping[int, Mapping[str, Runs]]) -> str:
    cells: list[str] = []
    for runs in phases.values():
        taken, ours = runs[name], runs[measure_delivery.OURS]
        cells += [
            f"{taken.median:.2f} ({taken.median / ours.median:.2f} ×)",
            f"{taken.processor_median:.2f}",
            f"{taken.peak:.0f} MB",
        ]
    return f"| {name} | {' | '.join(cells)} |"


def on_events(results: Sequence[events.EventResults]) -> str:
    """Return the section of events."""
    lines = [
        (
            f"## From a group to a command: {results[0].changes} changes in a directory of"
            f" {results[0].place.size.machines:,} users"
        ),
        "",
        (
            "Seconds from the moment before a member is written until each part is done. The source"
            " has seen the change, decided on it and written"
        ),
        (
            "the result. Then ansible-rulebook begins a play, its first task begins, the command"
            " works on the host, and the host reports."
        ),
        "",
        (
            "OpenLDAP and Samba AD are reached over LDAPS, 389-ds by its socket. One change follows"
            " the other. SSH reaches one host; the others are"
        ),
        (
            "recorded as up to date. The floor is the module alone, by one SSH command, with no"
            " changes. Samba looks for changes to report every five"
        ),
        "seconds, whatever the client.",
        "",
    ]
    return "\n".join([*lines, *chain.from_iterable(map(_events_of, results))])


def _events_of(results: events.EventResults) -> list[str]:
    count, burst = results.burst
    return [
        f"### {results.place.name}, {results.place.size.machines:,} users",
        "",
        "| | joins: median | 95 % | longest | leaves: median | 95 % | longest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {part} | {_three(results.joins.row(part))} | {_three(results.leaves.row(part))} |"
            for part in events.PARTS
        ),
        "",
        (
            f"- {count} joins of one user, one right after the other: {burst:.2f} s until the"
            " host has the last one"
        ),
        (
            "- a play that a timer starts, which reads the whole directory and finds no"
            f" changes: {results.timer:.2f} s, after the time that it waits"
        ),
        f"- the floor: {results.floor[0]:.2f} s at the median, {results.floor[1]:.2f} s at 95 %",
        "",
    ]


def on_seen(results: Sequence[seen.SeenSpread], changes: int) -> str:
    """Return the section of the event source alone."""
    lines = [
        f"## How soon a change in the directory is seen: {changes} changes",
        "",
        (
            "Seconds from the moment before a member is written until the event is in the queue"
            " of ansible-rulebook, by the source alone. Samba looks"
        ),
        "for changes to report every five seconds, whatever the client.",
        "",
        "| | users | joins: median | 95 % | longest | leaves: median | 95 % | longest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {found.place.name} | {found.place.people:,} | {_three(found.joins)} |"
            f" {_three(found.leaves)} |"
            for found in results
        ),
        "",
    ]
    return "\n".join(lines)


def on_experiments(
    runs: Mapping[str, measure_experiments.ContenderRuns], size: measure_experiments.ExperimentSize
) -> str:
    """Return the section of the analysis of experiments."""
    lines = [
        "## The analysis of an experiment",
        "",
        f"{size.events:,} events of {size.units:,} units in Parquet files, three responses, each"
        " adjusted by a pre-period (CUPED).",
        "Each program drops copies of events and takes those of exposed units in their window. All"
        " have the same results.",
        "",
        *measure_experiments.table(dict(runs)),
        "",
        f"Medians of {size.rounds} rounds, whole processes with their imports.",
    ]
    return "\n".join(lines)


def on_router(figures: measure_router.RouterFigures, size: measure_router.RouterSize) -> str:
    """Return the section of the router."""
    plain = figures.proxies[measure_router.PLAIN]
    median, later, longest = spread(figures.changes)
    lines = [
        "## A split of traffic beside other proxies",
        "",
        f"{size.requests:,} requests of 32 connections that stay open, on the same host as the",
        "client and the server. The proxies run in turn. Requests a second, and how many times",
        "those of the plain proxy; microseconds of a processor for a request, and how many more.",
        "",
        "| | requests a second | | processor for a request | |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {name} | {runs.rate:,.0f} | {runs.rate / plain.rate:.2f} × | {runs.cost:.1f} |"
            f" {runs.cost - plain.cost:+.1f} |"
            for name, runs in figures.proxies.items()
        ),
        "",
        f"Medians of {size.rounds} rounds. The router also logs each request, with the HMAC of the",
        "unit; the others log none.",
        "",
        f"- A change of weights on two replicas takes {median * 1000:.0f} ms at the median of"
        f" {size.changes}, {later * 1000:.0f} ms at 95 %, {longest * 1000:.0f} ms at most: from the"
        " first connection, with mutual TLS, until both tables are read back.",
        "",
    ]
    return "\n".join(lines)


def _three(figures: Spread) -> str:
    return " | ".join(f"{figure:.3f}" for figure in figures)


def _times(name: str, runs: Mapping[str, Runs]) -> str:
    if name not in runs:
        return "- | -"
    own, floor = runs[name], runs[measure_directory.FLOOR]
    return (
        f"{own.median:.2f} ({own.median / floor.median:.2f} ×) | {own.processor_median:.2f}"
        f" ({own.processor_median / floor.processor_median:.2f} ×)"
    )


def _memory(runs: Runs, floor: Runs) -> str:
    return f"{runs.peak:.0f} MB ({runs.peak / floor.peak:.2f} ×)"


def _header() -> str:
    """Return the license header, as the README has it."""
    before, end, _after = (Path(__file__).parents[2] / "README.md").read_text().partition("-->")
    return before + end


def _beyond(
    quiet: Mapping[str, Runs], ours: str = measure_swarm.OURS, floor: str = measure_swarm.EMPTY
) -> float:
    return quiet[ours].median - quiet[floor].median


def _table(
    phases: Mapping[str, Mapping[str, Runs]], names: Iterable[str], ours: str = measure_swarm.OURS
) -> list[str]:
    return [
        f"| | {' | '.join(phases)} | peak memory |",
        "| --- | --- | --- | --- | --- |",
        *(_row(name, phases, ours) for name in names),
    ]


def _row(name: str, phases: Mapping[str, Mapping[str, Runs]], ours: str) -> str:
    cells = _cells(name, phases, ours)
    quiet = phases["no changes"].get(name) or phases["one changed"][name]
    return f"| {name} | {' | '.join(cells)} | {quiet.peak:.0f} MB |"


def _cells(name: str, phases: Mapping[str, Mapping[str, Runs]], ours: str) -> list[str]:
    return [
        (
            f"{runs[name].median:.2f} ({runs[name].median / runs[ours].median:.1f} ×)"
            if name in runs
            else "-"
        )
        for runs in phases.values()
    ]


def _failures(results: Results, names: Iterable[str]) -> list[str]:
    return [
        "| | seconds |",
        "| --- | --- |",
        *(f"| {name} | {results[name]['told'].median:.1f} |" for name in names),
    ]


def plot(results: Results, curve: Sequence[int], path: Path) -> None:
    """Draw the picture of the Swarm's curve."""
    with _drawn(path, (7, 4)) as axes:
        for name in (
            measure_swarm.LOOP,
            measure_swarm.STACK,
            measure_swarm.OURS,
            measure_swarm.EMPTY,
        ):
            axes.plot(
                curve,
                [results[f"curve {services}"][name].median for services in curve],
                marker="o",
                label=name,
            )
        axes.set_xlabel("services")
        axes.set_ylabel("seconds, no changes")
        axes.set_ylim(bottom=0)
        axes.legend()


def timeline(results: events.EventResults, path: Path) -> None:
    """Draw the picture of a join.

    How the seconds from the group to the command are spent, and how late the slowest twentieth is.
    """
    with _drawn(path, (8, 3)) as axes:
        before = last = 0.0
        for place, part in enumerate(events.PARTS):
            median, late, _longest = results.joins.row(part)
            axes.barh(place, median - before, left=before, color="#2f6f9f")
            axes.plot([median, late], [place, place], color="#2f6f9f", alpha=0.4, linewidth=3)
            axes.annotate(
                f"{median:.2f} s",
                (late, place),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
            )
            before, last = median, late
        axes.set_yticks(range(len(events.PARTS)), [events.TOLD[part] for part in events.PARTS])
        axes.invert_yaxis()
        axes.set_xlim(0, last * 1.15)
        axes.set_xlabel("seconds after the group has changed: median, and up to 95 % of the joins")


@contextlib.contextmanager
def _drawn(path: Path, inches: tuple[float, float]) -> Iterator[Any]:
    """Axes to draw on, which are an SVG afterwards."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {"svg.hashsalt": "shipping.code", "svg.fonttype": "none", "font.family": "sans-serif"}
    )
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=inches)
    yield axes
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
