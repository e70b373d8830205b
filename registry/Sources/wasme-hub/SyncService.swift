// SPDX-License-Identifier: Apache-2.0

import CurlTransport
private import Foundation
import Hub
import HubStorage
import Logging
import ServiceLifecycle

/// Copies from other registries beside the server: what the configuration says, from time to time, and what
/// `wasme-hub sync` asks for while this hub has the data folder.
struct SyncService: Service {
    let registry: Registry
    let metadata: MetadataDatabase
    let settings: [SyncSettings]
    let transport: CurlTransport
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                for setting in settings {
                    group.addTask {
                        repeat {
                            await copy(setting.request)
                        } while (try? await Task.sleep(for: setting.interval)) != nil
                    }
                }
                group.addTask { await serveRequests() }
            }
        }
    }

    private func copy(_ request: SyncRequest) async {
        do {
            let report = try await Synchronizer(registry, try request.rule(transport)).run()
            let failed = report.images.filter { $0.state == .failed }
            for image in failed.prefix(10) {
                logger.warning(
                    "cannot copy",
                    metadata: [
                        "image": "\(image.repository):\(image.tag ?? "")",
                        "problem": "\(image.problem ?? "")",
                    ])
            }
            logger.notice("copied", metadata: ["from": "\(request.registry)", "result": "\(report.summary)"])
        } catch {
            guard !Task.isCancelled else { return }
            logger.error("cannot copy", metadata: ["from": "\(request.registry)", "error": "\(error)"])
        }
    }

    /// Does what commands ask for, one after the other.
    private func serveRequests() async {
        let store = metadata.acting(for: .host)
        repeat {
            do {
                // What the hub before this one began is begun anew.
                while let (id, text) = try await store.nextSyncRequest() {
                    await serve(id, text, store)
                }
            } catch {
                guard !Task.isCancelled else { return }
                logger.error("cannot look for what is to be copied", metadata: ["error": "\(error)"])
            }
        } while (try? await Task.sleep(for: .seconds(1))) != nil
    }

    private func serve(_ id: Int64, _ text: String, _ store: MetadataDatabase) async {
        do {
            let request = try JSONDecoder().decode(SyncRequest.self, from: Data(text.utf8))
            let (steps, step) = AsyncStream<String>.makeStream(bufferingPolicy: .bufferingNewest(1))
            async let noted: Void = {
                for await step in steps { try? await store.noteSync(id, progress: step) }
            }()
            let report: SyncReport
            do {
                report = try await Synchronizer(registry, try request.rule(transport)) { step.yield($0) }
                    .run()
            } catch {
                step.finish()
                await noted
                throw error
            }
            step.finish()
            await noted
            try await store.endSync(
                id, report: String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
        } catch {
            guard !Task.isCancelled else { return }
            try? await store.endSync(id, problem: (error as? HubError)?.message ?? "\(error)")
        }
    }
}
