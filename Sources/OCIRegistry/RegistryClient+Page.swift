// SPDX-License-Identifier: Apache-2.0

package import OCI

extension RegistryClient {
    /// The address of the page that a hub has for an image; whether the image is there is for the page to say.
    ///
    /// - Throws: `RegistryError` if the registry cannot be reached or is no hub.
    package func page(of reference: Reference) async throws -> String {
        do {
            guard try await search("", limit: 1) != nil else {
                throw RegistryError(
                    .badAnswer, "registry \"\(host)\" is no wasme-hub, and has no pages that are known",
                    hint: "look for \"\(reference.repository)\" on its own pages")
            }
        } catch let error as RegistryError where [401, 403].contains(error.status) {
            // Its pages are for those who sign in there.
        }
        let suffix = reference.digest.map { "@\($0)" } ?? reference.tag.map { ":\($0)" } ?? ""
        return location("/r/\(reference.repository)\(suffix)").description
    }
}
