# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of manifests: Jobs that have run, what is recreated, and titles that change."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    NotFound,
    PlanError,
    PlatformError,
    Unreachable,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.health import (
    LIVE,
    assess,
    remember,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.history import Record
from ansible_collections.shipping.code.plugins.module_utils._deploy.plan import (
    CREATE,
    KEEP,
    RECREATE,
    REMOVE,
    UPDATE,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ports import Wishes
from ansible_collections.shipping.code.plugins.module_utils._deploy.resolution import Resolved
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    adoption,
    manifests,
    planning,
    render,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Conflict,
    Invalid,
    Unserved,
    WebhookAway,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.finished_jobs import (  # noqa: E501
    with_finished,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.observe import (
    Snapshot,
    own,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.refusals import (
    Refusal,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.rehearsal import (
    Rehearsal,
)

from .test_manifests import CASK, definition, elsewhere, made

APP, NAMESPACE = "shop", "stores"


def app_of(*documents):
    read = manifests.read(documents, NAMESPACE, "refuse")
    services = manifests.services(read, {}, {}, images={}, labels={}, namespace=NAMESPACE)
    return Resolved(services=services)


def job(text):
    return made("Job", "mig", spec={"template": {"spec": {"containers": [{"args": [text]}]}}})


def live_body(app, title):
    body = copy.deepcopy(render.of_service(APP, title, app)[-1])
    namespace = body["metadata"].get("namespace", NAMESPACE)
    body["metadata"].update(namespace=namespace, uid=f"uid-{title}", resourceVersion="7")
    return body


def found_for(app, *titles):
    bodies = [live_body(app, title) for title in titles or app.services]
    return Snapshot(own(APP, NAMESPACE, bodies), namespace={"metadata": {"name": NAMESPACE}})


def record(app, number=1, state=LIVE):
    return Record(number=number, version=str(number), resolved=app, state=state)


class Server:
    """A cluster that answers dry runs by one error, or with what was sent."""

    namespace = NAMESPACE

    def __init__(self, error=None):
        self.error = error

    def apply(self, kind, body, **options):
        if self.error:
            raise self.error
        return body

    def replace(self, kind, body, manager, *, dry):
        return body


def rehearsed(app, found, *, error=None, records=(), recreate=()):
    """The entries after a rehearsal, its problems and notes, and what a plan needs."""
    wishes = Wishes(recreate=frozenset(recreate))
    finished = planning.finished_jobs(APP, app, records, wishes)
    entries, found = adoption.taken_over(planning.entries(APP, app, found, finished), found, wishes)
    found = adoption.under_their_titles(entries, found)
    comparison = planning.Comparison(APP, app, list(records), found, wishes)
    problems = list(planning.problems(comparison, entries))
    entries, refused, notes = Rehearsal(Server(error), "overwrite").all(entries)
    return comparison, entries, [*problems, *refused], notes


def planned(*args, **keys):
    comparison, entries, problems, _notes = rehearsed(*args, **keys)
    return planning.plan(comparison, entries, problems)


def actions(*args, **keys):
    return {service.name: service.action for service in planned(*args, **keys).services}


def immutable(field="spec.template", sentence="field is immutable"):
    error = Invalid("refused", f"{field}: {sentence}", status=422)
    error.refusals = (Refusal(field, sentence),)
    return error


ONE, TWO = app_of(job("one")), app_of(job("two"))
NOTHING = Snapshot(namespace={"metadata": {"name": NAMESPACE}})


def test_a_job_that_has_run_and_is_gone_is_no_change():
    assert actions(ONE, NOTHING) == {"Job/mig": CREATE}
    assert actions(ONE, NOTHING, records=[record(ONE)]) == {"Job/mig": KEEP}
    assert actions(TWO, NOTHING, records=[record(ONE)]) == {"Job/mig": CREATE}
    failed = [record(ONE, state="failed")]
    assert actions(ONE, NOTHING, records=failed) == {"Job/mig": CREATE}


def test_a_job_that_has_run_runs_again_where_that_is_wished():
    wish = {"records": [record(ONE)], "recreate": ["Job/mig"]}
    assert actions(ONE, NOTHING, **wish) == {"Job/mig": CREATE}


def test_a_changed_job_is_recreated():
    plan = planned(TWO, found_for(ONE), error=immutable(), records=[record(ONE)])
    (service,) = plan.services
    assert service.action == RECREATE and service.interruption.startswith("runs again, because")
    assert actions(ONE, found_for(ONE), error=immutable()) == {"Job/mig": KEEP}


def test_a_rollback_removes_the_newer_job_and_runs_none():
    records = [record(TWO, 2), record(ONE)]
    plan = planned(ONE, found_for(TWO), error=immutable(), records=records)
    (service,) = plan.services
    assert (service.action, service.early) == (REMOVE, True)
    assert "has run" in service.interruption


def test_the_state_of_a_job_that_has_run_and_is_gone():
    finished = manifests.finished_jobs([ONE.services])
    state = with_finished({}, ONE, finished)["Job/mig"]
    assert assess(state, remember(state), 0.0, 3).live
    assert with_finished({}, TWO, finished) == {}
    assert with_finished({"Job/mig": "there"}, ONE, finished) == {"Job/mig": "there"}


KEEP_POLICY = {"metadata": {"name": "a", "annotations": {"helm.sh/resource-policy": " Keep"}}}


def test_an_object_with_the_policy_keep_stays_when_it_leaves_the_app():
    before = app_of(made("ConfigMap") | KEEP_POLICY, made("Secret"), made("ConfigMap", "b"))
    after = app_of(made("ConfigMap", "b"))
    found = found_for(before)
    plan = planned(after, found, records=[record(before)])
    assert {service.name: service.action for service in plan.services} == {
        "ConfigMap/b": KEEP,
        "Secret/a": REMOVE,
    }
    assert plan.notes == (
        "ConfigMap/a is kept, since it has the annotation helm.sh/resource-policy: keep. Remove it"
        " by hand if you do not need it",
    )
    assert found.kept == ("ConfigMap/a",)
    assert found.belongings()["services"] == ["ConfigMap/b", "Secret/a"]
    # It left with an earlier release.
    assert planned(after, found, records=[record(after, 2), record(before)]).notes == ()


def settings(color):
    return app_of(made("ConfigMap", "settings", data={"color": color}))


def test_what_cannot_change_in_place_needs_a_wish():
    found = found_for(settings("blue"))
    with pytest.raises(PlanError, match=r"data cannot change in place; set recreate: \[ConfigMap"):
        planned(settings("red"), found, error=immutable("data"))
    wish = {"error": immutable("data"), "recreate": ["ConfigMap/settings"]}
    assert actions(settings("red"), found, **wish) == {"ConfigMap/settings": RECREATE}
    assert actions(settings("red"), found) == {"ConfigMap/settings": UPDATE}


def test_an_object_in_another_namespace_is_one_of_the_app():
    app = app_of(made("ConfigMap"), elsewhere(made("Secret"), "other"))
    assert actions(app, found_for(app)) == {"ConfigMap/a": KEEP, "Secret/other/a": KEEP}
    assert actions(app, found_for(app, "ConfigMap/a")) == {
        "ConfigMap/a": KEEP,
        "Secret/other/a": CREATE,
    }


def test_a_title_that_changes_is_no_other_object():
    theirs = {**CASK, "kind": "Service", "metadata": {"name": "a"}}
    before = app_of(definition("Service"), theirs)
    after = app_of(definition("Service"), theirs, made("Service"))
    assert actions(after, found_for(before))["Service.x.example/a"] == UPDATE
    assert "Service/a" in actions(after, found_for(before))
    assert REMOVE not in actions(after, found_for(before)).values()


def test_the_apps_own_namespace_is_taken_over():
    app = app_of(made("ConfigMap"), made("Namespace", NAMESPACE))
    there = {"kind": "Namespace", "metadata": {"name": NAMESPACE, "uid": "1"}}
    found = replace(NOTHING, unmanaged={("Namespace", NAMESPACE): there})
    assert actions(app, found)[f"Namespace/{NAMESPACE}"] == UPDATE
    other = app_of(made("ConfigMap"), made("Namespace", "other"))
    found = replace(NOTHING, unmanaged={("Namespace", "other"): there})
    with pytest.raises(PlanError, match="set adopt: true"):
        planned(other, found)


WITH_CASK = app_of(definition(), CASK)
UNSERVED = Unserved("refused", "404 page not found")


def test_a_version_that_comes_with_the_release_is_not_tried():
    _comparison, entries, problems, notes = rehearsed(WITH_CASK, NOTHING, error=UNSERVED)
    assert [note for note in notes if note.startswith("Cask/c")] == [
        "Cask/c was compared without the cluster's answer, which gets x.example/v1 with this"
        " release"
    ]
    assert not [problem for problem in problems if "Cask/c" in str(problem)] and entries


def test_what_the_cluster_does_not_have():
    app = app_of(made("ConfigMap"), elsewhere(made("Secret"), "other"))
    missing = NotFound("refused", 'namespaces "other" not found')
    _comparison, _entries, problems, _notes = rehearsed(app, NOTHING, error=missing)
    assert 'namespaces "other" not found; create the namespace first' in str(problems[-1])
    app = app_of(made("ConfigMap"), elsewhere(made("Secret"), "other"), made("Namespace", "other"))
    _comparison, _entries, _problems, notes = rehearsed(app, NOTHING, error=missing)
    assert any("which gets the namespace other with this release" in note for note in notes)
    _comparison, _entries, problems, _notes = rehearsed(app, NOTHING, error=UNSERVED)
    assert "does not serve ConfigMap in v1" in " ".join(map(str, problems))


def test_a_webhook_that_does_not_answer_is_said():
    """One of the release itself may answer once it is written; another one is a problem now."""
    error = WebhookAway("refused", 'failed calling webhook "v.example.org"', status=500)
    _comparison, _entries, problems, _notes = rehearsed(settings("a"), NOTHING, error=error)
    assert 'the cluster rejects ConfigMap/settings: failed calling webhook "v.example.org"' in str(
        problems[0]
    )
    converted = definition()
    service = {"clientConfig": {"service": {"name": "x", "namespace": "n"}}}
    converted["spec"]["conversion"] = {"strategy": "Webhook", "webhook": service}
    app = app_of(made("ConfigMap"), converted)
    _comparison, _entries, problems, notes = rehearsed(app, NOTHING, error=error)
    assert not problems and "a webhook does not answer" in notes[0]


def test_a_refusal_has_its_hint():
    error = PlatformError("refused", "exceeded quota: few", "Raise the quota", status=403)
    _comparison, _entries, problems, _notes = rehearsed(settings("a"), NOTHING, error=error)
    assert str(problems[0]).endswith(
        "the cluster rejects ConfigMap/settings: exceeded quota: few; raise the quota"
    )
    with pytest.raises(Unreachable):
        rehearsed(settings("a"), NOTHING, error=Unreachable("no connection"))


def test_a_field_that_a_controller_holds_is_left_out_of_the_manifest():
    app = app_of(made("Deployment", "web", spec={"template": {}, "replicas": 1}))
    found = found_for(app)
    found.objects["Deployment", "web"]["spec"]["replicas"] = 3
    error = Conflict("refused", "conflict", [("kube-controller-manager", ".spec.replicas")])
    _comparison, _entries, problems, _notes = rehearsed(app, found, error=error)
    assert "leave it out of the manifest" in str(problems[0])


def test_a_forbidden_default_is_predicted_by_a_replacement():
    live = app_of(made("ConfigMap", "settings", data={"a": "1"}))
    found = found_for(live)
    body = found.objects["ConfigMap", "settings"]
    body["data"]["default"] = "x"
    error = immutable("data.default", "may not be specified")
    _comparison, entries, problems, _notes = rehearsed(settings("red"), found, error=error)
    assert not problems and entries[0].predicted["data"] == {"color": "red"}
