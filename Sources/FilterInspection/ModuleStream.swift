// SPDX-License-Identifier: Apache-2.0

import OCI
import WasmBinary

/// Reads a module out of bytes that go by once, and keeps no more of them than one section.
final class ModuleStream: ByteSink {
    /// All that is wanted has been read; what comes now need not be sent.
    struct Done: Error {}

    /// No compiler writes a section of declarations that comes near this.
    private static let largestSection = 64 << 20

    private var walk: SectionWalk
    /// Bytes of the module that went by.
    private var position = 0
    /// The bytes at hand and where in the module they begin.
    private var window: [UInt8] = []
    private var start = 0

    init(size: Int, _ extent: SectionWalk.Extent) throws(WasmBinaryError) {
        walk = try SectionWalk(size: size, extent)
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        guard let needed = walk.needed else { throw Done() }
        if window.isEmpty { start = max(position, needed.lowerBound) }
        let skipped = min(bytes.count, max(0, start - position))
        position += bytes.count
        window.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[skipped...]))
        try advance()
        if walk.needed == nil { throw Done() }
    }

    /// Gives the walk what it asks for, as far as it is here.
    private func advance() throws {
        if let needed = walk.needed, needed.count > Self.largestSection {
            throw InspectionError(
                .damaged,
                "the module has a section of \(needed.count) bytes at byte \(needed.lowerBound); at most \(Self.largestSection) are read"
            )
        }
        while let needed = walk.needed, needed.upperBound <= start + window.count {
            let first = needed.lowerBound - start
            try walk.take(Array(window[first..<first + needed.count]))
            guard let next = walk.needed else { return window = [] }
            let passed = min(window.count, next.lowerBound - start)
            window.removeFirst(passed)
            start += passed
            // What comes next has not gone by yet.
            if window.isEmpty { start = max(position, next.lowerBound) }
        }
    }

    /// The module, once the last byte went by or `Done` was thrown.
    func finish() throws(WasmBinaryError) -> WasmModule {
        if walk.needed?.isEmpty == true { try walk.take([]) }
        return try walk.finish()
    }
}
