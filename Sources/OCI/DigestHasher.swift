// SPDX-License-Identifier: Apache-2.0

private import COpenSSL

/// Computes a digest over bytes as they pass, with OpenSSL's EVP interface.
///
/// An instance is used by one stream at a time; it is not shared between tasks.
package final class DigestHasher {
    /// The hash function.
    package let algorithm: Digest.Algorithm
    private let context: OpaquePointer
    /// Number of bytes hashed since the start.
    package private(set) var count: Int64 = 0

    package init(_ algorithm: Digest.Algorithm = .sha256) {
        self.algorithm = algorithm
        guard let context = EVP_MD_CTX_new() else {
            preconditionFailure("out of memory while creating a hash context")
        }
        self.context = context
        start()
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Forgets everything hashed so far.
    package func reset() {
        count = 0
        start()
    }

    /// Adds bytes.
    package func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
        check(EVP_DigestUpdate(context, base, bytes.count))
        count += Int64(bytes.count)
    }

    /// Adds bytes.
    package func update(_ bytes: some Sequence<UInt8>) {
        let done: Void? = bytes.withContiguousStorageIfAvailable { update(UnsafeRawBufferPointer($0)) }
        if done == nil { Array(bytes).withUnsafeBytes { update($0) } }
    }

    /// The digest of all bytes added; the hasher starts anew.
    package func finalize() -> Digest {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        check(EVP_DigestFinal_ex(context, &bytes, &length))
        reset()
        return Digest(algorithm: algorithm, bytes: bytes.prefix(Int(length)))
    }

    private func start() {
        let function = algorithm == .sha256 ? EVP_sha256() : EVP_sha512()
        check(EVP_DigestInit_ex(context, function, nil))
    }

    /// SHA-2 over memory has no failure mode but a broken or forbidden OpenSSL build; no input can cause it.
    private func check(_ result: Int32) {
        precondition(result == 1, "OpenSSL refuses \(algorithm.rawValue)")
    }
}

extension Digest {
    /// The digest of bytes in memory.
    package init(of bytes: some Sequence<UInt8>, algorithm: Algorithm = .sha256) {
        let hasher = DigestHasher(algorithm)
        hasher.update(bytes)
        self = hasher.finalize()
    }
}
