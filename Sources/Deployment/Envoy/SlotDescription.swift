// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
import SystemPackage

/// What `slot.json` says: the name and the kind of a slot, and how many places it has.
struct SlotDescription: Hashable {
    static let fileName = "slot.json"

    let name: String
    let kind: EnvoyPlugin.Kind
    let places: Int
    /// The folder as Envoy sees it; nil if it sees the same.
    let seenAs: FilePath?

    init(name: String, kind: EnvoyPlugin.Kind, places: Int, seenAs: FilePath?) throws {
        let isName = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [UInt8(ascii: "_"), UInt8(ascii: "-")].contains(byte)
        }
        guard isName, (1...63).contains(name.utf8.count) else {
            throw DeploymentError(
                .invalid, "\"\(name)\" cannot be the name of a slot",
                hint: "use letters, digits, '_' and '-', at most 63 of them")
        }
        guard (1...SlotFolder.maximumPlaces).contains(places) else {
            throw DeploymentError(
                .invalid, "a slot cannot have \(places) places", hint: "1 to \(SlotFolder.maximumPlaces)")
        }
        if let seenAs, !seenAs.isAbsolute {
            throw DeploymentError(
                .invalid, "the slot's path in Envoy's container, \"\(seenAs)\", is not absolute",
                hint: "give the whole path, as in /etc/envoy/slot")
        }
        self.name = name
        self.kind = kind
        self.places = places
        self.seenAs = seenAs
    }

    /// Reads it from a slot's folder.
    /// - Throws: `DeploymentError` if it is not there or not whole.
    init(in folder: FilePath) throws {
        let file = folder.appending(Self.fileName)
        guard Files.kind(file) == .file else {
            throw DeploymentError(
                .noSlot, "the folder \"\(folder)\" is no slot: it has no \(Self.fileName)",
                hint:
                    "prepare it once, and start Envoy with it: wasme deploy envoy --prepare BOOTSTRAP --slot \(folder)"
            )
        }
        func damaged(_ what: String) -> DeploymentError {
            DeploymentError(
                .damaged, "\"\(file)\" does not describe a slot: \(what)",
                hint:
                    "remove it, and prepare the slot again with the same name and number of places: what stands there stays"
            )
        }
        let value: JSONValue
        do {
            value = try JSONValue(parsing: Files.read(file, limit: 1 << 20))
        } catch let error as JSONError { throw damaged("\(error)") }
        guard let object = value.object, let name = object["name"]?.string,
            let kind = object["kind"]?.string.flatMap(EnvoyPlugin.Kind.init(rawValue:)),
            case .number(let places)? = object["places"], let count = places.int
        else { throw damaged("name, kind (http or network) and places are needed") }
        guard case .number(let version)? = object["version"], version.int == 1 else {
            throw DeploymentError(
                .damaged, "\"\(file)\" is of a version that this wasme does not know",
                hint: "use the wasme that made it, or a newer one")
        }
        try self.init(
            name: name, kind: kind, places: count, seenAs: object["seenAs"]?.string.map { FilePath($0) })
    }

    var bytes: [UInt8] {
        var object = JSONObject()
        object["version"] = .integer(1)
        object["name"] = .string(name)
        object["kind"] = .string(kind.rawValue)
        object["places"] = .integer(places)
        if let seenAs { object["seenAs"] = .string(seenAs.string) }
        return Array((JSONValue.object(object).prettyPrinted + "\n").utf8)
    }
}
