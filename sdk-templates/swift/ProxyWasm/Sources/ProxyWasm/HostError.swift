// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// What the host answered to a call that it did not carry out.
public struct HostError: Error, Hashable, Sendable {
    /// Why a call failed; hosts may know more statuses than are named here.
    public struct Status: RawRepresentable, Hashable, Sendable {
        /// The number in the ABI.
        public let rawValue: UInt32

        /// Wraps a number of the ABI.
        public init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        /// There is no such thing.
        public static var notFound: Status { Status(rawValue: 1) }
        /// An argument is out of range, or the thing is not available in this phase.
        public static var badArgument: Status { Status(rawValue: 2) }
        /// The host could not encode its answer.
        public static var serializationFailure: Status { Status(rawValue: 3) }
        /// The host could not decode an argument, or its answer could not be decoded here.
        public static var parseFailure: Status { Status(rawValue: 4) }
        /// A pointer led outside the module's memory.
        public static var invalidMemoryAccess: Status { Status(rawValue: 6) }
        /// There is nothing to take.
        public static var empty: Status { Status(rawValue: 7) }
        /// The value was changed by somebody else in the meantime.
        public static var compareAndSwapMismatch: Status { Status(rawValue: 8) }
        /// The host is at fault.
        public static var internalFailure: Status { Status(rawValue: 10) }
        /// The connection is gone.
        public static var brokenConnection: Status { Status(rawValue: 11) }
        /// The host does not offer this.
        public static var unimplemented: Status { Status(rawValue: 12) }
    }

    // One word: an error is handed on through every caller, and made in one place.
    private final class Contents: Sendable {
        let operation: Bytes
        /// Without memory if nothing is named.
        let subject: Bytes
        let status: Status

        init(_ operation: Bytes, _ subject: Bytes, _ status: Status) {
            self.operation = operation
            self.subject = subject
            self.status = status
        }
    }

    private let contents: Contents

    /// What was being done, such as "set header".
    public var operation: Bytes {
        contents.subject.start == nil
            ? contents.operation : "\(contents.operation) \"\(contents.subject)\""
    }

    /// Why it failed.
    public var status: Status { contents.status }

    /// Describes a failure of `operation`.
    @inline(never)
    public init(_ operation: Bytes, _ status: Status) {
        self.init(operation, on: Bytes(), status)
    }

    /// Describes a failure of `operation` on something that is named in quotes.
    ///
    /// The text is put together by whoever asks for it.
    @inline(never)
    init(_ operation: Bytes, on subject: Bytes, _ status: Status) {
        contents = Contents(operation, subject, status)
    }

    /// Whether two errors say the same.
    public static func == (left: HostError, right: HostError) -> Bool {
        left.status == right.status && left.operation == right.operation
    }

    /// Feeds the error to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(operation)
        hasher.combine(status)
    }
}

extension HostError {
    /// One line for a log.
    @inline(never)
    public var message: Bytes {
        let (operation, subject) = (contents.operation, contents.subject)
        var size = 0
        let start = proxy_wasm_describe_failure(
            operation.start, operation.count, subject.start, subject.count, status.rawValue, &size)
        withExtendedLifetime(contents) {}
        return Bytes(Buffer(adopting: start, count: size))
    }
}

extension HostError: CustomStringConvertible {
    /// The message as a string.
    public var description: String { message.lossyString }
}
