// SPDX-License-Identifier: Apache-2.0

/// The host and optional port of a registry, as in `localhost:5000`.
package struct RegistryHost: Hashable, Sendable, CustomStringConvertible {
    /// Host name, IPv4 address or bracketed IPv6 address; lower-case.
    package let name: String
    /// TCP port, if one was given.
    package let port: UInt16?

    package init(_ text: some StringProtocol) throws(ReferenceError) {
        let text = String(text)
        var host = text[...]
        var port: UInt16?
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw .invalidHost(text) }
            host = text[...close]
            let rest = text[text.index(after: close)...]
            if !rest.isEmpty {
                guard rest.first == ":", let number = Self.port(rest.dropFirst()) else {
                    throw .invalidHost(text)
                }
                port = number
            }
            let address = host.dropFirst().dropLast()
            guard !address.isEmpty,
                address.utf8.allSatisfy({ $0.isHex || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw .invalidHost(text) }
        } else {
            if let colon = text.lastIndex(of: ":") {
                guard let number = Self.port(text[text.index(after: colon)...]) else {
                    throw .invalidHost(text)
                }
                port = number
                host = text[..<colon]
            }
            let labels = host.split(separator: ".", omittingEmptySubsequences: false)
            let valid = labels.allSatisfy { label in
                !label.isEmpty && label.first != "-" && label.last != "-"
                    && label.utf8.allSatisfy {
                        $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
                    }
            }
            guard valid, host.utf8.count <= 253 else { throw .invalidHost(text) }
        }
        self.name = host.lowercased()
        self.port = port
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard !text.isEmpty, text.utf8.allSatisfy(\.isDigit), let number = UInt16(text), number > 0 else {
            return nil
        }
        return number
    }

    package var description: String { port.map { "\(name):\($0)" } ?? name }

    /// Whether the host is this machine, where plain HTTP is expected.
    package var isLoopback: Bool {
        if name == "localhost" || name.hasSuffix(".localhost") || name == "[::1]" { return true }
        // 127.0.0.0/8 as an address: a name such as 127.example.com leads elsewhere.
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127"
            && numbers.allSatisfy { $0.utf8.allSatisfy(\.isDigit) && UInt8($0) != nil }
    }
}

/// A repository's path below its registry (distribution-spec 1.1, "Pulling manifests": `<name>`).
package struct Repository: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let path: String

    /// Accepts `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/…)*`, at most 255 characters.
    package init(_ text: some StringProtocol) throws(ReferenceError) {
        let text = String(text)
        guard !text.isEmpty, text.utf8.count <= 255 else { throw .invalidRepository(text) }
        for component in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard Self.isComponent(component.utf8) else {
                throw component.contains(where: \.isUppercase)
                    ? .uppercaseRepository(text) : .invalidRepository(text)
            }
        }
        path = text
    }

    private static func isComponent(_ bytes: Substring.UTF8View) -> Bool {
        guard let first = bytes.first, let last = bytes.last, first.isLowercaseAlphanumeric,
            last.isLowercaseAlphanumeric
        else { return false }
        var separator: [UInt8] = []
        for byte in bytes {
            if byte.isLowercaseAlphanumeric {
                separator.removeAll(keepingCapacity: true)
                continue
            }
            separator.append(byte)
            let dashes = separator.allSatisfy { $0 == UInt8(ascii: "-") }
            let underscores = separator.count <= 2 && separator.allSatisfy { $0 == UInt8(ascii: "_") }
            guard dashes || underscores || separator == [UInt8(ascii: ".")] else { return false }
        }
        return true
    }

    package var description: String { path }
    package static func < (left: Repository, right: Repository) -> Bool { left.path < right.path }
}

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution-spec 1.1).
package struct Tag: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let name: String

    package init(_ text: some StringProtocol) throws(ReferenceError) {
        let text = String(text)
        let bytes = text.utf8
        guard let first = bytes.first, bytes.count <= 128, first.isAlphanumeric || first == UInt8(ascii: "_"),
            bytes.allSatisfy({ $0.isAlphanumeric || "._-".utf8.contains($0) })
        else { throw .invalidTag(text) }
        name = text
    }

    private init(literal: String) { name = literal }

    /// What a reference with neither tag nor digest means.
    package static let latest = Tag(literal: "latest")

    package var description: String { name }
    package static func < (left: Tag, right: Tag) -> Bool { left.name < right.name }
}

