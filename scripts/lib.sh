# Shared by the scripts of this folder; sourced, never run.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/delvegate

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command with root's rights, or says how to get them.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $* (run it as root, or install sudo)"
    fi
}

# How many compilers this machine can hold: one a core, and a gigabyte and a half for each.
jobs_that_fit() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
    [ "$memory" -ge 1 ] || memory=1
    if [ "$memory" -lt "$cores" ]; then echo "$memory"; else echo "$cores"; fi
}

build_directory() { # [--sanitize]
    if [ "${1:-}" = --sanitize ]; then echo "$root/build-asan"; else echo "$root/build"; fi
}

# What scripts/go-tools found; its Go comes first on PATH.
use_go_tools() {
    [ -f "$cache/tools.env" ] || return 0
    . "$cache/tools.env"
    if [ -n "${DELVEGATE_GO:-}" ]; then PATH=$(dirname "$DELVEGATE_GO"):$PATH; fi
}
