#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The same filter in every language that can be built here: size of the module, and what a request costs Envoy.
# run.sh [--rounds N] [--seconds N]; LANGUAGES="c zig" and KINDS="http-headers" choose.
#
# Needs wasme (WASME, or in .build), Envoy (WASME_ENVOY or in PATH), wrk, python3 and the toolchains; C++ also its SDK, from
# github.com or in WASME_PROXY_WASM_CPP_SDK. A language that cannot be built is left out, with what its build has said.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
wasme=${WASME:-$root/.build/release/wasme}
[ -x "$wasme" ] || wasme=$root/.build/debug/wasme
export WASME_TEMPLATES=$root/sdk-templates
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export WASME_HOME=$folder/home
for kind in ${KINDS:-http-headers http-body}; do
    for language in ${LANGUAGES:-c zig cpp swift rust go tinygo assemblyscript}; do
        project=$folder/$kind-$language
        log=$folder/$kind-$language.log
        if ! "$wasme" init "$project" --language "$language" --kind "$kind" --name my-filter >"$log" 2>&1 ||
            ! (cd "$project" && "$wasme" build) >>"$log" 2>&1; then
            echo "left out: $kind in $language: $(grep -m 1 '^error: ' "$log" || tail -n 1 "$log")" >&2
            continue
        fi
        # The one module that the build has left; those of packages are not it.
        module=$(cd "$project" && find . -name '*.wasm' -not -path '*/deps/*' -not -path '*/node_modules/*' \
            -not -path '*.product/*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
        cp "$project/$module" "$folder/$kind.$language.wasm"
    done
done
python3 "$here/measure.py" "$folder" "$@"
