// SPDX-License-Identifier: Apache-2.0

/// The names that a compiler leaves for people, from the custom section "name" (core spec 3.0, 7.4.1).
///
/// The maps stay bytes until they are walked: a large module has tens of thousands of names. What is malformed counts as
/// not there and is told by `problem`.
package struct NameSection: Sendable {
    /// Something that can have a name; the raw value is the number of its subsection.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case function = 1
        case type = 4
        case table = 5
        case memory = 6
        case global = 7
        case element = 8
        case data = 9
        case tag = 11
    }

    /// The name of the module.
    package private(set) var module: String?
    /// Where the section is malformed.
    package private(set) var problem: WasmBinaryError?
    private var maps: [Kind: NameMap] = [:]

    /// The names of all things of a kind, by their place in their index space.
    package func names(of kind: Kind) -> NameMap { maps[kind] ?? NameMap() }

    /// The names of the functions, imported ones included.
    package var functions: NameMap { names(of: .function) }

    init(_ content: ByteReader?) {
        guard var content else { return }
        do throws(WasmBinaryError) {
            while !content.isAtEnd {
                let id = try content.byte(of: .subsection)
                var subsection = try content.sized(.subsection)
                if id == 0 {
                    module = try subsection.name(.moduleName)
                } else if let kind = Kind(rawValue: id) {
                    maps[kind] = try NameMap(&subsection)
                } else {
                    // Locals, labels and fields, and what may come: nothing here asks for them.
                    try subsection.skip(subsection.remaining, of: .subsection)
                }
                guard subsection.isAtEnd else {
                    throw WasmBinaryError(
                        .bytesBehind(.subsection, subsection.remaining), at: subsection.offset)
                }
            }
        } catch {
            problem = error
        }
    }
}

/// Names by index, in the order of the file; made while it is walked.
package struct NameMap: Sequence, Sendable {
    private var content: ByteReader?
    package private(set) var count = 0

    init() {}

    /// Walks the map once, so that whoever walks it later meets no error.
    init(_ reader: inout ByteReader) throws(WasmBinaryError) {
        count = try reader.count(.name, limit: EngineLimit.functions, minimumEntrySize: 2)
        content = reader
        for _ in 0..<count {
            _ = try reader.u32(.index)
            _ = try reader.name(.name)
        }
    }

    package struct Iterator: IteratorProtocol {
        fileprivate var content: ByteReader?
        fileprivate var left: Int

        package mutating func next() -> (index: UInt32, name: String)? {
            guard left > 0, var reader = content else { return nil }
            left -= 1
            defer { content = reader }
            do throws(WasmBinaryError) {
                return (try reader.u32(.index), try reader.name(.name))
            } catch {
                return nil
            }
        }
    }

    package func makeIterator() -> Iterator { Iterator(content: content, left: count) }

    /// The name of one thing; looks through the map from its beginning.
    package subscript(index: UInt32) -> String? { first { $0.index == index }?.name }
}
