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
from hypothesis import given
from hypothesis import strategies as st


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
    ({**shown("Job"), "spec": {"suspend": True}}, CURRENT, ""),
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


def test_a_kind_of_the_same_name_in_another_group_has_conditions():
    body = shown("Service", conditions=says(Ready="no route"))
    assert status(body) == (CURRENT, "")
    assert status(body, is_standard=False) == (IN_PROGRESS, "no route")


# A definition may leave the schema of status open: whatever JSON has may stand there.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "status", "message", "reason", "observedGeneration", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
CONDITIONS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["Ready", "Stalled"]) | JSON, "status": JSON})
    | JSON,
    max_size=3,
)
STATUS = JSON | st.fixed_dictionaries(
    {}, optional={"conditions": CONDITIONS | JSON, "observedGeneration": JSON, "message": JSON}
)


@given(written=STATUS, spec=JSON, generation=st.integers(0, 9))
def test_a_status_of_any_shape(written, spec, generation):
    body = {
        "apiVersion": "example.org/v1",
        "kind": "Job",
        "metadata": {"name": "a", "generation": generation},
        "spec": spec,
        "status": written,
    }
    state, why = status(body, is_standard=False)
    assert state in (CURRENT, IN_PROGRESS, FAILED) and isinstance(why, str)
    if not isinstance(written, dict):
        assert state == CURRENT
