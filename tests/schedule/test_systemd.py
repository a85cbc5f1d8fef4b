# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where there is systemd.

Systemd itself does not run here, so its own checks look at the units, and the program runs as it
would. In the file's order.
"""

from __future__ import annotations

import json
import re

import pytest

from .control import NAME, PROGRAM, SETTINGS, Control

pytestmark = pytest.mark.long

SYSTEMD = {
    "membership_sync_scheduler": "systemd",
    "membership_sync_rulebook": "shipping.code.deliver",
}
UNITS = "/etc/systemd/system"
EXPOSURE = 2.0  # of 10; systemd's own word for it is OK


def test_installed_once(control: Control):
    first = control.apply("--diff", **SYSTEMD)
    assert first.rc == 0 and "reader secret" not in first.output, first.output
    again = control.apply(**SYSTEMD)
    assert again.rc == 0 and again.changed == 0, again.output
    wanted = control.machine.run(
        "sh", "-c", f"ls {UNITS}/timers.target.wants {UNITS}/multi-user.target.wants"
    )
    assert (
        f"{NAME}.timer" in wanted
        and f"{NAME}-events.service" in wanted
        and f"/etc/cron.d/{NAME}" not in control.files()
    )
    assert control.machine.run(
        "stat", "-c", "%a %U", f"{SETTINGS}/credentials", f"{SETTINGS}/credentials/ssh-key"
    ).split() == [
        "700",
        "root",
        "600",
        "root",
    ]


def test_systemd_finds_nothing_wrong(control: Control):
    units = [f"{UNITS}/{NAME}{kind}" for kind in (".service", ".timer", "-events.service")]
    done = control.machine.ssh("root", f"systemd-analyze verify --man=no {' '.join(units)} 2>&1")
    assert done.returncode == 0 and not [
        line for line in done.stdout.splitlines() if NAME in line
    ], done.stdout


def test_little_is_exposed(control: Control):
    for unit in (f"{NAME}.service", f"{NAME}-events.service"):
        done = control.machine.ssh(
            "root",
            f"systemd-analyze security --no-pager --offline=yes --threshold={EXPOSURE * 10:.0f}"
            f" {UNITS}/{unit} 2>&1",
        )
        told = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
        assert told and float(told[1]) <= EXPOSURE and done.returncode == 0, done.stdout


def test_a_run_as_the_service(control: Control):
    """With the credentials' folder that systemd would make."""
    control.commit()
    given = f"/run/credentials/{NAME}.service"
    control.machine.run(
        "sh",
        "-c",
        f"mkdir -p {given}; cp {SETTINGS}/credentials/* {given}; chown -R {NAME} {given}; chmod 500"
        f" {given}; chmod 400 {given}/*",
    )
    run = (
        f"cd /; CREDENTIALS_DIRECTORY={given} JOURNAL_STREAM=1:1 runuser -u {NAME} -- python3"
        f" {PROGRAM} {SETTINGS}/sync.json"
    )
    done = control.machine.ssh("root", run)
    assert done.returncode == 0 and re.search(
        r"^delivered after \d+ s$", done.stdout, re.MULTILINE
    ), done.stdout + done.stderr
    assert control.says("ada", "atlas-tiles 3") == (0, "64 tiles")


def test_the_service_for_events_becomes_ansible_rulebook(control: Control):
    control.write(
        "/opt/ansible/bin/ansible-rulebook",
        '#!/bin/sh\nprintf "%s\\n" "$PWD" "$SHIPPING_LDAP_PASSWORD_FILE" "$@"\n',
    )
    control.machine.run("chmod", "755", "/opt/ansible/bin/ansible-rulebook")
    told = control.machine.run(
        "runuser", "-u", NAME, "--", "python3", PROGRAM, f"{SETTINGS}/sync.json", "events"
    ).splitlines()
    assert (
        told[0] == f"/var/lib/{NAME}/project" and told[1] == f"{SETTINGS}/credentials/ldap-password"
    )
    assert told[2:] == [
        "--rulebook",
        "shipping.code.deliver",
        "--inventory",
        "inventories/directory",
        "--vars",
        f"{SETTINGS}/rulebook.json",
    ]


def test_without_the_rulebook_its_service_is_removed(control: Control):
    played = control.apply(**{**SYSTEMD, "membership_sync_rulebook": ""})
    assert played.rc == 0 and not [path for path in control.files() if "events" in path], (
        played.output
    )


def test_mistakes_are_refused_before_anything_is_touched(control: Control):
    before = control.files()
    for variables, words in (
        (
            {"membership_sync_interval": 7, "membership_sync_scheduler": "cron"},
            "cron cannot run every 7 minutes",
        ),
        (
            {"membership_sync_project": "/srv/tools"},
            "Set either membership_sync_repository or membership_sync_project",
        ),
        (
            {"membership_sync_bin": "/opt/none"},
            (
                "/opt/none/ansible-playbook is missing on control. Install it, or correct"
                " membership_sync_bin"
            ),
        ),
    ):
        played = control.apply(**variables)
        assert played.rc and words in " ".join(played.output.split()), played.output
    assert control.files() == before


def test_absent_removes_everything(control: Control):
    assert json.loads(control.read(f"{SETTINGS}/sync.json"))["log"] == {}
    gone = control.apply(membership_sync_state="absent")
    assert (
        gone.rc == 0
        and control.files() == set()
        and control.machine.ssh("root", f"id {NAME}").returncode
    ), gone.output
