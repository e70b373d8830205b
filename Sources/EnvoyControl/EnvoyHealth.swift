// SPDX-License-Identifier: Apache-2.0

/// What a running Envoy's own statistics say about its Wasm filters.
package enum WasmHealth: Hashable, Sendable {
    /// Every thread runs every module.
    /// - Parameters:
    ///   - virtualMachines: how many are active.
    ///   - workers: the worker threads of this Envoy.
    ///   - marker: the gauge that the expected build has set, if one was looked for.
    case loaded(virtualMachines: Int, workers: Int, marker: String?)
    /// Nothing says that it failed, and nothing proves that it runs.
    case notProved(because: String)
    /// Envoy counted a failure.
    case failed(because: String)

    /// Whether it is proved that the modules run.
    package var isLoaded: Bool {
        if case .loaded = self { true } else { false }
    }
}

extension EnvoyAdmin {
    /// Whether every thread of a live Envoy runs its Wasm modules, by Envoy's own statistics.
    ///
    /// Each module has one virtual machine per worker, one on the main thread and the one they are cloned from. Other
    /// Wasm filters of the same Envoy count too: give the number of all.
    /// - Parameters:
    ///   - modules: how many distinct modules (with distinct VM configuration) this Envoy is to run.
    ///   - build: the identity of the build whose gauge to look for, `plugin_build.<plugin>.<build>`; a plugin may
    ///     have been told not to set it.
    ///   - limit: how long the workers may take to load them.
    /// - Returns: the outcome when it is known, or the last one at the limit.
    /// - Throws: `EnvoyError` if the admin interface does not answer.
    package func proveLoaded(
        modules: Int = 1, build: String? = nil, within limit: Duration = .seconds(10)
    ) async throws -> WasmHealth {
        let deadline = ContinuousClock.now + limit
        while true {
            let health = try await wasmHealth(modules: modules, build: build)
            let isFinal =
                switch health {
                case .notProved: false
                case .loaded(_, _, let marker): build == nil || marker != nil
                case .failed: true
                }
            if isFinal || ContinuousClock.now >= deadline { return health }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func wasmHealth(modules: Int, build: String?) async throws -> WasmHealth {
        let server = try await serverInfo()
        guard server.state == "LIVE" else {
            return .notProved(because: "envoy is not live yet: its state is \(server.state)")
        }
        let statistics = try await statistics(matching: #"^wasm\."#)
        for (name, value) in statistics.sorted(by: { $0.key < $1.key }) where value > 0 {
            if name.hasSuffix(".vm_reload_failure") {
                return .failed(because: "envoy could not restart a trapped filter: \(name) is \(value)")
            }
            if name == "wasm.remote_load_fetch_failures" {
                return .failed(because: "envoy could not fetch a module: \(name) is \(value)")
            }
        }
        let counter = "wasm.envoy.wasm.runtime.v8.active"
        guard let active = statistics[counter] else {
            return .notProved(because: "this envoy runs no wasm filter: it has no statistic \(counter)")
        }
        let expected = modules * (server.concurrency + 2)
        guard active >= UInt64(expected) else {
            return .notProved(
                because:
                    "\(active) of \(expected) virtual machines are active (\(server.concurrency) workers)")
        }
        guard let build else {
            return .loaded(virtualMachines: Int(active), workers: server.concurrency, marker: nil)
        }
        // The strongest proof: a gauge that this very build has set, and that goes when the build goes.
        let markers = try await self.statistics(matching: #"^wasmcustom\.plugin_build\."#)
        return .loaded(
            virtualMachines: Int(active), workers: server.concurrency,
            marker: markers.keys.sorted().first { $0.hasSuffix(".\(build)") })
    }
}
