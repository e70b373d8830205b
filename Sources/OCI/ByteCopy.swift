// SPDX-License-Identifier: Apache-2.0

/// Moves all bytes from a source to a sink in bounded memory, checking them against a descriptor if one is given.
package func copy(
    _ source: any ByteSource, to sink: any ByteSink, verifying descriptor: Descriptor? = nil
) throws {
    let verifying = descriptor.map { VerifyingSink($0, into: sink) }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    defer { buffer.deallocate() }
    while true {
        let count = try source.read(into: buffer)
        guard count > 0 else { break }
        try (verifying ?? sink).write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
    try verifying?.finish()
}
