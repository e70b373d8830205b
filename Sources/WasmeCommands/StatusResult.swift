// SPDX-License-Identifier: Apache-2.0

import Deployment
import EnvoyControl
import OCI
import SystemPackage

/// What is live in slots and Envoys.
struct StatusResult: CommandResult {
    /// One place of a slot.
    struct Place: Encodable {
        /// From 1.
        let place: Int
        let id: String?
        let revision: Int?
        let image: String?
        let digest: Digest?
        let priority: Int?
        let failurePolicy: String?
        /// `proved`, `unproved` and so on.
        let outcome: String?
        /// In what the file is not what was deployed; nil if it is.
        let drift: String?

        init(_ place: EnvoySlotStatus.Place) {
            self.place = place.number
            let deployment = place.revision?.deployment
            id = place.revision?.id
            revision = place.revision?.number
            image = deployment?.image.map { "\($0)" }
            digest = deployment?.digest
            priority = deployment?.priority
            failurePolicy = deployment.map { ($0.failurePolicy ?? .reload).word }
            outcome = place.revision?.outcome.name
            drift = place.drift
        }

        fileprivate var row: [String] {
            [
                "\(place)", id ?? "(empty)", revision.map { "\($0)" } ?? "", outcome ?? "",
                failurePolicy ?? "", image ?? "", digest?.short ?? "",
            ]
        }
    }

    /// One deployment in an Envoy.
    struct Filter: Encodable {
        let id: String
        /// How often its module was started again after a trap; nil where Envoy does not count.
        let reloads: UInt64?
        let reloadFailures: UInt64?
        let reloadWaits: UInt64?
        /// Whether it may be passed by, and how that is known.
        let bypass: String?
        /// The gauge that the build has set.
        let marker: String?
    }

    /// One Envoy.
    struct Envoy: Encodable {
        let admin: String
        let version: String?
        let state: String?
        let workers: Int?
        /// Seconds since it started.
        let uptime: Int?
        let virtualMachines: Int?
        let expectedMachines: Int?
        let filters: [Filter]
        /// What is not as it should be.
        let trouble: [String]

        init(_ envoy: EnvoyStatus) {
            admin = "\(envoy.admin)"
            version = envoy.version
            state = envoy.state
            workers = envoy.workers
            uptime = envoy.uptime
            virtualMachines = envoy.virtualMachines
            expectedMachines = envoy.expectedMachines
            filters = envoy.filters.map { filter in
                Filter(
                    id: filter.id, reloads: filter.reloads?.successes,
                    reloadFailures: filter.reloads?.failures,
                    reloadWaits: filter.reloads?.waits, bypass: filter.bypass, marker: filter.marker)
            }
            trouble = envoy.trouble
        }

        fileprivate func lines(_ paint: Paint) -> [String] {
            guard let version, let workers, let virtualMachines, let expectedMachines, let state else {
                return ["\(paint(admin, .bold)): \(paint(trouble.first ?? "it does not answer", .red))"]
            }
            var lines = [
                "\(paint(admin, .bold)): Envoy \(version), \(state), \(workers) \(workers == 1 ? "worker" : "workers"), \(virtualMachines) virtual machines (\(expectedMachines) for this slot)"
            ]
            for filter in filters {
                var parts: [String] = []
                if let reloads = filter.reloads, let failures = filter.reloadFailures, reloads + failures > 0
                {
                    parts.append("trapped and was started again \(reloads) times, \(failures) times in vain")
                }
                if let bypass = filter.bypass { parts.append(bypass) }
                if let marker = filter.marker { parts.append("\(marker) is set") }
                if !parts.isEmpty { lines.append("  \(filter.id): \(parts.joined(separator: "; "))") }
            }
            return lines + trouble.map { "  \(paint("trouble:", .red)) \($0)" }
        }
    }

    /// One slot.
    struct Slot: Encodable {
        let slot: String
        let sound: Bool
        let places: [Place]
        /// Changes of which nobody knows what came, as in "hello 3".
        let unfinished: [String]
        let envoys: [Envoy]
        let notes: [String]
    }

    let slots: [Slot]
    private let paint: Paint

    enum CodingKeys: CodingKey { case slots }

    init(_ slots: [EnvoySlotStatus], paint: Paint) {
        self.paint = paint
        self.slots = slots.map { slot in
            Slot(
                slot: slot.slot.path.string, sound: slot.isSound, places: slot.places.map { Place($0) },
                unfinished: slot.unfinished.map { "\($0.id) \($0.number)" },
                envoys: slot.envoys.map { Envoy($0) }, notes: slot.notes)
        }
    }

    var text: String {
        slots.map { slot in
            var lines = [
                slot.slot,
                table(
                    ["PLACE", "ID", "REV", "OUTCOME", "IF IT TRAPS", "IMAGE", "DIGEST"],
                    slot.places.map(\.row)),
            ]
            for place in slot.places {
                if let drift = place.drift {
                    lines.append("\(paint("drift:", .red)) place \(place.place): \(drift)")
                }
            }
            lines += slot.unfinished.map {
                "\(paint("unfinished:", .yellow)) nobody knows what came of revision \($0)"
            }
            lines += slot.envoys.flatMap { $0.lines(paint) }
            if slot.envoys.isEmpty { lines.append("no Envoy was asked: add --admin") }
            return (lines + slot.notes.map { "note: \($0)" }).joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    var brief: String {
        slots.flatMap(\.places).compactMap(\.id).joined(separator: "\n")
    }
}
