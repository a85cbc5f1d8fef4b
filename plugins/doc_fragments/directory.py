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
      - The servers of the directory, the first one that answers is asked.
      - "Each one is C(ldaps://HOST[:PORT]), C(ldap://HOST[:PORT]) or C(ldapi://%2Fpath%2Fof%2Fsocket)."
      - A server that does not let one in is the last one to be asked, so that a wrong password is
        not tried everywhere until the account is locked.
      - Needed unless there is O(srv_domain).
    type: list
    elements: str
  srv_domain:
    description:
      - The domain whose DNS names the servers in SRV records, instead of O(uris), for example
        V(ad.example.com).
      - C(_ldap._tcp.dc._msdcs.DOMAIN) is looked up with O(layout=ad), else C(_ldap._tcp.DOMAIN), by
        the name servers of this host.
        They are asked in the order of their priorities, and within one priority by chance as their
        weights say.
      - The connection is LDAPS at port 636, or with O(start_tls) StartTLS at the port of the
        record. There is none without TLS,
        and a record that names a server outside of the domain is refused, since whoever can forge
        an answer of the DNS
        would otherwise choose the directory.
      - Needs the Python library C(dnspython).
    type: str
  srv_site:
    description: With O(layout=ad) and O(srv_domain) the site whose domain controllers are asked;
      those of all sites by default.
    type: str
  timeout:
    description:
      - The seconds that a server may take to be reached, to make TLS and to let in, all three
        together but the first two of each address;
        and the seconds without a word from it while an answer is awaited.
    type: int
    default: 10
  total_timeout:
    description:
      - The seconds that reading everything may take once a server has let in.
      - It also ends the answers of a server that is never silent and never done.
    type: int
    default: 600
  bind:
    description:
      - How to be let in.
      - V(simple) is with O(bind_dn) and a password, V(external) by O(client_certificate) or as the
        user of this process over C(ldapi),
        V(gssapi) with a Kerberos ticket.
      - By default V(simple) where there is a O(bind_dn), else V(anonymous).
    type: str
    choices: [anonymous, simple, external, gssapi]
  bind_dn:
    description: The DN of the account that reads; Active Directory also takes C(name@domain).
    type: str
  bind_password_command:
    description: A command that prints the password, as a list of words.
    type: list
    elements: str
  start_tls:
    description: Whether to begin TLS on a connection to C(ldap://), before anything else is said.
    type: bool
    default: false
  validate_certs:
    description: Whether the certificate of the server must be valid for its name. TLS 1.2 is the
      least in any case.
    type: bool
    default: true
  ca_file:
    description: A file in PEM format with the authorities that the server's certificate may come
      from; by default the system's, or those that E(SSL_CERT_FILE) and E(SSL_CERT_DIR) name.
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
      - The seconds for which a password that the directory has rejected is not tried again, since
        a few wrong ones lock an account in many places. The rejection is reported each time.
      - It ends when the password or the options of the connection change.
      - It is remembered in O(state_path), as a digest that only its owner may read. Without
        O(state_path) it is remembered within one run.
    type: int
    default: 900
  page_size:
    description: How many entries to ask for at once; Active Directory gives 1,000 at most.
    type: int
    default: 500
  batch_size:
    description: How many groups inside of groups are looked up in one search.
    type: int
    default: 100
  base:
    description:
      - The DN below which projects, users and hosts are looked for.
    type: str
  layout:
    description:
      - The kind of the directory, from which all filters and attributes below have their defaults.
      - "V(rfc2307): posixGroup with memberUid."
      - "V(rfc2307bis): posixGroup with member or uniqueMember."
      - "V(groupofnames): groupOfNames and groupOfUniqueNames."
      - "V(freeipa): FreeIPA and Red Hat IdM."
      - "V(ad): Active Directory and Samba AD, with primary groups."
      - "V(custom): everything is said below."
      - Needed, like O(base), wherever a directory is read.
    type: str
    choices: [rfc2307, rfc2307bis, groupofnames, freeipa, ad, custom]
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
        description: Only groups whose name begins with it are projects, and it is no part of the
          project's name.
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
        description: The attributes of users and groups that hold the DNs of the groups they are
          in.
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
          - V(recursive) follows them by searches, V(in_chain) lets Active Directory do it, V(none)
            does not.
        type: str
        choices: [recursive, in_chain, none]
        default: recursive
      empty_groups:
        description:
          - Whether a groupOfNames or groupOfUniqueNames may be without members.
          - The standard forbids that, so V(false) takes such a group for one that may not be read,
            which is an error.
          - V(false) by default with O(layout=rfc2307bis) and O(layout=groupofnames), else V(true).
        type: bool
  users:
    description: Who counts. Whoever is not found here is no member of anything, nor are disabled
      and expired accounts.
    type: dict
    default: {}
    suboptions:
      base:
        description: The DN below which users are; O(base) by default.
        type: str
      filter:
        description: The filter for users.
        type: str
      scope:
        description: Whether users may be deeper than directly below the base.
        type: str
        choices: [one, subtree]
        default: subtree
      login:
        description: The attribute with the login name.
        type: str
      login_format:
        description: How the login name is on hosts, for example V({name}@example.com).
        type: str
        default: '{name}'
      id:
        description: The attribute that identifies somebody for ever, also when the login name
          changes or is given to somebody else.
        type: str
      hosts:
        description:
          - An attribute of users with the names of their hosts, or with their DNs, such as
            C(msDS-PrimaryComputer), C(managedObjects) or C(seeAlso).
          - DNs that are no host's are ignored, since these attributes also name other things.
        type: str
  hosts:
    description:
      - All hosts, whether somebody has them or not.
      - Needed unless O(host_map) has them all.
    type: dict
    suboptions:
      base:
        description: The DN below which hosts are; O(base) by default.
        type: str
      filter:
        description: The filter for hosts.
        type: str
      scope:
        description: Whether hosts may be deeper than directly below the base.
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
        description: The attributes with the DNs of the users, or groups of users, who have the
          host.
        type: list
        elements: str
      owner_logins:
        description: The attributes with the login names of the users who have the host; none by
          default.
        type: list
        elements: str
  netgroups:
    description:
      - Netgroups (nisNetgroup) whose triples of host, user and domain say who has which host.
        An empty dictionary takes all of them.
      - Netgroups inside of them are followed by C(memberNisNetgroup), wherever below O(base) they
        are.
      - A triple without a user gives the host to nobody. One without a host is told in a
        warning, and gives nothing.
        The domain of a triple decides nothing.
      - Needs O(hosts) beside it, so that a host stays when its last triple goes.
    type: dict
    suboptions:
      base:
        description: The DN below which the chosen netgroups are; O(base) by default.
        type: str
      filter:
        description: The filter for the chosen netgroups; V((objectClass=nisNetgroup\)) by default.
        type: str
      scope:
        description: Whether they may be deeper than directly below the base.
        type: str
        choices: [one, subtree]
        default: subtree
  host_map:
    description:
      - A YAML file with a list of login names for each host, where the directory does not know
        who has which.
      - A relative path begins at the folder of the inventory file, or of the playbook.
    type: str
  unresolved:
    description:
      - What to do where a group, the owner of a host, a triple or the O(host_map) names
        somebody who cannot be found at all.
      - Such a name is left of somebody who was deleted, or it is of somebody whom the account that
        reads may not see. Directories do not
        tell these apart, and whoever is not seen would lose all tools.
      - V(error) ends the run. V(warn) takes them for gone, and tells.
      - V(error) by default, but V(warn) with O(layout=rfc2307), since no directory takes names out
        of C(memberUid) when users are deleted.
      - What is there and is not among the users, such as a service account, a contact, or somebody
        from another domain
        as Active Directory keeps them in C(ForeignSecurityPrincipals), does not count and is told
        in a warning in any case.
    type: str
    choices: [error, warn]
  placeholders:
    description:
      - DNs that stand for nobody, such as V(cn=nobody,dc=example,dc=com).
      - A groupOfNames cannot be empty. So some tools, and the overlay C(refint) of OpenLDAP with
        C(refint_nothing), write such a DN as its last member, or as the owner of a host.
      - It is neither a member nor an owner, and it needs no entry. The empty DN always is one.
    type: list
    elements: str
  allow_empty:
    description:
      - Whether an answer may have no project, no host, or no member in any project.
      - In a healthy directory each of them exists, so that V(false) takes such an answer for a
        mistake in the options, or for entries that the account may not read, which is an error.
      - For single projects see O(projects.empty_groups).
    type: bool
    default: false
notes:
  - "Defaults of the layouts. C(rfc2307), C(rfc2307bis): users are posixAccount, by C(uid) and
    C(entryUUID); hosts are device, with C(cn) and C(owner)."
  - "C(groupofnames): the same, and users are inetOrgPerson."
  - "C(freeipa): users by C(uid) and C(ipaUniqueID); hosts are ipaHost with C(fqdn) and
    C(managedBy)."
  - "C(ad): users by C(sAMAccountName) and C(objectGUID); hosts are computers with
    C(dNSHostName) and C(managedBy)."
"""

    LOGIN = r"""
options:
  bind_password:
    description:
      - The password of O(bind_dn).
      - Better in O(bind_password_file), O(bind_password_command), a vault or the environment
        variable E(SHIPPING_LDAP_PASSWORD) than in the playbook.
    type: str
  bind_password_file:
    description: A file with the password and nothing else; by default the one in
      E(SHIPPING_LDAP_PASSWORD_FILE).
    type: path
"""
