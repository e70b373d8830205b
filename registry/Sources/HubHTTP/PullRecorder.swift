// SPDX-License-Identifier: Apache-2.0

import Hub
import Logging
import ServiceLifecycle

/// Writes down from time to time how often repositories were pulled, and once more when the server has stopped.
struct PullRecorder: Service {
    let registry: Registry
    let logger: Logger
    var interval = Duration.seconds(5)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while (try? await Task.sleep(for: interval)) != nil { await write() }
        }
        await write()
    }

    private func write() async {
        do {
            try await registry.writePulls()
        } catch {
            // They are kept, and come with the next ones.
            logger.warning("cannot write down how often was pulled", metadata: ["error": "\(error)"])
        }
    }
}
