// SPDX-License-Identifier: Apache-2.0

import Hub
import HubHTTP
import Logging
import ServiceLifecycle
import UnixSignals

/// Collects beside the server: after the start, then from time to time, and when the process is asked to by SIGUSR1 or an
/// administrator.
struct Collector: Service {
    let registry: Registry
    let metrics: HubMetrics
    let logger: Logger
    var interval = Duration.seconds(600)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask { [self] in
                    await collect(isDeep: true)
                    while (try? await Task.sleep(for: interval)) != nil { await collect(isDeep: false) }
                }
                group.addTask { [self] in
                    for await _ in registry.collections.requests { await collect(isDeep: true) }
                }
                group.addTask { [self] in
                    for await _ in await UnixSignalsSequence(trapping: .sigusr1) {
                        await collect(isDeep: true)
                    }
                }
            }
        }
    }

    private func collect(isDeep: Bool) async {
        do {
            let collected = try await registry.collect(isDeep: isDeep)
            metrics.collected(collected)
            if collected != Registry.Collected() {
                logger.notice("collected", metadata: ["result": "\(collected.summary)"])
            }
        } catch {
            // A stop in the middle harms nothing: what is half collected is collected after the next start.
            guard !Task.isCancelled else { return }
            metrics.collected(nil)
            logger.error("cannot collect", metadata: ["error": "\(error)"])
        }
    }
}
