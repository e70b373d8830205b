// SPDX-License-Identifier: Apache-2.0

import EnvoyControl
import JSON

extension PodAccess {
    /// What the proxy says about a filter in its listeners: unlike that of discovered extensions, this dump tells what serves
    /// from what was refused.
    func judge(
        _ filter: ListenerFilter, _ received: [ReceivedExtension], _ info: EnvoyServerInfo,
        _ report: inout ProxyReport
    ) async throws {
        var dumps: [ListenerDump] = []
        for resource in ["static_listeners", "dynamic_listeners"] {
            dumps += try ListenerDump.read(try await admin.dump(of: resource))
        }
        let active = dumps.flatMap(\.active).filter(filter.matches)
        let warming = dumps.flatMap(\.warming).filter(filter.matches)
        // A listener that was refused with the filter as it serves was refused for something else.
        let refused = dumps.first { dump in
            dump.refused.contains { filter.matches($0) && !dump.active.contains($0) }
        }
        if let refused {
            report.state = .rejected
            let serving =
                refused.serves ? "; the version before goes on serving" : "; nothing serves in its place"
            report.reason =
                "envoy refused the listener \"\(refused.listener)\": \(refused.complaint ?? "it does not say why")\(serving)"
            return
        }
        guard let first = active.first else {
            guard warming.isEmpty else {
                report.state = .loading
                report.reason = "its listener waits for the module"
                return
            }
            return missing("listener with \"\(filter.plugin)\"", info, &report)
        }
        report.module = first.module
        let statistics = try await admin.statistics(matching: #"^wasm\."#)
        let others = dumps.flatMap(\.active)
        // A module that Envoy has is run before its listener serves; of those that it fetches only all together can be counted.
        let fetched = active.contains { $0.module != nil }
        let codes = Set(
            others.filter { fetched || $0.module == nil }.map(\.code) + received.compactMap(\.code))
        let differences = active.compactMap(filter.difference)
        let outdated = differences.first.map {
            warming.isEmpty ? $0 : "\($0) until the new one is fetched"
        }
        judge(
            plugin: filter.plugin, by: statistics, modules: codes.count, outdated: outdated, info,
            &report)
        let failures = statistics["wasm.remote_load_fetch_failures"] ?? 0
        if report.state == .loading, fetched, warming.isEmpty, failures > 0 {
            report.state = first.failsOpen ? .bypassed : .denying
            report.reason =
                "envoy could not fetch a module (\(failures) fetches failed), and does not try again: "
                + (first.failsOpen ? "requests pass without the filter" : "every request gets 503")
        }
    }
}
