# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open URLs with Ansible's client, which knows proxies and authorities."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from ...module_utils._core.errors import ShippingError

_TIMEOUT = 60


@contextlib.contextmanager
def opened(
    url: str, failure: Callable[[Exception], ShippingError], **options: Any
) -> Iterator[Any]:
    """Open a URL; raise what ``failure`` makes of an error, also of one while it is read.

    ``options`` are those of Ansible's ``open_url``.
    """
    # ansible.module_utils.urls takes as long to import as the rest; most runs fetch nothing.
    from http.client import HTTPException
    from netrc import NetrcParseError

    from ansible.module_utils.urls import ConnectionError as NotConnected
    from ansible.module_utils.urls import open_url

    try:
        # A login is for the server of the URL. Without this, Ansible would also send it to a server
        # that the first one redirects to.
        with open_url(
            url, timeout=_TIMEOUT, unredirected_headers=["Authorization"], **options
        ) as answer:
            yield answer
    except (OSError, HTTPException, NotConnected, NetrcParseError, ValueError) as error:
        raise failure(error) from error
