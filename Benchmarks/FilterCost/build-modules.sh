#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the modules that are compared: build-modules.sh FOLDER. Needs only the Swift toolchain.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
sdk=$(cd ../../sdk-templates && pwd)
tools=$(dirname "$(readlink -f "$(command -v swiftc)")")
resources=$(swiftc -print-target-info -target wasm32-unknown-none-wasm | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')

tables=$resources/embedded/wasm32-unknown-none-wasm/libswiftUnicodeDataTables.a
link() { "$tools/wasm-ld" --no-entry --gc-sections --stack-first -z stack-size=131072 -s "$@"; }

for name in inside empty filter contexts all; do
    "$tools/clang" --target=wasm32-unknown-none-wasm -Os -ffreestanding -Wall -Werror -c "c/$name.c" -o "$out/c-$name.o"
    [ "$name" = inside ] || link "$out/c-$name.o" -o "$out/c-$name.wasm"
done
link "$out/c-filter.o" "$out/c-inside.o" -o "$out/inside-c-filter.wasm"
link "$out/c-contexts.o" "$out/c-inside.o" -o "$out/inside-c-contexts.wasm"

# The scaffold's template as `wasme init` writes it; then the same with every callback.
package=$out/add-header
mkdir -p "$package/Sources/AddHeader" "$package/Tests/AddHeaderTests" "$package/Packages"
ln -sfn "$sdk/swift/ProxyWasm" "$package/Packages/ProxyWasm"
fill() { sed 's/{{{module}}}/AddHeader/g; s/{{{rootId}}}/add_header/g; s/{{{name}}}/add-header/g' "$1"; }
template=$sdk/swift/http-headers
fill "$sdk/swift/common/Package.swift.mustache" > "$package/Package.swift"
fill "$sdk/swift/common/Sources/{{module}}/main.swift.mustache" > "$package/Sources/AddHeader/main.swift"
fill "$template/Tests/{{module}}Tests/{{module}}Tests.swift.mustache" > "$package/Tests/AddHeaderTests/AddHeaderTests.swift"
for variant in swift swift-all; do
    case $variant in
    swift) fill "$template/Sources/{{module}}/{{module}}.swift.mustache" ;;
    *) cat swift-all/AddHeader.swift ;;
    esac > "$package/Sources/AddHeader/AddHeader.swift"
    swift build --package-path "$package" -c release --triple wasm32-unknown-none-wasm \
        --toolset "$sdk/toolsets/proxy-wasm.json" --product AddHeader \
        -Xlinker "$tables" >&2
    built=$package/.build/wasm32-unknown-none-wasm/release
    cp "$built/AddHeader.wasm" "$out/$variant.wasm"
    if [ "$variant" = swift ]; then
        mapfile -t objects < <(tr -d "'\"" < "$built/AddHeader.product/Objects.LinkFileList")
        (cd "$package" && link "${objects[@]}" "$out/c-inside.o" "$tables" -o "$out/inside-swift.wasm")
    fi
done
ls -l "$out"/*.wasm | awk '{ n = split($NF, path, "/"); printf "%-20s %7d bytes\n", path[n], $5 }'
