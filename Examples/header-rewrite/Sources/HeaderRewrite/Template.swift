// SPDX-License-Identifier: Apache-2.0

import ProxyWasm

/// A header value with attributes of the proxy in it, such as `from %source.address%`.
///
/// It is taken apart when the plugin is configured, so that a request only has to put it together.
struct Template {
    enum Part {
        case text(Bytes)
        /// The path of an attribute, with NUL bytes between its parts, as the ABI wants it.
        case attribute(Bytes)
    }

    let parts: [Part]

    init(_ json: JSON) throws(ConfigurationError) {
        let percent = UInt8(ascii: "%")
        var parts: [Part] = []
        var rest = try json.headerValue()
        while let (text, behind) = rest.split(at: percent) {
            guard let (name, tail) = behind.split(at: percent) else {
                throw json.error("a \"%\" has no partner; write \"%%\" for the character itself")
            }
            parts.append(.text(text))
            parts.append(name.isEmpty ? .text("%") : .attribute(Template.path(name)))
            rest = tail
        }
        parts.append(.text(rest))
        self.parts = parts
    }

    /// `request.path` as the ABI writes it.
    private static func path(_ name: Bytes) -> Bytes {
        var path = BytesBuilder(capacity: name.count)
        for byte in name {
            path.append(byte == UInt8(ascii: ".") ? 0 : byte)
        }
        return path.finish()
    }

    /// The value for an exchange, or nil if there is none to set: an attribute is missing or is not a text.
    func value(for stream: HTTPStream) throws(HostError) -> Bytes? {
        var value = BytesBuilder()
        for part in parts {
            switch part {
            case .text(let text):
                value.append(text)
            case .attribute(let path):
                guard let attribute = try stream.property(path), HeaderField.isValidValue(attribute) else {
                    return nil
                }
                value.append(attribute)
            }
        }
        return value.finish()
    }
}
