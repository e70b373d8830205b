#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, visibly: a filter from nothing to a live Envoy, through our own hub. Every command is printed as the
# reader can repeat it. Ends by itself and stops what it started; KEEP=1 leaves hub and Envoy running.
set -euo pipefail
cd "$(dirname "$0")/.."

started=()
work=$(mktemp -d "${TMPDIR:-/tmp}/wasme-demo.XXXXXX")
stop() {
    for pid in "${started[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]:-}"; do [ -z "$pid" ] || wait "$pid" 2>/dev/null || true; done
    started=()
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 130' INT TERM

step() { printf '\n# %s\n' "$1"; }
show() { printf '$ %s\n' "$*"; }
run() { show "$@"; "$@"; }
fail() { printf 'error: %s\n' "$1" >&2; exit 1; }

# Starts a command in the background and waits until its standard output says where it listens.
background() { # name, pattern of the line, command…
    local name=$1 pattern=$2
    shift 2
    show "$* &"
    "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
    started+=($!)
    for _ in $(seq 600); do
        if address=$(sed -n "s#^$pattern.*#\1#p" "$work/$name.out" | head -n 1) && [ -n "$address" ]; then
            cat "$work/$name.out"
            return
        fi
        kill -0 "${started[-1]}" 2>/dev/null || { cat "$work/$name.err" >&2; fail "$name ended early"; }
        sleep 0.1
    done
    cat "$work/$name.err" >&2
    fail "$name did not start within a minute"
}

step 'Build the tools from this checkout'
show swift build
# The tests, which hold the lock on the build folder, say where the tools are.
if [ -z "${WASME_DEMO_BINARIES:-}" ]; then
    # A first build takes minutes: on a terminal it shows how far it is.
    if [ -t 1 ]; then
        swift build || fail 'swift build failed'
    else
        swift build >"$work/build.log" 2>&1 || { tail -n 20 "$work/build.log" >&2; fail 'swift build failed'; }
    fi
    WASME_DEMO_BINARIES=$(swift build --show-bin-path)
fi
if [ -z "${WASME_ENVOY:-}" ] && ! command -v envoy >/dev/null; then
    envoys=("$PWD"/.tools/envoy/*/envoy)
    show "export WASME_ENVOY=${envoys[-1]}"
    export WASME_ENVOY=${envoys[-1]}
fi
show "export PATH=$WASME_DEMO_BINARIES:\$PATH"
export PATH=$WASME_DEMO_BINARIES:$PATH
# A folder for this demo only; every path below is relative to it.
show "cd $work && export WASME_HOME=\$PWD/home"
cd "$work"
export WASME_HOME=$PWD/home

step 'Start a registry that knows what a filter is (no configuration; this machine only)'
background hub 'listening on http://\(127[0-9.:]*\)' wasme-hub serve --data hub --listen 127.0.0.1:0
hub=$address
image=$hub/demo/add-header:v1

step 'Scaffold a filter in Swift, and build it into an image'
run wasme init add-header --language swift
run wasme build add-header -t "$image"

step 'Push it, and pull it back under a second store'
run wasme push "$image"
run wasme pull "$image" --store second

step 'Deploy it to a real Envoy'
background envoy 'live at http://\(127[0-9.:]*\)' \
    wasme deploy envoy "$image" --store second --run --listen 127.0.0.1:0
envoy=$address

step 'Ask Envoy'
show "curl -si http://$envoy/ | grep -v ^date:"
response=$(curl -si --max-time 10 "http://$envoy/" | tr -d '\r')
grep -q '^hello: world$' <<<"$response" || { printf '%s\n' "$response"; fail 'the filter did not answer'; }
grep -v '^date:' <<<"$response"

if [ -n "${KEEP:-}" ]; then
    step 'Left running, because KEEP is set'
    echo "hub:   http://$hub/ (pid ${started[0]})"
    echo "Envoy: http://$envoy/ (pid ${started[1]})"
    echo "stop:  kill ${started[*]}; rm -r $work"
    disown -a
    started=()
    trap - EXIT
fi
