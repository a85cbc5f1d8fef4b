# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where there is no systemd: a real cron, and a delivery by SSH to a real machine.

The tests run in the order of the file.
"""

from __future__ import annotations

import pytest

from .control import (
    HOME,
    NAME,
    PC,
    PROGRAM,
    SETTINGS,
    Control,
    wait_for,
)

pytestmark = pytest.mark.long


def test_check_mode_reports_without_changes(control: Control):
    played = control.apply("--check", "--diff")
    assert played.rc == 0 and played.changed == 5, played.output
    assert control.files() == set() and control.machine.ssh("root", f"id {NAME}").returncode
    assert "reader secret" not in played.output and "PRIVATE KEY" not in played.output


def test_installed_once(control: Control):
    first = control.apply("--diff")
    assert (
        first.rc == 0 and "reader secret" not in first.output and "PRIVATE KEY" not in first.output
    ), first.output
    again = control.apply()
    assert again.rc == 0 and again.changed == 0, again.output
    assert control.machine.run(
        "stat", "-c", "%a %U", f"{SETTINGS}/credentials", f"{SETTINGS}/credentials/ssh-key"
    ).split() == ["700", NAME, "600", NAME]
    assert "PRIVATE KEY" not in control.read(f"{SETTINGS}/sync.json") + control.read(
        f"/etc/cron.d/{NAME}"
    )


def test_cron_delivers(control: Control):
    control.commit()
    control.machine.run("cron")
    wait_for(lambda: control.says("ada", "atlas-tiles 3") == (0, "64 tiles"), 130)
    wait_for(lambda: "shipping_sync_exit_status" in control.metrics(), 20)
    control.machine.run("pkill", "-x", "cron")
    told = control.metrics()
    assert (
        told["shipping_sync_exit_status"] == 0
        and told['shipping_delivery_hosts{state="ready"}'] == 1
    ), told
    assert (
        told["shipping_sync_last_success_timestamp_seconds"]
        and told["shipping_delivery_lag_seconds"] == 0
    )
    assert f"{PC}  ready" in control.read(
        f"{HOME}/sync.log"
    ) and " delivered after " in control.read(f"{HOME}/sync.log")


def test_leaving_is_a_commit(control: Control):
    control.members()
    control.commit()
    assert control.sync() == 0, control.read(f"{HOME}/sync.log")
    assert control.says("ada", "atlas-tiles 3")[0] == 127


def test_a_host_that_is_off_is_waiting(control: Control):
    control.pc.power_off()
    try:
        assert control.sync() == 0, control.read(f"{HOME}/sync.log")
        assert control.metrics()['shipping_delivery_hosts{state="waiting"}'] == 1
        assert control.sync() == 0 and control.metrics()["shipping_delivery_lag_seconds"] > 0
    finally:
        control.pc.power_on()


def test_a_host_that_fails_has_its_own_status(control: Control):
    former = control.metrics()["shipping_sync_last_success_timestamp_seconds"]
    control.members("ada")
    control.breaks(broken=True)
    control.commit()
    assert control.sync() == 1, control.read(f"{HOME}/sync.log")
    told = control.metrics()
    assert (
        told['shipping_delivery_hosts{state="failed"}'] == 1
        and told["shipping_sync_exit_status"] == 1
    )
    assert told["shipping_sync_last_success_timestamp_seconds"] == former
    control.breaks(broken=False)
    control.commit()


def test_a_missing_repository(control: Control):
    control.machine.run("mv", "/opt/git/tools", "/opt/git/away")
    assert control.sync() == 1 and control.metrics()["shipping_sync_project_current"] == 0
    assert "the former checkout is used" in control.read(f"{HOME}/sync.log")
    control.machine.run("mv", "/opt/git/away", "/opt/git/tools")
    assert control.sync() == 0 and control.says("ada", "atlas-tiles 3") == (0, "64 tiles")


def test_an_inventory_that_fails_delivers_nothing(control: Control):
    control.write("/opt/git/tools/inventories/directory/hosts.json", "{")
    control.commit()
    assert control.sync() == 2, control.read(f"{HOME}/sync.log")
    assert control.says("ada", "atlas-tiles 3") == (0, "64 tiles")


def test_one_run_at_a_time(control: Control):
    held = control.machine.ssh(
        "root", f"flock {HOME}/lock runuser -u {NAME} -- python3 {PROGRAM} {SETTINGS}/sync.json"
    )
    assert held.returncode == 75 and "another run is in progress" in control.read(
        f"{HOME}/sync.log"
    )


def test_a_log_that_has_grown_makes_room(control: Control):
    control.machine.run("truncate", "--size", "11M", f"{HOME}/sync.log")
    control.sync()
    assert (
        int(control.machine.run("stat", "-c", "%s", f"{HOME}/sync.log"))
        < 100_000
        < int(control.machine.run("stat", "-c", "%s", f"{HOME}/sync.log.1"))
    )


def test_a_secret_that_is_not_needed_any_more(control: Control):
    played = control.apply(membership_sync_secrets={"ldap-password": "reader secret"})
    assert played.rc == 0 and played.changed == 1, played.output
    assert control.machine.run("ls", f"{SETTINGS}/credentials").split() == ["ldap-password"]


def test_absent_removes_everything(control: Control):
    played = control.apply("--check", membership_sync_state="absent")
    assert played.rc == 0 and control.files(), played.output
    played = control.apply(membership_sync_state="absent")
    assert played.rc == 0 and played.changed, played.output
    assert control.files() == set() and control.machine.ssh("root", f"id {NAME}").returncode
    again = control.apply(membership_sync_state="absent")
    assert again.rc == 0 and again.changed == 0, again.output
