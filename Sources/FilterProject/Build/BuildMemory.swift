// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
package import OCI
package import SystemPackage

/// What is remembered of a project's last build, in its folder `.wasme`: what went in, what came out.
///
/// It is there to save time and never to be trusted: a module that differs from its digest, and a record that cannot be
/// read, are as if they were not there. The folder tells git to ignore it.
package struct BuildMemory: Sendable {
    /// What one build left.
    package struct Record: Sendable, Hashable {
        /// Everything that the module depends on, as a digest; nil if that is not known.
        package var key: Digest?
        /// The finished module.
        package var module: Digest
        /// Its bytes.
        package var size: Int
        /// How it became smaller after the build.
        package var steps: [ModuleStep]
        /// What the image was made of, as a digest, and the image.
        package var image: Image?

        /// An image that was made of the module.
        package struct Image: Sendable, Hashable {
            package var key: Digest
            package var digest: Digest
        }
    }

    /// The folder, in the project's.
    package static let folderName = ".wasme"

    private let folder: FilePath
    private let configuration: BuildConfiguration

    package init(of project: FilterProject, _ configuration: BuildConfiguration) {
        folder = project.root.appending(Self.folderName)
        self.configuration = configuration
    }

    /// Where the finished module is kept.
    package var modulePath: FilePath { folder.appending("\(configuration.rawValue).wasm") }
    private var recordPath: FilePath { folder.appending("\(configuration.rawValue).json") }

    /// The record of the last build; nil if there is none that can be read.
    package func record() -> Record? {
        guard let bytes = try? Files.read(recordPath, limit: 1 << 20),
            let json = try? JSONValue(parsing: bytes)
        else { return nil }
        return Record(json)
    }

    /// The module of a record; nil if it is not there or not as it was.
    package func module(of record: Record) -> [UInt8]? {
        guard let bytes = try? Files.read(modulePath, limit: 256 << 20), Digest(of: bytes) == record.module
        else {
            return nil
        }
        return bytes
    }

    /// Remembers a build: first its module, then the record that vouches for it.
    package func remember(_ record: Record, module: [UInt8]) throws {
        try prepare()
        try Files.replace(modulePath, with: module)
        try remember(record)
    }

    /// Remembers something more of a build whose module is there.
    package func remember(_ record: Record) throws {
        try prepare()
        try Files.replace(recordPath, with: Array("\(record.json)\n".utf8))
    }

    /// Makes the folder.
    /// - Returns: where it is.
    @discardableResult
    func prepare() throws -> FilePath {
        try Files.createDirectory(folder)
        let ignore = folder.appending(".gitignore")
        if Files.kind(ignore) == nil {
            try Files.replace(ignore, with: Array("# Written by wasme build; safe to remove.\n*\n".utf8))
        }
        return folder
    }

    /// Forgets everything.
    package func forget() throws { try Files.remove(folder) }
}

/// Something that was done to a module after its build.
package struct ModuleStep: Sendable, Hashable {
    /// As in "wasm-opt -Oz" or "strip names".
    package let name: String
    /// Bytes.
    package let before: Int
    package let after: Int
}

extension BuildMemory.Record {
    fileprivate init?(_ json: JSONValue) {
        func digest(_ value: JSONValue?) -> Digest? { value?.string.flatMap { Digest($0) } }
        func integer(_ value: JSONValue?) -> Int? {
            guard case .number(let number)? = value else { return nil }
            return Int("\(number)")
        }
        guard let record = json.object, let module = digest(record["module"]),
            let size = integer(record["size"])
        else { return nil }
        let steps = (record["steps"]?.array ?? []).compactMap { step -> ModuleStep? in
            guard let step = step.object, let name = step["name"]?.string,
                let before = integer(step["before"]), let after = integer(step["after"])
            else { return nil }
            return ModuleStep(name: name, before: before, after: after)
        }
        self.init(key: digest(record["key"]), module: module, size: size, steps: steps)
        if let image = record["image"]?.object, let key = digest(image["key"]),
            let made = digest(image["digest"])
        {
            self.image = Image(key: key, digest: made)
        }
    }

    fileprivate var json: JSONValue {
        var object = JSONObject()
        object["key"] = key.map { .string("\($0)") }
        object["module"] = .string("\(module)")
        object["size"] = .integer(size)
        object["steps"] = .array(
            steps.map { step in
                .object([
                    "name": .string(step.name), "before": .integer(step.before),
                    "after": .integer(step.after),
                ])
            })
        object["image"] = image.map { image in
            .object(["key": .string("\(image.key)"), "digest": .string("\(image.digest)")])
        }
        return .object(object)
    }
}
