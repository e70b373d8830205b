#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs the heap's stress test inside a module: run-in-wasm.sh [operations]. Needs only the Swift toolchain.
set -eu
cd "$(dirname "$0")"
abi=../../Sources/CProxyWasmABI
tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for file in "$abi"/*.c *.c; do
    "$tools/clang" --target=wasm32-unknown-none-wasm -Os -ffreestanding -mbulk-memory -I "$abi/include" -I include \
        -c "$file" -o "$out/$(basename "$file" .c).o"
done
"$tools/wasm-ld" --no-entry --gc-sections --stack-first -z stack-size=131072 "$out"/*.o -o "$out/stress.wasm"
"$tools/wasmkit" run "$out/stress.wasm" stress "i32:${1:-5000000}"
