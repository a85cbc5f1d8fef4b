# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Integrate views with shells: add each user's view to the PATH of login sessions.

profile.d and environment.d do not reach ``ssh host command`` on some systems; pam_env does. cron
sets a PATH of its own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import NamedTuple

from .atomic_files import read_text, remove, write
from .delivery_errors import Unsupported
from .shell_files import ZSH

BEGIN, END = "# BEGIN shipping.code", "# END shipping.code"
_BLOCK = re.compile(rf"(?ms)^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n")
_SET_BY_OTHERS = re.compile(r"(?m)^\s*PATH\s+(DEFAULT|OVERRIDE)\s*=")
_ENVIRONMENT = re.compile(r"""(?m)^\s*PATH\s*=\s*["']?([^"'\n]*)["']?\s*$""")
_FORMER_PATH = re.compile(
    rf"(?m)^{re.escape(BEGIN)}\nPATH DEFAULT=[^:\n]*/bin:(.*)\n{re.escape(END)}$"
)
_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class StartupFile(NamedTuple):
    """A startup file that this collection writes, or one that has its block.

    It is only written if one of ``needs`` exists, so that a program would read it.
    """

    path: str
    text: Callable[[str, str], str]
    block: bool = False
    needs: tuple[str, ...] = ()


def _shell(root: str, etc: str) -> str:
    """Return the text for POSIX shells.

    All users' shells read it, so it leaves no variables and cannot fail. zsh finds completions by
    FPATH, which is its array fpath (zshparam(1)).
    """
    return f"""\
# Written by shipping.code; changes are overwritten.
shipping_view="{root}/current/users/$(id -un)"
case ":$PATH:" in
  *":$shipping_view/bin:"*) ;;
  *) PATH="$shipping_view/bin:$PATH"; export PATH ;;
esac
if [ -r "$shipping_view/env.sh" ]; then . "$shipping_view/env.sh"; fi
if [ -n "${{ZSH_VERSION-}}" ]; then
  case ":$FPATH:" in
    *":$shipping_view/{ZSH}:"*) ;;
    *) FPATH="$shipping_view/{ZSH}:$FPATH" ;;
  esac
fi
unset shipping_view
"""


# zshenv is the one file that every zsh reads (zsh(1), STARTUP/SHUTDOWN FILES), also for ``zsh -c``.
# Debian has it in /etc/zsh, Red Hat in /etc.
def _zsh(root: str, etc: str) -> str:
    return f"{BEGIN}\n. {etc}/profile.d/shipping.sh\n{END}\n"


def _fish(root: str, etc: str) -> str:
    return f"""\
# Written by shipping.code; changes are overwritten.
set -l shipping_view {root}/current/users/(id -un)
contains -- $shipping_view/bin $PATH; or set -gx PATH $shipping_view/bin $PATH
test -r $shipping_view/env.fish; and source $shipping_view/env.fish
"""


def _session(root: str, etc: str) -> str:
    return (
        # environment.d(5) expands variables such as USER, and has none for the uid. So login names
        # are the names of views.
        "# Written by shipping.code; changes are overwritten.\n"
        f"PATH={root}/current/users/${{USER}}/bin:${{PATH}}\n"
    )


def _pam(root: str, etc: str) -> str:
    """Return a PATH with that of the system: pam_env knows none that was there before.

    One that has been deleted from /etc/environment, where it hid this, stays in the block.
    """
    setting = _ENVIRONMENT.search(read_text(os.path.join(etc, "environment")))
    former = _FORMER_PATH.search(read_text(os.path.join(etc, "security", "pam_env.conf")))
    path = (setting or former or [_DEFAULT_PATH] * 2)[1]
    return f"{BEGIN}\nPATH DEFAULT={root}/current/users/@{{PAM_USER}}/bin:{path}\n{END}\n"


PLACES = (
    StartupFile("profile.d/shipping.sh", _shell),
    StartupFile("zsh/zshenv", _zsh, block=True, needs=("zsh",)),
    StartupFile("zshenv", _zsh, block=True, needs=("zshrc", "zprofile", "zshenv")),
    StartupFile("fish/conf.d/shipping.fish", _fish, needs=("fish",)),
    StartupFile("environment.d/60-shipping.conf", _session, needs=("environment.d",)),
    StartupFile("security/pam_env.conf", _pam, block=True, needs=("security",)),
)


def install_shell_integration(root: str, etc: str, *, check_mode: bool = False) -> list[str]:
    """Write the startup files that differ; return the paths that change."""
    changed = []
    for place in PLACES:
        path = os.path.join(etc, place.path)
        if place.needs and not any(
            os.path.exists(os.path.join(etc, needed)) for needed in place.needs
        ):
            continue
        old = read_text(path)
        text = place.text(root, etc)
        new = _with_block(path, old, text) if place.block else text
        if old != new:
            changed.append(path)
            if not check_mode:
                _put(path, new)
    return changed


def remove_shell_integration(root: str, etc: str, *, check_mode: bool = False) -> list[str]:
    """Remove only what install_shell_integration() wrote.

    Return the paths that change.
    """
    changed = []
    # Regardless of ``needs``: a shell may have been removed since, but its file is still there.
    for place in PLACES:
        path = os.path.join(etc, place.path)
        old = read_text(path)
        # Only what is unchanged: a file that a user has edited stays.
        if not (BEGIN in old if place.block else old == place.text(root, etc)):
            continue
        changed.append(path)
        rest = _BLOCK.sub("", old) if place.block else ""
        if check_mode:
            continue
        if rest:
            _put(path, rest)
        else:
            remove(path)
    return changed


def _with_block(path: str, old: str, block: str) -> str:
    others = _BLOCK.sub("", old)
    if path.endswith("pam_env.conf") and _SET_BY_OTHERS.search(others):
        view = block.splitlines()[1].partition("DEFAULT=")[2].partition(":")[0]
        raise Unsupported(
            f"{path} already sets PATH",
            "pam_env would ignore one of two settings",
            f"Put {view}: at the beginning of that value and set shell_integration: false, or"
            " remove the line",
        )
    if _BLOCK.search(old):
        # A function, since re.sub() would expand backslashes in a text.
        return _BLOCK.sub(lambda _found: block, old, count=1)
    end = "" if not others or others.endswith("\n") else "\n"
    return f"{others}{end}{block}"


def _put(path: str, text: str) -> None:
    """Write to the target if the path is a link of the system; these folders belong to root."""
    real = os.path.realpath(path)
    os.makedirs(os.path.dirname(real), mode=0o755, exist_ok=True)
    mode = os.stat(real).st_mode & 0o777 if os.path.exists(real) else 0o644
    write(real, text, mode)
