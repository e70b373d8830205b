// SPDX-License-Identifier: Apache-2.0

internal import CProxyWasmABI

/// What the proxy acts for: an HTTP exchange, a connection or a configured plugin.
///
/// A value of these types is only a number, and may be kept and used in any callback, another stream's too; when what it
/// stands for is gone, its methods throw.
public protocol ProxyContext: Sendable {
    /// The number under which the proxy knows it; unique among those that exist.
    var id: UInt32 { get }
}

/// A configured plugin, as the proxy knows it.
public struct PluginContext: ProxyContext, Hashable {
    /// The number under which the proxy knows it.
    public let id: UInt32

    init(id: UInt32) {
        self.id = id
    }

    /// Has ``Plugin/onTick(_:)`` called at this interval, in every thread of the proxy; 0 ends it.
    ///
    /// Set it while the plugin is made, or later.
    public func setTickPeriod(milliseconds: UInt32) throws(HostError) {
        try module.activate(id)
        try Host.check(proxy_set_tick_period_milliseconds(milliseconds), "set tick period")
    }
}

extension ProxyContext {
    /// Says that what `onDone` has held open may end now.
    public func done() throws(HostError) {
        try module.activate(id)
        try Host.check(proxy_done(), "end what was held open")
    }

    /// The value at a path such as `["request", "path"]`, or nil if there is none.
    public func property(_ path: Bytes...) throws(HostError) -> Bytes? {
        try module.activate(id)
        return try Host.property(Host.join(path))
    }

    /// Sets a property, which Wasm filters of the same stream read by its name, and others as "wasm." and the name in the
    /// filter state.
    public func setProperty(_ name: Bytes, to value: Bytes) throws(HostError) {
        try module.activate(id)
        let status = name.withUnsafeBytes { name in
            value.withUnsafeBytes { value in
                proxy_set_property(name.baseAddress, name.count, value.baseAddress, value.count)
            }
        }
        try Host.check(status, "set property")
    }
}

extension Host {
    /// A path as the ABI wants it: its parts with NUL bytes between.
    static func join(_ parts: [Bytes]) -> Bytes {
        let buffer = Buffer()
        var isFirst = true
        for part in parts {
            if !isFirst { buffer.append(0) }
            isFirst = false
            part.append(to: buffer)
        }
        return Bytes(buffer)
    }

    /// A property of the effective context by its joined path.
    static func property(_ path: Bytes) throws(HostError) -> Bytes? {
        try optionalBytes("read property") { pointer, size in
            path.withUnsafeBytes { proxy_get_property($0.baseAddress, $0.count, pointer, size) }
        }
    }
}
