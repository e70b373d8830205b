#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything that CI runs. WASME_REQUIRE=envoy,browser,… turns the skip of a missing tool into a failure.
# Arguments are those of `swift test`, and run those tests alone. What failed is repeated at the end.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh --tests
scripts/lint.sh
echo '== the SDK, natively'
swift test --package-path sdk-templates/swift/ProxyWasm --scratch-path .build/sdk
echo "== the SDK's heap, inside WebAssembly"
sdk-templates/swift/ProxyWasm/Tests/HeapStress/run-in-wasm.sh
swift build --build-tests

log=.build/test.log
failed=()
# A turn that fails does not keep the next ones from running: one run tells all that is wrong.
# A few at a time: if all begin at once, those with a time limit measure how long the others take.
turn() {
    local name=$1
    shift
    echo "== $name"
    # The last process of a pipe is not the one that counts.
    if ! swift test --skip-build --experimental-maximum-parallelization-width 4 "$@" 2>&1 | tee "$log"; then
        failed+=("$name")
        # An issue with the lines that explain it, then the tests that have one.
        awk '/recorded an issue/ { left = 12; print; next }
            left > 0 && !/^(◇|✔|➜|✘|⚠)/ { left--; print; next }
            { left = 0 } /^✘|^error:|: error:|[Ff]atal error/' "$log" >>.build/failures.log
    fi
}
: >.build/failures.log
if [ $# -gt 0 ]; then
    turn 'the tests that were asked for' "$@"
else
    # In turns: beside compilers, API servers, load generators, processes that are killed by the hundred and fuzzers, a test
    # that waits for an answer would only measure them.
    kubernetes='KubernetesControlTests|APIServerTests'
    examples='ExampleTests|SlotLoadTests|SoakTests|BenchTests|FlawTests|PlayTests|DevLoopTests'
    killed='StoreProcessTests|DurabilityTests|CollectionTests'
    damaged='MutationTests'
    whole='EndToEndTests|SDKParityTests|ProfileProofTests'
    turn 'libraries, commands and the hub' --skip "$kubernetes|$examples|$killed|$damaged|$whole"
    turn 'Kubernetes, with real API servers' --filter "$kubernetes" --skip "$killed|$damaged"
    turn 'from end to end, in a real Envoy and a real browser' --filter "$whole" --skip "$examples"
    turn 'examples and load' --filter "$examples"
    turn 'killed processes' --filter "$killed"
    turn 'damaged input' --filter "$damaged"
fi
if [ ${#failed[@]} -gt 0 ]; then
    printf '\n== what failed, of: %s\n' "$(IFS=,; echo "${failed[*]}")"
    cat .build/failures.log
    exit 1
fi
