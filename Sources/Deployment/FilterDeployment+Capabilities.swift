// SPDX-License-Identifier: Apache-2.0

private import FilterImage
private import HostProfiles

extension FilterDeployment {
    /// Refuses names that restrict a module to what no host has: it would run, and be able to do nothing.
    /// - Parameter module: the module; what it imports and exports itself is known, whatever it is.
    /// - Throws: `DeploymentError` that names the first such name and those that are near it.
    package func checkCapabilities(of module: [UInt8]) throws {
        guard let capabilities else { return }
        guard !capabilities.isEmpty else {
            throw DeploymentError(
                .invalid,
                "to envoy an empty list of capabilities restricts nothing (deployment \"\(id)\")",
                hint: "name at least one that the filter may use, as in proxy_log")
        }
        let known = try HostCatalog.bundled().capabilityNames(for: module)
        for name in capabilities where !known.contains(name) {
            var rest = known
            var near: [String] = []
            while near.count < 3, let closest = closestName(to: name, in: rest) {
                near.append(closest)
                rest.remove(closest)
            }
            throw DeploymentError(
                .invalid,
                "no host has a call or callback \"\(name)\" that a module could be restricted to (deployment \"\(id)\")",
                hint: near.isEmpty
                    ? "'wasme inspect --capabilities' writes the names that a module needs"
                    : "near it are: \(near.joined(separator: ", "))")
        }
    }
}
