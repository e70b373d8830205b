// SPDX-License-Identifier: Apache-2.0

import Secrets
import Testing

@Suite struct PasswordHashTests {
    @Test func `a password is recognised, another one is not`() throws {
        let hash = PasswordHash(of: "correct horse")
        #expect(hash.description.hasPrefix("$scrypt$ln=14,r=8,p=5$"))
        let stored = try #require(PasswordHash(stored: hash.description))
        #expect(stored == hash)
        #expect(stored.matches("correct horse"))
        for other in ["", "correct hors", "correct horse ", "Correct horse", "correct horse\u{0}"] {
            #expect(!stored.matches(other))
        }
        #expect(!stored.isOutdated())
        #expect(PasswordHash(of: "correct horse") != hash, "two hashes of one password share their salt")
    }

    @Test func `a hash of another cost, as OpenSSL's command computes it, is recognised and outdated`() throws
    {
        let hash = try #require(
            PasswordHash(
                stored:
                    "$scrypt$ln=10,r=8,p=16$MDEyMzQ1Njc4OWFiY2RlZg==$EchcI3+tRhgKL9BBuUmgzEznCjXFMrmkpglAnypCPHQ="
            ))
        #expect(hash.matches("pleaseletmein"))
        #expect(hash.isOutdated())
    }

    @Test func `what htpasswd -B wrote is recognised and outdated`() throws {
        let hash = try #require(
            PasswordHash(stored: "$2y$05$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC"))
        #expect(hash.matches("secret"))
        #expect(!hash.matches("secret\u{0}x"))
        #expect(!hash.matches("secreT"))
        #expect(hash.isOutdated())
    }

    @Test(arguments: [
        "", "secret", "$apr1$x$y", "{SHA}x", "$2y$31$x/KodWMcw67/Yij4Yq6MReNs6WoP58knrhTvfQS9QoTwWUnlSkFBC",
        "$2y$05$short",
        "$scrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg==$EchcI3+tRhgKL9BBuUmgzEznCjXFMrmkpglAnypCPHQ=",
        "$scrypt$ln=14,r=8,p=5$$",
        "$scrypt$r=8,ln=14,p=5$MDEyMzQ1Njc4OWFiY2RlZg==$EchcI3+tRhgKL9BBuUmgzEznCjXFMrmkpglAnypCPHQ=",
    ])
    func `what is no hash, or would take too long, is refused`(_ text: String) {
        #expect(PasswordHash(stored: text) == nil)
    }
}

@Suite struct SigningKeyTests {
    @Test func `the first vector of RFC 8032 holds`() throws {
        let secret: [UInt8] = bytes("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        let key = try #require(SigningKey(privateBytes: secret))
        #expect(key.privateBytes == secret)
        #expect(key.publicBytes == bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
        let signature = key.sign([])
        #expect(
            signature
                == bytes(
                    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
                        + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"))
        #expect(key.verifies(signature, of: []))
        #expect(!key.verifies(signature, of: [0]))
        #expect(!key.verifies(Array(signature.dropLast()), of: []))
        #expect(!SigningKey().verifies(signature, of: []))
        #expect(SigningKey(privateBytes: [1, 2, 3]) == nil)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).map { offset in
            let start = hex.index(hex.startIndex, offsetBy: offset)
            return UInt8(hex[start..<hex.index(start, offsetBy: 2)], radix: 16) ?? 0
        }
    }
}
