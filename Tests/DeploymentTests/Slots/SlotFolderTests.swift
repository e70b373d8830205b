// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import Files
import SystemPackage
import TestSupport
import Testing

/// The folder of a slot, and the one file that others have made.
@Suite struct SlotFolderTests {
    let scratch: ScratchDirectory

    init() throws { scratch = try ScratchDirectory("folder") }

    @Test func `a slot is found again as it was made, and making it again keeps what stands there`() throws {
        let path = scratch.appending("slot")
        let made = try SlotFolder.create(at: path, name: "edge", places: 2, seenAs: "/etc/envoy/slot")
        #expect(try SlotFolder(opening: path) == made)
        #expect(made.places.map(\.name) == ["edge.1", "edge.2"])
        #expect(made.seenPlaces.map(\.file) == ["/etc/envoy/slot/1.yaml", "/etc/envoy/slot/2.yaml"])
        try made.places[0].write(EnvoyPlugin(name: "tiny", modulePath: "/m.wasm"), version: "1")
        let larger = try SlotFolder.create(at: path, name: "edge", places: 3)
        #expect(larger.seenAs == path)
        let first = try SlotResource(parsing: Files.read(larger.places[0].file), of: larger.places[0].file)
        #expect(first.content == .plugin("tiny"))
        #expect(Files.kind(larger.places[2].file) == .file)
        let error = #expect(throws: DeploymentError.self) {
            try SlotFolder.create(at: path, name: "other", places: 3)
        }
        #expect(error?.code == .foreign)
    }

    @Test(arguments: ["slot.yaml", "slot.json"]) func `one file of others is a slot of one place`(
        _ name: String
    ) throws {
        let place = EnvoySlot(name: "my filter", kind: .network, file: scratch.appending(name))
        try place.write(nil, version: "0")
        let slot = try SlotFolder(opening: place.file, seenAs: "/etc/envoy/x.yaml")
        #expect(slot.places == [place])
        #expect(slot.isSingleFile)
        #expect(slot.modulesFolder == scratch.appending("\(name).wasme").appending("modules"))
        #expect(slot.seen(slot.modulesFolder) == "/etc/envoy/x.yaml.wasme/modules")
        #expect(slot.seen(place.file) == "/etc/envoy/x.yaml")
    }

    @Test func `what is no slot is refused with what to do`() throws {
        try scratch.write("empty/x", "")
        try scratch.write("file.yaml", "a: [1, 2")
        try scratch.write("list.yaml", "resources: []\n")
        try scratch.write("damaged/slot.json", "{\"version\":1,")
        try scratch.write("newer/slot.json", "{\"version\":2,\"name\":\"a\",\"kind\":\"http\",\"places\":1}")
        for (name, code) in [
            ("nothing", DeploymentError.Code.noSlot), ("empty", .noSlot), ("file.yaml", .unreadable),
            ("list.yaml", .noSlot), ("damaged", .damaged), ("newer", .damaged),
        ] {
            let error = #expect(throws: DeploymentError.self) {
                try SlotFolder(opening: scratch.appending(name))
            }
            #expect(error?.code == code, "\(name): \(error as Any)")
            #expect(error?.hint != nil)
        }
        for places in [0, 65] {
            #expect(throws: DeploymentError.self) {
                try SlotFolder.create(at: scratch.appending("new"), places: places)
            }
        }
    }

    @Test func `whoever finds a slot in use is told by whom`() throws {
        let slot = try SlotFolder.create(at: scratch.appending("slot"))
        let lock = try SlotLock(slot.stateFolder, holder: "anna@here: deploy x")
        let error = #expect(throws: DeploymentError.self) {
            _ = try SlotLock(slot.stateFolder, holder: "ben")
        }
        #expect(error?.code == .busy)
        #expect(error?.message.contains("anna@here: deploy x") ?? false)
        withExtendedLifetime(lock) {}
    }

    @Test func `a probe is read with its parts, and what is none is refused`() throws {
        let probe = try EnvoyProbe(
            "GET /x?a=b host api.example expect status 204 expect header A: b: c expect body contains \" ok \""
        )
        #expect(probe.path == "/x?a=b")
        #expect(probe.host == "api.example")
        #expect(
            probe.expectations == [.status(204), .header("a", value: "b: c"), .body(contains: " ok ")])
        #expect(try EnvoyProbe("HEAD http://10.0.0.7/ expect header x").place?.port == 80)
        for text in [
            "", "GET", "get /", "GET x", "GET / expect", "GET / expect colour", "GET / expect status 99",
            "GET http://:0x/ ",
        ] {
            #expect(throws: DeploymentError.self, "\(text)") { try EnvoyProbe(text) }
        }
    }
}
