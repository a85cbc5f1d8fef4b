# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Call AWX through its official client, awxkit.

One method for each kind of request, and errors as sentences.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from .._core.errors import Denied, NotFound, PlatformError, Unreachable, innermost
from .._core.libraries import Library
from .._core.requests_session import isolate
from .object_types import BY_NAME

AWXKIT = Library("awxkit", "the host that talks to AWX")
# The path of the API locates AWX, as url does: below a gateway it is another one.
_KEPT = "AWXKIT_API_BASE_PATH"

Object = Mapping[str, Any]
# Django REST framework's text for missing rights. Other texts with status 403 have other causes.
_NO_RIGHTS = "You do not have permission to perform this action"
# awx/api/views/mixin.py: for up to a minute after a job that uses an object.
_STILL_PROCESSING = "still processing events"


class ObjectInUse(PlatformError):
    """Jobs use the object, or have used it just now."""


def connect(url: str, token: str, verify: bool | str, timeout: float) -> Awx:
    """Connect to AWX at an address, as the user of the token."""
    try:
        with _without_variables():
            from awxkit.api.client import Connection
            from awxkit.api.pages.api import ApiV2
            from awxkit.config import config
        from requests.adapters import HTTPAdapter
        from requests.exceptions import ChunkedEncodingError, Timeout
        from requests.exceptions import ConnectionError as RequestsConnectionError
    except ImportError as error:
        raise AWXKIT.unusable(error) from error

    class TimeLimitedAdapter(HTTPAdapter):
        # awxkit has no option for the timeout of an answer.
        def send(self, request: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return self._send_once(request, *arguments, **options)
            except (ChunkedEncodingError, RequestsConnectionError) as error:
                # The server may close a kept connection at any time. Only a GET can be repeated.
                if request.method != "GET" or isinstance(error, Timeout):
                    raise
                return self._send_once(request, *arguments, **options)

        def _send_once(self, request: Any, *arguments: Any, **options: Any) -> Any:
            response = super().send(request, *arguments, **{**options, "timeout": timeout})
            # Read the content here, where a lost connection is still detected. requests caches it.
            response.content  # noqa: B018  # pylint: disable=pointless-statement
            return response

    # awxkit retries five times, also a POST that AWX may have received.
    config.client_connection_attempts = 1
    connection = Connection(url.rstrip("/"), verify=verify)
    isolate(connection.session, url)
    for scheme in ("http://", "https://"):
        connection.session.mount(scheme, TimeLimitedAdapter())
    connection.login(token=token)
    with _sentences(f"AWX at {url}"):
        addresses = ApiV2(connection).get().json
        # awxkit turns an answer that is not JSON into its own object.
        if not isinstance(addresses, dict) or not any(map(_is_path, addresses.values())):
            raise ValueError("it has no lists")
        return Awx(connection, addresses)


def _is_path(value: object) -> bool:
    return isinstance(value, str) and value.startswith("/")


@contextlib.contextmanager
def _without_variables() -> Iterator[None]:
    """Hide awxkit's variables from its import, which reads files of credentials that they name.

    awxkit 24.6 also ends with an error of its own where such a file is missing.
    """
    names = [name for name in os.environ if name.startswith("AWXKIT_") and name != _KEPT]
    hidden = {name: os.environ.pop(name) for name in names}
    try:
        yield
    finally:
        os.environ.update(hidden)


class Awx:
    """The lists of objects by type, at the addresses that AWX itself returns."""

    def __init__(self, connection: Any, addresses: Mapping[str, str]) -> None:
        self._connection = connection
        self._addresses = addresses

    def find(self, kind: str, **query: Any) -> Object | None:
        """Return the first object that matches a query."""
        return next(iter(self.all(self._address(kind), **query)), None)

    def names(self, kind: str) -> list[str]:
        """Return the names of all objects of a type."""
        return [str(item.get("name", "")) for item in self.all(self._address(kind))]

    def user(self) -> Object:
        """Return the user of the token."""
        return next(iter(self.all(self._listed_at("me"))), {})

    def all(self, address: str, **query: Any) -> list[Object]:
        """Return all objects of a list, from all of its pages."""
        with _sentences(address):
            page = self._page(address).get(all_pages=True, page_size=100, **query)
            return [_object(item) for item in page.json["results"]]

    def count(self, address: str) -> int:
        """Return how many objects a list has."""
        with _sentences(address):
            # The first page has the count of all.
            return int(self._page(address).get(page_size=1).json["count"])

    def get(self, address: str) -> Object:
        """Return one object."""
        with _sentences(address):
            return _object(self._page(address).get().json)

    def make(self, kind: str, title: str, sent: Mapping[str, Any]) -> Object:
        """Create an object."""
        with _sentences(f"{title} could not be created"):
            return _object(self._page(self._address(kind)).post(dict(sent)).json)

    def change(self, current: Object, title: str, sent: Mapping[str, Any]) -> Object:
        """Change fields of an object."""
        with _sentences(f"{title} could not be changed"):
            return _object(self._page(current["url"]).patch(**sent).json)

    def post(self, address: str, title: str, sent: Mapping[str, Any]) -> None:
        """Send a request whose answer has no content."""
        with _sentences(f"{title} could not be changed"), _no_content():
            self._page(address).post(dict(sent))

    def remove(self, current: Object, title: str) -> None:
        """Remove an object; AWX may do so later."""
        with (
            _sentences(f"{title} could not be removed"),
            # Removed already, by AWX together with another object or by a user.
            contextlib.suppress(NotFound),
            _no_content(),
        ):
            self._page(current["url"]).delete()

    def _address(self, kind: str) -> str:
        return self._listed_at(BY_NAME[kind].address_key)

    def _listed_at(self, key: str) -> str:
        if key not in self._addresses:
            raise NotFound(
                f"AWX has no {key.replace('_', ' ')}",
                "its API has no list of them",
                "Check url and the version of AWX",
            )
        return self._addresses[key]

    def _page(self, address: str) -> Any:
        from awxkit.api.pages.base import Base

        return Base(self._connection, endpoint=address)


@contextlib.contextmanager
def _no_content() -> Iterator[None]:
    """Suppress the error that awxkit raises for an answer without content."""
    # awxkit raises an error for status 204, with which AWX answers a change without content.
    from awxkit.exceptions import NoContent

    with contextlib.suppress(NoContent):
        yield


@contextlib.contextmanager
def _sentences(title: str) -> Iterator[None]:
    """Raise errors of awxkit as our own, with a cause and a hint."""
    from awxkit.exceptions import Common
    from requests import RequestException

    try:
        yield
    except Common as error:
        if type(error).__name__ == "NoContent":
            raise
        raise _rejection(error, title) from error
    # ValueError: awxkit parses each answer as JSON. The others: as an object of AWX.
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, RequestException):
            raise _unanswered(title, error) from error
        raise PlatformError(
            title,
            f"the answer is not that of AWX ({type(error).__name__}: {error})",
            "Check url, and proxies before it",
        ) from error
    except RequestException as error:
        raise _unanswered(title, error) from error


