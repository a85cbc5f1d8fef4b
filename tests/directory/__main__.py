# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The company's directory by hand: ``python3 -m tests.directory up NAME``.

``python3 -m tests.testbed down NAME`` takes it away.
"""

from __future__ import annotations

import json
import sys

from tests.testbed.directory_servers import READER, READER_PASSWORD, SUFFIX, Slapd
from tests.testbed.machine import Machine

from . import company_entries


def up(name: str) -> None:
    """An OpenLDAP with the company in groupOfNames.

    Prints the options that an inventory needs, and the password, as JSON.
    """
    server = Slapd(Machine(name))
    server.up(
        "\n".join(
            [
                company_entries.people(company_entries.COMPANY),
                company_entries.machines(company_entries.COMPANY),
                company_entries.by_dn(company_entries.COMPANY, "groupOfNames"),
            ]
        )
    )
    options = {
        "uris": [server.secure_uri],
        "ca_file": str(server.authority.certificate),
        "bind_dn": READER,
        "base": SUFFIX,
        "layout": "groupofnames",
        "projects": {"base": f"ou=projects,{SUFFIX}"},
        "hosts": {"base": f"ou=machines,{SUFFIX}", "domain": "example.com"},
    }
    print(json.dumps({"options": options, "password": READER_PASSWORD}))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "up":
        sys.exit(__doc__)
    up(sys.argv[2])
