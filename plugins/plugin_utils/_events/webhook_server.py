# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The webhook's HTTP server: requests in, events of pushes out."""

from __future__ import annotations

import asyncio
import importlib
import logging
import ssl
from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import ShippingError, os_words
from . import webhook_options
from .push_requests import RejectedRequest, check_signature, read_push
from .webhook_options import WebhookOptions

# GitHub sends at most 25 MB.
_MOST_BYTES = 32 * 2**20
_logger = logging.getLogger(__name__)


async def run(queue: Any, args: Mapping[str, Any]) -> None:
    """Put the events of pushes into the queue until canceled.

    Raises ShippingError where a user has to do something.
    """
    options = webhook_options.read(args)
    options.secret()
    web = _library()
    application = web.Application(client_max_size=_MOST_BYTES)

    async def answer(request: Any) -> Any:
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            text = await _take(options, headers, await request.read(), queue)
        except RejectedRequest as error:
            _logger.warning("%s", error)
            return web.Response(status=error.status, text=f"{error}\n")
        except ShippingError as error:
            _logger.error("%s", error)
            return web.Response(status=500, text="The secret of the webhook cannot be read.\n")
        return web.Response(text=text)

    application.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await _listen(web, runner, options)
        await asyncio.Future()
    finally:
        await runner.cleanup()


async def _take(
    options: WebhookOptions, headers: Mapping[str, str], body: bytes, queue: Any
) -> str:
    """Return the answer to a request whose event, if any, is in the queue."""
    # Read again each time, so that a new secret needs no restart.
    check_signature(headers, body, options.secret())
    push = read_push(headers, body)
    event = options.event(push) if push else None
    if not event:
        return "ignored\n"
    await queue.put(event)
    return f"{event['project']}: {event['commit']} of {event['branch']} is taken\n"


async def _listen(web: Any, runner: Any, options: WebhookOptions) -> None:
    what = f"the webhook cannot listen on {options.host}:{options.port}"
    try:
        context = _tls(options)
        await web.TCPSite(runner, options.host, options.port, ssl_context=context).start()
    except ssl.SSLError as error:
        why = error.reason or "the certificate and the key do not fit"
        raise ShippingError(what, why, "Correct certfile or keyfile") from None
    except OSError as error:
        raise ShippingError(what, os_words(error), "Correct host, port, certfile or keyfile") from (
            None
        )


def _tls(options: WebhookOptions) -> ssl.SSLContext | None:
    if not options.certfile:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    # Without a password, OpenSSL prompts for that of an encrypted key, and would hang.
    context.load_cert_chain(options.certfile, options.keyfile, password=lambda: "")
    return context


def _library() -> Any:
    try:
        return importlib.import_module("aiohttp.web")
    except ImportError as error:
        raise ShippingError(
            "the webhook cannot start", "the Python library aiohttp is missing", "Install it"
        ) from error
