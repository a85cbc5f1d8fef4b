# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
requirements:
  - ldap3 >= 2.9, < 3, for the Python that runs Ansible
  - gssapi, for O(bind=gssapi)
  - dnspython >= 2.6, < 3, for O(srv_domain)
options:
  uris:
    description:
      - The servers of the directory. The first one that answers is queried.
      - "Each one is C(ldaps://HOST[:PORT]), C(ldap://HOST[:PORT]) or C(ldapi://%2Fpath%2Fof%2Fsocket)."
      - If a server rejects the bind, no other server is queried, so that a wrong password does not
        lock the account.
      - Required unless O(srv_domain) is set.
    type: list
    elements: str
  srv_domain:
    description:
      - The domain whose SRV records in DNS name the servers, for example V(ad.example.com). Use it
        instead of O(uris).
      - The name servers of this host resolve C(_ldap._tcp.dc._msdcs.DOMAIN) with O(layout=ad), and
        C(_ldap._tcp.DOMAIN) otherwise. The servers are queried by priority, and within one priority
        at random by weight.
      - The connection always uses TLS. It is LDAPS at port 636, or with O(start_tls) StartTLS at
        the port of the record.
      - A record that names a server outside the domain is rejected. Otherwise, a forged DNS answer
        could choose the directory.
      - Needs the Python library C(dnspython).
    type: str
  srv_site:
    description: With O(layout=ad) and O(srv_domain), the site whose domain controllers are queried.
      By default, those of all sites.
    type: str
  timeout:
    description:
      - The seconds for the connection, the TLS handshake and the bind together. Each address of a
        server has this time for the connection and the handshake.
      - Also the seconds without data from the server during an answer.
    type: int
    default: 10
  total_timeout:
    description:
      - The seconds for reading everything after the bind.
      - This also ends the answer of a server that sends data without an end.
    type: int
    default: 600
  bind:
    description:
      - How to authenticate.
      - V(simple) uses O(bind_dn) and a password. V(external) uses O(client_certificate), or the
        user of this process over C(ldapi). V(gssapi) uses a Kerberos ticket.
      - By default V(simple) if O(bind_dn) is set, and V(anonymous) otherwise.
    type: str
    choices: [anonymous, simple, external, gssapi]
  bind_dn:
    description: The DN of the account. Active Directory also accepts C(name@domain).
    type: str
  bind_password_command:
    description: A command that prints the password, as a list of words.
    type: list
    elements: str
  start_tls:
    description: Whether to start TLS on a connection to C(ldap://) before any other request.
    type: bool
    default: false
  validate_certs:
    description: Whether the server's certificate must be valid for its name. TLS 1.2 is the minimum
      in any case.
    type: bool
    default: true
  ca_file:
    description: A file in PEM format with the CAs that the server's certificate may come from. By
      default the CAs of the system, or those in E(SSL_CERT_FILE) and E(SSL_CERT_DIR).
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
  rejection_hold:
    description:
      - The seconds for which a rejected password is not sent again. Repeated wrong passwords lock
        an account in many directories. Each run reports the rejection.
      - A change of the password or of the connection's options ends this time.
      - The rejection is stored in O(state_path) as a digest that only the owner can read. Without
        O(state_path), it is kept within one run.
    type: int
    default: 900
  page_size:
    description: The number of entries to request at once. Active Directory returns at most 1,000.
    type: int
    default: 500
  batch_size:
    description: The number of inner groups to read in one search.
    type: int
    default: 100
  base:
    description:
      - The DN below which projects, users and hosts are searched.
    type: str
  layout:
    description:
      - The type of the directory. It sets the defaults of all filters and attributes below.
      - "V(rfc2307): posixGroup with memberUid."
      - "V(rfc2307bis): posixGroup with member or uniqueMember."
      - "V(groupofnames): groupOfNames and groupOfUniqueNames."
      - "V(freeipa): FreeIPA and Red Hat IdM."
      - "V(ad): Active Directory and Samba AD, with primary groups."
      - "V(custom): no defaults."
      - Required, like O(base), to read a directory.
    type: str
    choices: [rfc2307, rfc2307bis, groupofnames, freeipa, ad, custom]
  projects:
    description: The groups that are projects.
    type: dict
    default: {}
    suboptions:
      base:
        description: The DN below which projects are searched. O(base) by default.
        type: str
      filter:
        description: The filter for projects. By default, all groups of the O(layout).
        type: str
      scope:
        description: Whether to search only directly below the base, or at any depth.
        type: str
        choices: [one, subtree]
        default: subtree
      name:
        description: The attribute with the project's name. C(cn) by default.
        type: str
      prefix:
        description: Only groups whose name has this prefix are projects. The prefix is not part of
          the project's name.
        type: str
        default: ''
      members:
        description: The attributes with the DNs of members.
        type: list
        elements: str
      member_logins:
        description: The attributes with the login names of members.
        type: list
        elements: str
      member_of:
        description: The attributes of users and groups with the DNs of their groups.
        type: list
        elements: str
      primary_group:
        description:
          - Whether users whose primary group is the project are members.
          - V(true) by default with O(layout=ad), otherwise V(false).
        type: bool
      nested:
        description:
          - Whether members of groups inside a project are members of the project.
          - V(recursive) follows inner groups by searches. V(in_chain) lets Active Directory follow
            them. V(none) ignores them.
        type: str
        choices: [recursive, in_chain, none]
        default: recursive
      empty_groups:
        description:
          - Whether a groupOfNames or groupOfUniqueNames may have no members.
          - The standard forbids that. With V(false), such a group counts as a group whose members
            cannot be read, which is an error.
          - V(false) by default with O(layout=rfc2307bis) and O(layout=groupofnames), otherwise
            V(true).
        type: bool
  users:
    description: The entries that count as users. Other entries, and disabled or expired accounts,
      are not members of projects.
    type: dict
    default: {}
    suboptions:
      base:
        description: The DN below which users are searched. O(base) by default.
        type: str
      filter:
        description: The filter for users.
        type: str
      scope:
        description: Whether to search only directly below the base, or at any depth.
        type: str
        choices: [one, subtree]
        default: subtree
      login:
        description: The attribute with the login name.
        type: str
      login_format:
        description: The form of login names on hosts, for example V({name}@example.com).
        type: str
        default: '{name}'
      id:
        description: The attribute with the permanent ID of a user. It stays the same when the login
          name changes, and is never reused.
        type: str
      hosts:
        description:
          - An attribute of users with the names or DNs of their hosts, such as
            C(msDS-PrimaryComputer), C(managedObjects) or C(seeAlso).
          - DNs of other entries are ignored, because these attributes may name other objects too.
        type: str
  hosts:
    description:
      - All hosts, with or without users.
      - Required unless O(host_map) lists all hosts.
    type: dict
    suboptions:
      base:
        description: The DN below which hosts are searched. O(base) by default.
        type: str
      filter:
        description: The filter for hosts.
        type: str
      scope:
        description: Whether to search only directly below the base, or at any depth.
        type: str
        choices: [one, subtree]
        default: subtree
      name:
        description: The attribute with the host's name.
        type: str
      domain:
        description: The domain of hosts whose name has none.
        type: str
      owners:
        description: The attributes with the DNs of the host's users, or of groups of users.
        type: list
        elements: str
      owner_logins:
        description: The attributes with the login names of the host's users. None by default.
        type: list
        elements: str
  netgroups:
    description:
      - Netgroups (nisNetgroup) whose triples of host, user and domain assign hosts to users. An
        empty dictionary selects all of them.
      - Netgroups inside them are followed by C(memberNisNetgroup), anywhere below O(base).
      - A triple without a user assigns the host to no user. A triple without a host is ignored with
        a warning. The domain of a triple is ignored.
      - Requires O(hosts), so that a host stays in the inventory after its last triple is removed.
    type: dict
    suboptions:
      base:
        description: The DN below which these netgroups are searched. O(base) by default.
        type: str
      filter:
        description: The filter for these netgroups. V((objectClass=nisNetgroup\)) by default.
        type: str
      scope:
        description: Whether to search only directly below the base, or at any depth.
        type: str
        choices: [one, subtree]
        default: subtree
  host_map:
    description:
      - A YAML file with a list of login names for each host, for directories that do not assign
        hosts to users.
      - A relative path starts at the folder of the inventory file, or of the playbook.
    type: str
  unresolved:
    description:
      - What to do if a group, the owner of a host, a triple or the O(host_map) names a user without
        an entry.
      - Either the user was deleted, or the account may not read the user's entry. Directories do
        not distinguish these cases, and a hidden user would lose all tools.
      - V(error) ends the run. V(warn) counts the user as deleted, with a warning.
      - V(error) by default, but V(warn) with O(layout=rfc2307), because no directory removes the
        names of deleted users from C(memberUid).
      - Existing entries that are not among the users are ignored with a warning in any case.
        Examples are service accounts, contacts, and users of another domain, which Active Directory
        keeps in C(ForeignSecurityPrincipals).
    type: str
    choices: [error, warn]
  placeholders:
    description:
      - DNs that stand for no user, such as V(cn=placeholder,dc=example,dc=com).
      - A groupOfNames cannot be empty. Some tools, and the overlay C(refint) of OpenLDAP with
        C(refint_nothing), therefore write such a DN as its last member, or as the owner of a host.
      - A placeholder is neither a member nor an owner, and needs no entry. The empty DN always is a
        placeholder.
    type: list
    elements: str
  allow_empty:
    description:
      - Whether an answer may have no project, no host, or no member in any project.
      - In a healthy directory all of them exist. With V(false), such an answer is an error, because
        the options are wrong or the account may not read the entries.
      - For single projects see O(projects.empty_groups).
    type: bool
    default: false
notes:
  - "Defaults of the layouts. C(rfc2307), C(rfc2307bis): users are posixAccount, with C(uid) and
    C(entryUUID); hosts are device, with C(cn) and C(owner)."
  - "C(groupofnames): the same, but users are inetOrgPerson."
  - "C(freeipa): users with C(uid) and C(ipaUniqueID); hosts are ipaHost, with C(fqdn) and
    C(managedBy)."
  - "C(ad): users with C(sAMAccountName) and C(objectGUID); hosts are computers, with
    C(dNSHostName) and C(managedBy)."
"""

    LOGIN = r"""
options:
  bind_password:
    description:
      - The password of O(bind_dn).
      - Prefer O(bind_password_file), O(bind_password_command), a vault or the environment variable
        E(SHIPPING_LDAP_PASSWORD).
    type: str
  bind_password_file:
    description: A file with the password and nothing else. By default the file in
      E(SHIPPING_LDAP_PASSWORD_FILE).
    type: path
"""
