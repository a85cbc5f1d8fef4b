# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read hosts from a directory. The implementation is in plugin_utils/_directory and _membership."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_projects
short_description: Read hosts from a directory, grouped by the projects of their users
version_added: 0.1.0
description:
  - Reads the projects, their members and the members' hosts from a directory (LDAP).
  - Each host of the directory is a host of the inventory, and each project is a group
    C(project_NAME). A variable of each host lists its users and their projects.
  - Fails instead of returning an incomplete inventory. A lost page, a limit of the server, a
    referral, a base that does not exist or a group that cannot be read is an error of the whole
    inventory, because a delivery removes the tools of users who are not in it.
  - Such an error also ends the run, unless C(any_unparsed_is_failed) of Ansible's inventory
    settings is explicitly V(false).
  - A host whose users have left all projects stays in the inventory, with empty lists.
  - The name of the file ends with C(.yml) or C(.yaml), preferably C(ldap_projects.yml). Ansible
    ignores files with other endings, with a warning only.
  - The plugin only reads. Strings of the directory are never templates.
author:
  - shipping.code contributors (@shipping-code)
extends_documentation_fragment:
  - shipping.code.directory
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [shipping.code.ldap_projects]
  source:
    description:
      - The source of the answer.
      - V(directory) queries the directory.
      - V(state) reads what an event source has written to O(state_path), without a query. A play
        that an event has started begins at once. Variables and groups are the same. Only O(only)
        and O(state_path) apply then.
    type: str
    choices: [directory, state]
    default: directory
  only:
    description:
      - The hosts to return. Each has all its users in any case.
      - V(pending) returns hosts whose users or projects differ from what was delivered according to
        O(state_path), and hosts without any delivery.
    type: str
    choices: [all, pending]
    default: all
  state_path:
    description:
      - The folder of the state (what is wanted and what was delivered), for O(source=state) and
        O(only=pending). It also stores rejected passwords for O(rejection_hold).
      - A relative path starts at the folder of the inventory file.
    type: str
  bind_password:
    description:
      - The password of O(bind_dn).
      - Prefer O(bind_password_file), O(bind_password_command), a vault or the environment.
    type: str
    env:
      - name: SHIPPING_LDAP_PASSWORD
  bind_password_file:
    description: A file with the password and nothing else.
    type: path
    env:
      - name: SHIPPING_LDAP_PASSWORD_FILE
notes:
  - Variables of a host are C(ansible_host), C(shipping_users) (a list of C(id), C(name),
    C(projects) and C(hints)) and C(shipping_projects).
  - The group C(all) has the variable C(shipping_membership_revision), the revision of the
    directory. With O(only=pending) it also has C(shipping_membership_only), which marks the
    inventory as incomplete for a delivery.
  - With O(cache), the answer is cached for O(cache_timeout) seconds. The password is never cached.
seealso:
  - name: The guide on membership
    description: Sample settings for each directory, the rules of membership, and the messages.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_membership.rst
"""

# Not as YAML: ansible-lint takes a mapping with hosts for a play.
EXAMPLES = r"""# fmt: code
# OpenLDAP with groupOfNames; hosts are device entries with an owner.
plugin: shipping.code.ldap_projects
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

