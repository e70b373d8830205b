// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import EnvoyControl
import FilterProject
import Scenarios
import TestSupport
import Testing
import WasmBinary

/// Runs what a `tests.yaml` says about a filter that was built, in a real Envoy; what is not as expected is an issue.
func play(_ file: ScenarioFile, of filter: BuiltFilter) async throws {
    let subject = ScenarioFilter(
        name: "\(filter.manifest.name)", module: filter.module.bytes,
        rootID: filter.manifest.module.rootIDs.first ?? "",
        isNetworkFilter: filter.manifest.module.type == .network)
    let envoy = EnvoyBinary(try #require(Tool.envoy.path))
    let report = try await ScenarioRun(filter: subject, envoy: envoy, transport: CurlTransport()).run([file])
    for result in report.results {
        switch result.verdict {
        case .passed, .skipped: break
        case .failed(let failure), .broken(let failure):
            Issue.record("\"\(result.scenario)\", \(file.name):\(failure.line): \(failure)")
        }
    }
}
