// SPDX-License-Identifier: Apache-2.0

import HostProfiles
import Testing
import WasmBinary

@Suite struct HostCatalogTests {
    let catalog: HostCatalog

    init() throws { catalog = try HostCatalog.bundled() }

    @Test func `every host of the design is known`() {
        #expect(
            catalog.families.map(\.name) == [
                "envoy", "istio", "envoy-gateway", "gloo", "higress", "kuma", "consul", "ngx-wasm-module",
                "apisix",
            ])
    }

    @Test func `Envoy is known from 1.17 to 1.40 and Istio from 1.12 to 1.32, without a gap`() throws {
        let envoy = try catalog.family("envoy").versions
        #expect(envoy == (17...40).map { HostVersion(1, $0) })
        let istio = try catalog.family("istio").versions
        #expect(istio == (12...32).map { HostVersion(1, $0) })
        for version in istio {
            let profile = try catalog.profile(of: "istio", version)
            #expect(profile.envoy == HostVersion(1, version.minor + 8))
            #expect(profile.image != nil)
        }
    }

    @Test func `every profile says where it is from and takes an ABI version`() throws {
        for family in catalog.families {
            for version in family.versions {
                let profile = try catalog.profile(of: family.name, version)
                #expect(!profile.sources.isEmpty)
                #expect(!profile.abiVersions.isEmpty)
                #expect(!profile.allocators.isEmpty)
                #expect(!profile.isNewerThanKnown)
            }
        }
    }

    /// How many host calls a module of an ABI version may import, WASI under two names included.
    @Test(arguments: [
        ("1.17", "0.2.1", 36 + 2 + 3 + 24), ("1.21", "0.2.1", 36 + 2 + 3 + 30),
        ("1.32", "0.1.0", 36 + 3 + 4 + 30), ("1.33", "0.2.0", 36 + 3 + 2 + 36),
        ("1.40", "0.2.1", 36 + 3 + 3 + 90),
    ])
    func `the sets grow with Envoy`(version: String, abi: String, count: Int) throws {
        let profile = try catalog.profile(of: "envoy", #require(HostVersion(version)))
        #expect(profile.abis[ProxyABIVersion(abi)]?.imports.count == count)
    }

    @Test func `a target is read in every spelling`() throws {
        #expect(try HostTarget("envoy") == HostTarget(host: "envoy"))
        #expect(try HostTarget("Envoy:1.33").versions == .one(HostVersion(1, 33)))
        #expect(try HostTarget("envoy=1.33.2").versions == .one(HostVersion(1, 33, 2)))
        let range = try HostTarget("istio >= 1.22, <1.28")
        #expect(range.description == "istio>=1.22,<1.28")
        #expect(
            try catalog.profiles(for: range).map(\.version) == (22...27).map { HostVersion(1, $0) })
        #expect(try catalog.profiles(for: HostTarget("envoy>1.38")).map(\.version.minor) == [39, 40])
        #expect(
            try catalog.profiles(for: HostTarget("kuma>=2.13")).map(\.version.description) == [
                "2.13", "2.14", "3.0",
            ])
        for wrong in [
            "", "1.33", "envoy:", "envoy:x", "envoy>=", "envoy>=1.2.3.4", "envoy~1.33", "envoy>=1.33,",
        ] {
            let error = #expect(throws: HostProfilesError.self) { try HostTarget(wrong) }
            #expect(error?.code == .notATarget)
        }
    }

    @Test func `a newer version gets the newest profile, which says so`() throws {
        let profile = try #require(try catalog.profiles(for: HostTarget("envoy:1.41")).first)
        #expect(profile.isNewerThanKnown)
        #expect(profile.version == HostVersion(1, 41))
        #expect(profile.abis[.v0_2_1]?.imports.count == 132)
        #expect(try catalog.profiles(for: HostTarget("envoy>=1.50")).map(\.isNewerThanKnown) == [true])
        #expect(try catalog.profiles(for: HostTarget("envoy:1.40.3")).map(\.isNewerThanKnown) == [false])
    }

    @Test func `an older version is an error that names what is known`() throws {
        let error = #expect(throws: HostProfilesError.self) {
            try catalog.profiles(for: HostTarget("envoy:1.16"))
        }
        #expect(error?.code == .unknownVersion)
        #expect(error?.hint == "known are 1.17 to 1.40")
        #expect(throws: HostProfilesError.self) { try catalog.profiles(for: HostTarget("envoy<1.17")) }
    }

    @Test func `an unknown host is an error with what may be meant`() throws {
        let error = #expect(throws: HostProfilesError.self) { try catalog.family("isto") }
        #expect(error?.code == .unknownHost)
        #expect(error?.hint == "did you mean \"istio\"?")
        #expect(try catalog.family("EG").name == "envoy-gateway")
        #expect(try catalog.family("envoy_gateway").name == "envoy-gateway")
    }
}
