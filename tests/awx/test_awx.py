# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX has what deliveries need, by the real client over real HTTP.

It is the stand-in in tests/testbed/awx.py, or a real AWX.
"""

from __future__ import annotations

import subprocess

import pytest

from .deliveries import MADE, Deliveries

pytestmark = pytest.mark.long

SECRETS = ("reader secret", "PRIVATE KEY", "hook secret")


def test_created_once_changed_and_removed(deliveries: Deliveries):
    dry = deliveries.play("--check", "--diff")
    assert (
        dry.rc == 0
        and set(dry.outcomes.values()) == {"created"}
        and deliveries.all("projects") == set()
    ), dry.output
    first = deliveries.play("--diff")
    assert (
        first.rc == 0
        and set(first.outcomes.values()) == {"created"}
        and first.outcomes == dry.outcomes
    ), first.output
    for secret in (*SECRETS, deliveries.token):
        assert secret not in first.output
    _has_what_deliveries_need(deliveries)
    assert deliveries.all("credential_types") == {f"{deliveries.name} directory"}
    again = deliveries.play()
    assert (
        again.rc == 0
        and set(again.outcomes.values()) == {"unchanged"}
        and not again.result["changed"]
    ), again.output
    dry = deliveries.play("--check", "--diff", awx_sync_forks=7, awx_sync_interval=10)
    assert '"forks": 7' in dry.output.replace("'", '"') or "forks: 7" in dry.output, dry.output
    changed = deliveries.play(awx_sync_forks=7, awx_sync_interval=10)
    expected = {
        f"job_templates {deliveries.name} deliver",
        f"job_templates {deliveries.name} deliver events",
        f"schedules {deliveries.name} deliver",
    }
    assert {
        title for title, outcome in changed.outcomes.items() if outcome != "unchanged"
    } == expected, changed.output
    gone = deliveries.play(awx_sync_state="absent")
    assert gone.rc == 0 and set(gone.outcomes.values()) == {"removed"}, gone.output
    assert [deliveries.all(kind) for kind in MADE] == [set()] * len(MADE)
    assert not deliveries.play(awx_sync_state="absent").result["changed"]


def _has_what_deliveries_need(deliveries: Deliveries) -> None:
    name = deliveries.name
    template, source = (
        deliveries.one("job_templates", f"{name} deliver"),
        deliveries.one("inventory_sources", "directory"),
    )
    assert (
        template["ask_limit_on_launch"]
        and template["ask_variables_on_launch"]
        and not template["allow_simultaneous"]
        and template["forks"] == 20
    )
    assert (
        source["overwrite"]
        and source["update_on_launch"]
        and source["source_path"] == "inventories/directory/ldap_projects.yml"
    )
    assert source["credential"] == deliveries.one("credentials", f"{name} directory")["id"]
    assert deliveries.one("credentials", f"{name} directory")["inputs"] == {
        "password": "$encrypted$"
    }
    assert deliveries.one("credential_types", f"{name} directory")["injectors"] == {
        "env": {"SHIPPING_LDAP_PASSWORD": "{{ password }}"}
    }
    attached = deliveries.get(template["related"]["credentials"])["results"]
    assert [one["name"] for one in attached] == [f"{name} ssh"] and attached[0]["inputs"][
        "username"
    ]
    assert [
        one["name"]
        for one in deliveries.get(template["related"]["notification_templates_error"])["results"]
    ] == [f"{name} hook"]
    assert deliveries.one("schedules", f"{name} deliver")["unified_job_template"] == template["id"]
    assert deliveries.one("projects", name)["status"] == "successful"


def test_another_secret_is_seen(deliveries: Deliveries):
    assert deliveries.play().rc == 0
    changed = deliveries.play("--diff", awx_sync_directory_password="another secret")
    title = f"credentials {deliveries.name} directory"
    assert changed.rc == 0 and {title} == {
        one for one, outcome in changed.outcomes.items() if outcome == "changed"
    }, changed.output
    assert "another secret" not in changed.output and "reader secret" not in changed.output
    assert not deliveries.play(awx_sync_directory_password="another secret").result["changed"]
    always = deliveries.play(
        awx_sync_directory_password="another secret", awx_sync_update_secrets="always"
    )
    assert {
        outcome
        for one, outcome in always.outcomes.items()
        if one.startswith(("credentials", "notification"))
    } == {"changed"}, always.output


def test_changes_by_users_are_reverted_and_undeclared_fields_stay(deliveries: Deliveries):
    assert deliveries.play().rc == 0
    template = deliveries.one("job_templates", f"{deliveries.name} deliver")
    deliveries.send("PATCH", template["url"], {"forks": 1, "verbosity": 3})
    back = deliveries.play("--diff")
    assert [one for one, outcome in back.outcomes.items() if outcome == "changed"] == [
        f"job_templates {deliveries.name} deliver"
    ], back.output
    found = deliveries.one("job_templates", f"{deliveries.name} deliver")
    assert found["forks"] == 20 and found["verbosity"] == 3
    hook = deliveries.get(template["related"]["notification_templates_error"])["results"][0]
    deliveries.send(
        "POST",
        template["related"]["notification_templates_error"],
        {"id": hook["id"], "disassociate": True},
    )
    assert (
        deliveries.play().result["changed"]
        and deliveries.get(template["related"]["notification_templates_error"])["count"] == 1
    )


def test_what_others_have_made_is_neither_changed_nor_removed(deliveries: Deliveries):
    organization = deliveries.send(
        "POST",
        "/api/v2/organizations/",
        {"name": f"{deliveries.name} tools", "description": "Ours"},
    )
    inventory = deliveries.send(
        "POST",
        "/api/v2/inventories/",
        {"name": f"{deliveries.name} hosts", "organization": organization["id"]},
    )
    refused = deliveries.play()
    assert (
        refused.rc
        and "not managed by this module; write another name, or adopt" in refused.output
        and deliveries.all("projects") == set()
    )
    deliveries.send("PATCH", inventory["url"], {"name": f"{deliveries.name} other hosts"})
    assert deliveries.play().outcomes[f"organizations {deliveries.name} tools"] == "unchanged"
    gone = deliveries.play(awx_sync_state="absent")
    assert gone.rc == 0 and gone.outcomes[f"organizations {deliveries.name} tools"] == "kept", (
        gone.output
    )
    assert deliveries.get(organization["url"])["description"] == "Ours" and deliveries.all(
        "inventories"
    ) == {f"{deliveries.name} other hosts"}
    adopted = deliveries.play(awx_sync_adopt=True)
    assert adopted.outcomes[f"organizations {deliveries.name} tools"] == "changed", adopted.output
    kept = deliveries.play(awx_sync_state="absent")
    assert f"because it has inventories {deliveries.name} other hosts" in " ".join(
        kept.output.split()
    ), kept.output
    deliveries.send("DELETE", inventory["url"], {})
    deliveries.play(awx_sync_state="absent")


def test_a_repository_that_cannot_be_fetched(deliveries: Deliveries):
    failed = deliveries.play(awx_sync_repository="file:///nowhere")
    assert (
        failed.rc
        and "could not be fetched" in failed.output
        and "Check its output in AWX, and scm_url" in failed.output
    ), failed.output
    assert deliveries.all("job_templates") == set()
    assert deliveries.play().rc == 0 and deliveries.all("job_templates"), "the next run goes on"


def test_a_repository_that_is_there_later(deliveries: Deliveries, only_here):
    later = f"file://{deliveries.home}/later"
    assert deliveries.play(awx_sync_repository=later).rc
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", deliveries.repository, f"{deliveries.home}/later"],
        check=True,
    )
    second = deliveries.play(awx_sync_repository=later)
    assert second.rc == 0 and second.outcomes[f"projects {deliveries.name}"] == "unchanged", (
        second.output
    )


def test_mistakes_end_the_run_before_anything_is_made(deliveries: Deliveries):
    name = deliveries.name
    template = {
        "name": f"{name} d",
        "organization": f"{name} a",
        "project": f"{name} none",
        "inventory": f"{name} none",
        "playbook": "p.yml",
        "forks": -1,
    }
    objects = {
        "organizations": [{"name": f"{name} a"}, {"name": f"{name} a"}],
        "job_templates": [template],
        "schedules": [{"name": name, "unified_job_template": f"{name} d", "rrule": "every minute"}],
    }
    twice = deliveries.module(objects=objects)
    assert twice.rc and twice.problems == {
        f"organizations.{name} a",
        f"job_templates.{name} d.forks",
        f"schedules.{name}.rrule",
    }, twice.output
    del template["forks"]
    objects = {"organizations": [{"name": f"{name} a"}], "job_templates": [template]}
    unknown = deliveries.module(objects=objects)
    assert (
        unknown.rc
        and f"names the project {name} none, which is neither declared nor in AWX" in unknown.output
    ), unknown.output
    misspelt = deliveries.module(objects={"organisations": [{"name": f"{name} a"}]})
    assert misspelt.rc and "organisations" in misspelt.output
    often = deliveries.play(awx_sync_interval=-5)
    assert often.rc and "awx_sync_interval" in often.output, often.output
    assert [deliveries.all(kind) for kind in MADE] == [set()] * len(MADE)


def test_missing_rights_and_an_unreachable_awx(deliveries: Deliveries):
    denied = deliveries.module(token="no token", objects={})
    assert (
        denied.rc
        and "Authentication credentials were not provided" in denied.output
        and "Set a valid token" in denied.output
    ), denied.output
    # The user name must not hide each r of the message.
    credential = {
        "name": "c",
        "organization": "T",
        "credential_type": "Machine",
        "inputs": {"username": "r", "password": "a secret word"},
    }
    away = deliveries.module(
        "-vvv", url="http://127.0.0.1:1", objects={"credentials": [credential]}
    )
    assert (
        away.rc
        and "AWX at http://127.0.0.1:1: no answer" in away.output
        and "a secret word" not in away.output
        and "Traceback" not in away.output
    ), away.output
