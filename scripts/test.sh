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
swift build --build-tests
# A few at a time: if all begin at once, those with a time limit measure how long the others take.
run() { swift test --skip-build --experimental-maximum-parallelization-width 4 "$@"; }
if [ $# -gt 0 ]; then
    run "$@"
    exit
fi
# In turns: beside compilers, load generators, processes that are killed by the hundred and fuzzers, a test that waits for
# an answer would only measure them.
examples='ExampleTests|SlotLoadTests|SoakTests|BenchTests|FlawTests|PlayTests|DevLoopTests'
killed='StoreProcessTests|DurabilityTests|CollectionTests'
damaged='MutationTests'
whole='EndToEndTests|SDKParityTests|ProfileProofTests'
echo '== libraries, commands and the hub'
run --skip "$examples|$killed|$damaged|$whole"
echo '== from end to end, in a real Envoy and a real browser'
run --filter "$whole" --skip "$examples"
echo '== examples and load'
run --filter "$examples"
echo '== killed processes'
run --filter "$killed"
echo '== damaged input'
run --filter "$damaged"
