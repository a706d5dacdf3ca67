#!/usr/bin/env bash
# Sees to what pip cannot install: tools/system.sh venv|pdf|browser…
# Nothing is asked of apt unless something is missing; without apt, root or sudo it says in one line what to install.
set -euo pipefail

python=${PYTHON:-python3}

missing() { # prints the Debian packages that the needs named lack
  for need in "$@"; do
    case $need in
      venv) "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv ;;
      pdf)
        loads libpango-1.0.so.0 || echo libpango-1.0-0
        loads libpangoft2-1.0.so.0 || echo libpangoft2-1.0-0
        loads libharfbuzz-subset.so.0 || echo libharfbuzz-subset0
        ;;
      browser) test -x /usr/bin/chromium || echo chromium ;;
      *) echo "unknown need: $need" >&2 && exit 2 ;;
    esac
  done
}

loads() { "$python" -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" 2>/dev/null; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "auditkit needs Python 3.11 or newer: install it, or name it with make PYTHON=/path/to/python3" >&2
  exit 1
fi

packages=$(missing "$@" | tr '\n' ' ')
[ -n "$packages" ] || exit 0

if may_install; then
  echo "Installing system packages: $packages"
  as_root apt-get -qq update
  # shellcheck disable=SC2086  # a list of names, one word each
  as_root apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $packages >/dev/null
  packages=$(missing "$@" | tr '\n' ' ')
  [ -n "$packages" ] || exit 0
fi

echo "System packages are missing; install them and run make again. On Debian: apt-get install ${packages% }" >&2
exit 1
