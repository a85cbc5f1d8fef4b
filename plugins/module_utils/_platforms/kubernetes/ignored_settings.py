# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of an app that Kubernetes ignores: each is noted, and left out of the normal form.

What is ignored must be part of no comparison, or a change of it would make another release.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..._compose.defaults import RESTART_DEFAULTS
from ..._compose.job_services import JOB_MODES
from ..._compose.normal_form import Compose, Service
from ..._compose.service import pruned
from ..._core.parsing import SpecReader
from .service_names import LABEL_KEY

LOCAL_LOG_DRIVERS = (None, "json-file", "local", "journald", "none")
_RESTART_DETAILS = ("delay", "max_attempts", "window")
_HONORED_OF_JOBS = ("condition", "max_attempts")
_UPDATE_KEYS = ("parallelism", "delay", "monitor", "order")
_ONE_NETWORK = "the cluster has one network"
_NETWORK_KEYS = {
    "driver": _ONE_NETWORK,
    "driver_opts": _ONE_NETWORK,
    "attachable": _ONE_NETWORK,
    "ipam": "the cluster assigns addresses",
}


def note_ignored(app: Compose, reader: SpecReader) -> None:
    """Note each setting that is ignored, at its place."""
    for name, service in app.services.items():
        place = reader.at("services").at(name)
        _note_process(service, place)
        _note_deploy(service.get("deploy", {}), place.at("deploy"))
        _note_labels(service.get("labels", {}), place.at("labels"))
        _note_labels(service.get("deploy", {}).get("labels", {}), place.at("deploy.labels"))
        for index, mount in enumerate(service.get("volumes", [])):
            if mount.get("tmpfs", {}).get("mode"):
                place.at("volumes").at(index).note(
                    f"the mode of {mount['target']} is ignored, since every user may write there"
                )
        if "logging" in service and service["logging"].get("driver") in LOCAL_LOG_DRIVERS:
            place.at("logging").note("ignored, since the nodes keep the logs of pods")
    for name, network in app.networks.items():
        for key, why in _NETWORK_KEYS.items():
            if network.get(key) not in (None, "overlay", False):
                reader.at("networks").at(name).at(key).note(f"ignored, since {why}")


def _note_process(service: Service, place: SpecReader) -> None:
    if "stop_signal" in service and service.get("init"):
        place.at("init").note("ignored, since the program must be PID 1 to get its stop_signal")
    if service.get("ulimits"):
        place.at("ulimits").note("ignored, since the nodes' container runtime sets them")


def _note_labels(labels: Mapping[str, str], place: SpecReader) -> None:
    """Note labels that neither a label nor an annotation can hold, such as long ones of a proxy."""
    lost = [key for key in labels if not LABEL_KEY.fullmatch(key)]
    if lost:
        place.note(
            f"{', '.join(lost)} ignored, since a key on Kubernetes has letters, digits, '-', '_'"
            " and '.', at most 63, after an optional domain and '/'"
        )


def _note_deploy(deploy: Mapping[str, Any], place: SpecReader) -> None:
    policy = deploy.get("restart_policy", RESTART_DEFAULTS)
    honored = _HONORED_OF_JOBS if deploy.get("mode") in JOB_MODES else ()
    details = [
        key
        for key in _RESTART_DETAILS
        if key not in honored and policy[key] != RESTART_DEFAULTS[key]
    ]
    if details:
        place.at("restart_policy").note(
            f"{', '.join(details)} ignored, since kubelets have their own backoff"
        )
    if deploy.get("rollback_config"):
        place.at("rollback_config").note("ignored, since a rollback is an update like any other")
    update = deploy.get("update_config", {})
    if update.get("max_failure_ratio"):
        place.at("update_config.max_failure_ratio").note(
            "ignored, since max_crashes of the release limits failures"
        )
    if update.get("failure_action") == "continue":
        place.at("update_config.failure_action").note(
            "ignored, since a failed release is always rolled back"
        )
    if deploy.get("resources", {}).get("limits", {}).get("pids"):
        place.at("resources.limits.pids").note(
            "ignored, since kubelets limit processes (podPidsLimit)"
        )


def as_honored(app: Compose) -> Compose:
    """Return the app without the settings that are ignored; the given app stays as it is."""
    return replace(
        app,
        services={
            name: pruned(_service_without_ignored(service))
            for name, service in app.services.items()
        },
        networks={name: _without(entry, *_NETWORK_KEYS) for name, entry in app.networks.items()},
    )


def _service_without_ignored(service: Service) -> Service:
    kept = _without(service, "ulimits", "logging")
    if "labels" in kept:
        kept["labels"] = _possible_labels(kept["labels"])
    if "user" in kept:
        # One form: the user root has the number 0 in every image.
        kept["user"] = kept["user"].replace("root", "0")
    if "stop_signal" in kept:
        kept.pop("init", None)
    if "deploy" in kept:
        kept["deploy"] = _deploy_without_ignored(kept["deploy"])
    if "volumes" in kept:
        kept["volumes"] = [_mount_without_ignored(mount) for mount in kept["volumes"]]
    return kept


def _possible_labels(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if LABEL_KEY.fullmatch(key)}


def _deploy_without_ignored(deploy: Mapping[str, Any]) -> Service:
    kept = _without(deploy, "restart_policy", "rollback_config")
    if "labels" in kept:
        kept["labels"] = _possible_labels(kept["labels"])
    if deploy.get("mode") in JOB_MODES and "restart_policy" in deploy:
        kept["restart_policy"] = {key: deploy["restart_policy"][key] for key in _HONORED_OF_JOBS}
    if "update_config" in kept:
        kept["update_config"] = {key: kept["update_config"][key] for key in _UPDATE_KEYS}
    resources = kept.get("resources", {})
    if "limits" in resources:
        kept["resources"] = {**resources, "limits": _without(resources["limits"], "pids")}
    return kept


def _mount_without_ignored(mount: Mapping[str, Any]) -> Service:
    # Kubernetes never copies an image's content into a volume.
    kept = {**mount, "volume": _without(mount.get("volume", {}), "nocopy")}
    if "tmpfs" in kept:
        kept["tmpfs"] = _without(kept["tmpfs"], "mode")
    result: Service = pruned(kept)
    return result


def _without(entry: Mapping[str, Any], *keys: str) -> Service:
    return {key: value for key, value in entry.items() if key not in keys}
