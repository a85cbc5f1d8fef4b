# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the API server rejects, and what becomes of it.

The answers are those of Kubernetes 1.36, and of an older one that writes Go structures.
"""

from __future__ import annotations

import copy

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import RECREATE
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    defaulted_fields,
    immutable_fields,
    refusals,
)
from hypothesis import given
from hypothesis import strategies as st


def status(field, message, reason="FieldValueInvalid"):
    cause = {"reason": reason, "message": message, "field": field}
    text = f'Job.batch "a" is invalid: {field}: {message}'
    return {"message": text, "reason": "Invalid", "details": {"causes": [cause]}}


SENTENCES = [
    (
        status("spec.template", 'Invalid value: {"Spec":{"Image":"secret"}}: field is immutable'),
        "spec.template: field is immutable",
    ),
    (
        status(
            "spec.template",
            "Invalid value: core.PodTemplateSpec{A:v1.B{C:[]string{}}}: field is immutable",
        ),
        "spec.template: field is immutable",
    ),
    (
        status("spec", 'Forbidden: spec is immutable after creation\n@@ -6,7 +6,7 @@\n- "1"'),
        "spec: spec is immutable after creation",
    ),
    (
        status("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    ({"message": "deployments is forbidden: no", "details": {}}, "deployments is forbidden: no"),
    ({}, "status 422"),
    ({"message": "x" * 5000}, f"{'x' * 600}…"),
]


@pytest.mark.parametrize(("answer", "sentence"), SENTENCES)
def test_a_message_is_cut_to_its_sentence(answer, sentence):
    assert refusals.sentence(422, answer) == sentence


HINTS = [
    ('services "a" is forbidden: exceeded quota: q, requested: services=1', "quota"),
    ('admission webhook "w" denied the request: no', "webhook"),
    ("ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", "policy"),
    ('pods "a" is forbidden: violates PodSecurity "restricted:latest"', "standard"),
    ("unable to create new content in namespace a because it is being terminated", "namespace"),
]


@pytest.mark.parametrize(("text", "hint"), HINTS)
def test_quotas_and_admission_have_a_hint(text, hint):
    assert hint in refusals.hint(text)


def test_other_refusals_have_no_hint():
    assert refusals.hint('unknown field "date"') == ""


EXEMPT = (
    "updates to statefulset spec for fields other than 'replicas', 'template' and"
    " 'minReadySeconds' are forbidden"
)
FIELDS = [
    ([("spec.template", "field is immutable")], {}, {}, ("spec.template",)),
    ([("data", "field is immutable when `immutable` is set")], {}, {}, ("data",)),
    ([("value", "may not be changed in an update.")], {}, {}, ("value",)),
    ([("roleRef", "cannot change roleRef")], {}, {}, ("roleRef",)),
    ([("spec.clusterIPs[0]", "may not change once set")], {}, {}, ("spec.clusterIPs[0]",)),
    (
        [("spec", EXEMPT)],
        {"serviceName": "a", "template": 1},
        {"serviceName": "b", "template": 2},
        ("spec.serviceName",),
    ),
    ([("spec", "spec is immutable after creation")], {"a": 1}, {"a": 1}, ("spec",)),
    ([("spec.template", "field is immutable"), ("x", "must be at least 0")], {}, {}, ()),
    ([("", "policy: labels are immutable")], {}, {}, ()),
    ([], {}, {}, ()),
]


@pytest.mark.parametrize(("listed", "before", "after", "fields"), FIELDS)
def test_the_fields_that_cannot_change_in_place(listed, before, after, fields):
    found = [refusals.Refusal(*each) for each in listed]
    assert immutable_fields.fields(found, {"spec": after}, {"spec": before}) == fields


def recreated(kind="ConfigMap", live=None, recreate=(), service=""):
    wanted = {"kind": kind, "metadata": {"name": "a"}}
    objects = [immutable_fields.Recreated.of(wanted, live or {}, ("data",))]
    problems = []
    title = service or f"{kind}/a"
    plan = immutable_fields.plan(title, objects, (), recreate, problems)
    return plan, [str(problem) for problem in problems]


def test_what_cannot_change_in_place_is_recreated_where_that_is_allowed():
    plan, problems = recreated()
    assert problems == [
        "services.ConfigMap/a: data cannot change in place; set recreate: [ConfigMap/a], which"
        " recreates it, or give it another name"
    ]
    plan, problems = recreated(recreate={"ConfigMap/a"})
    assert (plan.action, problems) == (RECREATE, [])
    assert plan.interruption.startswith("interrupted, because ConfigMap/a is removed and created")


def test_a_job_is_recreated_without_a_wish():
    plan, problems = recreated("Job")
    assert (plan.action, problems) == (RECREATE, [])
    assert plan.interruption.startswith("runs again")


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "CustomResourceDefinition"])
def test_what_cannot_be_made_again_is_never_recreated(kind):
    _plan, problems = recreated(kind, recreate={f"{kind}/a"})
    assert "is never removed" in problems[0] and "recreate:" not in problems[0]


def test_the_object_of_a_service_of_a_compose_file_is_named():
    _plan, problems = recreated("PersistentVolumeClaim", service="web")
    assert problems[0].startswith(
        "services.web: PersistentVolumeClaim/a: data cannot change in place; a Persist"
    )


def test_volumes_are_not_removed_with_their_stateful_set():
    live = {"spec": {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Delete"}}}
    _plan, problems = recreated("StatefulSet", live=live, recreate={"StatefulSet/a"})
    assert "set spec.persistentVolumeClaimRetentionPolicy.whenDeleted to Retain" in problems[0]


ROLLING = {"maxSurge": "25%", "maxUnavailable": "25%"}


def deployment(spec, owner="", fields=None):
    managed = [{"manager": owner, "fieldsV1": fields or {}}] if owner else []
    return {"metadata": {"name": "a", "managedFields": managed}, "spec": spec}


STRATEGY = deployment({"strategy": {"type": "RollingUpdate", "rollingUpdate": ROLLING}})
NO_ROLLING = [refusals.Refusal("spec.strategy.rollingUpdate", "may not be specified")]
RECREATE_IT = {"metadata": {"name": "a"}, "spec": {"strategy": {"type": "Recreate"}}}


def test_a_default_that_the_new_form_forbids_is_given_up():
    before = copy.deepcopy(STRATEGY)
    replacement = defaulted_fields.replacement(NO_ROLLING, RECREATE_IT, STRATEGY)
    assert replacement["spec"] == {"strategy": {"type": "Recreate"}} and before == STRATEGY


def test_what_another_client_owns_is_not_given_up():
    fields = {"f:spec": {"f:strategy": {"f:rollingUpdate": {}}}}
    live = deployment(STRATEGY["spec"], "kubectl-edit", fields)
    assert defaulted_fields.replacement(NO_ROLLING, RECREATE_IT, live) is None
    ours = deployment(STRATEGY["spec"], "shipping.code", fields)
    assert defaulted_fields.replacement(NO_ROLLING, RECREATE_IT, ours)


VOLUMES = deployment({"volumes": [{"name": "b", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]})
WITH_SOURCE = {
    "metadata": {"name": "a"},
    "spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]},
}


@pytest.mark.parametrize(
    ("field", "volumes"),
    [
        (
            "spec.volumes[1].configMap",
            [{"name": "b", "emptyDir": {}}, {"name": "v", "configMap": {"name": "c"}}],
        ),
        ("spec.volumes[0].configMap", None),
        ("spec.volumes[7].configMap", None),
        ("spec.other.thing", None),
        ("spec", None),
    ],
)
def test_defaults_in_the_entry_of_a_list(field, volumes):
    listed = [refusals.Refusal(field, "may not specify more than 1 volume type")]
    replacement = defaulted_fields.replacement(listed, WITH_SOURCE, VOLUMES)
    assert (replacement and replacement["spec"]["volumes"]) == volumes


def test_an_owner_of_a_default_in_the_entry_of_a_list():
    fields = {"f:spec": {"f:volumes": {'k:{"name":"v"}': {"f:emptyDir": {}}}}}
    live = deployment(VOLUMES["spec"], "kubectl", fields)
    listed = [refusals.Refusal("spec.volumes[1].configMap", "may not")]
    assert defaulted_fields.replacement(listed, WITH_SOURCE, live) is None


ANYTHING = st.recursive(
    st.none() | st.integers() | st.sampled_from(["spec", "name", "a[0]", "x.y"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["spec", "name", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text("spec.[]0a", max_size=12), ANYTHING, ANYTHING)
def test_whatever_a_refusal_names_nothing_breaks(field, before, after):
    listed = [refusals.Refusal(field, "field is immutable")]
    live = {"metadata": {}, "spec": before}
    defaulted_fields.replacement(listed, {"metadata": {}, "spec": after}, live)
    immutable_fields.fields(listed, {"spec": {"a": after}}, {"spec": {"a": before}})
