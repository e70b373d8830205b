// SPDX-License-Identifier: Apache-2.0

/// The error body of the registry API (distribution-spec 1.1, "Error Codes").
package struct RegistryErrorBody: Hashable, Sendable, Codable {
    /// One error.
    package struct Entry: Hashable, Sendable, Codable {
        package var code: String
        package var message: String?
        package var detail: String?

        package init(code: String, message: String? = nil, detail: String? = nil) {
            self.code = code
            self.message = message
            self.detail = detail
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            code = try container.decode(String.self, forKey: .code)
            message = try container.decodeIfPresent(String.self, forKey: .message)
            // The specification leaves the shape of `detail` open: what is not a text is left out.
            detail = try? container.decodeIfPresent(String.self, forKey: .detail)
        }
    }

    package var errors: [Entry]

    package init(errors: [Entry]) { self.errors = errors }
}
