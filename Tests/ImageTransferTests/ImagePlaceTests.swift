// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI
import Testing

@Suite struct ImagePlaceTests {
    private static let digest = "sha256:" + String(repeating: "3f", count: 32)

    @Test func `every way of writing a place is understood`() throws {
        let reference = try Reference("localhost:5000/a/b:v1")
        #expect(try ImagePlace("localhost:5000/a/b:v1") == .named(reference))
        #expect(try ImagePlace("docker://localhost:5000/a/b:v1") == .registry(reference))
        #expect(try ImagePlace("store:localhost:5000/a/b:v1") == .store(reference))
        #expect(try ImagePlace("sha256:3f2a") == .named(Reference("sha256:3f2a")))
        #expect(try ImagePlace("oci:some/dir") == .layout(folder: "some/dir", .init()))
        #expect(try ImagePlace("oci:dir:v1") == .layout(folder: "dir", .init(name: "v1")))
        #expect(
            try ImagePlace("oci-archive:a.tar:localhost:5000/a/b:v1")
                == .archive(file: "a.tar", .init(name: "localhost:5000/a/b:v1")))
        #expect(
            try ImagePlace("oci-archive:a.tar@\(Self.digest)")
                == .archive(file: "a.tar", .init(digest: Digest(Self.digest))))
        #expect(
            try ImagePlace("oci:dir:v1@\(Self.digest)")
                == .layout(folder: "dir", .init(name: "v1", digest: Digest(Self.digest))))
    }

    @Test func `what is written is what is shown`() throws {
        for text in [
            "localhost:5000/a/b:v1", "store:a:v1", "docker://h.example/a", "oci:dir:v1",
            "oci-archive:/x/a.tar",
            "oci:dir@\(Self.digest)",
        ] {
            #expect("\(try ImagePlace(text))" == text)
        }
    }

    @Test(arguments: [
        "", "oci:", "oci::v1", "oci-archive:", "oci:dir:", "docker://a:v1", "docker://", "store:",
        "https://h/a",
        "Upper/case", "h.example/Ä:v1", "oci:dir:a b", "oci:dir:a\u{202e}b",
        "h.example/a:" + String(repeating: "t", count: 129),
    ])
    func `what is no place is refused`(_ text: String) {
        #expect(throws: ReferenceError.self) { try ImagePlace(text) }
    }
}
