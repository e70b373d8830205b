// SPDX-License-Identifier: Apache-2.0

package import OCI

/// The name of one upload: 128 random bits, so that nobody guesses another's.
package struct UploadID: Hashable, Sendable, CustomStringConvertible {
    /// 32 lower-case hexadecimal characters; safe as a file name.
    package let description: String

    /// Draws a new name.
    package init() {
        var generator = SystemRandomNumberGenerator()
        let words: [UInt64] = [generator.next(), generator.next()]
        description = words.map { word in
            let text = String(word, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }.joined()
    }

    /// Reads a name that a client sent; nil if it cannot be one of ours.
    package init?(_ text: some StringProtocol) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        let letters = UInt8(ascii: "a")...UInt8(ascii: "f")
        guard text.utf8.count == 32, text.utf8.allSatisfy({ digits.contains($0) || letters.contains($0) })
        else { return nil }
        description = String(text)
    }
}

/// An upload that was begun and not yet finished (distribution-spec 1.1, "Pushing a blob in chunks").
package struct UploadSession: Hashable, Sendable {
    package let id: UploadID
    /// The only repository under which the upload is known.
    package let repository: Repository
    /// The only account to which it is known; nil if whoever began it has none.
    package let owner: AccountID?
    /// The hash that is computed while bytes arrive.
    package let algorithm: Digest.Algorithm
    /// Seconds since 1970.
    package let startedAt: Int64

    package init(
        id: UploadID, repository: Repository, owner: AccountID?, algorithm: Digest.Algorithm,
        startedAt: Int64
    ) {
        self.id = id
        self.repository = repository
        self.owner = owner
        self.algorithm = algorithm
        self.startedAt = startedAt
    }
}
