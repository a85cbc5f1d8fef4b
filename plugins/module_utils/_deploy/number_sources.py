# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a number from Prometheus or from a JSON document; every failure is a reason, never a pass.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

from __future__ import annotations

import json
import math
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

from .._core.errors import innermost
from .ramp_checks import PROMETHEUS, NumberCheck, Reading

_LARGEST_ANSWER = 1024**2
_PART = 64 * 1024
_LONGEST_MESSAGE = 200


class _NoNumberError(Exception):
    """A number cannot be read; the message is the reason."""


def read_number(check: NumberCheck) -> Reading:
    """Return the number of a check with its standard error, or the reason why it cannot be read."""
    try:
        if check.type == PROMETHEUS:
            value = _query(check, check.value)
            error = _query(check, check.standard_error) if check.standard_error else None
        else:
            document = _document(check, check.url)
            value = _at_path(document, check.value)
            error = _at_path(document, check.standard_error) if check.standard_error else None
        if error is not None and error < 0:
            raise _NoNumberError(f"its standard error is {error:g}")
    except _NoNumberError as reason:
        return Reading(reason=str(reason))
    return Reading(value, error)


def _query(check: NumberCheck, query: str) -> float:
    """Return the value of an instant query that has one."""
    words = {"query": query, "timeout": f"{check.timeout:g}s"}
    url = f"{check.url.rstrip('/')}/api/v1/query?{urllib.parse.urlencode(words)}"
    answer = _document(check, url)
    data = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(data, Mapping) or answer.get("status") != "success":
        raise _NoNumberError(f"{_place(check.url)} did not answer as Prometheus does")
    result = data.get("result")
    if data.get("resultType") == "scalar":
        return _sample(result, query)
    if data.get("resultType") != "vector" or not isinstance(result, list):
        raise _NoNumberError(f"{query} is a {data.get('resultType')}, and not one number")
    if len(result) != 1:
        raise _NoNumberError(f"{query} has {len(result)} series, and not one")
    return _sample(result[0].get("value") if isinstance(result[0], Mapping) else None, query)


def _sample(pair: object, query: str) -> float:
    """Return the value of a pair of a time and a text."""
    if not isinstance(pair, list) or len(pair) != 2:
        raise _NoNumberError(f"{query} has no sample with a value")
    return _finite(pair[1], query)


def _at_path(document: object, path: str) -> float:
    """Return the number at a path such as ``data.items.0.value``."""
    for key in path.split("."):
        if isinstance(document, Mapping) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            raise _NoNumberError(f"the document has nothing at {path}")
    return _finite(document, path)


def _finite(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise _NoNumberError(f"{place} is {_short(json.dumps(value))}, and not a number")
    try:
        number = float(value)
    except ValueError as error:
        raise _NoNumberError(f"{place} is {_short(str(value))!r}, and not a number") from error
    # Prometheus writes the share of errors of no requests as NaN.
    if not math.isfinite(number):
        raise _NoNumberError(f"{place} is {value}")
    return number


def _document(check: NumberCheck, url: str) -> Any:
    """Return the JSON document of an address."""
    place = _place(check.url)
    try:
        content = _content(check, url)
    except urllib.error.HTTPError as error:
        with error:
            raise _NoNumberError(f"{place} answered {error.code}{_message(error)}") from error
    # ValueError: an address or a header that cannot be sent.
    except (OSError, HTTPException, ValueError) as error:
        raise _NoNumberError(f"{place} cannot be read: {innermost(error)}") from error
    try:
        return json.loads(content)
    except ValueError as error:
        raise _NoNumberError(f"{place} did not answer with JSON") from error


def _content(check: NumberCheck, url: str) -> bytes:
    headers = {"Accept": "application/json", **check.headers}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - checked in ramp_checks
    context = ssl.create_default_context(cafile=check.ca_path or None)
    opener = urllib.request.OpenerDirector()
    # No redirect is followed, since the headers of the check may have a password.
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=context),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    deadline = time.monotonic() + check.timeout
    content = b""
    with opener.open(request, timeout=check.timeout) as response:
        # The timeout is that of one part; an answer byte by byte would last for ever.
        for part in iter(lambda: response.read1(_PART), b""):
            content += part
            if len(content) > _LARGEST_ANSWER:
                raise OSError(f"the answer has more than {_LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the answer took more than {check.timeout:g} s")
    return content


def _message(error: urllib.error.HTTPError) -> str:
    """Return the text of an error of Prometheus, if it has one."""
    try:
        answer = json.loads(error.read(_PART))
    except (OSError, HTTPException, ValueError):
        return ""
    text = answer.get("error") if isinstance(answer, Mapping) else None
    return f": {_short(text)}" if isinstance(text, str) else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _place(url: str) -> str:
    """Return an address without a password or a query."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
