// SPDX-License-Identifier: Apache-2.0

import ImageTransfer
import OCI
import Synchronization
import TestSupport
import Testing

@testable import WasmeCommands

/// How a transfer's progress looks.
@Suite struct TransferLayoutTests {
    static func blob(
        _ number: Int, size: Int64 = 1_000_000, mediaType: MediaType = .imageLayerTarGzip,
        _ annotations: [String: String]? = ["dev.wasme.layer": "module"]
    ) -> Descriptor {
        Descriptor(
            mediaType: mediaType, digest: Digest(of: Array("\(number)".utf8)), size: size,
            annotations: annotations)
    }

    /// A transfer in which each kind of thing has happened, after ten seconds.
    func eventful() throws -> TransferProgress {
        var progress = TransferProgress()
        let blobs = (0..<6).map { Self.blob($0, size: 200_000_000) }
        let events: [(Int, TransferEvent)] = [
            (0, .planned(blobs)), (100, .present(blobs[0])),
            (200, .mounted(blobs[1], from: try Repository("acme/base"))),
            (1000, .moved(blobs[2], 0)), (3000, .moved(blobs[2], 200_000_000)), (3500, .finished(blobs[2])),
            (4000, .resumed(blobs[3], at: 120_000_000)), (5000, .moved(blobs[3], 130_000_000)),
            (9000, .moved(blobs[3], 150_000_000)), (6000, .moved(blobs[4], 40_000_000)),
            (9900, .moved(blobs[3], 160_000_000)),
        ]
        for (time, event) in events { _ = progress.apply(event, at: .milliseconds(time)) }
        return progress
    }

    @Test func `each blob has a line with its state, and all together have one`() throws {
        let lines = TransferLayout(action: .pushing, columns: 120).lines(try eventful(), at: .seconds(10))
        #expect(
            lines.map(\.plain) == [
                "5feceb66ffc8 module     there already  200.0 MB",
                "6b86b273ff34 module     mounted from acme/base  200.0 MB",
                "d4735e3a265e module     done  200.0 MB",
                "4e07408562be module     [================>   ]   80%  160.0/200.0 MB   8.00 MB/s  0:05 left"
                    + "  resumed at 120.0 MB",
                "4b227777d4dd module     [====>               ]   20%   40.0/200.0 MB     waiting",
                "ef2d127de37b module     to come  200.0 MB",
                "pushing 3 of 6          [=============>      ]   66%    0.80/1.20 GB   16.0 MB/s  0:25 left",
            ])
    }

    @Test(arguments: [0, 1, 2, 7, 12, 20, 25, 39, 40, 60, 79, 80, 81, 200])
    func `no line reaches the edge of the terminal, whatever its width`(_ columns: Int) throws {
        var progress = try eventful()
        let hostile = Self.blob(
            9, size: .max,
            ["org.opencontainers.image.title": "\u{202E}evil\u{1B}[2J\r\n\u{200B}終\u{FEFF}…ｗｗｗｗｗｗｗｗｗｗｗｗｗｗｗ"])
        _ = progress.apply(.moved(hostile, 5), at: .seconds(10))
        for line in TransferLayout(action: .pushing, columns: columns).lines(progress, at: .seconds(10)) {
            #expect(line.plain.count <= max(columns - 1, 0), "\(line.plain)")
            #expect(
                line.plain.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) }, "\(line.plain)")
            #expect(line.painted == line.plain)
        }
    }

    @Test func `with more blobs than lines those on their way are shown, then those just over`() {
        var progress = TransferProgress()
        let blobs = (0..<40).map { Self.blob($0) }
        _ = progress.apply(.planned(blobs), at: .zero)
        for number in 0..<10 { _ = progress.apply(.finished(blobs[number]), at: .milliseconds(number)) }
        for number in [20, 30] { _ = progress.apply(.moved(blobs[number], 10), at: .seconds(1)) }
        let lines = TransferLayout(action: .pulling, rows: 6).lines(progress, at: .seconds(1)).map(\.plain)
        let shown = [8, 9, 20, 30].map { blobs[$0].digest.short }
        #expect(lines.dropLast().map { String($0.prefix(12)) } == shown)
        #expect(lines.last?.hasPrefix("pulling 10 of 40 ") == true)
        for rows in 0...3 {
            let count = TransferLayout(action: .pulling, rows: rows).lines(progress, at: .seconds(1)).count
            #expect(count == max(rows - 1, 1))
        }
    }

    @Test func `a blob that starts over says so, and its speed is that of now`() {
        var progress = TransferProgress()
        let blob = Self.blob(1, size: 10_000_000)
        for (time, position) in [(0, 0), (1000, 5_000_000), (1500, 0), (2500, 1_000_000)] as [(Int, Int64)] {
            _ = progress.apply(.moved(blob, position), at: .milliseconds(time))
        }
        let line = TransferLayout(action: .pulling, columns: 120).lines(progress, at: .milliseconds(2500))[0]
        #expect(line.plain.hasSuffix("1.00/10.0 MB   1.00 MB/s  0:09 left  once more"))
    }

    @Test func `in a log each blob is a sentence`() throws {
        var progress = TransferProgress()
        let repository = try Repository("acme/base")
        let layout = TransferLayout(action: .pushing)
        func said(_ events: [(Int, TransferEvent)]) -> [String] {
            events.compactMap { time, event in
                progress.apply(event, at: .milliseconds(time)).map {
                    layout.sentence($0, at: .milliseconds(time))
                }
            }
        }
        let config = Self.blob(4, size: 2, mediaType: .imageConfig, nil)
        #expect(
            said([
                (0, .planned([Self.blob(0)])), (100, .moved(Self.blob(0), 10)),
                (500, .finished(Self.blob(0))),
                (500, .present(Self.blob(1))), (500, .mounted(Self.blob(2), from: repository)),
                (600, .resumed(Self.blob(3), at: 400_000)), (1850, .finished(Self.blob(3))),
                (1900, .finished(config)),
            ]) == [
                "pushed 5feceb66ffc8 1.00 MB module in 0.4 s",
                "6b86b273ff34 is there already (1.00 MB module)",
                "d4735e3a265e mounted from acme/base (1.00 MB module)",
                "pushed 4e07408562be 1.00 MB module in 1.3 s, resumed at 400.0 KB",
                "pushed 4b227777d4dd 2 B config in 0.0 s",
            ])
    }

    @Test(arguments: [
        (MediaType.imageConfig, nil, "config"), (.wasmeConfig, nil, "config"), (.wasmeContent, nil, "module"),
        (MediaType(rawValue: "application/wasm"), nil, "module"), (.imageLayerTarGzip, nil, "layer"),
        (.imageLayerTarGzip, ["dev.wasme.layer": "documents"], "documents"),
        (.imageLayerTarGzip, ["dev.wasme.layer": "\u{1B}[31m"], "layer"), (.octetStream, nil, "blob"),
        (.octetStream, ["org.opencontainers.image.title": "sbom\u{07}.json"], "sbom_.json"),
    ])
    func `a blob is called what it is`(_ type: MediaType, _ annotations: [String: String]?, _ role: String) {
        #expect(Self.blob(0, mediaType: type, annotations).role == role)
    }
}

