# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of every kind as a cluster shows them, and what they have come to."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.kstatus import (
    CURRENT,
    FAILED,
    IN_PROGRESS,
    status,
)


def shown(kind, generation=2, **state):
    return {
        "kind": kind,
        "metadata": {"name": "a", "generation": generation},
        "spec": {"replicas": 2},
        "status": state,
    }


def says(**conditions):
    """Conditions by type; what is no "True" or "False" is the message of one that is "False"."""
    return [
        {
            "type": kind,
            "status": told if told in ("True", "False") else "False",
            "message": "" if told in ("True", "False") else told,
        }
        for kind, told in conditions.items()
    ]


CASES = [
    (shown("Cask"), CURRENT, ""),
    ({"kind": "Cask", "metadata": {"name": "a"}}, CURRENT, ""),
    (
        shown("Cask", observedGeneration=1),
        IN_PROGRESS,
        "its controller has not seen the change yet",
    ),
    (shown("Cask", observedGeneration=2, conditions=says(Ready="True")), CURRENT, ""),
    (shown("Cask", conditions=says(Ready="no barrel")), IN_PROGRESS, "no barrel"),
    (
        shown("Cask", conditions=says(Reconciling="True", Ready="True")),
        IN_PROGRESS,
        "is being reconciled",
    ),
    (shown("Cask", conditions=says(Stalled="True", Reconciling="True")), FAILED, "is stalled"),
    (shown("Cask", conditions=None), CURRENT, ""),
    (shown("CustomResourceDefinition"), IN_PROGRESS, "is not established"),
    (
        shown(
            "CustomResourceDefinition", conditions=says(Established="True", NamesAccepted="True")
        ),
        CURRENT,
        "",
    ),
    (
        shown("CustomResourceDefinition", conditions=says(NamesAccepted="taken by another")),
        FAILED,
        "taken by another",
    ),
    (shown("Job"), IN_PROGRESS, "has not completed"),
    (shown("Job", conditions=says(Complete="True")), CURRENT, ""),
    (shown("Job", conditions=says(Failed="True")), FAILED, "failed"),
    (shown("PersistentVolumeClaim", phase="Bound"), CURRENT, ""),
    (shown("PersistentVolumeClaim", phase="Pending"), CURRENT, ""),
    (shown("PersistentVolumeClaim"), IN_PROGRESS, "is not bound"),
    (shown("PersistentVolumeClaim", phase="Lost"), FAILED, "its volume is lost"),
    (shown("Pod", phase="Running", conditions=says(Ready="True")), CURRENT, ""),
    (shown("Pod", phase="Running", conditions=says(Ready="False")), IN_PROGRESS, "is not ready"),
    (shown("Pod", phase="Succeeded"), CURRENT, ""),
    (shown("Pod", phase="Failed", message="was evicted"), FAILED, "was evicted"),
    (shown("ReplicaSet", readyReplicas=1), IN_PROGRESS, "1 of 2 pods are ready"),
    (shown("ReplicaSet", readyReplicas=2), CURRENT, ""),
    (shown("Service", conditions=says(Ready="False")), CURRENT, ""),
    (shown("PodDisruptionBudget", conditions=says(Ready="False")), CURRENT, ""),
]


@pytest.mark.parametrize(("body", "state", "why"), CASES)
def test_what_an_object_has_come_to(body, state, why):
    assert status(body) == (state, why)


@pytest.mark.parametrize("kind", ["Cask", "Service", "Pod"])
def test_what_is_being_removed_is_never_current(kind):
    body = shown(kind, phase="Succeeded")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert status(body) == (IN_PROGRESS, "is being removed")
