// SPDX-License-Identifier: Apache-2.0

import OCI
private import Synchronization

/// Where a registry's API is, and by which scheme once that is known.
final class Endpoint: Sendable {
    let authority: String
    /// Whether the scheme was left open.
    let isOpen: Bool
    private let isDockerHub: Bool
    private let known: Mutex<WebLocation.Scheme?>
    private let abilities = Mutex(Abilities())
    /// Those who write a list of referrers.
    let lists = Turns()

    private struct Abilities {
        var takesSinglePost = true
        var hasReferrers: Bool?
    }

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
        isOpen = scheme == nil
        known = Mutex(scheme)
    }

    /// nil while it has to be found out.
    var scheme: WebLocation.Scheme? {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }

    /// Whether a blob may come with the request that begins an upload; yes until the registry shows otherwise.
    var takesSinglePost: Bool {
        get { abilities.withLock { $0.takesSinglePost } }
        set { abilities.withLock { $0.takesSinglePost = newValue } }
    }

    /// Whether the registry has the referrers API; nil while it has not shown.
    var hasReferrers: Bool? {
        get { abilities.withLock { $0.hasReferrers } }
        set { abilities.withLock { $0.hasReferrers = newValue } }
    }

    /// A repository's path; Docker Hub keeps names of one component below `library`.
    func path(of repository: Repository) -> String {
        isDockerHub && !repository.path.contains("/") ? "library/\(repository)" : repository.path
    }
}
