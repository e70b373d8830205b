#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the hub against the conformance suite of the OCI distribution specification, with every option that the suite has:
# for version 1.1 and for the development version, open and with a log-in. No failure and no skip is allowed.
#
#   scripts/conformance.sh SUITE [HUB]
#
# SUITE is the program that `go build -o SUITE .` makes in the folder `conformance` of
# https://github.com/opencontainers/distribution-spec; HUB is `wasme-hub`, by default the one that `swift build` made.
set -euo pipefail
suite=$(realpath "${1:?name the program of the conformance suite}")
hub=$(realpath "${2:-$(dirname "$0")/../.build/debug/wasme-hub}")
work=$(mktemp -d)
pid=
finish() {
    if [ -n "$pid" ]; then
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
        pid=
    fi
}
trap 'finish; rm -rf "$work"' EXIT

password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
status=0
for version in 1.1 dev; do
    for access in open log-in; do
        name=$version-$access
        data=$work/$name
        options=()
        if [ $access = log-in ]; then
            printf '%s\n' "$password" | "$hub" user add tester --admin --password-stdin --data "$data" >"$work/log" 2>&1
            options=(--require-login)
        fi
        rm -f "$work/out"
        "$hub" serve --data "$data" --listen 127.0.0.1:0 "${options[@]}" >"$work/out" 2>"$work/err" &
        pid=$!
        until grep -qs '^listening on ' "$work/out"; do
            kill -0 "$pid" || { cat "$work/err" >&2; exit 1; }
            sleep 0.1
        done
        # What the suite calls sparse, the hub takes where a policy says so.
        "$hub" policy set 'conformance/*' --sparse --data "$data" >>"$work/log"
        address=$(sed -n 's/^listening on http:\/\///p' "$work/out")
        user=()
        if [ $access = log-in ]; then user=(OCI_USERNAME=tester OCI_PASSWORD="$password"); fi
        result=0
        # The defaults of a version leave out what it does not ask of a registry; here nothing is left out.
        env "${user[@]}" OCI_VERSION=$version OCI_REGISTRY="$address" OCI_TLS=disabled \
            OCI_RESULTS_DIR="$work/results" OCI_API_BLOBS_DIGEST_HEADER=true OCI_API_BLOBS_UPLOAD_CANCEL=true \
            OCI_API_MANIFESTS_DIGEST_HEADER=true OCI_API_MANIFESTS_TAG_PARAM=true OCI_DATA_SPARSE=true \
            timeout 600 "$suite" >"$work/report" 2>&1 || result=$?
        count() { sed -n "s/^  $1\.*: *\([0-9][0-9]*\)\$/\1/p" "$work/report"; }
        printf '%s, %s: %s passed, %s failed, %s skipped, %s disabled, %s errors\n' \
            "$version" "$access" "$(count Pass)" "$(count FAIL)" "$(count Skip)" "$(count Disabled)" "$(count Error)"
        if [ $result != 0 ] || [ "$(count Skip)" != 0 ] || [ "$(count Disabled)" != 0 ]; then
            # Groups come before what they are made of: the longest names say most.
            (grep -E '/.*/.*: (FAIL|Skip|Disabled|Error)$' "$work/report" || cat "$work/report") | tail -n 20 >&2
            status=1
        fi
        finish
    done
done
exit $status
