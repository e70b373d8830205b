// SPDX-License-Identifier: Apache-2.0

import Files
package import SystemPackage

/// Where the filters of running Envoys are changed: a folder with a file for each place of a chain, or one such file that
/// others have made.
///
///     slot.json      what the slot is, see `SlotDescription`
///     1.yaml …       what stands in each place; the resources are called `<name>.1` …
///     modules/       the modules, `<sha256>.wasm`
///     history.jsonl  what was done, see `SlotHistory`
///     .lock          held by whoever changes something
///
/// Of a slot that is one file, all but the file itself lies in a folder beside it, `<file>.wasme`.
package struct SlotFolder: Hashable, Sendable {
    /// The folder, or the one file.
    package let path: FilePath
    /// The folder or the file as Envoy sees it, which may run in a container.
    package let seenAs: FilePath
    package let name: String
    package let kind: EnvoyPlugin.Kind
    /// The places in the order in which requests meet them; their files are as we see them.
    package let places: [EnvoySlot]
    /// Whether it is one file that others have made.
    package let isSingleFile: Bool

    /// At most so many places are in one slot.
    package static let maximumPlaces = 64

    private init(
        path: FilePath, seenAs: FilePath?, name: String, kind: EnvoyPlugin.Kind, places: [EnvoySlot],
        isSingleFile: Bool
    ) {
        self.path = path
        self.seenAs = seenAs ?? path
        self.name = name
        self.kind = kind
        self.places = places
        self.isSingleFile = isSingleFile
    }

    private init(_ path: FilePath, _ description: SlotDescription, seenAs: FilePath?) {
        self.init(
            path: path, seenAs: seenAs ?? description.seenAs, name: description.name, kind: description.kind,
            places: (1...description.places).map { Self.place($0, of: description, in: path) },
            isSingleFile: false)
    }

    private static func place(_ number: Int, of slot: SlotDescription, in folder: FilePath) -> EnvoySlot {
        EnvoySlot(
            name: "\(slot.name).\(number)", kind: slot.kind, file: folder.appending("\(number).yaml"))
    }

    /// Where its own files lie.
    package var stateFolder: FilePath { isSingleFile ? FilePath("\(path).wasme") : path }

    /// Makes the folder of a slot that is one file.
    func makeStateFolder() throws {
        if isSingleFile { try Files.createDirectory(stateFolder, permissions: Self.enterable) }
    }

    /// Envoy is often another user: what it reads is readable to all, and who may enter the slot is its owner's business.
    static let readable: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    static let enterable: FilePermissions = [.ownerReadWriteExecute, .groupReadExecute, .otherReadExecute]

    package var modulesFolder: FilePath { stateFolder.appending("modules") }
    package var historyFile: FilePath { stateFolder.appending("history.jsonl") }

    /// The places as Envoy sees them, for its bootstrap.
    package var seenPlaces: [EnvoySlot] {
        places.map { EnvoySlot(name: $0.name, kind: $0.kind, file: seen($0.file)) }
    }

    /// A path of ours as Envoy sees it.
    package func seen(_ file: FilePath) -> FilePath {
        // Beside a single file lies its state folder: what they have in common is the folder of the file.
        let (ours, theirs) =
            isSingleFile ? (path.removingLastComponent(), seenAs.removingLastComponent()) : (path, seenAs)
        var rest = file
        guard rest.removePrefix(ours) else { return file }
        if isSingleFile, file == path { return seenAs }
        if isSingleFile, rest.components.first?.string == stateFolder.lastComponent?.string {
            return FilePath("\(seenAs).wasme").pushing(FilePath(root: nil, rest.components.dropFirst()))
        }
        return theirs.pushing(rest)
    }

    // MARK: - Opening

    /// Opens a slot that is there.
    /// - Parameters:
    ///   - path: an absolute path of a folder with `slot.json`, or of a file with one resource.
    ///   - seenAs: the same as Envoy sees it; nil for what was said when it was made, or our own path.
    /// - Throws: `DeploymentError` if it is no slot.
    package init(opening path: FilePath, seenAs: FilePath? = nil) throws {
        let path = try Self.absolute(path)
        switch Files.kind(path) {
        case .directory:
            self.init(path, try SlotDescription(in: path), seenAs: seenAs)
        case .file:
            let resource = try SlotResource(parsing: try Files.read(path), of: path)
            guard let name = resource.name, let kind = resource.kind else {
                throw DeploymentError(
                    .noSlot, "the file \"\(path)\" names no resource that a filter can stand in",
                    hint:
                        "it has to hold one TypedExtensionConfig with a name, as 'wasme deploy envoy --prepare' writes it"
                )
            }
            self.init(
                path: path, seenAs: seenAs, name: name, kind: kind,
                places: [EnvoySlot(name: name, kind: kind, file: path)], isSingleFile: true)
        default:
            throw DeploymentError(
                .noSlot, "there is no slot at \"\(path)\"",
                hint:
                    "prepare it once, and start Envoy with it: wasme deploy envoy --prepare BOOTSTRAP --slot \(path)"
            )
        }
    }

    /// A slot as `create` would make it; nothing is changed.
    /// - Throws: `DeploymentError` if it cannot be.
    package static func planned(
        at path: FilePath, name: String = "wasme", kind: EnvoyPlugin.Kind = .http, places: Int = 4,
        seenAs: FilePath? = nil
    ) throws -> SlotFolder {
        let description = try SlotDescription(name: name, kind: kind, places: places, seenAs: seenAs)
        return SlotFolder(try absolute(path), description, seenAs: nil)
    }

    /// Makes a slot, or changes one that is there; what stands in its places stays.
    /// - Parameters:
    ///   - path: an absolute path of a folder; it is created if needed.
    ///   - name: what the resources' names begin with.
    ///   - kind: in which chains it stands.
    ///   - places: how many filters can stand in it.
    ///   - seenAs: the folder as Envoy sees it; nil if it sees the same.
    /// - Returns: the slot.
    /// - Throws: `DeploymentError` if these cannot be, or would lose what stands there; `SystemError`.
    @discardableResult
    package static func create(
        at path: FilePath, name: String = "wasme", kind: EnvoyPlugin.Kind = .http, places: Int = 4,
        seenAs: FilePath? = nil
    ) throws -> SlotFolder {
        let path = try absolute(path)
        let wanted = try SlotDescription(name: name, kind: kind, places: places, seenAs: seenAs)
        if let there = Files.kind(path), there != .directory {
            throw DeploymentError(
                .noSlot, "\"\(path)\" is a file, and a slot is made in a folder",
                hint: "name a folder; a file that is in use already can be deployed to as it is")
        }
        try Files.createDirectory(path)
        let lock = try SlotLock(path, holder: "prepares the slot")
        defer { withExtendedLifetime(lock) {} }
        let slot = SlotFolder(path, wanted, seenAs: nil)
        if Files.kind(path.appending(SlotDescription.fileName)) != nil {
            try slot.keepsWhatStands(in: SlotFolder(path, try SlotDescription(in: path), seenAs: nil))
        }
        try Files.createDirectory(slot.modulesFolder, permissions: enterable)
        for place in slot.places where try !place.isThere {
            let resource = place.resource(nil, version: "empty")
            try Files.replace(place.file, with: Array(resource.utf8), permissions: readable)
        }
        try Files.replace(path.appending(SlotDescription.fileName), with: wanted.bytes)
        return slot
    }

    /// Refuses to take a place away, or to give it another name, in which something stands.
    private func keepsWhatStands(in old: SlotFolder) throws {
        for place in old.places where !places.contains(place) && Files.kind(place.file) != nil {
            let content = try SlotResource(parsing: Files.read(place.file), of: place.file).content
            guard content == .nothing else {
                throw DeploymentError(
                    .foreign, "\"\(place.name)\" in \"\(path)\" is in use, and would be lost",
                    hint: "undeploy what stands there first, or keep the slot's name, kind and places")
            }
        }
    }

    private static func absolute(_ path: FilePath) throws -> FilePath {
        guard path.isAbsolute else {
            throw DeploymentError(
                .noSlot, "the slot's path \"\(path)\" is not absolute",
                hint: "envoy may run in another folder; give the whole path")
        }
        return path.lexicallyNormalized()
    }
}

extension EnvoySlot {
    /// Whether its file holds a resource of its name.
    fileprivate var isThere: Bool {
        get throws {
            guard Files.kind(file) == .file else { return false }
            return try SlotResource(parsing: Files.read(file), of: file).name == name
        }
    }
}
