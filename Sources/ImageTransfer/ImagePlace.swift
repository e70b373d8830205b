// SPDX-License-Identifier: Apache-2.0

package import OCI

/// Where an image is, as a person writes it.
///
///     host[:port]/path[:tag][@digest]   an image by its name, in the store or in that registry, as the verb has it
///     add-header:v1, sha256:3f2a, 3f2a  one of the store, by its name or the beginning of its digest
///     store:REF, docker://REF           the same two, spelt out
///     oci:DIR[:NAME][@DIGEST]           in a folder that is an OCI image layout
///     oci-archive:FILE[:NAME][@DIGEST]  in such a layout in a tar file
package enum ImagePlace: Sendable, Hashable, CustomStringConvertible {
    /// By name; which of the two it is depends on the verb.
    case named(Reference)
    case store(Reference)
    case registry(Reference)
    case layout(folder: String, LayoutName)
    case archive(file: String, LayoutName)

    /// What says which image of a layout is meant; of one image nothing has to be said.
    package struct LayoutName: Sendable, Hashable {
        /// `org.opencontainers.image.ref.name`, as it is in the layout.
        package var name: String?
        package var digest: Digest?

        package init(name: String? = nil, digest: Digest? = nil) {
            self.name = name
            self.digest = digest
        }
    }

    /// Reads what a person wrote.
    package init(_ text: String) throws(ReferenceError) {
        if let rest = Self.tail(of: text, after: "docker://") {
            let reference = try Reference(rest)
            guard reference.registry != nil else { throw .invalidHost(rest) }
            self = .registry(reference)
        } else if let rest = Self.tail(of: text, after: "store:") {
            self = .store(try Reference(rest))
        } else if let rest = Self.tail(of: text, after: "oci:") {
            let (path, name) = try Self.split(rest)
            self = .layout(folder: path, name)
        } else if let rest = Self.tail(of: text, after: "oci-archive:") {
            let (path, name) = try Self.split(rest)
            self = .archive(file: path, name)
        } else {
            self = .named(try Reference(text))
        }
    }

    private static func tail(of text: String, after prefix: String) -> String? {
        text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
    }

    /// Path and name, divided by the first colon, as skopeo has it: names have colons, and paths should not.
    private static func split(_ text: String) throws(ReferenceError) -> (String, LayoutName) {
        var rest = text[...]
        var found = LayoutName()
        if let at = rest.lastIndex(of: "@"), let digest = try? Digest(rest[rest.index(after: at)...]) {
            found.digest = digest
            rest = rest[..<at]
        }
        let colon = rest.firstIndex(of: ":")
        if let colon {
            let name = rest[rest.index(after: colon)...]
            // What a name may be is left to whoever wrote the layout; it must be fit to be printed.
            guard !name.isEmpty, name.utf8.count <= 255,
                name.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
            else { throw .invalidTag(String(name)) }
            found.name = String(name)
        }
        let path = rest[..<(colon ?? rest.endIndex)]
        guard !path.isEmpty else { throw .empty }
        return (String(path), found)
    }

    package var description: String {
        switch self {
        case .named(let reference): "\(reference)"
        case .store(let reference): "store:\(reference)"
        case .registry(let reference): "docker://\(reference)"
        case .layout(let folder, let name): "oci:\(folder)\(name)"
        case .archive(let file, let name): "oci-archive:\(file)\(name)"
        }
    }
}

extension ImagePlace.LayoutName: CustomStringConvertible {
    package var description: String { (name.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "") }
}