---
# OpenLDAP with posixGroup and memberUid; a file assigns hosts to users.
plugin: shipping.code.ldap_projects
uris: [ldap://ldap.example.com]
start_tls: true
ca_file: /etc/ssl/certs/example-ca.pem
base: dc=example,dc=com
layout: rfc2307
projects:
  base: ou=groups,dc=example,dc=com
  prefix: prj-
host_map: hosts.yml

---
# Active Directory or Samba AD.
plugin: shipping.code.ldap_projects
uris: [ldaps://dc1.ad.example.com, ldaps://dc2.ad.example.com]
bind_dn: reader@ad.example.com
bind_password_command: [pass, show, ad/reader]
base: dc=ad,dc=example,dc=com
layout: ad
projects:
  base: ou=Projects,dc=ad,dc=example,dc=com
hosts:
  filter: (&(objectCategory=computer)(dNSHostName=*))

---
# The same, with the domain controllers of one site from DNS, and a ticket from kinit.
plugin: shipping.code.ldap_projects
srv_domain: ad.example.com
srv_site: Berlin
bind: gssapi
base: dc=ad,dc=example,dc=com
layout: ad
hosts: {}

---
# FreeIPA; a host is managed by its users: ipa host-mod pc1.example.com --addattr
# managedby=DN.
plugin: shipping.code.ldap_projects
uris: [ldaps://ipa.example.com]
bind: gssapi
base: cn=accounts,dc=example,dc=com
layout: freeipa
projects:
  base: cn=groups,cn=accounts,dc=example,dc=com
  prefix: project-
users:
  base: cn=users,cn=accounts,dc=example,dc=com
hosts:
  base: cn=computers,cn=accounts,dc=example,dc=com

---
# 389 Directory Server on this host, over its socket.
plugin: shipping.code.ldap_projects
uris: ["ldapi://%2Frun%2Fslapd-example.socket"]
bind: external
base: dc=example,dc=com
layout: groupofnames
projects:
  empty_groups: true
users:
  id: nsUniqueId
hosts:
  base: ou=devices,dc=example,dc=com
keyed_groups:
  - key: shipping_projects | length | string
    prefix: projects

---
# For a play that an event has started: the pending hosts, without a query to the directory.
plugin: shipping.code.ldap_projects
source: state
only: pending
state_path: /var/lib/shipping/membership
"""

import contextlib
import hashlib
import os
import re
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.module_utils._core.slow_calls import reporting
from ansible_collections.shipping.code.plugins.plugin_utils._controller.inventory_failure import (
    fail_on_unparsed_source,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.long_lived_objects import (
    long_lived_objects,
)
from ansible_collections.shipping.code.plugins.plugin_utils._controller.plain_texts import (
    trust_plain_texts,
)
from ansible_collections.shipping.code.plugins.plugin_utils._directory import settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.plugin_options import (
    beside,
    read_settings,
    refuse_unknown,
)
from ansible_collections.shipping.code.plugins.plugin_utils._membership import membership_state
from ansible_collections.shipping.code.plugins.plugin_utils._membership.assignments import (
    Membership,
)

_PLUGIN_LINE = re.compile(
    rb"""(?:^|[{,])\s*["']?plugin["']?\s*:\s*["']?shipping\.code\.ldap_projects\b""", re.MULTILINE
)
_HEAD = 65_536


def _names_plugin(path: str) -> bool:
    """Return whether a YAML file names this plugin; its content is parsed later."""
    if not path.endswith((".yml", ".yaml")):
        return False
    with contextlib.suppress(OSError), open(path, "rb") as file:
        return _PLUGIN_LINE.search(file.read(_HEAD)) is not None
    return False


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Read hosts from a directory, grouped by projects."""

    NAME = "shipping.code.ldap_projects"
    inventory: Any
    loader: Any

    def verify_file(self, path: str) -> bool:
        """Return whether this plugin reads the file, by its name or by the plugin in it."""
        if not super().verify_file(path):
            return False
        # Ansible ignores a file that no plugin accepts, and continues without its hosts.
        return path.endswith(("ldap_projects.yml", "ldap_projects.yaml")) or _names_plugin(path)

    # Ansible itself passes ``cache`` by its name.
    def parse(  # type: ignore[override]
        self, inventory: Any, loader: Any, path: str, *, cache: bool = True
    ) -> None:
        """Add all hosts, or raise an error that ends the run."""
        super().parse(inventory, loader, path, cache)
        try:
            with long_lived_objects():
                self._add_hosts(path, use_cache=cache)
        except ShippingError as error:
            # Ansible only warns about a source that fails, and continues without its hosts.
            fail_on_unparsed_source()
            # The message is complete; Ansible would also show the text of the error's cause.
            raise AnsibleParserError(str(error)) from None
        except Exception:
            fail_on_unparsed_source()
            raise

    def _add_hosts(self, path: str, *, use_cache: bool) -> None:
        # To standard error: ansible-inventory prints its result to standard output.
        with reporting(lambda text: self.display.display(f"ldap_projects {text}", stderr=True)):
            membership = self._read(path, use_cache=use_cache)
        self._populate(membership)

    def _read(self, path: str, *, use_cache: bool) -> Membership:
        refuse_unknown(self._read_config_data(path), self.option_definitions, path)
        folder = os.path.dirname(os.path.abspath(path))
        from_state = self.get_option("source") == "state"
        if self.get_option("only") != "pending":
            if from_state:
                return membership_state.read_wanted(self._state_path(folder, path)).membership
            return self._read_directory(path, folder, use_cache=use_cache)
        state_path = self._state_path(folder, path)
        if from_state:
            return membership_state.read_pending(state_path)
        membership = self._read_directory(path, folder, use_cache=use_cache)
        delivered = membership_state.read_delivered(state_path)
        return replace(membership, hosts=membership_state.pending(membership, delivered))

    def _state_path(self, folder: str, path: str) -> str:
        state_path = self.get_option("state_path")
        if not state_path:
            raise SpecError(
                [
                    Problem(
                        "state_path",
                        "is missing; source: state and only: pending need the folder of the state",
                    )
                ],
                path,
            )
        return beside(folder, state_path)

    def _read_directory(self, path: str, folder: str, *, use_cache: bool) -> Membership:
        """Return the answer of the directory, or the cached one."""
        # A play that an event starts reads what is wanted from a file, and needs nothing of this.
        from ansible_collections.shipping.code.plugins.plugin_utils._membership.membership import (
            read_membership,
        )

        state_path = self.get_option("state_path")
        directory_settings = read_settings(
            self, self.loader, folder, path, beside(folder, state_path) if state_path else ""
        )
        if not self.get_option("cache"):
            return read_membership(directory_settings)
        # The key of Ansible's cache is the path alone: an edited file would get the former answer.
        fingerprint = settings.fingerprint(directory_settings)
        digest = hashlib.sha256(fingerprint.encode()).hexdigest()[:12]
        key = f"{self.get_cache_key(path)}_{digest}"
        if use_cache:
            with contextlib.suppress(KeyError):
                return Membership.from_data(self._cache[key])
        membership = read_membership(directory_settings)
        self._cache[key] = membership.as_data()
        return membership

    def _populate(self, membership: Membership) -> None:
        """Add hosts, groups and variables, with strings of the directory unchanged.

        Ansible-core templates trusted strings only, and no trusted string contains a template.
        """
        for remark in membership.remarks:
            self.display.warning(f"ldap_projects: {remark}")
        self._set_variable("all", "shipping_membership_revision", membership.revision)
        # A delivery must not mistake these hosts for all hosts.
        if self.get_option("only") != "all":
            self._set_variable("all", "shipping_membership_only", self.get_option("only"))
        for group in membership.projects.values():
            self.inventory.add_group(group)
        # Only these options need the variables of each host, of which there may be thousands.
        composed = any(self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        for host in membership.hosts:
            name, projects = host.name, host.projects
            self.inventory.add_host(name)
            self._set_variable(name, "ansible_host", name)
            self._set_variable(name, "shipping_users", [user.as_data() for user in host.users])
            self._set_variable(name, "shipping_projects", projects)
            for project in projects:
                self.inventory.add_child(membership.projects[project], name)
            if composed:
                self._compose_host(name)

    def _set_variable(self, name: str, variable: str, value: Any) -> None:
        self.inventory.set_variable(name, variable, trust_plain_texts(value))

    def _compose_host(self, name: str) -> None:
        strict = self.get_option("strict")
        variables = self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        host_variables = self.inventory.get_host(name).get_vars()
        for variable in self.get_option("compose"):
            if variable in host_variables:
                self._set_variable(name, variable, host_variables[variable])
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(
            self.get_option("keyed_groups"), variables, name, strict=strict
        )
