// SPDX-License-Identifier: Apache-2.0

internal import ProxyWasm

typealias Status = HostError.Status

extension HostError.Status {
    static var ok: Status { Status(rawValue: 0) }
}

/// What the host acts for: a configured plugin, an exchange or a connection.
///
/// The defaults are those of a context that has nothing of what is asked for.
protocol HostContext: AnyObject {
    var id: UInt32 { get }
    var plugin: ConfiguredPlugin { get }
    /// Whether the module is in `onLog`, where it may read more and change nothing.
    var isLogging: Bool { get }

    func readable(_ map: HeaderMap.Kind) -> Headers?
    func change(_ map: HeaderMap.Kind, _ change: (inout Headers) -> Void) -> Bool
    func buffer(_ kind: BufferKind) -> [UInt8]?
    func changeBuffer(_ kind: BufferKind, from start: Int, count: Int, to bytes: [UInt8]) -> Status
    /// A property by the parts of its path.
    func property(_ path: [Bytes]) -> Bytes?
    func setProperty(_ path: Bytes, to value: Bytes) -> Status
    func resume(_ stream: UInt32) -> Status
    func close(_ stream: UInt32) -> Status
    func respond(_ response: EmulatedExchange.LocalResponse)
}

extension HostContext {
    var isLogging: Bool { false }
    func readable(_ map: HeaderMap.Kind) -> Headers? { nil }
    func change(_ map: HeaderMap.Kind, _ change: (inout Headers) -> Void) -> Bool { false }
    func buffer(_ kind: BufferKind) -> [UInt8]? { [] }
    func changeBuffer(_ kind: BufferKind, from start: Int, count: Int, to bytes: [UInt8]) -> Status {
        .badArgument
    }
    func property(_ path: [Bytes]) -> Bytes? { nil }
    func setProperty(_ path: Bytes, to value: Bytes) -> Status { .notFound }
    func resume(_ stream: UInt32) -> Status { stream == 3 ? .unimplemented : .ok }
    func close(_ stream: UInt32) -> Status { .ok }
    func respond(_ response: EmulatedExchange.LocalResponse) {}
}
