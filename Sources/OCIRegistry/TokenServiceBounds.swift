// SPDX-License-Identifier: Apache-2.0

/// How far from a registry its token service may be without anybody having said so.
enum TokenServiceBounds {
    /// Whether a service is on the registry's host, whichever port, or in the domain that the host lies in:
    /// `auth.docker.io` serves `registry-1.docker.io`, `gitlab.example` serves `registry.gitlab.example`.
    static func include(_ service: String, of registry: String) -> Bool {
        let (service, registry) = (host(service), host(registry))
        if service == registry { return true }
        guard IPAddress(service) == nil, IPAddress(registry) == nil, let domain = domain(of: registry) else {
            return false
        }
        return service == domain || service.hasSuffix(".\(domain)")
    }

    /// What is left of a name without its first label; nil if that would be a domain that anybody has names in.
    private static func domain(of host: String) -> String? {
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 2 else { return labels.count == 2 ? host : nil }
        let domain = labels.dropFirst()
        // Registries of names sell them below two labels, too, of which the first is short: co.uk, com.au.
        let isPublic = domain.count == 2 && (domain.first?.utf8.count ?? 0) <= 3
        return isPublic ? host : domain.joined(separator: ".")
    }

    private static func host(_ authority: String) -> String {
        let text = authority.lowercased()
        if text.hasPrefix("[") { return String(text.dropFirst().prefix { $0 != "]" }) }
        // An IPv6 address without brackets has no port.
        if text.filter({ $0 == ":" }).count > 1 { return text }
        return String(text.prefix { $0 != ":" })
    }
}
