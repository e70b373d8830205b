// SPDX-License-Identifier: Apache-2.0

import Archive
import FilterImage
import OCI
import OCILayout
import TestSupport
import Testing

@Suite struct TemplateImageTests {
    private let scratch: ScratchDirectory
    private let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("template-image")
        store = try ImageStore(scratch.appending("store"))
    }

    private func pack(
        _ files: [(String, [UInt8])], type: MediaType = TemplateImage.layerType
    ) async throws
        -> ManifestDocument
    {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write(files.map { ArchiveFile(path: $0.0, bytes: $0.1) }, to: sink)
        return try await store.ingest { ingest in
            _ = try ingest.add(Array("{}".utf8), mediaType: .emptyJSON)
            let layer = try ingest.add(sink.bytes, mediaType: type)
            let document = try ManifestDocument(
                Manifest(artifactType: TemplateImage.artifactType, config: .empty, layers: [layer]))
            try ingest.commit(document, as: [])
            return document
        }
    }

    @Test func `a template comes back as it was packed, and the same files give the same digest`()
        async throws
    {
        for (path, text) in [
            ("template.json", "{}"), ("a/b/{{name}}.c.mustache", "int x;"), (".git/config", "no"),
        ] {
            try scratch.write("t/\(path)", text)
        }
        let content = try TemplateContent(folder: scratch.appending("t"))
        #expect(Set(content.files.keys) == ["template.json", "a/b/{{name}}.c.mustache"])
        let name = try Reference("acme/t:v1")
        let document = try await TemplateImage.pack(content, annotations: ["a": "b"], as: [name], into: store)
        let again = try await TemplateImage.pack(content, annotations: ["a": "b"], as: [name], into: store)
        #expect(document == again)
        let back = try await TemplateImage.unpack(document, from: store, name: "t")
        #expect(back.files == content.files)
    }

    @Test func `what is no template is named`() async throws {
        let filter = try await FilterImage.pack(
            FilterContent(module: TinyFilter().bytes, runtime: RuntimeConfig(abiVersions: [], rootIDs: [])),
            as: [], into: store)
        let strange = try await pack([("a", [])], type: .imageLayerTarGzip)
        for document in [filter, strange] {
            let error = await #expect(throws: FilterImageError.self) {
                try await TemplateImage.unpack(document, from: store, name: "x:v1")
            }
            #expect(error?.code == .unusableTemplate)
            #expect(error?.message.contains("\"x:v1\" is no template") == true)
        }
    }

    @Test(arguments: [
        ("../x", "leads elsewhere"), ("a/../../x", "leads elsewhere"), ("/etc/x", "absolute"),
        ("a/.git/hooks/x", "belongs to git"), ("a\\b", "backslash"), ("a\u{1B}b", "control character"),
        ("GIT~1/x", "belongs to git"),
    ])
    func `a path that leads out of a project is refused`(path: String, reason: String) async throws {
        let document = try await pack([("template.json", []), (path, [])])
        let error = await #expect(throws: FilterImageError.self) {
            try await TemplateImage.unpack(document, from: store, name: "x")
        }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.unicodeScalars.contains("\u{1B}") == false)
    }

    @Test func `names that are one on other systems, and too much, are refused`() async throws {
        for files in [
            [("README", []), ("readme", [])], [("a", []), ("A/b", [])], [("a/x", []), ("A/y", [])],
            [("big", [UInt8](repeating: 0, count: TemplateContent.maximumBytes + 1))],
            (0...TemplateContent.maximumFiles).map { ("f\($0)", []) },
        ] as [[(String, [UInt8])]] {
            let document = try await pack(files)
            await #expect(throws: FilterImageError.self) {
                try await TemplateImage.unpack(document, from: store, name: "x")
            }
        }
    }

    @Test func `links in an archive are refused`() async throws {
        // A tar header by hand: the writer makes regular files only.
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put("link", at: 0)
        put("0000644\u{0}", at: 100)
        put("00000000000\u{0}", at: 124)
        put("00000000000\u{0}", at: 136)
        put("        2/etc/passwd", at: 148)
        put("ustar\u{0}00", at: 257)
        let sum = header.reduce(0) { $0 + Int($1) }
        let octal = String(sum, radix: 8)
        put(String(repeating: "0", count: 6 - octal.count) + octal + "\u{0} ", at: 148)
        let archive = header + [UInt8](repeating: 0, count: 1024)
        let error = #expect(throws: FilterImageError.self) {
            try TemplateContent(tar: MemorySource(archive), name: "x")
        }
        #expect(error?.message.contains("a symbolic link") == true)
    }

    @Test func `damaged archives are errors and nothing worse`() throws {
        let sink = MemorySink(limit: .max)
        _ = try TarGzipWriter.write([ArchiveFile(path: "template.json", bytes: Array("{}".utf8))], to: sink)
        for length in stride(from: 0, to: sink.bytes.count, by: 7) {
            _ = try? TemplateContent(tar: MemorySource(Array(sink.bytes[..<length])), name: "x")
        }
    }
}
