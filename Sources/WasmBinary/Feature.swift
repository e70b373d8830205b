// SPDX-License-Identifier: Apache-2.0

/// Something that was added to WebAssembly after its first version, and that a host may not have.
///
/// The raw value is the name that LLVM and the custom section "target_features" use, where they have one.
package enum Feature: String, Hashable, Sendable, CaseIterable {
    case mutableGlobals = "mutable-globals"
    case signExtension = "sign-ext"
    case saturatingConversion = "nontrapping-fptoint"
    case multiValue = "multivalue"
    case bulkMemory = "bulk-memory"
    case referenceTypes = "reference-types"
    case simd = "simd128"
    case relaxedSIMD = "relaxed-simd"
    case threads = "atomics"
    case tailCall = "tail-call"
    /// Exceptions of the specification: `try_table` and `throw_ref`.
    case exceptions = "exception-handling"
    /// Exceptions as they were before the specification took them over: `try` and `catch`.
    case legacyExceptions = "legacy-exceptions"
    case extendedConstants = "extended-const"
    case multiMemory = "multimemory"
    case memory64 = "memory64"
    case functionReferences = "function-references"
    case garbageCollection = "gc"
    case customPageSizes = "custom-page-sizes"
    case wideArithmetic = "wide-arithmetic"
}

extension Feature: CustomStringConvertible {
    package var description: String { rawValue }
}

/// Which features a module uses, and at which byte it first does.
package struct FeatureUses: Hashable, Sendable {
    /// Where each feature is first used; features that are not used are missing.
    package private(set) var firstOffsets: [Feature: Int] = [:]

    /// The features, in the order in which they came to WebAssembly.
    package var features: [Feature] { Feature.allCases.filter { firstOffsets[$0] != nil } }

    package subscript(feature: Feature) -> Int? { firstOffsets[feature] }

    mutating func note(_ feature: Feature, at offset: Int) {
        if offset < firstOffsets[feature] ?? .max { firstOffsets[feature] = offset }
    }
}

extension WasmModule {
    /// Walks every section and every function body, and says which features are used.
    ///
    /// This is a pass of its own, since it reads every instruction. Instructions are decoded, not validated: an unknown
    /// one, or immediates cut short, are an error at their byte.
    package func features() throws(WasmBinaryError) -> FeatureUses {
        var scan = FeatureScan(module: self)
        guard sections.isEmpty || !bytes.isEmpty else {
            throw WasmBinaryError(
                .notRead(.code), at: sections.first { $0.id == .code }?.offset ?? 0)
        }
        for section in sections {
            var content = ByteReader(bytes[...], in: section.content)
            switch section.id {
            case .code: try scan.code(&content)
            case .custom: break
            default: try scan.declarations(section, &content)
            }
        }
        return scan.uses
    }
}
