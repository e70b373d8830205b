// SPDX-License-Identifier: Apache-2.0

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

    /// What was being done, such as "set header".
    public let operation: Bytes

    /// Why it failed.
    public let status: Status

    /// Describes a failure of `operation`.
    public init(_ operation: Bytes, _ status: Status) {
        self.operation = operation
        self.status = status
    }
}

extension HostError {
    /// One line for a log.
    public var message: Bytes {
        "cannot \(operation): \(status.reason)"
    }
}

extension HostError.Status {
    fileprivate var reason: Bytes {
        switch self {
        case .notFound: "not found"
        case .badArgument: "bad argument"
        case .serializationFailure: "serialization failure"
        case .parseFailure: "parse failure"
        case .invalidMemoryAccess: "invalid memory access"
        case .empty: "empty"
        case .compareAndSwapMismatch: "changed in the meantime"
        case .internalFailure: "internal failure of the host"
        case .brokenConnection: "connection closed"
        case .unimplemented: "not offered by this host"
        default: "status \(rawValue)"
        }
    }
}

extension HostError: CustomStringConvertible {
    /// The message as a string.
    public var description: String { message.lossyString }
}
