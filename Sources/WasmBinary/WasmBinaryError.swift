// SPDX-License-Identifier: Apache-2.0

/// Why bytes are not a WebAssembly module, and at which byte that shows.
package struct WasmBinaryError: Error, Hashable, CustomStringConvertible {
    /// What was being read.
    package enum Part: String, Sendable, Hashable {
        case header, section, count, module
        case sectionSize = "section size"
        case type, parameter, result, field, supertype
        case valueType = "value type"
        case heapType = "heap type"
        case importEntry = "import"
        case moduleName = "module name"
        case importName = "import name"
        case exportEntry = "export"
        case exportName = "export name"
        case customName = "custom section name"
        case customSection = "custom section"
        case function
        case functionBody = "function body"
        case typeIndex = "type index"
        case functionIndex = "function index"
        case tableIndex = "table index"
        case memoryIndex = "memory index"
        case globalIndex = "global index"
        case tagIndex = "tag index"
        case table, memory, global, tag, limits, start, index
        case pageSize = "page size"
        case elementSegment = "element segment"
        case element
        case dataSegment = "data segment"
        case dataCount = "data count"
        case constant = "constant expression"
        case instruction, local, label
        case memoryArgument = "memory argument"
        case lane, handler, cast
        case subsection = "name subsection"
        case name
        case producer = "producers entry"
        case targetFeature = "target feature"
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
        case tooLong(Part, size: Int, limit: Int)
        case nameNotUTF8(Part)
        case unknownCode(Part, UInt8)
        case unknownOpcode(prefix: UInt8?, UInt32)
        case unknownSection(UInt8)
        case sectionOutOfOrder(Section.ID)
        case sectionRepeated(Section.ID)
        case trailingBytes(Section.ID, Int)
        /// Bytes behind the end of something smaller than a section.
        case bytesBehind(Part, Int)
        case duplicateExport(String)
        case functionBodiesMissing(declared: Int, bodies: Int)
        case dataSegmentsMissing(declared: Int, segments: Int)
        case indexOutOfRange(Part, index: UInt32, count: Int)
        case notAFunctionType(UInt32)
        case wrongStartType(FunctionType)
        case limitsReversed(Part, minimum: UInt64, maximum: UInt64)
        case limitsTooLarge(Part, UInt64, limit: UInt64)
        case sharedWithoutMaximum
        /// The bytes that are asked about were left out when the module was read.
        case notRead(Section.ID)
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
        switch reason {
        case .notACoreModule(let kind): kind.hint
        case .unsupportedVersion: FileKind.wasmOther.hint
        case .notRead: "read the whole file"
        case .tooMany, .tooLong: "no engine loads such a module; build it in smaller parts"
        default: "the file is damaged or was cut short; build or fetch it again"
        }
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
        case .tooLong(let part, let size, let limit):
            "a \(part) of \(size) bytes, at most \(limit) are accepted"
        case .nameNotUTF8(let part): "the \(part) is not UTF-8"
        case .unknownCode(let part, let code): "unknown \(part) code \(hexadecimal(UInt32(code)))"
        case .unknownOpcode(nil, let code): "unknown instruction \(hexadecimal(code))"
        case .unknownOpcode(let prefix?, let code):
            "unknown instruction \(hexadecimal(UInt32(prefix))) \(hexadecimal(code))"
        case .unknownSection(let id): "unknown section \(id)"
        case .sectionOutOfOrder(let id): "the \(id) section is out of order"
        case .sectionRepeated(let id): "the \(id) section is there twice"
        case .trailingBytes(let id, let count): "\(count) bytes too many in the \(id) section"
        case .bytesBehind(let part, let count): "\(count) bytes too many behind a \(part)"
        case .duplicateExport(let name): "the export \"\(name)\" is there twice"
        case .functionBodiesMissing(let declared, let bodies):
            "\(declared) functions are declared and \(bodies) have a body"
        case .dataSegmentsMissing(let declared, let segments):
            "\(declared) data segments are declared and \(segments) are there"
        case .indexOutOfRange(let part, let index, let count): "\(part) \(index) where there are \(count)"
        case .notAFunctionType(let index): "type \(index) is used as a function's and is none"
        case .wrongStartType(let type): "the start function has type \"\(type)\"; expected \"void -> void\""
        case .limitsReversed(let part, let minimum, let maximum):
            "a \(part) of at least \(minimum) and at most \(maximum)"
        case .limitsTooLarge(let part, let size, let limit):
            "a \(part) of size \(size), engines accept \(limit)"
        case .sharedWithoutMaximum: "a shared memory without a maximum"
        case .notRead(let id): "the \(id) section was left out when the module was read"
        }
    }
}

/// A number as `0x0f`; no Foundation in a leaf.
private func hexadecimal(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return "0x" + (digits.count == 1 ? "0" : "") + digits
}