def _unanswered(title: str, error: Exception) -> Unreachable:
    return Unreachable(
        title,
        f"no answer: {innermost(error)}",
        "Check url, validate_certs and ca_file, and that AWX runs",
    )


def _object(answer: Any) -> Object:
    """Return an object of AWX; raise ValueError if it lacks the common fields."""
    found = dict(answer)
    texts = isinstance(found["url"], str) and isinstance(found.get("description") or "", str)
    if not texts or not isinstance(found["id"], int) or not isinstance(found["related"], dict):
        raise ValueError("it is not an object with an id, a url and related lists")
    return found


def related(current: Object, name: str) -> str:
    """Return the address of a list or an action of an object."""
    address = current["related"].get(name)
    if not isinstance(address, str):
        raise NotFound(
            f"AWX has no {name.replace('_', ' ')} of {current['url']}",
            "the object has no such address",
            "Check the version of AWX",
        )
    return address


def _rejection(error: Any, title: str) -> PlatformError:
    """Return an error of awxkit as our own."""
    from awxkit.exceptions import Conflict, Forbidden, Unauthorized
    from awxkit.exceptions import NotFound as Missing

    why = words(error.msg) or str(error.status_string)
    if isinstance(error, Unauthorized):
        return Denied(title, why, "Set a valid token")
    if isinstance(error, Conflict) or _STILL_PROCESSING in why:
        return ObjectInUse(title, why)
    if isinstance(error, Forbidden) and _NO_RIGHTS in why:
        return Denied(title, why, "Set a token of a user with this right")
    kind = NotFound if isinstance(error, Missing) else PlatformError
    return kind(title, why)


def words(answer: Any) -> str:
    """Return the answer of AWX to a request it has rejected, in one line."""
    if isinstance(answer, Mapping):
        plain = ("detail", "error", "msg", "__all__", "non_field_errors")
        return "; ".join(
            words(value) if name in plain else f"{name}: {words(value)}"
            for name, value in answer.items()
        )
    if isinstance(answer, (list, tuple)):
        return ", ".join(map(words, answer))
    return str(answer).rstrip(".")
