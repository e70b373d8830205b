// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import Crypto

/// SHA-256 of one buffer after the other, as a transfer hashes: OpenSSL's EVP against swift-crypto, taking turns.
///
/// `swift run -c release --package-path Benchmarks/Hashing`
@main
struct Hashing {
    static func main() {
        let megabytes = 256
        let chunk = [UInt8](repeating: 0x5a, count: 256 << 10)
        let rounds = megabytes * 1_048_576 / chunk.count
        var ratios: [Double] = []
        for round in 1...7 {
            let openSSL = rate(megabytes) {
                let context = EVP_MD_CTX_new()
                defer { EVP_MD_CTX_free(context) }
                EVP_DigestInit_ex(context, EVP_sha256(), nil)
                for _ in 0..<rounds {
                    chunk.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
                }
                var digest = [UInt8](repeating: 0, count: 32)
                EVP_DigestFinal_ex(context, &digest, nil)
            }
            let crypto = rate(megabytes) {
                var hasher = SHA256()
                for _ in 0..<rounds { chunk.withUnsafeBytes { hasher.update(bufferPointer: $0) } }
                _ = hasher.finalize()
            }
            ratios.append(openSSL / crypto)
            print("round \(round): OpenSSL \(Int(openSSL)) MB/s, swift-crypto \(Int(crypto)) MB/s")
        }
        print("median ratio OpenSSL / swift-crypto: \((ratios.sorted()[3] * 100).rounded() / 100)")
    }

    static func rate(_ megabytes: Int, _ work: () -> Void) -> Double {
        Double(megabytes) / (ContinuousClock().measure(work) / .seconds(1))
    }
}
