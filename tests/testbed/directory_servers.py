# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of the test bed.

An OpenLDAP in a machine of its own, with TLS and overlays, loaded from LDIF.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

from .machine import Machine, run
from .tls import Authority

SUFFIX = "dc=example,dc=com"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{SUFFIX}", "admin secret"
READER, READER_PASSWORD = f"cn=reader,{SUFFIX}", "reader secret"
LIMITED = f"cn=limited,{SUFFIX}"  # gets three entries at most
BLIND = f"cn=blind,{SUFFIX}"  # sees no members

_SCHEMAS = Path("/etc/ldap/schema")
_SETTINGS = """\
{includes}
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload refint
moduleload syncprov
moduleload dynlist
moduleload ppolicy
pidfile {folder}/slapd.own.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient allow
{tls}
authz-regexp "gidNumber=0\\\\+uidNumber=0,cn=peercred,cn=external,cn=auth" "{admin}"
authz-regexp "cn=([^,]*)" "cn=$1,{suffix}"
database mdb
maxsize {maxsize}
suffix "{suffix}"
rootdn "{admin}"
rootpw "{admin_password}"
directory {folder}/data
index {indexes} eq
limits dn.exact="{limited}" size=3 size.prtotal=3
limits dn.exact="{reader}" size=unlimited
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="ou=hidden,{suffix}" by dn.exact="{reader}" read by * none
access to attrs=member,uniqueMember,memberUid by dn.exact="{blind}" none by * read
access to * by * read
{replica}
overlay memberof
memberof-group-oc groupOfNames
overlay refint
refint_attributes member
overlay syncprov
{more}
"""
_REPLICA = f"""\
syncrepl rid=1 provider={{provider}} type=refreshAndPersist searchbase="{SUFFIX}"
  bindmethod=simple binddn="{ADMIN}" credentials="{ADMIN_PASSWORD}"
  retry="1 +"
"""
_BASE = f"""\
dn: {SUFFIX}
objectClass: organization
objectClass: dcObject
o: example
dc: example
"""


