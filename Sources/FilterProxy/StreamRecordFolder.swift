// SPDX-License-Identifier: Apache-2.0

private import Files
package import SystemPackage

/// What went through filters, seen from both of their sides.
package struct StreamExchange: Hashable, Sendable {
    /// As the client has it.
    package let before: StreamRecord
    /// As what is behind the filters has it; nil if nothing came as far.
    package let behind: StreamRecord?

    package init(before: StreamRecord, behind: StreamRecord?) {
        self.before = before
        self.behind = behind
    }
}

/// Takes the files out of the folder of a `ProxyListener.Recording`, so that it never holds more than a moment's streams.
package struct StreamRecordFolder {
    /// What one look at the folder brought.
    package struct Look: Sendable {
        /// In the order of their requests.
        package var exchanges: [StreamExchange] = []
        /// How many streams were left out, because they came faster than they could be read or cannot be read.
        package var lost = 0
    }

    /// Streams in one look, at most; what is beyond is removed unread.
    package static let maximumStreams = 200
    /// Looks that a file may stay unreadable, or alone, before it is taken for what it is: it may be about to be written.
    private static let patience = 8

    private let folder: FilePath
    /// How often each stream was seen without being whole.
    private var waiting: [String: Int] = [:]

    package init(_ folder: FilePath) { self.folder = folder }

    /// Reads what is whole, and removes it.
    /// - Throws: `SystemError` if the folder cannot be read.
    package mutating func look() throws -> Look {
        var look = Look()
        var streams: [String: Set<String>] = [:]
        for name in try Files.contents(folder) {
            guard name.hasSuffix(".json"), let mark = name.firstIndex(of: "_") else { continue }
            streams[String(name[name.index(after: mark)...]), default: []].insert(String(name[..<mark]))
        }
        waiting = waiting.filter { streams[$0.key] != nil }
        for (stream, sides) in streams.sorted(by: { $0.key < $1.key }) {
            // As long as a stream goes on, only its headers are there.
            guard sides.contains("before") || sides.contains("behind") else { continue }
            guard look.exchanges.count < Self.maximumStreams else {
                try remove(stream)
                look.lost += 1
                continue
            }
            let before = sides.contains("before") ? record("before", stream) : nil
            let behind = sides.contains("behind") ? record("behind", stream) : nil
            let seen = waiting[stream, default: 0]
            // A stream that a filter answers itself may never have got behind it.
            let isWhole = before != nil && behind != nil
            guard isWhole || seen >= Self.patience else {
                waiting[stream] = seen + 1
                continue
            }
            waiting[stream] = nil
            try remove(stream)
            if let before {
                let behind = behind.flatMap { $0.request.headers.isEmpty ? nil : $0 }
                look.exchanges.append(StreamExchange(before: before, behind: behind))
            } else {
                look.lost += 1
            }
        }
        look.exchanges.sort { ($0.before.request.time ?? 0) < ($1.before.request.time ?? 0) }
        return look
    }

    private func path(_ side: String, _ stream: String) -> FilePath {
        folder.appending("\(side)_\(stream)")
    }

    private func record(_ side: String, _ stream: String) -> StreamRecord? {
        // Two bodies of the recording's limit as base64, and the headers: far below this.
        guard let bytes = try? Files.read(path(side, stream), limit: 64 << 20),
            let segments = try? Files.read(path("\(side)-headers", stream), limit: 64 << 20)
        else { return nil }
        return StreamRecord(parsing: bytes, segments: segments)
    }

    private func remove(_ stream: String) throws {
        for side in ["before", "behind", "before-headers", "behind-headers"] {
            try Files.remove(path(side, stream))
        }
    }
}
