#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the heap's stress test inside a module: run-in-wasm.sh [operations]. Needs only the Swift toolchain.
# Below some two million operations the footprint has not settled yet, and the run fails for that.
set -eu
cd "$(dirname "$0")"
abi=../../Sources/CProxyWasmABI
tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for file in "$abi"/*.c *.c; do
    "$tools/clang" --target=wasm32-unknown-none-wasm -Oz -flto -ffreestanding -mbulk-memory -I "$abi/include" -I include \
        -c "$file" -o "$out/$(basename "$file" .c).o"
done
"$tools/wasm-ld" --no-entry --gc-sections --stack-first -z stack-size=131072 "$out"/*.o -o "$out/stress.wasm"
result=$("$tools/wasmkit" run "$out/stress.wasm" stress "i32:${1:-5000000}")
pages=$(printf '%s' "$result" | tr -dc '0-9-' | sed 's/^32//')
# A module has at most 65,536 pages: a larger number is a negative one, and means that something was wrong.
case $pages in
'' | -*) echo "error: the heap's stress test says: $result" >&2; exit 1 ;;
esac
[ "$pages" -le 65536 ] || { echo "error: the heap's stress test says: $result" >&2; exit 1; }
echo "${1:-5000000} mixed operations: every byte kept, footprint flat at $pages pages of 64 KiB"
