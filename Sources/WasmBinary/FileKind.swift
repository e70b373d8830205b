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
    case bzip2 = "a bzip2 stream"
    case xz = "an xz stream"
    case zip = "a zip archive"
    case tar = "a tar archive"
    case staticLibrary = "a static library"
    case llvmBitcode = "LLVM bitcode"
    case elf = "a native program or library (ELF)"
    case machO = "a native program or library (Mach-O)"
    case portableExecutable = "a native program or library (PE)"
    case html = "an HTML page"
    case xml = "XML text"
    case ociManifest = "a manifest of an OCI image, not its layer"
    case json = "JSON text"
    case gitLFSPointer = "a Git LFS pointer"
    case script = "a script"
    case unknown = "of no kind known here"

    /// Looks at the first bytes only; says nothing about whether the rest is sound.
    package init(_ bytes: [UInt8]) {
        self = Self.byMagic(bytes) ?? Self.byText(bytes) ?? .unknown
    }

    /// What to do instead; nil only for a core module.
    package var hint: String? {
        switch self {
        case .coreModule: nil
        case .component:
            "Envoy loads core modules only: build for wasm32-unknown-unknown or wasm32-wasip1 without making a component"
        case .wasmOther: "engines load version 1 only; build with a current toolchain"
        case .wasmText: "translate it first, as in 'wat2wasm filter.wat -o filter.wasm'"
        case .empty: "the build or the download wrote nothing; run it again"
        case .gzip, .zstandard, .bzip2, .xz, .zip, .tar: "unpack it first and name the .wasm file inside"
        case .staticLibrary, .llvmBitcode: "link it into a module first"
        case .elf, .machO, .portableExecutable: "build for a WebAssembly target"
        case .html, .xml, .json: "the download most likely answered with an error page; look at the file"
        case .ociManifest: "pull the image, or download the layer that the manifest names"
        case .gitLFSPointer: "fetch the file itself with 'git lfs pull'"
        case .script: "run it if it builds the module, and name the .wasm file"
        case .unknown: "name a .wasm file"
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
        return isTar(bytes) ? .tar : nil
    }

    /// Whether a tar header comes first: the magic of POSIX ustar, or a sum that fits, which older archives have as well.
    private static func isTar(_ bytes: [UInt8]) -> Bool {
        if bytes.count >= 262, bytes[257..<262].elementsEqual("ustar".utf8) { return true }
        guard bytes.count >= 512, bytes[0] != 0 else { return false }
        // The sum counts its own eight bytes as spaces and is written in octal.
        let sum = bytes[..<148].reduce(0) { $0 + Int($1) } + 8 * 0x20
        let digits = bytes[148..<156].filter { (0x30...0x37).contains($0) }
        let written = digits.reduce(0) { $0 << 3 | Int($1 & 7) }
        return !digits.isEmpty && written == sum + bytes[156..<512].reduce(0) { $0 + Int($1) }
    }

    private static let magics: [([UInt8], FileKind)] = [
        ([0x1f, 0x8b], .gzip),
        ([0x28, 0xb5, 0x2f, 0xfd], .zstandard),
        (Array("BZh".utf8), .bzip2),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], .xz),
        ([0x50, 0x4b, 0x03, 0x04], .zip),
        ([0x50, 0x4b, 0x05, 0x06], .zip),
        ([0x7f, 0x45, 0x4c, 0x46], .elf),
        ([0xcf, 0xfa, 0xed, 0xfe], .machO),
        ([0xce, 0xfa, 0xed, 0xfe], .machO),
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
        if start.hasPrefix("<!doctype html") || start.hasPrefix("<html") || start.hasPrefix("<!--") {
            return .html
        }
        if start.hasPrefix("<?xml") || start.hasPrefix("<error>") { return .xml }
        guard start.hasPrefix("{") || start.hasPrefix("[") else { return nil }
        return String(decoding: rest, as: UTF8.self).contains("\"schemaVersion\"") ? .ociManifest : .json
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
                // Comments of this form nest.
                var depth = 0
                repeat {
                    let opens = rest.starts(with: "(;".utf8)
                    let closes = rest.starts(with: ";)".utf8)
                    depth += (opens ? 1 : 0) - (closes ? 1 : 0)
                    rest = rest.dropFirst(opens || closes ? 2 : 1)
                } while depth > 0 && !rest.isEmpty
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
