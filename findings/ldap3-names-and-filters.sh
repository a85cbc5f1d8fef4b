#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ldap3 searches for another value than the filter has, and rejects DNs that directories return.
#
# Guess:    escape_filter_chars makes a filter that matches exactly the value (RFC 4515), and
#           parse_dn takes every DN of RFC 4514 and gives the values without their escapes.
# Seen:     ldap3 2.9.1. The parser of filters cuts white space off both ends of a value, in the
#           sense of str.strip(): blanks, no-break and em spaces; escape_filter_chars leaves them,
#           so the search is for another value. parse_dn raises LDAPInvalidDnError for an equals
#           sign in a value (cn=a=b), an attribute type that is an OID (2.5.4.3=a), a value in hex
#           (cn=#04024869) and an empty value; values keep their backslashes.
# So:       write every octet but letters and digits of a filter's value as \XX, and compare DNs by
#           a parser of RFC 4514 of your own.
# Needs:    python3 with venv, and PyPI.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder"
"$folder/bin/pip" --quiet --disable-pip-version-check install ldap3==2.9.1
"$folder/bin/python" - <<'PYTHON'
import ldap3
from ldap3.core.exceptions import LDAPInvalidDnError
from ldap3.operation.search import search_operation
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import parse_dn


def sent(value):
    """Return the value that a search for a value goes out with."""
    query = ("dc=x", f"(cn={value})", "SUBTREE", "NEVER", ["cn"])
    request = search_operation(*query, 0, 0, False, auto_escape=False, auto_encode=False)
    return bytes(request["filter"]["equalityMatch"]["assertionValue"])


def parsed(dn):
    try:
        return parse_dn(dn)
    except LDAPInvalidDnError:
        return "rejected"


cut = {value: sent(escape_filter_chars(value)) for value in ("a ", " a", "a\u00a0", "\u2003a")}
escaped = sent(r"a\20"), sent(r"a\c2\a0")
names = {dn: parsed(dn) for dn in ("cn=a=b", "2.5.4.3=a", "cn=#04024869", "cn=", r"cn=a\2Cb")}
print("ldap3", ldap3.__version__, cut, escaped, names, sep="\n")
assert set(cut.values()) == {b"a"}
assert escaped == (b"a ", "a\u00a0".encode())
assert names.pop(r"cn=a\2Cb") == [("cn", r"a\2Cb", "")]
assert set(names.values()) == {"rejected"}
print("as stated")
PYTHON
