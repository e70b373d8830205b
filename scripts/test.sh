#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that CI runs. WASME_REQUIRE=envoy,browser,… turns the skip of a missing tool into a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
scripts/lint.sh
echo '== the SDK, natively'
swift test --package-path sdk-templates/swift/ProxyWasm --scratch-path .build/sdk
echo "== the SDK's heap, inside WebAssembly"
sdk-templates/swift/ProxyWasm/Tests/HeapStress/run-in-wasm.sh
echo '== everything else'
swift build --build-tests
swift test --skip-build "$@"
