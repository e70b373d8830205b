// SPDX-License-Identifier: Apache-2.0

import OCI
private import Synchronization

/// Where a registry's API is, and by which scheme once that is known.
final class Endpoint: Sendable {
    let authority: String
    private let isDockerHub: Bool
    private let known: Mutex<WebLocation.Scheme?>

    init(_ host: RegistryHost, _ options: RegistryOptions) {
        isDockerHub = host.isDockerHub
        // Docker Hub's name is not the name of its registry.
        authority = isDockerHub ? "registry-1.docker.io" : host.description
        let scheme: WebLocation.Scheme? =
            switch options.plainHTTP {
            case true?: .http
            case false?: .https
            case nil: host.isLoopback ? nil : .https
            }
        known = Mutex(scheme)
    }

    /// nil while it has to be found out.
    var scheme: WebLocation.Scheme? {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }

    /// A repository's path; Docker Hub keeps names of one component below `library`.
    func path(of repository: Repository) -> String {
        isDockerHub && !repository.path.contains("/") ? "library/\(repository)" : repository.path
    }
}
