# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events from a directory; all that it does is in plugins/plugin_utils/_events."""

from __future__ import annotations

DOCUMENTATION = r"""
short_description: Who joins and leaves projects, from a directory, as it happens
description:
  - Follows a directory (LDAP) and tells who joins and leaves which project, on which hosts,
    seconds or less after it was written there.
  - Keeps what is wanted in a folder, the state, before it tells of it. The inventory plugin
    C(shipping.code.ldap_projects) reads it from there with C(source=state) and C(only=pending), so
    that the play that an event starts asks no directory.
  - Takes the fastest way that the directory offers. OpenLDAP, 389-ds and FreeIPA synchronize
    contents (RFC 4533), Active Directory notifies; both need python-ldap. Others are asked every
    few seconds.
  - A removal of many at once is held until a user lets it go, as a delivery does.
  - A lost connection is made again, for ever. An error at the first start, and a wrong password at
    any start, end the source; later they are told in an event.
author:
  - shipping.code contributors (@shipping-code)
requirements:
  - ldap3 >= 2.9, < 3
  - python-ldap >= 3.4, < 4, for O(mode=syncrepl) and O(mode=notification)
options:
  state_path:
    description:
      - The folder of the state, an absolute path, on the host that runs ansible-rulebook. It is
        made where it is not there.
      - It is the C(state_path) of the inventory and the C(delivery_state_path) of the delivery,
        too.
    type: path
    required: true
  source_file:
    description:
      - The file of an inventory of C(shipping.code.ldap_projects), from which all options that
        describe the directory are taken that are not given here. What else stands in it does not
        matter.
    type: path
  mode:
    description: How changes are seen; V(auto) takes what the directory offers.
    type: str
    choices: [auto, syncrepl, notification, polling]
    default: auto
  heartbeat:
    description:
      - The seconds between two heartbeats. At each one the source asks the directory whether the
        way has told everything, so that a connection that is dead without a word is noticed.
    type: float
    default: 30
  reconcile:
    description: The seconds after which everything is read again, which also finds what no way
      tells.
    type: float
    default: 900
  poll:
    description: The seconds between two questions with O(mode=polling).
    type: float
    default: 5
  settle:
    description: The seconds after an answer in which what comes is taken together. The first change
      is told at once.
    type: float
    default: 0.25
  max_shrink:
    description: Which per cent of all memberships on hosts may go within an hour; up to ten may
      in any case.
    type: float
    default: 20
  may_empty:
    description: Projects of three or more members that may lose all of them.
    type: list
    elements: str
    default: []
  accept_older:
    description: Whether to follow a directory that is older than what was told already, as after it
      was set back to a backup.
    type: bool
    default: false
notes:
  - All options of the inventory plugin P(shipping.code.ldap_projects#inventory) that describe the
    directory are options here, from C(uris) to C(unresolved), and mean the same. C(host_map) is
    the path of a YAML file, or its content.
  - The password may also be in the environment, in E(SHIPPING_LDAP_PASSWORD), or in a file that
    E(SHIPPING_LDAP_PASSWORD_FILE) names.
  - The guide on events says what each event has, what is promised, and what to monitor.
"""

EXAMPLES = r"""
- name: Deliver tools
  hosts: localhost
  sources:
    - shipping.code.ldap_membership:
        source_file: /etc/shipping/ldap_projects.yml
        state_path: /var/lib/shipping
  rules:
    - name: Whatever is pending
      condition: event.type == "pending"
      action:
        run_playbook:
          name: shipping.code.deliver
          extra_vars:
            target: "{{ event.hosts | join(':') }}"
            delivery_catalog: /etc/shipping/projects
            delivery_state_path: /var/lib/shipping

- name: Say who joins atlas
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
        state_path: /var/lib/shipping-says
  rules:
    - name: Somebody joins
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
    """Put events into the queue until cancelled."""
    loop = _package("plugin_utils._events.event_loop")
    # ansible-rulebook puts a queue of its own among the arguments.
    given = {name: value for name, value in args.items() if name != "eda_feedback_queue"}
    await loop.run(queue, given)


def _package(name: str) -> Any:
    """Import a part of the collection.

    ansible-rulebook loads the source by its path, without Ansible's loader.
    """
    # Under a name of our own, since ``ansible_collections`` cannot be imported there. So what is
    # loaded by this way imports relatively alone.
    if _TOP not in sys.modules:
        top = types.ModuleType(_TOP)
        top.__path__ = [str(Path(__file__).resolve().parents[4] / "plugins")]
        sys.modules[_TOP] = top
    return importlib.import_module(f"{_TOP}.{name}")


if __name__ == "__main__":
    import json

    class _Printed:
        """Prints events in place of a queue, to try a source by hand with its arguments as JSON."""

        async def put(self, event: dict[str, Any]) -> None:
            print(json.dumps(event), flush=True)

    try:
        asyncio.run(main(_Printed(), json.loads(sys.argv[1])))
    except _package("module_utils._core.errors").ShippingError as error:
        sys.exit(str(error))
