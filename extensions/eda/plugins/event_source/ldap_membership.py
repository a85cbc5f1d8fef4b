# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emit events from a directory. The implementation is in plugins/plugin_utils/_events."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Emit events when users join or leave projects in a directory
description:
  - Follows a directory (LDAP). Emits an event when a user joins or leaves a project, with the
    user's hosts, within seconds of the change.
  - Writes what is wanted to a folder, the state, before it emits an event. The inventory plugin
    C(shipping.code.ldap_projects) reads that folder with C(source=state) and C(only=pending), so
    that the play of an event does not query the directory.
  - Uses the fastest mode that the directory offers. OpenLDAP, 389-ds and FreeIPA support content
    synchronization (RFC 4533), Active Directory supports notification. Both need python-ldap. Other
    directories are polled every few seconds.
  - Blocks removals that exceed the limit until an operator approves them, as a delivery does.
  - Reconnects after a lost connection, without a limit. An error at the first start, and a rejected
    password at any start, end the source. Later errors cause an event.
author:
  - shipping.code contributors (@shipping-code)
requirements:
  - ldap3 >= 2.9, < 3
  - python-ldap >= 3.4, < 4, for O(mode=syncrepl) and O(mode=notification)
options:
  state_path:
    description:
      - The folder of the state, an absolute path, on the host that runs ansible-rulebook. The
        source creates it if it is missing.
      - Set C(state_path) of the inventory and C(delivery_state_path) of the delivery to the same
        folder.
    type: path
    required: true
  source_file:
    description:
      - An inventory file of C(shipping.code.ldap_projects). Options that describe the directory and
        are not set here are read from this file. Its other options are ignored.
    type: path
  mode:
    description: The mode by which the source detects changes. V(auto) uses the fastest one that the
      directory offers.
    type: str
    choices: [auto, syncrepl, notification, polling]
    default: auto
  heartbeat:
    description:
      - The seconds between two heartbeats. At each heartbeat the source checks that it has seen all
        changes, which detects dead connections.
    type: float
    default: 30
  reconcile:
    description: The seconds after which the source reads everything again. This finds changes that
      no mode reports.
    type: float
    default: 900
  poll:
    description: The seconds between two queries with O(mode=polling).
    type: float
    default: 5
  settle:
    description: The seconds after an answer during which changes are combined. The first change is
      sent at once.
    type: float
    default: 0.25
  max_shrink:
    description: The percentage of all memberships on hosts that may be removed within an hour. Up
      to ten removals are always allowed.
    type: float
    default: 20
  may_empty:
    description: Projects with three or more members that may lose all of them.
    type: list
    elements: str
    default: []
  accept_older:
    description: Whether to follow a directory that is older than what was published, for example
      after it was restored from a backup.
    type: bool
    default: false
notes:
  - All options of the inventory plugin P(shipping.code.ldap_projects#inventory) that describe the
    directory are also options here, with the same meaning. C(host_map) is the path of a YAML file,
    or its content.
  - The password may also be in the environment, in E(SHIPPING_LDAP_PASSWORD), or in a file that
    E(SHIPPING_LDAP_PASSWORD_FILE) names.
  - The guide on events describes the events, the guarantees, and what to monitor.
"""

EXAMPLES = r"""
- name: Deliver tools
  hosts: localhost
  sources:
    - shipping.code.ldap_membership:
        source_file: /etc/shipping/ldap_projects.yml
        state_path: /var/lib/shipping
  rules:
    - name: Deliver to pending hosts
      condition: event.type == "pending"
      action:
        run_playbook:
          name: shipping.code.deliver
          extra_vars:
            target: "{{ event.hosts | join(':') }}"
            delivery_catalog: /etc/shipping/projects
            delivery_state_path: /var/lib/shipping

- name: Show the users who join atlas
  hosts: localhost
  sources:
    - shipping.code.ldap_membership:
        uris: [ldaps://ldap1.example.com, ldaps://ldap2.example.com]
        bind_dn: cn=reader,dc=example,dc=com
        bind_password_file: /etc/shipping/ldap-password
        base: dc=example,dc=com
        layout: groupofnames
        projects:
          base: ou=projects,dc=example,dc=com
        hosts:
          base: ou=devices,dc=example,dc=com
          domain: example.com
        state_path: /var/lib/shipping-shows
  rules:
    - name: Show new members
      condition: event.type == "joined" and event.project == "atlas"
      action:
        debug:
          msg: "{{ event.users | map(attribute='name') | join(', ') }}"
"""

import asyncio
import importlib
import sys
import types
from pathlib import Path
from typing import Any

_TOP = "_shipping_code"


async def main(queue: Any, args: dict[str, Any]) -> None:
    """Put events into the queue until canceled."""
    loop = _package("plugin_utils._events.event_loop")
    # ansible-rulebook puts a queue of its own among the arguments.
    options = {name: value for name, value in args.items() if name != "eda_feedback_queue"}
    await loop.run(queue, options)


def _package(name: str) -> Any:
    """Import a part of the collection.

    ansible-rulebook loads the source by its path, without Ansible's loader.
    """
    # Repeated in push_webhook.py: loading a shared file by its path takes as much code.
    # ``ansible_collections`` cannot be imported there, hence a package name of our own. All modules
    # that are loaded this way use relative imports only.
    if _TOP not in sys.modules:
        top = types.ModuleType(_TOP)
        top.__path__ = [str(Path(__file__).resolve().parents[4] / "plugins")]
        sys.modules[_TOP] = top
    return importlib.import_module(f"{_TOP}.{name}")


if __name__ == "__main__":
    import json

    class _Printed:
        """Print events, to try the source by hand with its arguments as JSON."""

        async def put(self, event: dict[str, Any]) -> None:
            print(json.dumps(event), flush=True)

    try:
        asyncio.run(main(_Printed(), json.loads(sys.argv[1])))
    except _package("module_utils._core.errors").ShippingError as error:
        sys.exit(str(error))