/// What the display leaves on a terminal and in a log.
@Suite struct TransferDisplayTests {
    /// A terminal that keeps what was written.
    private final class Recorder: Sendable {
        private let text = Mutex("")
        var written: String { text.withLock { $0 } }

        func terminal(showsProgress: Bool, colours: Bool = false, rows: Int = 24) -> Terminal {
            Terminal(
                isInteractive: false, showsProgress: showsProgress, showsNoteColour: colours,
                size: { (60, rows) }, writeOutput: { _ in },
                writeError: { text in self.text.withLock { $0 += text } }, readAnswer: { nil })
        }
    }

    @Test(.timeLimit(.minutes(1))) func `bars are drawn over one another, and are gone at the end`()
        async throws
    {
        let recorder = Recorder()
        let display = TransferDisplay(
            .pushing, quiet: false, terminal: recorder.terminal(showsProgress: true, colours: true))
        let blobs = (0..<3).map { TransferLayoutTests.blob($0) }
        display.show(.planned(blobs))
        var screen = TerminalScreen(columns: 60)
        var read = 0
        var position: Int64 = 0
        while screen.climbs < 3 {
            position += 1
            display.show(.moved(blobs[0], position))
            try await Task.sleep(for: .milliseconds(10))
            let written = recorder.written
            screen.write(String(written.dropFirst(read)))
            read = written.count
        }
        #expect(screen.shown.count == 4, "\(screen.shown)")
        #expect(screen.shown.last?.hasPrefix("pushing 0 of 3 ") == true)
        #expect(screen.renditions > 0)
        display.finish()
        let length = recorder.written.count
        display.show(.finished(blobs[1]))
        #expect(recorder.written.count == length)
        screen.write(String(recorder.written.dropFirst(read)))
        #expect(screen.shown.isEmpty, "\(screen.shown)")
        #expect(screen.strange.isEmpty)
    }

    @Test func `elsewhere there is a line for each blob, and nothing for the quiet`() {
        for (quiet, expected) in [(false, "5feceb66ffc8 is there already (1.00 MB module)\n"), (true, "")] {
            let recorder = Recorder()
            let display = TransferDisplay(
                .pushing, quiet: quiet, terminal: recorder.terminal(showsProgress: false))
            let blob = TransferLayoutTests.blob(0)
            display.show(.planned([blob]))
            display.show(.moved(blob, 100))
            display.show(.present(blob))
            display.finish()
            #expect(recorder.written == expected)
        }
    }
}
