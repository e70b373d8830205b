// SPDX-License-Identifier: Apache-2.0

private import OCI

/// What tells one build of a module from another while it runs.
///
/// A module made with the Swift SDK has room for twelve characters, from which it names the gauge that it sets when it is
/// configured: `plugin_build.<plugin>.<id>`. An SDK of another language may do the same. The bytes are found by the label
/// before them.
package enum BuildStamp {
    /// The text in front of the identity; it stands in no other place of a module.
    static let label: [UInt8] = Array("proxy-wasm-sdk build id:".utf8)
    /// What is there until a module is stamped; NUL bytes fill it up.
    static let unstamped: [UInt8] = Array("unstamped".utf8) + [0, 0, 0]

    /// The identity that a module will show, or nil if it has no room for one, or was never stamped.
    package static func id(of module: [UInt8]) -> String? {
        guard let place = place(in: module), !module[place].elementsEqual(unstamped) else { return nil }
        return String(validating: module[place].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// A module that shows an identity of its own, which follows from its content: the same build shows the same.
    ///
    /// A module without room for one, and one that has been stamped already, are returned as they are.
    package static func stamped(_ module: [UInt8]) -> [UInt8] {
        guard let place = place(in: module), module[place].elementsEqual(unstamped) else { return module }
        var stamped = module
        stamped.replaceSubrange(place, with: Digest(of: module).short.utf8)
        return stamped
    }

    /// Where the identity is; a label that occurs twice proves nothing.
    private static func place(in module: [UInt8]) -> Range<Int>? {
        guard let first = position(of: label, in: module[...]) else { return nil }
        let start = first + label.count
        guard start + unstamped.count <= module.count, position(of: label, in: module[start...]) == nil else {
            return nil
        }
        return start..<start + unstamped.count
    }

    private static func position(of pattern: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        guard let first = pattern.first else { return nil }
        var rest = bytes
        while let start = rest.firstIndex(of: first) {
            if rest[start...].starts(with: pattern) { return start }
            rest = rest[(start + 1)...]
        }
        return nil
    }
}
