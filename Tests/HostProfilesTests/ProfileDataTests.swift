// SPDX-License-Identifier: Apache-2.0

import Files
import FilterImage
import HostProfiles
import SystemPackage
import TestSupport
import Testing

/// Holds the data files against their published schemas.
@Suite struct ProfileDataTests {
    static let folder = repositoryRoot.pushing("Sources/HostProfiles/profiles")

    static let files: [String] = ((try? Files.contents(folder)) ?? []).sorted()

    @Test(arguments: files)
    func `a data file keeps to its schema`(file: String) throws {
        let text = String(
            decoding: try Files.read(Self.folder.appending(file), limit: 1 << 20), as: UTF8.self)
        let name =
            switch file {
            case "functions.json": "host-functions.schema.json"
            case "toolchains.json": "host-toolchains.schema.json"
            default: "host-profile.schema.json"
            }
        let schema = try ConfigSchema(
            bytes: try Files.read(
                repositoryRoot.pushing("Docs/reference").appending(name), limit: 1 << 20))
        #expect(try schema.validate(json: text).map(\.description) == [])
    }

    @Test func `every file is in the program`() throws {
        let families = try HostCatalog.bundled().families.map { "\($0.name).json" }
        #expect(Set(Self.files) == Set(families + ["functions.json", "toolchains.json"]))
    }
}
