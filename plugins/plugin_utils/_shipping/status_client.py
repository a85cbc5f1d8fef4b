# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the status of a commit to its forge.

A library for each forge would be three dependencies for a POST of four fields, so requests sends
it, which the SDK of the engine needs anyway.
"""

from __future__ import annotations

from ...module_utils._core.errors import innermost, os_words
from ...module_utils._core.libraries import Library
from ...module_utils._core.requests_session import isolate
from ...module_utils._core.slow_calls import waiting_for
from .commit_status import CommitStatus, Forge, rejection, request

_REQUESTS = Library("requests", "the controller", "2.31", "3")
_SECONDS = 10
# Of an answer; a message is in its beginning.
_BYTES = 65536


def send(forge: Forge, status: CommitStatus, ca_path: str = "") -> str:
    """Set a status; return why that was not possible, empty if it was."""
    written = request(forge, status)
    try:
        import requests
    except ImportError as error:
        raise _REQUESTS.unusable(error) from error
    with requests.Session() as session, waiting_for(f"the {forge.type} at {forge.base_url}"):
        isolate(session, written.url)
        try:
            answer = session.post(
                written.url,
                json=dict(written.body),
                headers={"Accept": "application/json", **written.headers},
                timeout=_SECONDS,
                # A redirect to another host would get GitLab's header with the token.
                allow_redirects=False,
                verify=ca_path or True,
                stream=True,
            )
            text = answer.raw.read(_BYTES, decode_content=True).decode(errors="replace")
        except requests.exceptions.RequestException as error:
            return f"no answer of {forge.base_url} ({innermost(error)})"
        except OSError as error:
            return f"no answer of {forge.base_url} ({os_words(error)})"
    return rejection(forge, answer.status_code, text)
