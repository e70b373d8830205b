// SPDX-License-Identifier: Apache-2.0

/// Moves all bytes from a source to a sink in bounded memory, checking them against a descriptor if one is given.
/// - Parameters:
///   - source: the bytes, from its current position on; from where `beginning` ends if that is given.
///   - sink: gets the bytes.
///   - descriptor: what they have to be.
///   - beginning: the first bytes, which the sink has from an earlier time; they are hashed and not written again.
/// - Throws: `ByteStreamError`, or what source and sink threw.
package func copy(
    _ source: any ByteSource, to sink: any ByteSink, verifying descriptor: Descriptor? = nil,
    after beginning: (any ByteSource)? = nil
) throws {
    let verifying = descriptor.map { VerifyingSink($0, into: sink) }
    if let beginning {
        try verifying?.replay(beginning)
        try source.seek(to: beginning.length)
    }
    try eachChunk(of: source) { try (verifying ?? sink).write($0) }
    try verifying?.finish()
}

/// Reads a source to its end; a task that is cancelled stops in between.
func eachChunk(of source: any ByteSource, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { buffer.deallocate() }
    while case let count = try source.read(into: buffer), count > 0 {
        try Task.checkCancellation()
        try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
}
