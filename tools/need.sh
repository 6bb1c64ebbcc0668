#!/usr/bin/env bash
# Make sure that what a target needs is on this machine.
#
# In: `required` or `optional`, then names from the table below. What is missing is installed when
# this is root on a system with apt, otherwise it is named with its package. Exit 1 when something
# required stays missing; something optional only costs the tests that use it.
set -euo pipefail

PYTHON=${PYTHON:-python3}
level=$1
shift

# name -> how to see that it is there
has() {
  case $1 in
    python) "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ;;
    venv) "$PYTHON" -c 'import ensurepip, venv' ;;
    bcc) compgen -G '/usr/lib/python3*/*-packages/bcc/__init__.py' ;;
    cc | cargo | curl | mandoc | nginx | strace | valgrind | wrk) command -v "$1" ;;
    *) echo "need.sh: unknown name $1" >&2 && exit 2 ;;
  esac > /dev/null 2>&1
}

# name -> Debian package, empty where the system's packages are not the way
package() {
  case $1 in
    python) ;;
    venv) echo python3-venv ;;
    bcc) echo python3-bpfcc ;;
    cc) echo build-essential ;;
    cargo) ;;
    *) echo "$1" ;;
  esac
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  if ! apt-get install -y -qq --no-install-recommends "$@" > "$log" 2>&1; then
    # The package lists of a fresh machine are empty or old: fetch them and try once more.
    apt-get update -qq > "$log" 2>&1 || true
    apt-get install -y -qq --no-install-recommends "$@" > "$log" 2>&1 || tail -n 5 "$log" >&2
  fi
  rm -f "$log"
}

packages=()
for name in "$@"; do
  has "$name" || packages+=($(package "$name"))
done

if [ ${#packages[@]} -gt 0 ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
  echo "installing ${packages[*]}"
  apt_install "${packages[@]}"
fi

missing=0
for name in "$@"; do
  has "$name" && continue
  missing=1
  case $name in
    python) echo "missing: Python 3.10 or newer (set PYTHON=/path/to/python3)" >&2 ;;
    cargo) echo "missing: a Rust toolchain (cargo)" >&2 ;;
    *) echo "missing: $name (Debian package $(package "$name"))" >&2 ;;
  esac
done

[ "$level" = optional ] || exit $missing
