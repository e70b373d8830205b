// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct FileKindTests {
    /// The header of an archive older than the magic: a name, and a sum that fits.
    private static let oldTar: [UInt8] = {
        var header = [UInt8](repeating: 0, count: 512)
        header.replaceSubrange(0..<11, with: "plugin.wasm".utf8)
        // The letters' sum, and eight spaces in place of the sum itself.
        let sum = header.reduce(0) { $0 + Int($1) } + 8 * 0x20
        header.replaceSubrange(148..<155, with: ("00" + String(sum, radix: 8) + "\0").utf8)
        return header
    }()

    @Test(
        arguments: [
            (FileKind.component, [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]),
            (.wasmText, Array(";; a filter\n(; x (; y ;) ;) ( module)".utf8)),
            (.wasmText, Array("(component)".utf8)),
            (.wasmText, [0xef, 0xbb, 0xbf] + Array("\r\n\t(module)".utf8)),
            (.gzip, [0x1f, 0x8b, 8]),
            (.zstandard, [0x28, 0xb5, 0x2f, 0xfd]),
            (.bzip2, Array("BZh9".utf8)),
            (.xz, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
            (.zip, [0x50, 0x4b, 0x03, 0x04]),
            (.zip, [0x50, 0x4b, 0x05, 0x06]),
            (.tar, [UInt8](repeating: 0x61, count: 257) + Array("ustar\0".utf8)),
            (.tar, oldTar),
            (.html, Array("\n<!DOCTYPE html><html>".utf8)),
            (.html, Array("<HTML><body>404".utf8)),
            (.xml, Array("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>".utf8)),
            (.json, Array("{\"errors\":[]}".utf8)),
            (.ociManifest, Array("{ \"schemaVersion\": 2, \"layers\": [] }".utf8)),
            (.elf, [0x7f, 0x45, 0x4c, 0x46, 2]),
            (.machO, [0xcf, 0xfa, 0xed, 0xfe]),
            (.machO, [0xca, 0xfe, 0xba, 0xbe]),
            (.portableExecutable, Array("MZ\u{0}".utf8)),
            (.llvmBitcode, [0x42, 0x43, 0xc0, 0xde]),
            (.gitLFSPointer, Array("version https://git-lfs.github.com/spec/v1\n".utf8)),
            (.staticLibrary, Array("!<arch>\nx".utf8)),
            (.script, Array("#!/bin/sh\n".utf8)),
            (.empty, []),
            (.unknown, Array("hello".utf8)),
            (.unknown, Array("(lambda)".utf8)),
            (.unknown, Array("(; endless".utf8)),
            (.unknown, [UInt8](repeating: 0, count: 600)),
        ] as [(FileKind, [UInt8])])
    func `what is not a core module is named, with what to do`(kind: FileKind, bytes: [UInt8]) {
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(bytes) }
        #expect(error?.reason == .notACoreModule(kind))
        #expect(error?.offset == 0)
        #expect(error?.description == "not a WebAssembly module: it is \(kind)")
        #expect(error?.hint?.isEmpty == false)
    }

    @Test func `every kind but a core module says what to do`() {
        for kind in FileKind.allCases { #expect((kind.hint == nil) == (kind == .coreModule)) }
    }

    @Test func `another version is named`() {
        let error = #expect(throws: WasmBinaryError.self) {
            try WasmModule([0x00, 0x61, 0x73, 0x6d, 0x0b, 0, 0, 0])
        }
        #expect(error?.reason == .unsupportedVersion(11))
        #expect(error?.offset == 4)
        #expect(error?.hint?.contains("version 1") == true)
    }
}
