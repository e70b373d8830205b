// SPDX-License-Identifier: Apache-2.0

import HubHTTP
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the certificate again on SIGHUP, and when its files change, as a secret in Kubernetes does.
struct CertificateReloader: Service {
    let certificates: TLSCertificates
    let metrics: HubMetrics
    let logger: Logger
    var interval = Duration.seconds(5)

    func run() async throws {
        metrics.uses(certificateUntil: certificates.expiry)
        await cancelWhenGracefulShutdown {
            await withTaskGroup { group in
                group.addTask {
                    while (try? await Task.sleep(for: interval)) != nil {
                        if certificates.haveChanged { reload() }
                    }
                }
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sighup) { reload() }
                }
            }
        }
    }

    private func reload() {
        do {
            try certificates.reload()
            metrics.uses(certificateUntil: certificates.expiry)
            logger.notice("certificate reloaded", metadata: ["file": "\(certificates.certificate)"])
        } catch {
            logger.error(
                "the new certificate will not do; the one before stays in use",
                metadata: ["error": "\(error)"])
        }
    }
}
