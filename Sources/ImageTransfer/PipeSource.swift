// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import SystemPackage

/// Bytes that are read once, from their beginning to wherever they end: a pipe, or a file that is treated as one.
final class PipeSource: ByteSource {
    private let path: FilePath
    private let descriptor: FileDescriptor

    init(_ path: FilePath) throws {
        self.path = path
        descriptor = try attempt("open", path) {
            try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        }
    }

    deinit { try? descriptor.close() }

    /// Nobody knows beforehand.
    var length: Int64 { .max }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        try attempt("read", path) { try descriptor.read(into: buffer) }
    }

    func seek(to offset: Int64) throws {
        _ = try attempt("read", path) { try descriptor.seek(offset: offset, from: .start) }
    }
}
