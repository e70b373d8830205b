// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a WebAssembly module, and at which byte that shows.
package struct WasmBinaryError: Error, Hashable, CustomStringConvertible {
    /// What was being read.
    package enum Part: String, Sendable, Hashable {
        case header, section, count
        case sectionSize = "section size"
        case type, parameter, result, field
        case valueType = "value type"
        case heapType = "heap type"
        case importEntry = "import"
        case moduleName = "module name"
        case importName = "import name"
        case exportEntry = "export"
        case exportName = "export name"
        case customName = "custom section name"
        case function
        case functionBody = "function body"
        case typeIndex = "type index"
        case table, memory, global, tag, limits, start, index
        case subsection = "name subsection"
    }

    /// What is wrong.
    package enum Reason: Sendable, Hashable {
        /// The bytes are something else that could be recognised, or nothing known.
        case notACoreModule(FileKind)
        case unsupportedVersion(UInt32)
        case truncated(Part)
        case overrun(Part, size: Int, available: Int)
        case integerTooLarge(Part, bits: Int)
        case tooMany(Part, count: Int, limit: Int)
        case nameNotUTF8(Part)
        case unknownCode(Part, UInt8)
        case unknownSection(UInt8)
        case sectionOutOfOrder(Section.ID)
        case sectionRepeated(Section.ID)
        case trailingBytes(Section.ID, Int)
        case duplicateExport(String)
        case functionBodiesMissing(declared: Int, bodies: Int)
    }

    /// What is wrong.
    package let reason: Reason
    /// The byte of the file at which it shows.
    package let offset: Int

    init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }

    package var description: String {
        if case .notACoreModule(let kind) = reason { return "not a WebAssembly module: it is \(kind)" }
        return "\(reason) at byte \(offset)"
    }

    /// What to do about it, where that is known.
    package var hint: String? {
        if case .notACoreModule(let kind) = reason { return kind.hint }
        return "the file is damaged or was cut short; build or fetch it again"
    }
}

extension WasmBinaryError.Part: CustomStringConvertible {
    package var description: String { rawValue }
}

extension WasmBinaryError.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notACoreModule(let kind): "not a WebAssembly module: it is \(kind)"
        case .unsupportedVersion(let version): "WebAssembly version \(version) is not known; expected 1"
        case .truncated(let part): "the bytes end inside a \(part)"
        case .overrun(let part, let size, let available):
            "a \(part) claims \(size) where \(available) bytes are left"
        case .integerTooLarge(let part, let bits): "the integer of a \(part) does not fit in \(bits) bits"
        case .tooMany(let part, let count, let limit): "\(count) times \(part), engines accept \(limit)"
        case .nameNotUTF8(let part): "the \(part) is not UTF-8"
        case .unknownCode(let part, let code): "unknown \(part) code \(hexadecimal(code))"
        case .unknownSection(let id): "unknown section \(id)"
        case .sectionOutOfOrder(let id): "the \(id) section is out of order"
        case .sectionRepeated(let id): "the \(id) section is there twice"
        case .trailingBytes(let id, let count): "\(count) bytes too many in the \(id) section"
        case .duplicateExport(let name): "the export \"\(name)\" is there twice"
        case .functionBodiesMissing(let declared, let bodies):
            "\(declared) functions are declared and \(bodies) have a body"
        }
    }
}

/// A byte as `0x0f`; no Foundation in a leaf.
private func hexadecimal(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16)
    return "0x" + (digits.count == 1 ? "0" : "") + digits
}
