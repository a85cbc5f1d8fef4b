#!/usr/bin/env bash
# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# setup.sh python REQUIREMENTS [PYTHON]   makes a Python environment for a requirements file; prints its bin folder
# setup.sh packages NAME ...              installs Debian packages that are missing
# setup.sh find VERSION                   prints the path of a Python that runs, if there is one
# setup.sh core VERSION                   prints the folder with the sources of an ansible-core
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/shipping.code"
mkdir -p "$cache"

install_packages() {
  local missing=()
  for name in "$@"; do
    # An engine from elsewhere is as good as Debian's, and must not be replaced by it.
    if [ "$name" = docker.io ] && command -v dockerd >/dev/null; then continue; fi
    dpkg-query --show --showformat='${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "installing ${missing[*]}" >&2
  # No service of these packages is started: the test bed runs private ones.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1
  fi
  trap '[ -z "${made:-}" ] || rm -f /usr/sbin/policy-rc.d' RETURN
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  apt-get install --yes -qq --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 || { tail -20 "$cache/apt.log" >&2; exit 1; }
}

# uv trusts what the host trusts: a company's proxy may have an authority of its own.
export UV_CACHE_DIR="$cache/uv-cache" UV_SYSTEM_CERTS=true

uv() {
  if [ ! -x "$cache/uv/bin/uv" ]; then
    rm -rf "$cache/uv"
    python3 -m venv "$cache/uv" >&2
    "$cache/uv/bin/pip" install --quiet --disable-pip-version-check 'uv>=0.13,<1' >&2
  fi
  "$cache/uv/bin/uv" "$@"
}

# Pythons that run, the best first: on the PATH, then those of pyenv wherever it is.
find_python() {
  local wanted=("$@") roots=("${PYENV_ROOT:-}" "$HOME/.pyenv" "$(getent passwd "$(id -u)" | cut -d: -f6)/.pyenv")
  for version in "${wanted[@]}"; do
    for candidate in "$(command -v "python$version" || true)" $(for root in "${roots[@]}"; do [ -z "$root" ] || ls -d "$root"/versions/"$version"*/bin/python 2>/dev/null || true; done); do
      if [ -n "$candidate" ] && "$candidate" -c '' 2>/dev/null; then echo "$candidate"; return; fi
    done
  done
  echo "${wanted[0]}" # not here: uv gets it
}

python_environment() {
  local requirements=$1 python key place included
  shift
  local versions=("$@")
  [ $# -gt 0 ] || versions=(3.13 3.12 3.14)
  python=$(find_python "${versions[@]}")
  # With the files that it includes.
  mapfile -t included < <(sed -n "s|^-r |$(dirname "$requirements")/|p" "$requirements")
  key=$(cat "$requirements" "${included[@]}" <(echo "$python") | sha256sum | cut -c1-12)
  place="$cache/venv-$(basename "$requirements" .txt)-$key"
  if [ ! -e "$place/complete" ]; then
    install_packages python3-venv
    rm -rf "$place"
    uv venv --quiet --python "$python" "$place" >&2
    uv pip install --quiet --python "$place/bin/python" --requirements "$requirements" >&2
    touch "$place/complete"
  fi
  echo "$place/bin"
}

# The sources of an ansible-core, to read only. A candidate counts: what comes next is checked before it is out.
ansible_core() {
  local version=$1 place="$cache/ansible-core-$1"
  if [ ! -e "$place/complete" ]; then
    rm -rf "$place"
    uv pip install --quiet --no-deps --prerelease allow --python "$(find_python 3.13 3.12 3.14)" --target "$place" "ansible-core==$version.*" >&2
    touch "$place/complete"
  fi
  echo "$place"
}

case "${1:-}" in
  packages) shift && install_packages "$@" ;;
  python) shift && python_environment "$@" ;;
  core) ansible_core "$2" ;;
  find) shift && python=$(find_python "$@") && [ -x "$python" ] && echo "$python" ;;
  *) sed -n '6,9p' "$0" && exit 2 ;;
esac
