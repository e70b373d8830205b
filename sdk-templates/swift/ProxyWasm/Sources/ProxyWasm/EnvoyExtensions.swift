// SPDX-License-Identifier: Apache-2.0

// The foreign functions of Envoy 1.40: source/extensions/common/wasm/foreign.cc, and the messages in ext/*.proto beside it.

/// What Envoy offers beyond the ABI; other hosts answer "not found".
public enum Envoy {
    /// How long a value in the filter state lives.
    public enum LifeSpan: UInt64, Sendable {
        /// As long as the filter chain: one exchange, for HTTP.
        case filterChain = 0
        /// As long as the request, internal redirects included.
        case request = 1
        /// As long as the client's connection.
        case connection = 2
    }

    /// A key for signatures.
    public enum Key: Sendable {
        /// The text form.
        case pem(Bytes)
        /// The binary form.
        case der(Bytes)
    }

    /// A hash function for signatures.
    public enum HashFunction: Sendable {
        /// SHA-1; for old data only.
        case sha1
        /// SHA-224.
        case sha224
        /// SHA-256.
        case sha256
        /// SHA-384.
        case sha384
        /// SHA-512.
        case sha512

        var name: Bytes {
            switch self {
            case .sha1: "sha1"
            case .sha224: "sha224"
            case .sha256: "sha256"
            case .sha384: "sha384"
            case .sha512: "sha512"
            }
        }
    }

    /// Compresses bytes into the zlib format (RFC 1950).
    public static func compress(_ bytes: Bytes) throws(HostError) -> Bytes {
        try Host.foreignFunction("compress", bytes)
    }

    /// Expands bytes of the zlib format; mind that a small input can become a large output.
    public static func uncompress(_ bytes: Bytes) throws(HostError) -> Bytes {
        try Host.foreignFunction("uncompress", bytes)
    }

    /// Signs a text with a private key.
    ///
    /// - Throws: `HostError`; "bad argument" if the key cannot be read, and else with what OpenSSL says.
    public static func sign(
        _ text: Bytes, with key: Key, hash: HashFunction = .sha256
    ) throws(HostError) -> Bytes {
        var arguments = ProtobufWriter()
        arguments.field(1, hash.name)
        switch key {
        case .der(let key): arguments.field(2, key)
        case .pem(let key): arguments.field(4, key)
        }
        arguments.field(3, text)
        let answer = Answer(try Host.foreignFunction("sign", arguments.finish()))
        guard answer.isGood else { throw HostError("sign: \(answer.text3)", .internalFailure) }
        return answer.text2
    }

    /// Whether a signature belongs to a text and a public key.
    public static func verify(
        _ signature: Bytes, of text: Bytes, with key: Key, hash: HashFunction = .sha256
    ) throws(HostError) -> Bool {
        var arguments = ProtobufWriter()
        arguments.field(1, hash.name)
        switch key {
        case .der(let key): arguments.field(2, key)
        case .pem(let key): arguments.field(5, key)
        }
        arguments.field(3, signature)
        arguments.field(4, text)
        return Answer(try Host.foreignFunction("verify_signature", arguments.finish())).isGood
    }

    /// What `sign` and `verify_signature` answer: field 1 says whether it went well.
    private struct Answer {
        var isGood = false
        var text2: Bytes = ""
        var text3: Bytes = ""

        init(_ message: Bytes) {
            var reader = ProtobufReader(message)
            while let field = reader.next() {
                switch (field.number, field.value) {
                case (1, .integer(let value)): isGood = value != 0
                case (2, .bytes(let bytes)): text2 = bytes
                case (3, .bytes(let bytes)): text3 = bytes
                default: break
                }
            }
        }
    }
}

extension HTTPStream {
    /// Has Envoy choose the route again, after a change of the headers that a route depends on.
    public func clearRouteCache() throws(HostError) {
        try callForeignFunction("clear_route_cache")
    }
}

extension ProxyContext {
    /// Leaves a value for other filters, made by the object factory that Envoy has for this key, such as
    /// "envoy.tcp_proxy.cluster".
    public func setEnvoyFilterState(
        _ key: Bytes, to value: Bytes, lifeSpan: Envoy.LifeSpan = .filterChain
    ) throws(HostError) {
        var arguments = ProtobufWriter()
        arguments.field(1, key)
        arguments.field(2, value)
        arguments.field(3, lifeSpan.rawValue)
        try callForeignFunction("set_envoy_filter_state", arguments.finish())
    }
}

extension PluginContext {
    /// Says how a property set by ``ProxyContext/setProperty(_:to:)`` behaves; do it while the plugin is made.
    ///
    /// One that is read-only can be set once. Expressions see a text or, by default, bytes.
    public func declareProperty(
        _ name: Bytes, isText: Bool = false, isReadOnly: Bool = false, lifeSpan: Envoy.LifeSpan = .filterChain
    ) throws(HostError) {
        var arguments = ProtobufWriter()
        arguments.field(1, name)
        arguments.field(2, isReadOnly ? 1 : 0)
        arguments.field(3, isText ? 1 : 0)
        arguments.field(5, lifeSpan.rawValue)
        try callForeignFunction("declare_property", arguments.finish())
    }
}

/// An expression of the Common Expression Language over Envoy's attributes, compiled once and evaluated for each stream.
///
/// Keep it in the plugin; it is given back when it is no longer used. Expressions belong to the plugin that was
/// configured when they were made.
public final class CELExpression {
    private let token: Bytes

    /// Compiles an expression, such as `request.method == "GET" && source.port > 1024`.
    ///
    /// - Throws: `HostError` with ``HostError/Status/badArgument`` if it is not one; Envoy logs the reason at level
    ///   "info".
    public init(_ text: Bytes) throws(HostError) {
        token = try Host.foreignFunction("expr_create", text)
    }

    deinit {
        do throws(HostError) {
            _ = try Host.foreignFunction("expr_delete", token)
        } catch {
            Log.debug(error.message)
        }
    }

    /// The value for a stream, of the type that the expression has, or nil if it has another.
    ///
    /// - Throws: `HostError` with ``HostError/Status/internalFailure`` if there is no value: an attribute is missing.
    public func evaluate<Value: AttributeValue>(
        as type: Value.Type = Bool.self, for context: some ProxyContext
    ) throws(HostError) -> Value? {
        Value(attribute: try context.callForeignFunction("expr_evaluate", token))
    }
}
