// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI
import Synchronization

/// Shows how far a transfer is: one line that is redrawn on a terminal, nothing elsewhere.
final class TransferDisplay: Sendable {
    private struct State {
        var total: Int64 = 0
        var positions: [Digest: Int64] = [:]
        /// Bytes that really travelled, for the speed.
        var moved: Int64 = 0
        var present = 0
        var blobs = 0
        var lastDrawn: ContinuousClock.Instant?
        var started = ContinuousClock.now
    }

    private let state = Mutex(State())
    private let terminal: Terminal
    private let label: String
    private let isActive: Bool

    init(_ label: String, quiet: Bool, terminal: Terminal) {
        self.label = label
        self.terminal = terminal
        isActive = terminal.showsProgress && !quiet
    }

    /// Takes in an event of the transfer.
    func show(_ event: TransferEvent) {
        guard isActive else { return }
        let line: String? = state.withLock { state in
            switch event {
            case .planned(let blobs):
                state.blobs = blobs.count
                state.total = blobs.reduce(0) { $0 + $1.size }
            case .present(let blob), .mounted(let blob, _):
                state.present += 1
                state.positions[blob.digest] = blob.size
            case .resumed(let blob, let position): state.positions[blob.digest] = position
            case .finished(let blob): state.positions[blob.digest] = blob.size
            case .moved(let blob, let position):
                state.moved += max(0, position - (state.positions[blob.digest] ?? 0))
                state.positions[blob.digest] = position
            }
            let now = ContinuousClock.now
            // Ten times a second is as much as an eye takes in.
            if case .moved = event, let last = state.lastDrawn, now - last < .milliseconds(100) { return nil }
            state.lastDrawn = now
            let seconds = (now - state.started) / .seconds(1)
            let speed = seconds > 0.2 ? ", \(byteCount(Int64(Double(state.moved) / seconds)))/s" : ""
            let present = state.present > 0 ? ", \(state.present) of \(state.blobs) there already" : ""
            let done = state.positions.values.reduce(0, +)
            return "\(label) \(byteCount(done)) of \(byteCount(state.total))\(speed)\(present)"
        }
        if let line { terminal.writeError("\r\u{1B}[K\(line)") }
    }

    /// Clears the line.
    func finish() {
        if isActive { terminal.writeError("\r\u{1B}[K") }
    }
}
