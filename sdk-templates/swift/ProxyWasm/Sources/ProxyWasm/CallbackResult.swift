// SPDX-License-Identifier: Apache-2.0

/// What the proxy does after a callback.
public enum Action: UInt32, Sendable {
    /// Goes on to the next filter.
    case `continue` = 0
    /// Waits, until the filter resumes the stream or has answered it; what has come of a body is kept.
    case pause = 1
}

/// What the proxy does with the part of a body that a callback has seen; Envoy knows more than the two of `Action`.
public enum BodyAction: UInt32, Sendable {
    /// Sends it on.
    case `continue` = 0
    /// Keeps it, up to the proxy's limit; the next callback sees all that is kept. Beyond the limit, Envoy answers a
    /// request with status 413 and a response with status 500.
    case pause = 1
    /// Keeps it up to the proxy's limit, and then makes the sender wait; the next callback sees only what is new.
    case pauseWithBackPressure = 2
    /// Drops it.
    case discard = 3
}

/// What a callback returns: ``Action``, or ``Unhandled`` from the default of a callback that a filter leaves out.
///
/// A callback that stays ``Unhandled`` is not exported from the module, so the proxy does not even call it.
public protocol CallbackResult {
    /// Whether the callback exists for the proxy; known when the module is compiled.
    static var isHandled: Bool { get }
    /// The number in the ABI.
    var actionValue: UInt32 { get }
}

/// What a callback for parts of a body returns: ``BodyAction``, ``Action`` or ``Unhandled``.
public protocol BodyCallbackResult: CallbackResult {}

/// What the callback at the end of a stream returns: true or false, or ``Unhandled``.
public protocol DoneCallbackResult {
    /// Whether the callback exists for the proxy; known when the module is compiled.
    static var isHandled: Bool { get }
    /// Whether the stream may end now.
    var isDone: Bool { get }
}

/// What the default of a callback returns, by which the SDK sees that a filter has left it out.
public struct Unhandled: Sendable {
    // Larger than what any callback returns: see `isHandled`.
    private let padding: (UInt64, UInt64) = (0, 0)

    /// Says that a callback is left out.
    public init() {}
}

extension Action: BodyCallbackResult {
    /// Always.
    public static var isHandled: Bool { true }
    /// The number in the ABI.
    public var actionValue: UInt32 { rawValue }
}

extension BodyAction: BodyCallbackResult {
    /// Always.
    public static var isHandled: Bool { true }
    /// The number in the ABI.
    public var actionValue: UInt32 { rawValue }
}

extension Bool: DoneCallbackResult {
    /// Always.
    public static var isHandled: Bool { true }
    /// The value itself.
    public var isDone: Bool { self }
}

extension Unhandled: BodyCallbackResult, DoneCallbackResult {
    /// Never.
    public static var isHandled: Bool { false }
    /// Continue.
    public var actionValue: UInt32 { 0 }
    /// Always.
    public var isDone: Bool { true }
}

/// Whether a callback without a result is handled: then it returns nothing, and otherwise ``Unhandled``.
///
/// `Void` cannot conform to a protocol, hence the size. The compiler knows it, so what is not handled leaves no trace.
@inline(__always)
func isHandled<Result>(_ result: Result.Type) -> Bool {
    MemoryLayout<Result>.size != MemoryLayout<Unhandled>.size
}