/// What a person calls an image: `[host[:port]/]path[:tag][@digest]`.
///
/// The first path component is a host if it holds a dot or a colon, or is `localhost`, as with every container tool.
/// A digest is never dropped: with both, the digest decides and the tag is for people.
package struct Reference: Hashable, Sendable, CustomStringConvertible {
    /// The registry; nil for a name that is only known to the local store.
    package var registry: RegistryHost?
    package var repository: Repository
    package var tag: Tag?
    package var digest: Digest?

    /// What a registry is asked for.
    package enum Target: Hashable, Sendable, CustomStringConvertible {
        case tag(Tag)
        case digest(Digest)

        package var description: String {
            switch self {
            case .tag(let tag): tag.name
            case .digest(let digest): digest.description
            }
        }
    }

    package init(registry: RegistryHost?, repository: Repository, tag: Tag? = nil, digest: Digest? = nil) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    package init(_ text: some StringProtocol) throws(ReferenceError) {
        let text = String(text)
        guard !text.isEmpty else { throw .empty }
        guard !text.contains("://") else { throw .hasScheme(text) }
        var rest = text[...]
        if let at = rest.firstIndex(of: "@") {
            let digestText = rest[rest.index(after: at)...]
            do { digest = try Digest(digestText) } catch { throw .invalidDigest(text, error) }
            rest = rest[..<at]
        }
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = try Tag(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
        }
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" || first.hasPrefix("[") {
                registry = try RegistryHost(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        repository = try Repository(rest)
    }

    /// What to ask a registry for: the digest if there is one, else the tag, else `latest`.
    package var target: Target {
        if let digest { return .digest(digest) }
        return .tag(tag ?? .latest)
    }

    /// The name without tag and digest.
    package var name: String { registry.map { "\($0)/\(repository)" } ?? repository.path }

    /// The name with its tag, spelt out; nil if only a digest names the image.
    package var tagged: String? {
        if let tag { return "\(name):\(tag)" }
        return digest == nil ? "\(name):\(Tag.latest)" : nil
    }

    package var description: String {
        name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }
}

/// Why a text is not a reference.
package enum ReferenceError: Error, Hashable, CustomStringConvertible {
    case empty
    case hasScheme(String)
    case invalidHost(String)
    case invalidRepository(String)
    case uppercaseRepository(String)
    case invalidTag(String)
    case invalidDigest(String, DigestError)

    package var description: String {
        switch self {
        case .empty: "the reference is empty"
        case .hasScheme(let text): "\"\(text)\" has a scheme; write host/path:tag"
        case .invalidHost(let text): "\"\(text)\" is not a registry host; expected host or host:port"
        case .invalidRepository(let text):
            "\"\(text)\" is not a repository name; expected lower-case letters and digits, separated by . _ - or /"
        case .uppercaseRepository(let text): "repository name \"\(text)\" has upper-case letters"
        case .invalidTag(let text):
            "\"\(text)\" is not a tag; expected up to 128 of letters, digits, . _ - and no leading . or -"
        case .invalidDigest(_, let error): "\(error)"
        }
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    var isLowercase: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
    var isUppercase: Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
    var isAlphanumeric: Bool { isDigit || isLowercase || isUppercase }
    var isLowercaseAlphanumeric: Bool { isDigit || isLowercase }
    var isHex: Bool { isDigit || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(self | 0x20) }
}
