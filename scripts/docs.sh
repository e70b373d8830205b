#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Renders the documentation of the Swift SDK, for any web server, into FOLDER/site (default .build/docs). Beside it remain
# the modules and symbol graphs that it was made from; the tests hold the articles against those.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "${1:-.build/docs}"
out=$(cd "${1:-.build/docs}" && pwd)
sdk=sdk-templates/swift/ProxyWasm
rm -rf "$out/modules" "$out/symbols" "$out/parts" "$out/site"
mkdir -p "$out/modules" "$out/symbols/ProxyWasm" "$out/symbols/ProxyWasmTesting" "$out/parts"

# Beside the compiler: what is first on the path may be a shim.
docc=$(swiftc -print-target-info | sed -n 's#.*"runtimeResourcePath": "\(.*\)/lib/swift".*#\1/bin/docc#p')
[ -x "$docc" ] || { echo "error: this Swift toolchain has no docc ($docc)" >&2; exit 1; }

for module in ProxyWasm ProxyWasmTesting; do
    swiftc -emit-module -module-name "$module" "$sdk/Sources/$module"/*.swift \
        -package-name proxywasm -swift-version 6 -I "$sdk/Sources/CProxyWasmABI/include" -I "$out/modules" \
        -enable-upcoming-feature ExistentialAny -enable-upcoming-feature MemberImportVisibility \
        -enable-upcoming-feature InternalImportsByDefault \
        -emit-module-path "$out/modules/$module.swiftmodule" \
        -emit-symbol-graph -emit-symbol-graph-dir "$out/symbols/$module" \
        -symbol-graph-minimum-access-level public -symbol-graph-skip-synthesized-members
    # Conformances of the standard library's types; they are told where the protocol is.
    rm -f "$out/symbols/$module/$module@"*.symbols.json
    "$docc" convert "$sdk/Sources/$module/$module.docc" --additional-symbol-graph-dir "$out/symbols/$module" \
        --fallback-display-name "$module" --fallback-bundle-identifier "wasme.$module" \
        --output-path "$out/parts/$module.doccarchive" --warnings-as-errors
done
"$docc" merge "$out/parts/"*.doccarchive --output-path "$out/site" \
    --synthesized-landing-page-name 'Swift SDK of wasme' --synthesized-landing-page-kind Packages
rm -rf "$out/parts"
