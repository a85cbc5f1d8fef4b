# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in, hosts out; what is read and decided is in plugin_utils/_directory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ldap_projects
short_description: The machines of people, grouped by their projects in a directory
version_added: 0.1.0
description:
  - Reads from a directory (LDAP) which groups are projects, who is a member of them, and which machines these people have.
  - Each machine is a host, each project a group C(project_NAME), and each host has its users with their projects as a variable.
  - It fails rather than give a shorter list. A page that is lost, a limit of the server, a referral, a base that does not exist
    or a group that cannot be read is an error of the whole inventory, since tools are removed from whoever is not in it.
  - So that nobody works with half an inventory, such an error also ends the run,
    unless the setting C(any_unparsed_is_failed) of Ansible's inventory says V(false) explicitly.
  - A machine whose users have no project any more stays in the inventory, with empty lists.
  - The name of the file must end with C(ldap_projects.yml) or C(ldap_projects.yaml).
  - The plugin only reads. Strings of the directory are never templates.
author:
  - shipping.code contributors (@shipping-code)
requirements:
  - ldap3 >= 2.9, < 3
  - gssapi, for O(bind=gssapi)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [shipping.code.ldap_projects]
  uris:
    description:
      - The servers of the directory, the first one that answers is asked.
      - "Each one is C(ldaps://HOST[:PORT]), C(ldap://HOST[:PORT]) or C(ldapi://%2Fpath%2Fof%2Fsocket)."
      - A server that does not let one in is the last one to be asked, so that a wrong password is not tried everywhere until the account is locked.
    type: list
    elements: str
    required: true
  timeout:
    description: The seconds that each server may take to be reached, and for each answer.
    type: int
    default: 10
  bind:
    description:
      - How to be let in.
      - V(simple) is with O(bind_dn) and a password, V(external) by O(client_certificate) or as the user of this process over C(ldapi),
        V(gssapi) with a Kerberos ticket.
      - By default V(simple) where there is a O(bind_dn), else V(anonymous).
    type: str
    choices: [anonymous, simple, external, gssapi]
  bind_dn:
    description: The DN of the account that reads; Active Directory also takes C(name@domain).
    type: str
  bind_password:
    description:
      - The password of O(bind_dn).
      - Better in O(bind_password_file), O(bind_password_command), a vault or the environment than in the file.
    type: str
    env:
      - name: SHIPPING_LDAP_PASSWORD
  bind_password_file:
    description: A file with the password and nothing else.
    type: path
    env:
      - name: SHIPPING_LDAP_PASSWORD_FILE
  bind_password_command:
    description: A command that prints the password, as a list of words.
    type: list
    elements: str
  start_tls:
    description: Whether to begin TLS on a connection to C(ldap://), before anything else is said.
    type: bool
    default: false
  validate_certs:
    description: Whether the certificate of the server must be valid for its name. TLS 1.2 is the least in any case.
    type: bool
    default: true
  ca_file:
    description: A file in PEM format with the authorities that the server's certificate may come from; by default those that the machine trusts.
    type: path
  client_certificate:
    description: A file in PEM format with the certificate for O(bind=external).
    type: path
  client_key:
    description: A file in PEM format with the key of O(client_certificate).
    type: path
  allow_clear_text:
    description: Whether O(bind=simple) may send the password without TLS.
    type: bool
    default: false
  page_size:
    description: How many entries to ask for at once; Active Directory gives 1,000 at most.
    type: int
    default: 500
  batch_size:
    description: How many groups inside of groups are looked up in one search.
    type: int
    default: 100
  base:
    description: The DN below which projects, people and machines are looked for.
    type: str
    required: true
  layout:
    description:
      - The kind of the directory, from which all filters and attributes below have their defaults.
      - "V(rfc2307): posixGroup with memberUid."
      - "V(rfc2307bis): posixGroup with member or uniqueMember."
      - "V(groupofnames): groupOfNames and groupOfUniqueNames."
      - "V(freeipa): FreeIPA and Red Hat IdM."
      - "V(ad): Active Directory and Samba AD, with primary groups."
      - "V(custom): everything is said below."
    type: str
    choices: [rfc2307, rfc2307bis, groupofnames, freeipa, ad, custom]
    required: true
  projects:
    description: Which groups are projects.
    type: dict
    default: {}
    suboptions:
      base:
        description: The DN below which projects are; O(base) by default.
        type: str
      filter:
        description: The filter for projects; the groups of the O(layout) by default.
        type: str
      scope:
        description: Whether projects may be deeper than directly below the base.
        type: str
        choices: [one, subtree]
        default: subtree
      name:
        description: The attribute with the project's name; C(cn) by default.
        type: str
      prefix:
        description: Only groups whose name begins with it are projects, and it is no part of the project's name.
        type: str
        default: ''
      members:
        description: The attributes that hold the DNs of members.
        type: list
        elements: str
      member_logins:
        description: The attributes that hold the login names of members.
        type: list
        elements: str
      member_of:
        description: The attributes of people and groups that hold the DNs of the groups they are in.
        type: list
        elements: str
      primary_group:
        description:
          - Whether somebody whose primary group is the project is a member.
          - V(true) by default with O(layout=ad), else V(false).
        type: bool
      nested:
        description:
          - Whether members of groups inside of a project are members of the project.
          - V(recursive) follows them by searches, V(in_chain) lets Active Directory do it, V(none) does not.
        type: str
        choices: [recursive, in_chain, none]
        default: recursive
      empty_groups:
        description:
          - Whether a groupOfNames or groupOfUniqueNames may be without members.
          - The standard forbids that, so V(false) takes such a group for one that may not be read, which is an error.
          - V(false) by default with O(layout=rfc2307bis) and O(layout=groupofnames), else V(true).
        type: bool
  people:
    description: Who counts. Whoever is not found here is no member of anything, nor are disabled and expired accounts.
    type: dict
    default: {}
    suboptions:
      base:
        description: The DN below which people are; O(base) by default.
        type: str
      filter:
        description: The filter for people.
        type: str
      scope:
        description: Whether people may be deeper than directly below the base.
        type: str
        choices: [one, subtree]
        default: subtree
      login:
        description: The attribute with the login name.
        type: str
      login_format:
        description: How the login name is on machines, for example V({name}@example.com).
        type: str
        default: '{name}'
      id:
        description: The attribute that identifies somebody for ever, also when the login name changes or is given to somebody else.
        type: str
      machines:
        description: An attribute of people with the names of their machines.
        type: str
  machines:
    description:
      - All machines, whether somebody has them or not.
      - Needed unless O(machine_map) has them all.
    type: dict
    suboptions:
      base:
        description: The DN below which machines are; O(base) by default.
        type: str
      filter:
        description: The filter for machines.
        type: str
      scope:
        description: Whether machines may be deeper than directly below the base.
        type: str
        choices: [one, subtree]
        default: subtree
      name:
        description: The attribute with the machine's name.
        type: str
      domain:
        description: The domain of machines whose name has none.
        type: str
      owners:
        description: The attributes with the DNs of the people, or groups of people, who have the machine.
        type: list
        elements: str
  machine_map:
    description:
      - A YAML file with a list of login names for each machine, where the directory does not know who has which.
      - A relative path begins at the folder of the inventory file.
    type: str
notes:
  - "Defaults of the layouts. C(rfc2307), C(rfc2307bis): people are posixAccount, by C(uid) and C(entryUUID); machines are device, with C(cn) and C(owner)."
  - "C(groupofnames): the same, and people are inetOrgPerson."
  - "C(freeipa): people by C(uid) and C(ipaUniqueID); machines are ipaHost with C(fqdn) and C(managedBy)."
  - "C(ad): people by C(sAMAccountName) and C(objectGUID); machines are computers with C(dNSHostName) and C(managedBy)."
  - Variables of a host are C(ansible_host), C(shipping_users) (a list of C(id), C(name), C(projects) and C(hints)) and C(shipping_projects).
  - The group C(all) has C(shipping_membership_serial), which says how old the answer is.
  - With O(cache) the answer is kept for O(cache_timeout) seconds, the password never.
seealso:
  - name: The guide on membership
    description: One sample per directory, who is a member, and what to do about each message.
    link: https://github.com/shipping-code/shipping.code/blob/main/docs/docsite/rst/guide_membership.rst
"""

EXAMPLES = r"""
# OpenLDAP with groupOfNames; machines are device entries with an owner.
plugin: shipping.code.ldap_projects
uris: [ldaps://ldap1.example.com, ldaps://ldap2.example.com]
bind_dn: cn=reader,dc=example,dc=com
bind_password_file: /etc/shipping/ldap-password
base: dc=example,dc=com
layout: groupofnames
projects:
  base: ou=projects,dc=example,dc=com
machines:
  base: ou=devices,dc=example,dc=com
  domain: example.com

---
# OpenLDAP with posixGroup and memberUid; a file says who has which machine.
plugin: shipping.code.ldap_projects
uris: [ldap://ldap.example.com]
start_tls: true
ca_file: /etc/ssl/certs/example-ca.pem
base: dc=example,dc=com
layout: rfc2307
projects:
  base: ou=groups,dc=example,dc=com
  prefix: prj-
machine_map: machines.yml

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
machines:
  filter: (&(objectCategory=computer)(dNSHostName=*))

---
# FreeIPA; the hosts of people are managed by them: ipa host-mod pc1.example.com --addattr managedby=DN.
plugin: shipping.code.ldap_projects
uris: [ldaps://ipa.example.com]
bind: gssapi
base: cn=accounts,dc=example,dc=com
layout: freeipa
projects:
  base: cn=groups,cn=accounts,dc=example,dc=com
  prefix: project-
people:
  base: cn=users,cn=accounts,dc=example,dc=com
machines:
  base: cn=computers,cn=accounts,dc=example,dc=com

---
# 389 Directory Server on this machine, over its socket.
plugin: shipping.code.ldap_projects
uris: ["ldapi://%2Frun%2Fslapd-example.socket"]
bind: external
base: dc=example,dc=com
layout: groupofnames
projects:
  empty_groups: true
people:
  id: nsUniqueId
machines:
  base: ou=devices,dc=example,dc=com
keyed_groups:
  - key: shipping_projects | length | string
    prefix: projects
"""

import contextlib
import hashlib
import os
from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.shipping.code.plugins.module_utils._app.errors import Problem, ShippingError, SpecError, suggestion
from ansible_collections.shipping.code.plugins.plugin_utils._directory import secret, settings
from ansible_collections.shipping.code.plugins.plugin_utils._directory.membership import read_membership
from ansible_collections.shipping.code.plugins.plugin_utils._directory.record import Membership

_FATAL = "INVENTORY_ANY_UNPARSED_IS_FAILED"


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Machines by projects."""

    NAME = "shipping.code.ldap_projects"
    inventory: Any
    loader: Any

    def verify_file(self, path: str) -> bool:
        """Whether the file is one of ours, by its name."""
        return bool(super().verify_file(path)) and path.endswith(("ldap_projects.yml", "ldap_projects.yaml"))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """All hosts, or an error that ends the run."""
        super().parse(inventory, loader, path, cache)
        try:
            self._populate(self._membership(path, cache))
        except ShippingError as error:
            end_the_run()
            raise AnsibleParserError(str(error)) from None  # It says everything once; its cause would be told again.
        except Exception:
            end_the_run()
            raise

    def _membership(self, path: str, cache: bool) -> Membership:
        given = self._read_config_data(path)
        self._refuse_unknown(given, path)
        wanted = settings.read(self._options_for_settings(path), path)
        if not self.get_option("cache"):
            return read_membership(wanted)
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(settings.fingerprint(wanted).encode()).hexdigest()[:12]}"
        if cache:
            with contextlib.suppress(KeyError):
                return Membership.from_data(self._cache[key])
        found = read_membership(wanted)
        self._cache[key] = found.as_data()
        return found

    def _refuse_unknown(self, given: Mapping[str, Any], path: str) -> None:
        known = self.option_definitions
        unknown = [Problem(str(key), f"is unknown{suggestion(key, known)}") for key in given if key not in known]
        if unknown:
            raise SpecError(unknown, path)

    def _options_for_settings(self, path: str) -> dict[str, Any]:
        options = {name: self.get_option(name) for name in self.option_definitions}
        options["bind_password"] = secret.password(options)
        if options["machine_map"]:
            options["machine_map"] = self._read_map(os.path.join(os.path.dirname(os.path.abspath(path)), options["machine_map"]))
        return options

    def _read_map(self, path: str) -> Any:
        content = self.loader.load_from_file(path, cache="none")
        return {} if content is None else content

    def _populate(self, membership: Membership) -> None:
        """Strings of the directory go in as they are: ansible-core templates none that is not marked as a template."""
        for remark in membership.remarks:
            self.display.warning(f"ldap_projects: {remark}")
        self.inventory.set_variable("all", "shipping_membership_serial", membership.serial)
        for group in membership.projects.values():
            self.inventory.add_group(group)
        composed = any(self.get_option(name) for name in ("compose", "groups", "keyed_groups"))
        for machine in membership.machines:
            name, projects = machine.machine, machine.projects
            self.inventory.add_host(name)
            self.inventory.set_variable(name, "ansible_host", name)
            self.inventory.set_variable(name, "shipping_users", [user.as_data() for user in machine.users])
            self.inventory.set_variable(name, "shipping_projects", projects)
            for project in projects:
                self.inventory.add_child(membership.projects[project], name)
            if composed:
                self._compose_host(name)

    def _compose_host(self, name: str) -> None:
        strict = self.get_option("strict")
        variables = self.inventory.get_host(name).get_vars()
        self._set_composite_vars(self.get_option("compose"), variables, name, strict=strict)
        self._add_host_to_composed_groups(self.get_option("groups"), variables, name, strict=strict)
        self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, name, strict=strict)


def end_the_run() -> None:
    """A source that cannot be read is only a warning to Ansible by default, and the run goes on without its hosts.

    What the user has set explicitly is left as it is.
    """
    _value, origin = constants.config.get_config_value_and_origin(_FATAL)
    if origin == "default":
        setattr(constants, _FATAL, True)
