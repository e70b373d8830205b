// SPDX-License-Identifier: Apache-2.0

import OCI

/// The names that a registry's credentials are kept under, and how they are told apart.
struct RegistryNames {
    /// The proper name first: what `docker login` writes.
    let all: [String]

    init(_ host: RegistryHost) {
        all =
            host.isDockerHub
            ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"]
            : [host.description]
    }

    var proper: String { all[0] }

    /// How closely a key fits: the length of the path that it names, or nil if it does not fit.
    ///
    /// Old files keep registries as URLs, whose path says nothing; podman's keep a part of a registry as
    /// `host/namespace` (containers-auth.json(5)).
    func fit(_ key: String, _ repository: Repository?) -> Int? {
        if all.contains(key) { return 0 }
        let (host, path) = Self.parts(of: key)
        guard all.contains(host) else { return nil }
        if path.isEmpty { return 0 }
        guard let repository = repository?.path, repository == path || repository.hasPrefix("\(path)/") else {
            return nil
        }
        return path.utf8.count
    }

    private static func parts(of key: String) -> (host: String, path: String) {
        for scheme in ["https://", "http://"] where key.hasPrefix(scheme) {
            return (key.dropFirst(scheme.count).prefix { $0 != "/" }.lowercased(), "")
        }
        let host = key.prefix { $0 != "/" }
        let path = key[host.endIndex...].split(separator: "/").joined(separator: "/")
        return (host.lowercased(), ["v1", "v2"].contains(path) ? "" : path)
    }
}

extension RegistryHost {
    /// Whether this is Docker Hub, whose name is not the name of its registry.
    var isDockerHub: Bool {
        ["docker.io", "index.docker.io", "registry-1.docker.io"].contains(description)
    }
}
