# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the hosts after ada has left the project and bob has joined it."""

MEMBERS = {"pc1.example.com": {"bob"}, "pc2.example.com": set(), "pc3.example.com": set()}
USERS = {"pc1.example.com": {"ada", "bob"}, "pc2.example.com": {"ada"}, "pc3.example.com": {"cy"}}


def test_only_members_have_the_tools(host):
    machine = host.backend.get_hostname()
    for user in USERS[machine]:
        done = host.run("su - %s -c 'atlas-tiles 3'", user)
        assert (done.rc == 0) == (user in MEMBERS[machine]), (machine, user, done.stderr)


def test_users_cannot_read_the_views_of_others(host):
    machine = host.backend.get_hostname()
    for user in USERS[machine]:
        for member in MEMBERS[machine] - {user}:
            assert host.run("su - %s -c 'ls /opt/shipping/current/users/%s'", user, member).rc != 0


def test_unneeded_objects_are_removed(host):
    machine = host.backend.get_hostname()
    found = host.run("ls /opt/shipping/store").stdout
    assert ("atlas-tiles" in found) == bool(MEMBERS[machine]), found
