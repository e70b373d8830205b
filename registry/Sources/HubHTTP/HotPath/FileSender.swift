// SPDX-License-Identifier: Apache-2.0

import Hub
import NIOCore

/// Sends a part of a file by the kernel, without its bytes passing through the hub.
///
/// The event loop would wait for a disk that has to be asked: so what comes next is fetched while a piece is being sent,
/// and one connection never has the loop for more than a piece.
final class FileSender {
    private let reader: any BlobReader
    private let file: NIOFileHandle
    private var rest: Range<Int64>
    private static let piece: Int64 = 1 << 20

    /// The file is closed at the end.
    init(_ reader: any BlobReader, _ file: NIOFileHandle, _ range: Range<Int64>) {
        self.reader = reader
        self.file = file
        rest = range
    }

    static func close(_ file: NIOFileHandle) {
        // What was only read loses nothing if it cannot be closed.
        try? file.close()
    }

    /// Sends all of it, then says how many bytes could not be sent.
    func send(to context: ChannelHandlerContext, _ done: @escaping (_ left: Int64) -> Void) {
        guard !rest.isEmpty else {
            Self.close(file)
            return done(0)
        }
        let left = rest.upperBound - rest.lowerBound
        let end = min(rest.upperBound, rest.lowerBound + Self.piece)
        let region = FileRegion(
            fileHandle: file, readerIndex: Int(rest.lowerBound), endIndex: Int(end))
        rest = end..<rest.upperBound
        reader.prefetch(at: end, count: Int(min(4 * Self.piece, rest.upperBound - end)))
        let sent = context.eventLoop.makePromise(of: Void.self)
        sent.futureResult.assumeIsolated().whenComplete { result in
            if case .failure = result {
                Self.close(self.file)
                return done(left)
            }
            self.send(to: context, done)
        }
        context.writeAndFlush(NIOAny(IOData.fileRegion(region)), promise: sent)
    }
}

@available(*, unavailable)
extension FileSender: Sendable {}
