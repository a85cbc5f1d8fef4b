# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong: nothing is lost, nobody loses what they have.

A person is told only of what a person has to mend.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state

from tests.testbed.directory_servers import LIMITED, READER, Slapd
from tests.testbed.proxy import Proxy

from .event_feeds import (
    COMPANY,
    Feed,
    Follower,
    agrees,
    dn,
    group,
    modify,
    tree,
    wanted,
)

pytestmark = pytest.mark.long

Follow = Callable[..., Follower]
PLUGIN = (
    Path(__file__).resolve().parents[2] / "extensions/eda/plugins/event_source/ldap_membership.py"
)


def test_the_server_is_restarted(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("snapshot")
    slapd.server.stop()
    assert follower.wait("trouble")["hint"]
    slapd.server.start()
    slapd.join("ada")
    slapd.leave("bob", "beta")
    follower.wait("joined")
    follower.wait("left")
    follower.wait("recovered")
    agrees(slapd, folder)


def test_the_server_has_forgotten_the_cookie(slapd: Feed, follow: Follow, folder: Path):
    """Its database is made anew.

    No entry has the number that it had, and its clock of changes begins anew as well.
    """
    follower = follow(slapd)
    follower.wait("pending")
    slapd.server.stop()
    follower.wait("trouble")
    slapd.server.load(tree().replace("cn: alpha\n", f"cn: alpha\nmember: {dn('eve')}\n"))
    slapd.server.start()
    slapd.join("dan")  # so that the directory is not older than what was published
    follower.wait("recovered")
    agrees(slapd, folder)
    assert wanted(folder)["pc4.example.com"] == {"eve": ["alpha"]}


def test_a_cookie_that_is_none(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("pending")
    slapd.server.stop()
    follower.wait("trouble")
    for state in follower.source.connection.sync_states.values():
        state.cookie = "rid=000,csn=20010101000000.000000Z#000000#000#000000"
    slapd.server.start()
    slapd.join("ada")
    follower.wait("joined")
    agrees(slapd, folder)


def test_an_account_that_does_not_see_all_is_refused_at_the_start(slapd: Feed, follow: Follow):
    error = follow(slapd, bind_dn=LIMITED, page_size=1).ended()
    assert "limits" in error.hint and "sizelimit" in str(error).lower().replace(" ", "")


def test_a_wrong_password_ends_it_at_the_start(slapd: Feed, follow: Follow, folder: Path):
    error = follow(slapd, bind_password="wrong one").ended()
    assert "rejects the bind of" in str(error) and "wrong one" not in str(error)
    (kept,) = folder.iterdir()
    assert kept.name.startswith("rejected-") and "wrong one" not in kept.read_text()


def test_a_password_that_is_refused_later_is_not_tried_again(
    slapd: Feed, follow: Follow, folder: Path, tmp_path: Path
):
    secret = tmp_path / "password"
    secret.write_text(slapd.options["bind_password"])
    follower = follow(slapd, bind_password=None, bind_password_file=str(secret))
    follower.wait("pending")
    slapd.change(modify(READER, "replace", "userPassword: another one"))
    slapd.server.stop()
    slapd.server.start()
    trouble = follower.wait(
        "trouble",
        hint="Check bind_dn and the password; it was tried once only, so that nothing is locked",
    )
    count = len(follower.of_type("trouble"))
    time.sleep(3)
    assert len(follower.of_type("trouble")) == count and "another one" not in json.dumps(trouble)
    secret.write_text("another one")  # A new password is a reason to try at once.
    follower.wait("recovered")
    slapd.options["bind_password"] = "another one"
    slapd.join("ada")
    follower.wait("joined")
    agrees(slapd, folder)


def test_a_group_is_emptied_by_mistake(slapd: Feed, follow: Follow, folder: Path):
    for uid in ("ada", "bob", "cy"):
        slapd.join(uid)
    follower = follow(slapd)
    follower.wait("pending")
    before = wanted(folder)
    for uid in ("ada", "bob", "cy"):  # one by one, which counts together
        slapd.leave(uid)
        time.sleep(0.3)
    held = follower.wait("blocked")
    assert any("alpha would lose all" in reason for reason in held["reasons"])
    after = wanted(folder)
    assert any("alpha" in chain.from_iterable(users.values()) for users in after.values())
    start = len(follower.events)
    slapd.join("eve", "beta")  # Joins go on.
    assert follower.wait("joined", start)["project"] == "beta"
    assert (
        before["pc2.example.com"]["cy"] == ["alpha", "beta"]
        and "alpha" in wanted(folder)["pc2.example.com"]["cy"]
    )
    follower.stop()
    again = follow(slapd)  # It is held over a restart, too.
    approval = again.wait("blocked")["approval"]
    (folder / f"approve-{approval}").touch()
    assert again.wait("left")["project"] == "alpha"
    agrees(slapd, folder)
    assert not (folder / f"approve-{approval}").exists()


def test_a_reverted_removal_is_unblocked(slapd: Feed, follow: Follow, folder: Path):
    for uid in ("ada", "bob", "cy"):
        slapd.join(uid)
    follower = follow(slapd)
    follower.wait("pending")
    members = "\n".join(f"member: {dn(uid)}" for uid in ("ada", "bob", "cy"))
    slapd.change(modify(group("alpha"), "delete", members))
    follower.wait("blocked")
    slapd.change(modify(group("alpha"), "add", members))
    follower.wait("unblocked")
    assert follower.of_type("left") == []
    agrees(slapd, folder)


def test_many_join_at_once(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("pending")
    start = len(follower.events)
    slapd.change(
        modify(
            group("alpha"),
            "add",
            "\n".join(f"member: {dn(uid)}" for uid in ("ada", "bob", "cy", "dan", "eve")),
        )
    )
    assert len(follower.wait("joined", start)["users"]) == 5
    follower.wait("pending", start)
    time.sleep(0.5)
    assert len(follower.of_type("joined", start)) == len(follower.of_type("pending", start)) == 1


def test_an_account_closes_by_its_date(
    slapd: Feed, follow: Follow, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    from ansible_collections.shipping.code.plugins.plugin_utils._membership import accounts

    days = int(time.time() // 86_400) + 1
    slapd.change(modify(dn("bob"), "add", f"shadowExpire: {days}"))
    # The test does not wait for midnight: the day begins in three seconds.
    soon = time.time() + 3
    real = accounts.closing_dates
    moment = datetime.fromtimestamp(soon, UTC)
    monkeypatch.setattr(
        accounts, "closing_dates", lambda entry: [(name, moment) for name, _end in real(entry)]
    )
    follower = follow(slapd, heartbeat=300)
    follower.wait("pending")
    closed = follower.wait("changed")
    assert closed["why"] == "account" and time.time() >= soon
    assert wanted(folder)["pc2.example.com"] == {"cy": ["beta"]}


def test_a_listener_that_is_dead_without_a_word(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("pending")
    for listener in follower.source.connection.listeners:
        listener.queue = type(listener.queue)()  # What it hears goes nowhere.
    slapd.join("ada")
    follower.wait("joined")
    assert "is dead" in follower.wait("trouble")["what"]
    follower.wait("recovered")
    start = len(follower.events)
    slapd.leave("ada")
    follower.wait("left", start)
    agrees(slapd, folder)


def test_the_network_is_cut(slapd: Feed, follow: Follow, folder: Path):
    server: Slapd = slapd.server
    proxy = Proxy((server.machine.address, server.port))
    try:
        uri = proxy.host.replace("tcp", "ldap")
        follower = follow(slapd, uris=[uri], allow_clear_text=True, timeout=1)
        follower.wait("pending")
        proxy.block(r"[\s\S]")  # Nothing gets through, and nobody says so.
        slapd.join("ada")
        assert follower.wait("trouble")
        proxy.unblock()
        follower.wait("joined")
        follower.wait("recovered")
        agrees(slapd, folder)
    finally:
        proxy.close()


def test_a_directory_that_was_set_back(slapd: Feed, follow: Follow, folder: Path):
    follower = follow(slapd)
    follower.wait("pending")
    slapd.join("ada")
    follower.wait("joined")
    follower.stop()
    path = folder / "wanted.json"
    told = json.loads(path.read_text())
    told["membership"]["revision"] = told["membership"]["revision"].replace(":20", ":21")
    path.write_text(json.dumps(told))
    trouble = follow(slapd).wait("trouble")
    assert (
        "is older than what was published" in trouble["what"] and "accept_older" in trouble["hint"]
    )
    follow(slapd, accept_older=True).wait("pending")


def test_another_server_takes_over(slapd: Feed, follow: Follow, folder: Path):
    replica = Slapd(slapd.server.machine, f"replica-{time.time_ns()}", port=3389, secure_port=3636)
    replica.follow(slapd.server)
    try:
        follower = follow(slapd, uris=[slapd.server.secure_uri, replica.secure_uri])
        follower.wait("pending")
        slapd.join("ada")
        follower.wait("joined")
        start = len(follower.events)
        slapd.server.stop()
        follower.wait("recovered", start)
        assert follower.wait("heartbeat", start)["server"] == replica.secure_uri
        slapd.server.start()
        slapd.leave("ada")  # The replica tells of what it is told.
        follower.wait("left", start)
        agrees(slapd, folder)
    finally:
        replica.stop()


def test_the_directory_is_down_at_the_start(slapd: Feed, follow: Follow, folder: Path):
    """It is a mistake that ends it where it never worked; else it is waited for."""
    slapd.server.stop()
    assert "did not answer" in str(follow(slapd).ended())
    slapd.server.start()
    first = follow(slapd)
    first.wait("pending")
    first.stop()
    slapd.server.stop()
    again = follow(slapd)
    assert "did not answer" in again.wait("trouble")["what"]
    slapd.server.start()
    assert again.wait("snapshot") and again.wait("pending") and again.wait("recovered")


def test_a_state_that_is_broken_ends_it(slapd: Feed, folder: Path):
    folder.mkdir()
    (folder / "wanted.json").write_text("{")
    with pytest.raises(ShippingError, match="it is no JSON"):
        Follower(slapd.options)


def test_killed_at_any_moment(slapd: Feed, folder: Path):
    """What was told stands on disk, whole.

    The next start brings it to what the directory says.
    """
    given = json.dumps(slapd.options)
    people = [*COMPANY.machines["pc2"], "ada", "dan", "eve"]
    for turn in range(8):
        process = subprocess.Popen(
            [sys.executable, str(PLUGIN), given],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        time.sleep(0.3 + 0.12 * turn)
        uid = people[turn % len(people)]
        (slapd.join if turn < len(people) else slapd.leave)(uid)
        time.sleep(0.004 * turn)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        if (folder / "wanted.json").exists():
            membership_state.read_wanted(folder)
    process = subprocess.Popen(
        [sys.executable, str(PLUGIN), given], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        kinds = [json.loads(process.stdout.readline())["type"] for _line in range(3)]
        assert kinds[0] == "mode"
        agrees(slapd, folder)
    finally:
        process.terminate()
        process.wait()
