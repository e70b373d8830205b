// SPDX-License-Identifier: Apache-2.0

/// What a file is, told from its first bytes: people hand us all sorts of things as "the module".
package enum FileKind: String, Sendable, Hashable, CaseIterable {
    case coreModule = "a WebAssembly core module"
    case component = "a WebAssembly component"
    case wasmOther = "a WebAssembly file of an unknown version"
    case wasmText = "WebAssembly text"
    case empty = "an empty file"
    case gzip = "a gzip stream"
    case zstandard = "a Zstandard stream"
    case zip = "a zip archive"
    case tar = "a tar archive"
    case staticLibrary = "a static library"
    case llvmBitcode = "LLVM bitcode"
    case elf = "a native program or library (ELF)"
    case machO = "a native program or library (Mach-O)"
    case portableExecutable = "a native program or library (PE)"
    case html = "an HTML page"
    case json = "JSON text"
    case gitLFSPointer = "a Git LFS pointer"
    case script = "a script"
    case unknown = "of no kind known here"

    /// Looks at the first bytes only; says nothing about whether the rest is sound.
    package init(_ bytes: [UInt8]) {
        self = Self.byMagic(bytes) ?? Self.byText(bytes) ?? .unknown
    }

    /// What to do instead.
    package var hint: String? {
        switch self {
        case .component:
            "Envoy loads core modules only: build for wasm32-unknown-unknown or wasm32-wasip1 without making a component"
        case .wasmText: "translate it first, as in 'wat2wasm filter.wat -o filter.wasm'"
        case .gzip, .zstandard, .zip, .tar: "unpack it first and name the .wasm file inside"
        case .staticLibrary, .llvmBitcode: "link it into a module first"
        case .elf, .machO, .portableExecutable: "build for a WebAssembly target"
        case .html, .json: "the download most likely answered with an error page; look at the file"
        case .gitLFSPointer: "fetch the file itself with 'git lfs pull'"
        case .coreModule, .wasmOther, .empty, .script, .unknown: nil
        }
    }

    private static func byMagic(_ bytes: [UInt8]) -> FileKind? {
        if bytes.isEmpty { return .empty }
        if bytes.starts(with: [0x00, 0x61, 0x73, 0x6d]) {
            // Version and layer share the next four bytes (component-model, Binary.md "Component Definitions").
            if bytes.count < 8 { return .coreModule }
            if bytes[4...].starts(with: [1, 0, 0, 0]) { return .coreModule }
            return bytes[6] == 1 && bytes[7] == 0 ? .component : .wasmOther
        }
        for (magic, kind) in magics where bytes.starts(with: magic) { return kind }
        // POSIX ustar keeps its magic behind the first header's other fields.
        if bytes.count >= 262, bytes[257..<262].elementsEqual("ustar".utf8) { return .tar }
        return nil
    }

    private static let magics: [([UInt8], FileKind)] = [
        ([0x1f, 0x8b], .gzip),
        ([0x28, 0xb5, 0x2f, 0xfd], .zstandard),
        ([0x50, 0x4b, 0x03, 0x04], .zip),
        ([0x7f, 0x45, 0x4c, 0x46], .elf),
        ([0xcf, 0xfa, 0xed, 0xfe], .machO),
        ([0xca, 0xfe, 0xba, 0xbe], .machO),
        (Array("MZ".utf8), .portableExecutable),
        ([0x42, 0x43, 0xc0, 0xde], .llvmBitcode),
        (Array("!<arch>\n".utf8), .staticLibrary),
        (Array("version https://git-lfs".utf8), .gitLFSPointer),
        (Array("#!".utf8), .script),
    ]

    private static func byText(_ bytes: [UInt8]) -> FileKind? {
        var rest = bytes.prefix(4096)
        if rest.starts(with: [0xef, 0xbb, 0xbf]) { rest = rest.dropFirst(3) }
        rest = skippingSpaceAndComments(rest)
        let start = String(decoding: rest.prefix(16), as: UTF8.self).lowercased()
        if start.hasPrefix("(") {
            let word = skippingSpaceAndComments(rest.dropFirst())
            return word.starts(with: "module".utf8) || word.starts(with: "component".utf8) ? .wasmText : nil
        }
        if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") { return .html }
        if start.hasPrefix("{") || start.hasPrefix("[") { return .json }
        return nil
    }

    /// Skips white space and the text format's comments, `;; …` and `(; … ;)`.
    private static func skippingSpaceAndComments(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var rest = text
        while let first = rest.first {
            if [0x20, 0x09, 0x0a, 0x0d].contains(first) {
                rest = rest.dropFirst()
            } else if rest.starts(with: ";;".utf8) {
                rest = rest.drop { $0 != 0x0a }
            } else if rest.starts(with: "(;".utf8) {
                rest = rest.dropFirst(2)
                while !rest.isEmpty, !rest.starts(with: ";)".utf8) { rest = rest.dropFirst() }
                rest = rest.dropFirst(2)
            } else {
                break
            }
        }
        return rest
    }
}

extension FileKind: CustomStringConvertible {
    package var description: String { rawValue }
}
