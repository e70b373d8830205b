// SPDX-License-Identifier: Apache-2.0

private import Files
private import JSON
package import SystemPackage

/// A project of the original wasme: a `runtime-config.json` beside sources in one of its four languages.
package struct OriginalProject: Sendable {
    package let folder: FilePath
    package let language: String
    /// From the configuration, else out of the sources.
    package let rootIDs: [String]
    package let type: ProjectManifest.FilterType
    /// What the configuration says of the ABI.
    package let abiVersions: [String]
    /// What to change before it builds, and what to know.
    package let findings: [Diagnosis]
    let name: FilterName
    private let build: String?

    /// The file that makes a folder such a project.
    package static let configurationName = "runtime-config.json"

    /// Whether a folder holds one that was not taken over yet.
    package static func isThere(in folder: FilePath) -> Bool {
        Files.kind(folder.appending(configurationName)) == .file
            && Files.kind(folder.appending(FilterProject.manifestName)) == nil
    }

    /// Reads a project.
    /// - Parameters:
    ///   - folder: its folder, absolute.
    ///   - language: the language, where the files do not say it.
    ///   - name: the filter's name; the folder's if nil.
    /// - Throws: `ProjectError` if it is none, or the language is not clear.
    package init(in folder: FilePath, language: String? = nil, name: FilterName? = nil) throws {
        self.folder = folder
        guard Files.kind(folder) == .directory else {
            throw ProjectError(
                .noProject, "there is no folder \"\(folder)\"", hint: "name the folder of the old project")
        }
        if Files.kind(folder.appending(FilterProject.manifestName)) != nil {
            throw ProjectError(
                .folderNotEmpty, "\"\(folder)\" has a \(FilterProject.manifestName) already",
                hint: "run 'wasme build \(folder)'; to take it over anew, move that file away")
        }
        let file = folder.appending(Self.configurationName)
        guard Files.kind(file) == .file else {
            throw ProjectError(
                .noProject,
                "\"\(folder)\" is no project of the original wasme: it has no \(Self.configurationName)",
                hint: "name the folder with that file, or start anew with 'wasme init'")
        }
        let configuration = try Configuration(
            parsing: try Files.read(file, limit: 1 << 20), file: file.string)
        abiVersions = configuration.abiVersions
        let sources = OriginalSources(folder)
        let found = sources.languages
        guard let language = language ?? (found.count == 1 ? found[0] : nil) else {
            throw ProjectError(
                .malformed,
                found.isEmpty
                    ? "the language of \"\(folder)\" cannot be told from its files"
                    : "\"\(folder)\" has files of several languages: \(found.joined(separator: ", "))",
                hint: "add --language, one of \(OriginalSources.known.joined(separator: ", "))")
        }
        guard OriginalSources.known.contains(language) else {
            throw ProjectError(
                .malformed, "the original wasme had no language \"\(language)\"",
                hint: "it had \(OriginalSources.known.joined(separator: ", "))")
        }
        self.language = language
        let derived = FilterName.derived(from: folder.lastComponent?.string ?? "")
        guard let name = name ?? derived else {
            throw ProjectError(
                .invalidName, "no filter name follows from the folder \"\(folder)\"", hint: "add --name")
        }
        self.name = name
        type = sources.type(language)
        var findings: [Diagnosis] = []
        var rootIDs = configuration.rootIDs
        if rootIDs.isEmpty {
            rootIDs = sources.rootIDs(language)
            findings.append(
                Diagnosis(
                    .note, Self.configurationName,
                    rootIDs.isEmpty
                        ? "it names no root id, and the sources register none: taken is \"\(name.rootID)\""
                        : "it names no root id; the sources register \(rootIDs.map(quoted).joined(separator: ", "))",
                    advice: "see module.rootIds in wasme.yaml"))
            if rootIDs.isEmpty { rootIDs = [name.rootID] }
        }
        self.rootIDs = rootIDs
        if configuration.type != "envoy_proxy" {
            findings.append(
                Diagnosis(
                    .warning, Self.configurationName,
                    "its type is \(quoted(configuration.type)), not envoy_proxy",
                    advice: "wasme builds modules for Envoy and its kin only"))
        }
        if !configuration.abiVersions.isEmpty {
            findings.append(
                Diagnosis(
                    .note, Self.configurationName,
                    "its abiVersions (\(configuration.abiVersions.joined(separator: ", "))) are not taken over",
                    advice: "the ABI is read from the module; 'wasme check' says which proxies take it"))
        }
        build = sources.bazelBuild(language)
        if build != nil {
            findings.append(
                Diagnosis(
                    .note, "build", "the module is built by Bazel, without the container of the original",
                    advice:
                        "build.command in wasme.yaml says how; bazelisk runs the Bazel that a project asks for"
                ))
        }
        findings += ProjectSign.find(in: folder, language: language).map {
            Diagnosis($0.isFatal ? .fault : .warning, $0.place, $0.message, advice: $0.advice)
        }
        self.findings = findings
    }

    /// The text of its wasme.yaml.
    package func manifest() throws -> String {
        var lines = [
            "# Taken over from the original wasme by 'wasme init --from-wasme'; runtime-config.json stays for it.",
            "name: \(name)", "language: \(language)", "version: 0.1.0",
            "module: {rootIds: [\(rootIDs.map(ManifestText.element).joined(separator: ", "))], type: \(type.rawValue)}",
        ]
        if let build { lines.append(build) }
        let text = lines.joined(separator: "\n") + "\n"
        // What no command can read must not be written.
        _ = try ProjectManifest(parsing: text)
        return text
    }

    /// What will be written: the manifest alone in place, everything that is the project's elsewhere.
    package func scaffold(copying: Bool) throws -> (Scaffold, leftOut: [String]) {
        let manifest = Scaffold.File(path: FilterProject.manifestName, bytes: Array(try manifest().utf8))
        guard copying else { return (Scaffold(name: name, files: [manifest]), []) }
        let (files, leftOut) = try OriginalSources(folder).everything()
        return (Scaffold(name: name, files: files + [manifest]), leftOut)
    }
}

extension OriginalProject {
    /// What `runtime-config.json` says, in both spellings that there are.
    private struct Configuration {
        let type: String
        let abiVersions: [String]
        let rootIDs: [String]

        init(parsing bytes: [UInt8], file: String) throws {
            func malformed(_ reason: String) -> ProjectError {
                ProjectError(
                    .malformed, "\"\(file)\" is damaged: \(reason)",
                    hint: "mend it, or start anew with 'wasme init'")
            }
            let value: JSONValue
            do { value = try JSONValue(parsing: bytes) } catch { throw malformed("\(error)") }
            guard let object = value.object else { throw malformed("it is no JSON object") }
            func texts(_ value: JSONValue?, _ name: String) throws -> [String] {
                guard let value else { return [] }
                guard let list = value.array, case let texts = list.compactMap(\.string),
                    texts.count == list.count
                else { throw malformed("\"\(name)\" is no list of texts") }
                return texts
            }
            let inner = object["config"]?.object ?? object
            type = object["type"]?.string ?? "envoy_proxy"
            abiVersions =
                try object["abi_version"]?.string.map { [$0] }
                ?? texts(object["abiVersions"] ?? object["abi_versions"], "abiVersions")
            rootIDs = try texts(inner["rootIds"] ?? inner["root_ids"], "rootIds").filter { !$0.isEmpty }
                .uniqued()
        }
    }
}
