// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// What the places of a slot hold now, held against what its history says.
struct SlotContents {
    let slot: SlotFolder
    let history: SlotHistory
    /// Each file, whole; nil for one that is not there.
    let bytes: [[UInt8]?]
    /// What each says; nil for one that is not there or cannot be read.
    let resources: [SlotResource?]

    /// With `isLenient`, what cannot be read at all is taken for missing.
    init(
        _ slot: SlotFolder, _ history: SlotHistory, _ transport: some EnvoyTransport,
        isLenient: Bool = false
    ) throws {
        self.slot = slot
        self.history = history
        bytes = try slot.places.map { place in
            do { return try transport.resource(at: place) } catch  where isLenient { return nil }
        }
        resources = zip(bytes, slot.places).map { bytes, place in
            bytes.flatMap { try? SlotResource(parsing: $0, of: place.file) }
        }
    }

    /// Which deployment stands in each place.
    /// - Throws: `DeploymentError` if something stands there that is none of ours.
    func occupants(replacingForeign: Bool, for id: String) throws -> [String?] {
        try zip(slot.places.indices, resources).map { index, resource in
            switch resource?.content {
            case nil: return nil
            case .nothing: return nil
            case .plugin(let name) where history.revisions.contains { $0.id == name && $0.stands }:
                return name
            // Its history was lost: it is the same filter all the same, with a module of this slot.
            case .plugin(id) where isOurs(resource):
                return id
            case .plugin, .other:
                guard replacingForeign else {
                    let place = slot.places[index]
                    throw DeploymentError(
                        .foreign,
                        "\"\(place.name)\" in \"\(place.file)\" holds what wasme has not put there",
                        hint: hint(resource))
                }
                return nil
            }
        }
    }

    private func isOurs(_ resource: SlotResource?) -> Bool {
        guard let folder = resource?.modulePath?.removingLastComponent() else { return false }
        return folder == slot.seen(slot.modulesFolder)
    }

    private func hint(_ resource: SlotResource?) -> String {
        if case .plugin(let name)? = resource?.content, isOurs(resource) {
            return
                "its history was lost: deploy \"\(name)\" again first, or let it be replaced with --replace"
        }
        return "take it out of the file, or let it be replaced with --replace"
    }

    /// The smallest number that makes what a revision writes into a place another configuration than the one there.
    func retry(beside revision: SlotRevision, in place: Int) -> Int {
        guard let last = history.revisions(of: revision.id).last, last.deployment != nil else { return 0 }
        return Self.isSame(last, revision) ? (last.retry + 1) % 1000 : 0
    }

    /// Whether two revisions tell Envoy the same.
    private static func isSame(_ one: SlotRevision, _ other: SlotRevision) -> Bool {
        guard let left = one.deployment, let right = other.deployment else { return false }
        func configuration(_ deployment: FilterDeployment) -> ConfigValue {
            EnvoyPlugin(deployment, name: deployment.id, code: .inline([])).typedConfig
        }
        return one.module == other.module && one.isInline == other.isInline
            && configuration(left) == configuration(right)
    }

    /// What a person should know about what was found.
    var notes: [String] {
        history.damagedLines == 0
            ? []
            : [
                "\(history.damagedLines) \(history.damagedLines == 1 ? "line" : "lines") of \"\(history.file)\" cannot be read, and are passed over"
            ]
    }
}
