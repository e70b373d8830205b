// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI

/// What a transfer does, as its display says it.
package enum TransferAction: String, Sendable {
    case pushing
    case pulling
    case copying
    case saving
    case loading
    case reading

    /// What has been done to a blob that is across.
    var done: String {
        switch self {
        case .pushing: "pushed"
        case .pulling: "pulled"
        case .copying: "copied"
        case .saving: "saved"
        case .loading: "loaded"
        case .reading: "read"
        }
    }
}

/// How far the blobs of a transfer are at one moment; a value, so that what is shown of it can be tested.
struct TransferProgress: Sendable {
    /// One blob on its way.
    struct Blob: Sendable {
        enum State: Sendable, Equatable {
            /// Its turn has not come.
            case planned
            case moving
            case finished
            /// The other side had it.
            case present
            /// The other side took it over from another of its repositories.
            case mounted(from: Repository)
        }

        let descriptor: Descriptor
        var state = State.planned
        /// Bytes that are across.
        var position: Int64 = 0
        /// Bytes that were across from an earlier run.
        var resumedAt: Int64?
        /// Whether bytes that were across had to be sent anew.
        var startedOver = false
        var began: Duration?
        /// When its state or position last changed.
        var changed = Duration.zero
        var rate = TransferRate()

        var isOver: Bool { state != .planned && state != .moving }
    }

    /// In the order of the plan.
    private(set) var blobs: [Blob] = []
    /// Over all blobs: bytes that really travelled.
    private(set) var rate = TransferRate()
    private var places: [Digest: Int] = [:]

    /// Bytes of all blobs.
    var total: Int64 { blobs.reduce(0) { Self.sum($0, $1.descriptor.size) } }
    /// Bytes that are on the other side, however they came there.
    var done: Int64 { blobs.reduce(0) { Self.sum($0, $1.position) } }

    /// What a manifest says of sizes need not be possible: a sum without end is as large as a number gets.
    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isTooLarge) = left.addingReportingOverflow(right)
        return isTooLarge ? .max : sum
    }

    /// Takes in what happened.
    /// - Parameters:
    ///   - event: what happened.
    ///   - now: when, since the start of the transfer.
    /// - Returns: the blob whose way came to an end by this.
    mutating func apply(_ event: TransferEvent, at now: Duration) -> Blob? {
        switch event {
        case .planned(let descriptors):
            for descriptor in descriptors { _ = place(of: descriptor) }
            return nil
        case .present(let descriptor): return end(descriptor, .present, at: now)
        case .mounted(let descriptor, let source): return end(descriptor, .mounted(from: source), at: now)
        case .finished(let descriptor): return end(descriptor, .finished, at: now)
        case .resumed(let descriptor, let position):
            let place = begin(descriptor, at: now)
            blobs[place].resumedAt = position
            blobs[place].position = position
            blobs[place].rate = TransferRate()
            return nil
        case .moved(let descriptor, let position):
            let place = begin(descriptor, at: now)
            let step = position - blobs[place].position
            if step < 0 {
                blobs[place].startedOver = true
                blobs[place].rate = TransferRate()
            }
            blobs[place].position = position
            blobs[place].rate.add(max(step, 0), at: now)
            rate.add(max(step, 0), at: now)
            return nil
        }
    }

    /// Where a blob is in the list; one that nobody announced is added.
    private mutating func place(of descriptor: Descriptor) -> Int {
        if let place = places[descriptor.digest] { return place }
        places[descriptor.digest] = blobs.count
        blobs.append(Blob(descriptor: descriptor))
        return blobs.count - 1
    }

    private mutating func begin(_ descriptor: Descriptor, at now: Duration) -> Int {
        let place = place(of: descriptor)
        // A blob of two images may go to two repositories, one after the other.
        if blobs[place].state != .moving { blobs[place] = Blob(descriptor: descriptor, state: .moving) }
        blobs[place].began = blobs[place].began ?? now
        blobs[place].changed = now
        return place
    }

    private mutating func end(_ descriptor: Descriptor, _ state: Blob.State, at now: Duration) -> Blob {
        let place = place(of: descriptor)
        blobs[place].state = state
        blobs[place].position = descriptor.size
        blobs[place].changed = now
        return blobs[place]
    }
}

/// Bytes per second over the last moments, so that a change of the line's speed is seen.
struct TransferRate: Sendable {
    /// How far back is looked.
    private static let window = Duration.seconds(5)
    /// Samples closer than this are one.
    private static let step = Duration.milliseconds(100)

    private var samples: [(at: Duration, bytes: Int64)] = []
    private var began: Duration?

    /// Takes in that bytes came across.
    mutating func add(_ bytes: Int64, at now: Duration) {
        began = began ?? now
        if let last = samples.last, now - last.at < Self.step {
            samples[samples.count - 1].bytes += bytes
        } else {
            samples.append((now, bytes))
            samples.removeAll { now - $0.at > Self.window }
        }
    }

    /// Bytes per second; nil until there is enough to judge by.
    func perSecond(at now: Duration) -> Double? {
        guard let began else { return nil }
        let span = min(now - began, Self.window) / .seconds(1)
        guard span >= 0.3 else { return nil }
        return Double(samples.reduce(0) { now - $1.at > Self.window ? $0 : $0 + $1.bytes }) / span
    }
}

extension Descriptor {
    /// What a blob of an image is, for people: one short word, or its file's name.
    ///
    /// All of it is safe for a terminal: what a server may choose is reduced to plain characters.
    var role: String {
        if let layer = annotations?["dev.wasme.layer"], ["documents", "module"].contains(layer) {
            return layer
        }
        if let title = annotations?["org.opencontainers.image.title"], !title.isEmpty {
            return String(
                String.UnicodeScalarView(
                    title.unicodeScalars.prefix(24).map { (0x21...0x7e).contains($0.value) ? $0 : "_" }))
        }
        let type = mediaType.rawValue
        if type.contains("config") || type.contains("container.image") || mediaType == .emptyJSON {
            return "config"
        }
        if mediaType == .wasmeContent || type == "application/wasm" { return "module" }
        return type.contains("layer") || type.contains("rootfs") ? "layer" : "blob"
    }
}
