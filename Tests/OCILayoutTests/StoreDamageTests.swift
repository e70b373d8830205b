// SPDX-License-Identifier: Apache-2.0

import Files
import OCI
import OCILayout
import SystemPackage
import TestSupport
import Testing

/// What befalls a store from outside: it is found out, named, and mended by the next pull or build.
@Suite struct StoreDamageTests {
    let scratch: ScratchDirectory
    let store: ImageStore

    init() throws {
        scratch = try ScratchDirectory("damage")
        store = try ImageStore(scratch.appending("store"))
    }

    enum Damage: CaseIterable {
        case truncated, longer, otherBytes, missing, folder

        func befall(_ file: FilePath) throws {
            let bytes = try Files.read(file)
            switch self {
            case .truncated: try Files.replace(file, with: bytes.dropLast())
            case .longer: try Files.replace(file, with: bytes + [0])
            case .otherBytes: try Files.replace(file, with: bytes.dropLast() + [bytes[bytes.count - 1] ^ 1])
            case .missing: try Files.remove(file)
            case .folder:
                try Files.remove(file)
                try Files.createDirectory(file.appending("inner"))
            }
        }
    }

    @Test func `a mark that a power cut left empty is written anew`() async throws {
        try Files.createDirectory(store.root)
        let mark = store.root.appending("oci-layout")
        try Files.replace(mark, with: [])
        _ = try await put("content", as: ["x:v1"], into: store)
        #expect(try !Files.read(mark).isEmpty)
        #expect(try ImageStore(reading: store.root).list().count == 1)
    }

    @Test(arguments: Damage.allCases, [true, false])
    func `damage is named, and the next build mends it`(_ damage: Damage, ofManifest: Bool) async throws {
        let document = try await put("content", as: ["x:v1"], into: store)
        let victim = ofManifest ? document.descriptor : try #require(document.blobs.last)
        try damage.befall(store.path(victim.digest))
        #expect(store.contains(victim) == (damage == .otherBytes))
        let problems = try store.verify()
        #expect(problems.count == 1)
        #expect(problems.first?.code == (damage == .missing ? .blobMissing : .corrupt))
        #expect(problems.first?.message.contains(victim.digest.description) == true)
        #expect(problems.first?.hint?.contains("pull or build") == true)
        #expect(try await put("content", as: ["x:v1"], into: store) == document)
        #expect(try store.verify().isEmpty)
    }

    @Test func `a build mends damage that nobody has met yet`() async throws {
        let document = try await put("content", as: ["x:v1"], into: store)
        for blob in document.blobs + [document.descriptor] {
            try Damage.otherBytes.befall(store.path(blob.digest))
        }
        _ = try await put("content", as: ["x:v1"], into: store)
        #expect(try store.verify().isEmpty)
    }

    @Test func `a damaged image is listed, removed, and no obstacle for others`() async throws {
        let document = try await put("one", as: ["x:v1"], into: store)
        let other = try await put("two", as: ["y:v1"], into: store)
        try Damage.otherBytes.befall(store.path(document.digest))
        #expect(try store.list().map(\.name) == ["x:v1", "y:v1"])
        // What it needs cannot be told: nothing that might belong to it is removed.
        let error = #expect(throws: StoreError.self) { try store.prune() }
        #expect(error?.message.contains("x:v1") == true)
        #expect(error?.hint?.contains("wasme rm x:v1") == true)
        let removal = try store.remove([try Reference("y:v1")])
        #expect(removal.obstacle != nil)
        #expect(removal.blobs.isEmpty)
        _ = try store.remove([try Reference("x:v1")])
        #expect(try store.prune().blobs.count >= 2)
        #expect(try store.verify().isEmpty)
        #expect(!store.contains(other.descriptor))
    }

    @Test func `a manifest that states a wrong size does not cost others their blob`() async throws {
        let document = try await put("content", as: ["x:v1"], into: store)
        var lie = try #require(document.blobs.last)
        lie.size += 1
        let error = #expect(throws: StoreError.self) { try store.read(lie) }
        #expect(error?.message.contains("is not what its manifest says") == true)
        #expect(try store.verify().isEmpty)
    }

    @Test(arguments: [
        ("{\"schemaVersion\": 2, \"manif", "index.json\" is damaged: "), ("", "index.json\" is damaged: "),
        ("[]", "index.json\" is damaged: "),
        (
            #"{"schemaVersion": 2, "manifests": [{"mediaType": "x", "digest": "sha256:ab", "size": 1}]}"#,
            "at manifests"
        ),
    ])
    func `a broken index.json is named, with a way out that costs no content`(
        _ text: String, expected: String
    ) async throws {
        let document = try await put("content", as: ["x:v1"], into: store)
        let index = store.root.appending("index.json")
        try Files.replace(index, with: Array(text.utf8))
        for attempt in [
            { _ = try store.list() }, { _ = try store.resolve(Reference("x:v1")) },
            { _ = try store.remove([try Reference("x:v1")]) }, { _ = try store.prune() },
        ] {
            let error = #expect(throws: StoreError.self) { try attempt() }
            #expect(error?.message.contains(expected) == true, "\(String(describing: error))")
            #expect(error?.hint?.contains("remove it") == true)
        }
        await #expect(throws: StoreError.self) { _ = try await put("content", as: ["x:v1"], into: store) }
        // The way out.
        try Files.remove(index)
        #expect(store.contains(document.descriptor))
        _ = try await put("content", as: ["x:v1"], into: store)
        #expect(try store.verify().isEmpty)
    }

    @Test func `a folder in the place of index.json is named`() async throws {
        _ = try await put("content", as: ["x:v1"], into: store)
        try Damage.folder.befall(store.root.appending("index.json"))
        let error = #expect(throws: StoreError.self) { try store.list() }
        #expect(error?.message.contains("it is a folder") == true)
    }

    @Test func `a layout of a version to come is left alone`() async throws {
        _ = try await put("content", as: ["x:v1"], into: store)
        try scratch.write("store/oci-layout", #"{"imageLayoutVersion": "2.0.0"}"#)
        await #expect(throws: StoreError.self) { _ = try await put("more", as: ["x:v2"], into: store) }
        #expect(throws: StoreError.self) { try ImageStore(reading: store.root) }
    }
}
