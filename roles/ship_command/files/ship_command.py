# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploy a commit that a CI requests by SSH, as the only command of the CI's key.

``ship_command.py SETTINGS APP ...`` reads ``APP COMMIT`` from SSH_ORIGINAL_COMMAND. The apps are
those that the key may deploy. No other part of the request reaches the play.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_REQUEST = re.compile(r"([A-Za-z0-9][A-Za-z0-9_-]{0,39}) ([0-9a-f]{40}|[0-9a-f]{64})")
_REJECTED = 2


class Rejected(Exception):
    """A request that is not for an app and a commit."""


def read_request(text: str, apps: Sequence[str]) -> tuple[str, str]:
    """Return the app and the commit of a request; raise Rejected."""
    # fullmatch without flags: "$" would allow a line feed at the end.
    match = _REQUEST.fullmatch(text)
    if not match:
        raise Rejected(
            "the request is rejected: it is not an app and the full ID of a commit."
            " Write: ssh HOST APP COMMIT"
        )
    if match[1] not in apps:
        raise Rejected(
            f"the request is rejected: this key may not deploy {match[1]}."
            f" Use a key for that app; this one is for {', '.join(apps)}."
        )
    return match[1], match[2]


def command(settings: Mapping[str, str], commit: str) -> list[str]:
    """Return the play of a commit."""
    values = {
        "repository": settings["repository"],
        "commit": commit,
        "branch": settings["branch"],
    }
    # As JSON, because Ansible splits other values at spaces.
    words = [settings["playbook"], "shipping.code.ship", "-i", settings["inventory"]]
    return [*words, "-e", json.dumps(values)]


def main(words: Sequence[str]) -> int:
    """Run the play; return its exit status."""
    settings_path, *apps = words
    account = pwd.getpwuid(os.getuid())
    try:
        app, commit = read_request(os.environ.get("SSH_ORIGINAL_COMMAND", ""), apps)
        settings = json.loads(Path(settings_path).read_text(encoding="utf-8"))[app]
        lock = Path(account.pw_dir, f".ship-{app}.lock").open("w")  # noqa: SIM115
    except Rejected as error:
        print(f"ship: {error}", file=sys.stderr)
        return _REJECTED
    except (OSError, ValueError, KeyError) as error:
        print(
            f"ship: {settings_path} cannot be used: {type(error).__name__}."
            " Run the role ship_command again.",
            file=sys.stderr,
        )
        return 1
    # Nothing of the client's environment reaches the play.
    environment = {
        "HOME": account.pw_dir,
        "LANG": "C.UTF-8",
        "PATH": f"{Path(settings['playbook']).parent}:/usr/local/bin:/usr/bin:/bin",
    }
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        play = subprocess.run(
            command(settings, commit), stdin=subprocess.DEVNULL, env=environment, check=False
        )
    return play.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
