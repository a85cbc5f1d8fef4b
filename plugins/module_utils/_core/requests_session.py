# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of the Python package requests that take nothing from the user's environment."""

from __future__ import annotations

from typing import Any

from .environment_proxy import environment_proxy


def isolate(session: Any, url: str) -> None:
    """Let a session take no trust and no login from the environment; of proxies, those for ``url``.

    By default requests prefers REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE to the session's own
    ``verify``, also to False, and logs in by the user's netrc (requests 2.34, Session.trust_env).
    """
    session.trust_env = False
    proxy = environment_proxy(url)
    session.proxies = {"http": proxy, "https": proxy} if proxy else {}
