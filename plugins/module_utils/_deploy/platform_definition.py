# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The platforms as everything above them sees them: by name, before one of them is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Optional

from .._compose.support import Support
from .._core.errors import ShippingError, suggestion
from .ports import Platform

Options = Mapping[str, Any]
OptionSpecs = Mapping[str, dict[str, Any]]
Connect = Callable[[Options, Mapping[str, Mapping[str, str]]], Platform]
CheckManifests = Callable[[list[Any], Optional[str], str], None]


def _any_name(app: str) -> str:
    return ""


@dataclass(frozen=True)
class PlatformDefinition:
    """A platform: its name, its options, and how the rest of it is loaded.

    ``load_support`` returns what it takes of a Compose file. ``connect`` gets a module's options
    and the credentials for registries. ``connection_options`` are those of all modules,
    ``release_options`` of those that make releases. ``problem_of_name`` returns why the platform
    cannot take an app's name. ``check_manifests`` gets documents, a namespace and what to do with
    hooks, and raises SpecError; a platform without it takes no manifests. ``read_capabilities``
    returns what the templates of manifests may depend on. ``give_access`` gets the options of
    ci_access with ``check_mode``; a platform without it has no accounts for single apps.
    """

    name: str
    title: str
    # Functions, so that only the chosen platform's client is imported, which takes 0.3 to 0.8 s.
    load_support: Callable[[], Support]
    connect: Connect
    connection_options: OptionSpecs = field(default_factory=dict)
    release_options: OptionSpecs = field(default_factory=dict)
    problem_of_name: Callable[[str], str] = _any_name
    check_manifests: CheckManifests | None = None
    read_capabilities: Callable[[Options], dict[str, Any]] | None = None
    give_access: Callable[[Options], dict[str, Any]] | None = None


class Platforms:
    """All platforms by name; the first one is the default."""

    def __init__(self, definitions: Iterable[PlatformDefinition]) -> None:
        self._definitions = {definition.name: definition for definition in definitions}

    @property
    def names(self) -> list[str]:
        """Return the names of all platforms, the default one first."""
        return list(self._definitions)

    @property
    def default(self) -> str:
        """Return the name of the platform that is used where the user names none."""
        return self.names[0]

    @property
    def with_manifests(self) -> list[PlatformDefinition]:
        """Return the platforms that take manifests."""
        definitions = self._definitions.values()
        return [definition for definition in definitions if definition.check_manifests]

    def give_access(self, options: Options) -> dict[str, Any]:
        """Give a CI access to one app, or withdraw it, on the platform that has accounts for it."""
        give = self.with_accounts.give_access
        return give(options) if give else {}

    def access_argument_spec(self, common: OptionSpecs) -> dict[str, Any]:
        """Return the options of ci_access with those that reach its platform."""
        own = self.with_accounts.connection_options
        return {**common, **own, "namespace": {**own["namespace"], "required": True}}

    @property
    def with_accounts(self) -> PlatformDefinition:
        """Return the platform that has accounts for single apps."""
        return next(each for each in self._definitions.values() if each.give_access)

    def definition(self, name: str) -> PlatformDefinition:
        """Return a platform's definition; raise ShippingError where there is no such platform."""
        if name not in self._definitions:
            raise ShippingError(
                f"platform {name!r} is unknown",
                f"the platforms are {', '.join(self.names)}{suggestion(name, self.names)}",
                "Set platform to one of them",
            )
        return self._definitions[name]

    def support(self, name: str) -> Support:
        """Return what a platform takes of a Compose file."""
        return replace(self.definition(name).load_support(), platforms=tuple(self.names))

    def argument_spec(self, common: OptionSpecs, *, releases: bool = False) -> dict[str, Any]:
        """Return a module's options with those that choose and reach a platform.

        ``releases``: the module makes releases.
        """
        choice = {"type": "str", "choices": self.names, "default": self.default}
        result: dict[str, Any] = {**common, "platform": choice}
        for definition in self._definitions.values():
            result.update(definition.connection_options)
            if releases:
                result.update(definition.release_options)
        return result
