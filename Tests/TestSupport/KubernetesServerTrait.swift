// SPDX-License-Identifier: Apache-2.0

package import Testing

/// Runs a suite with an API server, `KubernetesServer.current`.
package struct KubernetesServerTrait: SuiteTrait, TestScoping {
    private let isShared: Bool
    private let prepare: @Sendable (KubernetesServer) async throws -> Void

    /// - Parameters:
    ///   - isShared: whether the server is that of all suites that say so, for suites that leave what is there as it is.
    ///   - prepare: what to do with the server before; that of the first suite which shares it is for all.
    package init(
        isShared: Bool = false,
        prepare: @escaping @Sendable (KubernetesServer) async throws -> Void = { _ in }
    ) {
        self.isShared = isShared
        self.prepare = prepare
    }

    package func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        if isShared {
            try await Self.shared.run(prepare, function)
        } else {
            // All suites begin at once; twenty API servers beside each other would only wait for each other.
            try await Self.turnstile.pass {
                try await KubernetesServer.run { server in
                    try await prepare(server)
                    try await KubernetesServer.$current.withValue(server) { try await function() }
                }
            }
        }
    }

    private static let shared = SharedServer()
    private static let turnstile = Turnstile(places: 3)
}

extension Trait where Self == KubernetesServerTrait {
    /// Runs a suite with an API server of its own.
    package static var kubernetesServer: Self { KubernetesServerTrait() }
}

/// A server that is there as long as somebody uses it.
private actor SharedServer {
    private var users = 0
    private var starting: Task<KubernetesServer, any Error>?

    nonisolated func run(
        _ prepare: @escaping @Sendable (KubernetesServer) async throws -> Void,
        _ work: @Sendable () async throws -> Void
    ) async throws {
        do {
            let server = try await enter(prepare)
            try await KubernetesServer.$current.withValue(server) { try await work() }
        } catch {
            await leave()
            throw error
        }
        await leave()
    }

    private func enter(
        _ prepare: @escaping @Sendable (KubernetesServer) async throws -> Void
    ) async throws -> KubernetesServer {
        users += 1
        let task =
            starting
            ?? Task {
                let server = try await KubernetesServer.start()
                do {
                    try await prepare(server)
                } catch {
                    await server.stop()
                    throw error
                }
                return server
            }
        starting = task
        return try await task.value
    }

    private func leave() async {
        users -= 1
        guard users == 0 else { return }
        let ending = starting
        starting = nil
        if let server = try? await ending?.value { await server.stop() }
    }
}

/// Lets only so many in at a time, in the order in which they came.
private actor Turnstile {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { free = places }

    nonisolated func pass(_ work: @Sendable () async throws -> Void) async throws {
        await enter()
        do {
            try await work()
        } catch {
            await leave()
            throw error
        }
        await leave()
    }

    private func enter() async {
        guard free == 0 else {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func leave() {
        if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() }
    }
}
