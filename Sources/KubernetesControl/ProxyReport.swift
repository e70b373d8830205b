// SPDX-License-Identifier: Apache-2.0

/// What a pod's proxy says about one filter.
package struct ProxyReport: Hashable, Sendable {
    /// How the filter is there.
    package enum State: Hashable, Sendable {
        /// Every worker runs it.
        case healthy
        /// The proxy has not been told of it: it is not selected, or the control plane is late.
        case absent
        /// The proxy waits for what it is to run, and serves nothing yet.
        case starting
        /// Envoy does not take it; what was there before goes on serving.
        case rejected
        /// The module could not be fetched: every request is refused.
        case denying
        /// The module could not be fetched: requests pass without the filter.
        case bypassed
        /// It has trapped, and Envoy starts it again each time.
        case trapping
        /// Envoy has it, and not every worker runs it.
        case loading
        /// It runs from another image than was deployed.
        case outdated
        /// The proxy does not answer.
        case unreachable

        /// Whether waiting may change it.
        package var isPassing: Bool {
            switch self {
            case .absent, .starting, .loading, .outdated, .unreachable: true
            default: false
            }
        }
    }

    package let pod: Pod
    package var state: State
    /// What Envoy or the agent says about it, or what the state means for traffic.
    package var reason: String?
    /// The version of Envoy.
    package var envoy: String?
    package var workers = 0
    /// Wasm virtual machines that run in this Envoy.
    package var machines = 0
    /// The version of the resource that serves.
    package var version: String?
    /// The digest in the name of the module's file, which the agent writes: the image's, as it was pinned.
    package var digest: String?
    /// The SHA-256 of the module that Envoy itself is to fetch, as hexadecimal digits; nil if it fetches none.
    package var module: String?
    /// How often Envoy has started it again after a trap, since the proxy started.
    package var restarts = 0
    /// Fetches of modules by the agent since it started, by their results.
    package var fetches: [String: Int] = [:]
    /// Whether an agent beside the proxy has said how its fetches went.
    package var hasAgentMetrics = false

    package init(pod: Pod, state: State, reason: String? = nil) {
        self.pod = pod
        self.state = state
        self.reason = reason
    }

    /// What the counts of the agent's fetches say beside the state; nil if nothing: failures, or a module from an agent that has
    /// fetched none.
    package var fetchTrouble: String? {
        guard hasAgentMetrics else { return nil }
        let failures = fetches.filter { $0.key != "success" && $0.value > 0 }.sorted { $0.key < $1.key }
        if !failures.isEmpty {
            let counts = failures.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            return "its agent counts fetches that failed: \(counts)"
        }
        return digest != nil && fetches["success", default: 0] == 0
            ? "its agent counts no fetch that succeeded" : nil
    }
}
