// SPDX-License-Identifier: Apache-2.0

private import Synchronization

/// The name of one request in logs and in its answer (`X-Request-Id`).
package struct RequestID: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    private static let process: String = {
        var generator = SystemRandomNumberGenerator()
        let text = String(generator.next() as UInt64, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }()
    private static let count = Atomic<UInt64>(0)

    /// A name that no other request has: random for each process, then counted.
    package init() {
        let number = Self.count.wrappingAdd(1, ordering: .relaxed).newValue
        self.init("\(Self.process)-\(String(number, radix: 36))")
    }

    /// The name that a client gave, if it is one that can stand in a log; otherwise a new one.
    package init(accepting text: String?) {
        if let text, (1...128).contains(text.utf8.count), text.utf8.allSatisfy(Self.isPlain) {
            self.init(text)
        } else {
            self.init()
        }
    }

    private init(_ text: String) { description = text }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: "="):
            true
        default: false
        }
    }
}

/// What becomes known of a request on its way.
final class RequestTrace: Sendable {
    /// The request that this task answers.
    @TaskLocal static var current: RequestTrace?

    let id: RequestID
    private let bytes = Atomic<Int64>(0)

    init(id: RequestID) { self.id = id }

    /// Bytes of the body that were read.
    var received: Int64 { bytes.load(ordering: .relaxed) }
    func received(_ count: Int) { bytes.wrappingAdd(Int64(count), ordering: .relaxed) }
}
