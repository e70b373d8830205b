// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI
import Synchronization

/// Shows how far a transfer is: bars that are redrawn on a terminal, a line for each blob elsewhere, nothing if the
/// user wants quiet.
final class TransferDisplay: Sendable {
    private enum Kind {
        case silent
        case log
        case bars
    }

    /// What stands on the terminal.
    private struct Screen {
        /// The widths of the lines above the cursor.
        var drawn: [Int] = []
        var lastDrawn = Duration.zero
        var isOver = false
    }

    /// Ten times a second is as much as an eye takes in; what is over sooner is not shown at all.
    private static let interval = Duration.milliseconds(100)

    private let progress = Mutex(TransferProgress())
    /// Apart from the progress, so that a terminal that is held (Ctrl-S) does not hold the transfer.
    private let screen = Mutex(Screen())
    private let ticker = Mutex<Task<Void, Never>?>(nil)
    private let terminal: Terminal
    private let action: TransferAction
    private let kind: Kind
    private let start = ContinuousClock.now

    init(_ action: TransferAction, quiet: Bool, terminal: Terminal) {
        self.action = action
        self.terminal = terminal
        kind = quiet ? .silent : terminal.showsProgress ? .bars : .log
        guard kind == .bars else { return }
        // Also when nothing moves: a speed falls, a wait is shown.
        let task = Task.detached { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.interval)
                guard let self else { return }
                self.draw()
            }
        }
        ticker.withLock { $0 = task }
    }

    /// Takes in an event of the transfer, from any task.
    func show(_ event: TransferEvent) {
        guard kind != .silent else { return }
        let now = now
        let ended = progress.withLock { $0.apply(event, at: now) }
        switch kind {
        case .silent: return
        case .log:
            guard let ended else { return }
            let line = TransferLayout(action: action).sentence(ended, at: now)
            screen.withLock { _ in terminal.note(line) }
        case .bars: draw()
        }
    }

    /// Takes the bars away; nothing is drawn afterwards.
    func finish() {
        ticker.withLock { $0?.cancel() }
        screen.withLock { screen in
            screen.isOver = true
            guard !screen.drawn.isEmpty else { return }
            let columns = terminal.size()?.columns ?? 80
            terminal.writeError(Self.home(screen.drawn, columns) + "\u{1B}[J")
        }
    }

    private var now: Duration { start.duration(to: .now) }

    /// Draws if it is time, and if nobody else is drawing.
    private func draw() {
        _ = screen.withLockIfAvailable { screen in
            let now = now
            guard !screen.isOver, now - screen.lastDrawn >= Self.interval, let size = terminal.size() else {
                return
            }
            screen.lastDrawn = now
            let layout = TransferLayout(
                action: action, columns: size.columns, rows: size.rows,
                paint: Paint(isActive: terminal.showsNoteColour))
            let progress = progress.withLock { $0 }
            guard !progress.blobs.isEmpty else { return }
            let lines = layout.lines(progress, at: now)
            // One write, over what stands there: nothing is ever blank in between.
            var frame = Self.home(screen.drawn, size.columns)
            for line in lines { frame += line.painted + "\u{1B}[K\n" }
            terminal.writeError(frame + "\u{1B}[J")
            screen.drawn = lines.map(\.plain.count)
        }
    }

    /// Moves the cursor to the first of the drawn lines, which a window made narrower since may have broken.
    private static func home(_ drawn: [Int], _ columns: Int) -> String {
        let rows = drawn.reduce(0) { $0 + max(1, ($1 + columns - 1) / max(columns, 1)) }
        return rows == 0 ? "\r" : "\r\u{1B}[\(rows)A"
    }
}
