// SPDX-License-Identifier: Apache-2.0

/// A custom section: a name and bytes that are not for the engine (core spec 3.0, 5.5.4).
package struct CustomSection: Hashable, Sendable {
    package let name: String
    /// Where the section begins in the file.
    package let offset: Int
    /// Where the bytes behind the name lie in the file.
    package let content: Range<Int>
    /// The bytes behind the name; nil if they were left out when the module was read.
    package let bytes: ArraySlice<UInt8>?

    /// Whether its content is laid down by the conventions for tools that this library reads.
    static let conventional: Set<String> = ["name", "producers", "target_features", "dylink.0"]

    /// A cursor over the bytes, if they are there.
    var reader: ByteReader? {
        bytes.map { ByteReader($0, at: content.lowerBound - $0.startIndex, in: content) }
    }
}

extension WasmModule {
    /// The bytes of the first custom section of this name.
    package func customSection(_ name: String) -> ArraySlice<UInt8>? {
        customSections.first { $0.name == name }.flatMap(\.bytes)
    }

    /// Whether this is an object file for the linker, not a finished module (tool-conventions, Linking.md).
    package var isObjectFile: Bool {
        customSections.contains { $0.name == "linking" || $0.name.hasPrefix("reloc.") }
    }

    /// Whether this is a library for a dynamic linker, which no host of filters has (tool-conventions, DynamicLinking.md).
    package var isDynamicLibrary: Bool {
        customSections.contains { $0.name == "dylink.0" || $0.name == "dylink" }
    }

    /// What the custom section "name" holds, up to where it is malformed.
    ///
    /// It is read anew each time: whoever asks more than once keeps it.
    package var names: NameSection { NameSection(customSections.first { $0.name == "name" }?.reader) }

    /// The name that the compiler gave the module.
    package var moduleName: String? { names.module }

    /// The languages and tools that made the module, from the custom section "producers".
    package var producers: [Producer] { readingProducers().entries }

    /// What the compiler was allowed to use, from the custom section "target_features".
    package var targetFeatures: [TargetFeature] { readingTargetFeatures().entries }

    /// What is malformed in custom sections; none of it makes the module unusable (core spec 3.0, 5.5.4).
    package var notes: [WasmBinaryError] {
        [names.problem, readingProducers().problem, readingTargetFeatures().problem].compactMap { $0 }
            .sorted { $0.offset < $1.offset }
    }
}

/// A language, a compiler or another tool that a module names as its origin (tool-conventions, ProducersSection.md).
package struct Producer: Hashable, Sendable {
    /// What it did: "language", "processed-by" or "sdk".
    package let field: String
    package let name: String
    package let version: String
}

/// A feature of WebAssembly as a compiler sees it (tool-conventions, Linking.md "Target Features Section").
package struct TargetFeature: Hashable, Sendable {
    /// What a linker does with it.
    package enum Policy: UInt8, Hashable, Sendable {
        case used = 0x2b
        case disallowed = 0x2d
        case required = 0x3d
    }

    package let policy: Policy
    /// The name that LLVM gives it, as in "bulk-memory".
    package let name: String
}

// MARK: - Reading

extension WasmModule {
    private func readingProducers() -> (entries: [Producer], problem: WasmBinaryError?) {
        var entries: [Producer] = []
        let problem = reading("producers") { content throws(WasmBinaryError) in
            let limit = EngineLimit.customEntries
            for _ in 0..<(try content.count(.producer, limit: limit, minimumEntrySize: 2)) {
                let field = try content.name(.producer)
                for _ in 0..<(try content.count(.producer, limit: limit, minimumEntrySize: 2)) {
                    let name = try content.name(.producer)
                    entries.append(
                        Producer(field: field, name: name, version: try content.name(.producer)))
                }
            }
        }
        return (entries, problem)
    }

    private func readingTargetFeatures() -> (entries: [TargetFeature], problem: WasmBinaryError?) {
        var entries: [TargetFeature] = []
        let problem = reading("target_features") { content throws(WasmBinaryError) in
            let limit = EngineLimit.customEntries
            for _ in 0..<(try content.count(.targetFeature, limit: limit, minimumEntrySize: 2)) {
                let offset = content.offset
                let code = try content.byte(of: .targetFeature)
                guard let policy = TargetFeature.Policy(rawValue: code) else {
                    throw WasmBinaryError(.unknownCode(.targetFeature, code), at: offset)
                }
                entries.append(TargetFeature(policy: policy, name: try content.name(.targetFeature)))
            }
        }
        return (entries, problem)
    }

    /// Reads the first custom section of a name to its end.
    /// - Returns: what is malformed in it.
    private func reading(
        _ name: String, _ body: (inout ByteReader) throws(WasmBinaryError) -> Void
    ) -> WasmBinaryError? {
        guard var content = customSections.first(where: { $0.name == name })?.reader else { return nil }
        do throws(WasmBinaryError) {
            try body(&content)
            guard content.isAtEnd else {
                return WasmBinaryError(.trailingBytes(.custom, content.remaining), at: content.offset)
            }
            return nil
        } catch {
            return error
        }
    }
}
