// SPDX-License-Identifier: Apache-2.0

private import Diagnostics
package import Hub
private import Synchronization

/// All that `/metrics` tells.
package final class HubMetrics: Sendable {
    package let requests = RequestMetrics()
    private let connections = Atomic(0)
    private let accepted = Atomic(0)
    private let refused = (0..<ConnectionRefusal.allCases.count).map { _ in Counter() }
    private let collections = Counter()
    private let failedCollections = Counter()
    private let freed = Counter()
    private let certificateExpiry = Atomic<Int64>(0)
    /// What runs, as `wasme-hub --version` says it.
    let version: String

    package init() { version = Release.version }

    /// Why a connection was ended before its client wanted.
    package enum ConnectionRefusal: String, CaseIterable, Sendable {
        /// The hub has as many as it takes.
        case total
        /// The address has as many as one may have.
        case address
        /// A request did not arrive in time.
        case slow
    }

    package func connectionOpened() {
        connections.wrappingAdd(1, ordering: .relaxed)
        accepted.wrappingAdd(1, ordering: .relaxed)
    }

    package func connectionClosed() { connections.wrappingSubtract(1, ordering: .relaxed) }

    package func refused(_ reason: ConnectionRefusal) {
        guard let index = ConnectionRefusal.allCases.firstIndex(of: reason) else { return }
        refused[index].add(1)
    }

    /// Notes what a collection removed; nil for one that failed.
    package func collected(_ result: Registry.Collected?) {
        collections.add(1)
        if let result { freed.add(Int(clamping: result.bytes)) } else { failedCollections.add(1) }
    }

    /// Notes when the certificate in use ends, in seconds since 1970.
    package func uses(certificateUntil time: Int64) { certificateExpiry.store(time, ordering: .relaxed) }

    /// The metrics of a hub over this registry.
    func text(_ registry: Registry, _ gatekeeper: Gatekeeper) async throws -> String {
        var text = PrometheusText()
        requests.write(to: &text)
        text.metric(
            "wasme_hub_connections", .gauge, "Connections that are open.",
            Double(connections.load(ordering: .relaxed)))
        text.metric(
            "wasme_hub_connections_accepted_total", .counter, "Connections that were opened.",
            Double(accepted.load(ordering: .relaxed)))
        text.family(
            "wasme_hub_connections_refused_total", .counter,
            "Connections that were ended because there were too many, or because a request was too slow.")
        for (reason, counter) in zip(ConnectionRefusal.allCases, refused) {
            text.sample(
                "wasme_hub_connections_refused_total", [("reason", reason.rawValue)], Double(counter.value))
        }
        let held = try await registry.figures()
        for (name, help, value) in [
            ("wasme_hub_repositories", "Repositories that are known.", held.repositories),
            ("wasme_hub_manifests", "Manifests in all repositories.", held.manifests),
            ("wasme_hub_tags", "Tags in all repositories.", held.tags),
            ("wasme_hub_blobs", "Blobs that are stored, each once.", held.blobs),
            ("wasme_hub_blob_bytes", "Bytes of the blobs that are stored, each once.", held.blobBytes),
            ("wasme_hub_uploads_open", "Uploads that were begun and not ended.", held.openUploads),
            ("wasme_hub_storage_free_bytes", "Bytes left where the hub keeps its data.", held.freeBytes),
        ] {
            text.metric(name, .gauge, help, Double(value))
        }
        let logIns = gatekeeper.logInCounts
        for (name, help, value) in [
            ("wasme_hub_gc_runs_total", "Collections of what nobody needs.", collections.value),
            ("wasme_hub_gc_failures_total", "Collections that failed.", failedCollections.value),
            ("wasme_hub_gc_freed_bytes_total", "Bytes of blobs that collections removed.", freed.value),
            ("wasme_hub_login_failures_total", "Wrong names and passwords.", logIns.failures),
            ("wasme_hub_login_lockouts_total", "Log-ins refused after too many failures.", logIns.lockOuts),
        ] {
            text.metric(name, .counter, help, Double(value))
        }
        let expiry = certificateExpiry.load(ordering: .relaxed)
        if expiry > 0 {
            text.metric(
                "wasme_hub_tls_certificate_expiry_timestamp_seconds", .gauge,
                "When the certificate in use ends, in seconds since 1970.", Double(expiry))
        }
        text.family("wasme_hub_build_info", .gauge, "What runs; the value is always 1.")
        text.sample("wasme_hub_build_info", [("version", version)], 1)
        ProcessFigures.write(to: &text)
        return text.text
    }
}

/// A count that threads share.
private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add(_ number: Int) { count.wrappingAdd(number, ordering: .relaxed) }
}