class Slapd:
    """An OpenLDAP.

    ``auxiliary_groups`` makes posixGroup auxiliary, as rfc2307bis has it; ``maxsize`` is that of
    its database, in bytes.
    ``clock`` sets the server's clock wrong from its next start, as in ``-1h``.
    """

    def __init__(
        self,
        machine: Machine,
        name: str = "slapd",
        *,
        auxiliary_groups: bool = False,
        port: int = 389,
        secure_port: int = 636,
        maxsize: int = 2**28,
    ) -> None:
        self.machine = machine
        self.name = name
        self.auxiliary_groups = auxiliary_groups
        self.port, self.secure_port = port, secure_port
        self.maxsize = maxsize
        self.clock = ""
        self.indexes = "objectClass,uid,cn,member,memberUid,entryUUID,entryCSN"
        self.schemas: tuple[str, ...] = ()
        """Schemas of OpenLDAP, by their names, beside the usual ones."""
        self.more = ""
        """Further lines for the database, such as overlays."""
        self.folder = machine.folder / name
        self.certificate: tuple[Path, Path] | None = None
        self.tls = "TLSProtocolMin 3.3"
        self.provider: Slapd | None = None

    @property
    def authority(self) -> Authority:
        """Return the CA of its certificates."""
        return Authority(self.machine.folder / "authority")

    @property
    def uri(self) -> str:
        """Without TLS."""
        return f"ldap://{self.machine.address}:{self.port}"

    @property
    def secure_uri(self) -> str:
        """With TLS."""
        return f"ldaps://{self.machine.address}:{self.secure_port}"

    def options(self, **more: Any) -> dict[str, Any]:
        """Return how the reader reads the usual tree.

        ``more`` has the password and all other differences.
        """
        return {
            "uris": [self.secure_uri],
            "ca_file": str(self.authority.certificate),
            "bind_dn": READER,
            "base": SUFFIX,
            "layout": "groupofnames",
            "projects": {"base": f"ou=projects,{SUFFIX}"},
            "hosts": {"base": f"ou=machines,{SUFFIX}", "domain": "example.com"},
            **more,
        }

    @property
    def socket_uri(self) -> str:
        """Over its socket, by whose user one is the admin."""
        return "ldapi://" + str(self.folder / "ldapi").replace("/", "%2F")

    def up(self, ldif: str) -> None:
        """Make the directory with these entries, and start it."""
        self.machine.up()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.load(ldif)
        self.start()

    def follow(self, provider: Slapd) -> None:
        """Be a replica of another one: start with nothing, and get everything from there."""
        self.provider = provider
        (self.folder / "data").mkdir(parents=True)
        self.configure()
        self.start()

    def load(self, ldif: str) -> None:
        """Put these entries in place of all others; the server must not run."""
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        (self.folder / "data").mkdir()
        (self.folder / "tree.ldif").write_text(
            "\n".join([_BASE, *map(_account, (READER, LIMITED, BLIND)), ldif])
        )
        self.configure()
        run("slapadd", "-q", "-f", self.folder / "slapd.conf", "-l", self.folder / "tree.ldif")

    def configure(self) -> None:
        """Write the settings."""
        certificate, key = self.certificate or self.authority.issue(
            f"{self.machine.name}-{self.name}", f"IP:{self.machine.address}"
        )
        (self.folder / "slapd.conf").write_text(
            _SETTINGS.format(
                includes="\n".join(f"include {path}" for path in self._schemas()),
                folder=self.folder,
                authority=self.authority.certificate,
                certificate=certificate,
                key=key,
                admin=ADMIN,
                admin_password=ADMIN_PASSWORD,
                suffix=SUFFIX,
                reader=READER,
                limited=LIMITED,
                blind=BLIND,
                maxsize=self.maxsize,
                indexes=self.indexes,
                more=self.more,
                tls=self.tls,
                replica=_REPLICA.format(provider=self.provider.uri) if self.provider else "",
            )
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        listen = (
            f"ldap://{self.machine.address}:{self.port}"
            f" ldaps://{self.machine.address}:{self.secure_port} {self.socket_uri}"
        )
        skewed = f"env LD_PRELOAD={_faketime()} FAKETIME={self.clock} " if self.clock else ""
        self.machine.start(
            self.name,
            f"{skewed}slapd -d 0 -f {self.folder}/slapd.conf -h '{listen}'",
            isolated=False,
        )
        wait_for(self.machine, self.name, self.port)

    def stop(self) -> None:
        """Stop the server."""
        self.machine.stop(self.name)

    def change(self, ldif: str) -> None:
        """Add, modify or delete entries, as ldapmodify takes them."""
        self.control("ldapmodify", input=ldif)

    def control(self, program: str, *words: str, **options: object) -> str:
        """Run one of the clients of ldap-utils as the admin."""
        return run(program, "-Q", "-Y", "EXTERNAL", "-H", self.socket_uri, *words, **options)

    def _schemas(self) -> list[Path]:
        nis = _SCHEMAS / "nis.schema"
        if self.auxiliary_groups:
            text = nis.read_text()
            head, mark, tail = text.partition("NAME 'posixGroup'")
            nis = self.folder / "rfc2307bis.schema"
            nis.write_text(
                head
                + mark
                + tail.replace("STRUCTURAL", "AUXILIARY", 1).replace(
                    "MUST ( cn $ gidNumber )", "MUST gidNumber", 1
                )
            )
        return [
            *(_SCHEMAS / f"{name}.schema" for name in ("core", "cosine")),
            nis,
            _SCHEMAS / "inetorgperson.schema",
            *(_SCHEMAS / f"{name}.schema" for name in self.schemas),
        ]


def _faketime() -> Path:
    """Return the library that sets a process's clock wrong; the command would stay beside it."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))


def wait_for(machine: Machine, name: str, port: int, patience: float = 60) -> None:
    """Wait until a daemon of a machine listens."""
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError), socket.create_connection((machine.address, port), 1):
            return
        if machine.pid(name) is None or time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start; see {machine.folder}/{name}.log")
        time.sleep(0.05)


def _account(dn: str) -> str:
    name = dn.partition(",")[0].removeprefix("cn=")
    return (
        f"dn: {dn}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn:"
        f" {name}\nuserPassword: {READER_PASSWORD}\n"
    )


class SambaDomain:
    """An Active Directory by Samba: provisioned, started, and filled over LDAP."""

    realm = "AD.EXAMPLE.COM"
    domain = "ad.example.com"
    host = f"dc1.{domain}"
    suffix = "DC=ad,DC=example,DC=com"
    admin = f"CN=Administrator,CN=Users,{suffix}"
    password = "Admin secret 1"  # noqa: S105
    name = "samba"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.folder / self.name

    @property
    def authority(self) -> Authority:
        """Return the CA of its certificate."""
        return Authority(self.machine.folder / "authority")

    @property
    def uri(self) -> str:
        """Without TLS."""
        return f"ldap://{self.machine.address}"

    @property
    def secure_uri(self) -> str:
        """With TLS."""
        return f"ldaps://{self.machine.address}"

    def up(self, ldif: str) -> None:
        """Make the domain, start it, and add these entries."""
        self.machine.up()
        self._provision()
        self.start()
        self.change("-a", input=ldif)

    def start(self) -> None:
        """Start the domain controller and wait until it answers."""
        certificate, key = self.authority.issue(
            "dc1", f"DNS:{self.host}", f"IP:{self.machine.address}"
        )
        key.chmod(0o600)
        tls = {
            "tls keyfile": key,
            "tls certfile": certificate,
            "tls cafile": self.authority.certificate,
        }
        places = {
            "pid directory": self.folder / "run",
            "ncalrpc dir": self.folder / "run",
            "log file": self.folder / "log",
        }
        (self.folder / "run").mkdir(exist_ok=True)
        # Active Directory takes Kerberos inside TLS; Samba of this age needs a setting for it.
        strong = {"ldap server require strong auth": "allow_sasl_over_tls"}
        given = {**tls, **places, **strong, "server services": "rpc, ldap, cldap, kdc, dns"}
        options = " ".join(f"'--option={name}={value}'" for name, value in given.items())
        self.machine.start(
            self.name, f"samba -F --no-process-group -s {self.folder}/etc/smb.conf {options}"
        )
        wait_for(self.machine, self.name, 636)
        self._wait_for_answer()

    def change(self, *words: str, **options: object) -> None:
        """Add or modify entries, as ldapmodify takes them."""
        self._control("ldapmodify", *words, **options)

    def search(self, dn: str, attribute: str) -> list[str]:
        """Return the values of an entry's attribute, as ldapsearch prints them.

        A colon behind the attribute reads those in base64.
        """
        text = self._control(
            "ldapsearch",
            "-LLL",
            "-o",
            "ldif-wrap=no",
            "-b",
            dn,
            "-s",
            "base",
            attribute.rstrip(":"),
        )
        return [
            line.partition(": ")[2]
            for line in text.splitlines()
            if line.startswith(f"{attribute}:")
        ]

    def _control(self, program: str, *words: str, **options: object) -> str:
        environment = {**os.environ, "LDAPTLS_CACERT": str(self.authority.certificate)}
        return run(
            program,
            "-x",
            "-H",
            self.secure_uri,
            "-D",
            self.admin,
            "-w",
            self.password,
            *words,
            env=environment,
            **options,
        )

    def _provision(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        words = (
            f"exec samba-tool domain provision --targetdir={self.folder} --realm={self.realm}"
            " --domain=AD --server-role=dc --dns-backend=SAMBA_INTERNAL"
            f" '--adminpass={self.password}' --host-name=dc1 --host-ip={self.machine.address}"
            " '--option=interfaces=lo eth0'"
        )
        inside = f"hostname dc1 && {words}"
        run(
            "nsenter",
            f"--net=/run/netns/{self.machine.netns}",
            "unshare",
            "--mount",
            "--uts",
            "sh",
            "-c",
            inside,
        )

    def _wait_for_answer(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(RuntimeError):
                self.search(self.suffix, "objectClass")
                return
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"Samba does not answer; see {self.machine.folder}/{self.name}.log"
                )
            time.sleep(0.1)


_INSTANCE = """\
[general]
config_version = 2
start = False
strict_host_checking = False
full_machine_name = ldap.example.com
selinux = False
[slapd]
instance_name = main
root_password = {password}
port = 6389
secure_port = 6636
self_sign_cert = False
[backend-userroot]
suffix = {suffix}
sample_entries = no
create_suffix_entry = True
"""
# What of FreeIPA's schema decides who is a member, under numbers of its own.
_IPA_SCHEMA = """\
dn: cn=schema
attributeTypes: ( 1.1.2.1.1 NAME 'ipaUniqueID' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributeTypes: ( 1.1.2.1.2 NAME 'fqdn' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
attributeTypes: ( 1.1.2.1.3 NAME 'managedBy' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectClasses: ( 1.1.2.2.1 NAME 'ipaUserGroup' AUXILIARY MAY ipaUniqueID )
objectClasses: ( 1.1.2.2.2 NAME 'ipaObject' AUXILIARY MAY ipaUniqueID )
objectClasses: ( 1.1.2.2.3 NAME 'ipaHost' AUXILIARY MAY ( fqdn $ managedBy ) )
"""
_READABLE = (
    '(targetattr != "userPassword")(version 3.0; acl "all may read"; allow (read, search, compare)'
    ' userdn = "ldap:///anyone";)'
)
_MOUNTED = ("etc/dirsrv", "var/lib/dirsrv", "var/log/dirsrv", "run/lock")


class DirectoryServer:
    """A 389 Directory Server with what of FreeIPA's schema matters here, in mounts of its own."""

    name = "389ds"

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.folder / self.name

    @property
    def socket_uri(self) -> str:
        """Over its socket, by whose user root is the Directory Manager."""
        return "ldapi://" + str(self.folder / "ldapi").replace("/", "%2F")

    @property
    def uri(self) -> str:
        """Without TLS."""
        return f"ldap://{self.machine.address}:6389"

    def up(self, ldif: str) -> None:
        """Make the instance, start it, and add these entries."""
        self.machine.up()
        shutil.rmtree(self.folder, ignore_errors=True)
        for place in (*_MOUNTED, "run/dirsrv", "shm"):
            (self.folder / place).mkdir(parents=True)
        shutil.copytree("/etc/dirsrv", self.folder / "etc/dirsrv", dirs_exist_ok=True)
        text = Path("/usr/share/dirsrv/inf/defaults.inf").read_text()
        text = text.replace("with_systemd = 1", "with_systemd = 0").replace(
            "/run/slapd-{instance_name}.socket", str(self.folder / "ldapi")
        )
        text = text.replace("user = dirsrv", "user = root").replace(
            "group = dirsrv", "group = root"
        )
        text = text.replace("/run/dirsrv", f"{self.folder}/run/dirsrv")
        text = text.replace("/dev/shm/", f"{self.folder}/shm/")  # noqa: S108
        (self.folder / "defaults.inf").write_text(text)
        (self.folder / "main.inf").write_text(
            _INSTANCE.format(password=ADMIN_PASSWORD, suffix=SUFFIX)
        )
        inside = self._inside(f"dscreate from-file {self.folder}/main.inf")
        run(
            "nsenter",
            f"--net=/run/netns/{self.machine.netns}",
            "unshare",
            "--mount",
            "--uts",
            "sh",
            "-c",
            inside,
        )
        (self.folder / "etc/dirsrv/slapd-main/schema/98ipa.ldif").write_text(_IPA_SCHEMA)
        self.start()
        readable = f"dn: {SUFFIX}\nchangetype: modify\nadd: aci\naci: {_READABLE}\n"
        limited = _account(LIMITED) + "nsSizeLimit: 3\nnsPagedSizeLimit: 3\n"
        self.change("-a", input="\n".join([readable, _account(READER), limited, ldif]))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        words = (
            f"ns-slapd -d 0 -D /etc/dirsrv/slapd-main -i {self.folder}/run/dirsrv/slapd-main.pid"
        )
        script = self.folder / "start.sh"
        script.write_text(f"{self._inside(f'exec {words}')}\n")
        self.machine.start(self.name, f"sh {script}")
        wait_for(self.machine, self.name, 6389)

    def change(self, *words: str, **options: object) -> None:
        """Add or modify entries, as ldapmodify takes them."""
        run("ldapmodify", "-Q", "-Y", "EXTERNAL", "-H", self.socket_uri, *words, **options)

    def _inside(self, command: str) -> str:
        mounts = [f"mount --bind {self.folder}/{place} /{place}" for place in _MOUNTED]
        return " && ".join(
            [
                *mounts,
                f"mount --bind {self.folder}/defaults.inf /usr/share/dirsrv/inf/defaults.inf",
                command,
            ]
        )
