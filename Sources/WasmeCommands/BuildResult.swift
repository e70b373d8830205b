// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterProject
import OCI
import OCILayout
import WasmBinary

/// The image that a build made, or found to be there already.
struct BuildResult: CommandResult {
    let references: [String]
    let digest: Digest
    /// Whether the toolchain was run or an image was packed; false if nothing had changed.
    let isNew: Bool
    /// `release` or `debug`.
    let configuration: String
    /// Bytes of the module.
    let moduleSize: Int
    /// Bytes of the module of the build before.
    let previousModuleSize: Int?
    /// How the module became smaller after the build.
    let steps: [Step]
    /// What the module says that it is for.
    let abiVersion: String?
    private let seconds: Double

    /// Something that was done to the module after its build.
    struct Step: Encodable {
        let name: String
        let sizeBefore: Int
        let sizeAfter: Int
    }

    init(references: [String], digest: Digest, built: BuiltFilter, isNew: Bool, duration: Duration) {
        self.references = references
        self.digest = digest
        self.isNew = isNew || !built.made.isRemembered
        configuration = built.configuration.rawValue
        moduleSize = built.module.size
        previousModuleSize = built.made.previousSize
        steps = built.made.steps.map { Step(name: $0.name, sizeBefore: $0.before, sizeAfter: $0.after) }
        abiVersion = built.abiVersion.map { "v\($0)" }
        seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    enum CodingKeys: String, CodingKey {
        case references, digest, configuration, moduleSize, previousModuleSize, steps, abiVersion
        case isNew = "changed"
    }

    var text: String {
        let verb = isNew ? "built" : "unchanged"
        let done = steps.map { step in
            "\(step.name): \(byteCount(Int64(step.sizeBefore))) to \(byteCount(Int64(step.sizeAfter)))"
        }
        let kind = configuration == BuildConfiguration.debug.rawValue ? "debug module" : "module"
        return
            (references.map { "\(verb) \($0)" } + done + [
                "\(kind) \(size), Proxy-Wasm ABI \(abiVersion ?? "not named")", "\(digest)",
            ]).joined(separator: "\n")
    }
    var brief: String { digest.description }

    /// The result in one line, for builds that follow each other.
    var line: String {
        let tenths = Int((seconds * 10).rounded())
        return
            "\(isNew ? "built" : "unchanged") \(references.joined(separator: " ")), \(size), \(digest.short), in \(tenths / 10).\(tenths % 10) s"
    }

    /// As in "22.3 KB, +1.20 KB since the last build".
    private var size: String {
        let now = byteCount(Int64(moduleSize))
        guard let previousModuleSize, previousModuleSize != moduleSize else { return now }
        let difference = moduleSize - previousModuleSize
        return
            "\(now), \(difference < 0 ? "-" : "+")\(byteCount(Int64(abs(difference)))) since the last build"
    }
}

/// A result among others: one line.
struct Watched: CommandResult {
    let result: BuildResult

    func encode(to encoder: any Encoder) throws { try result.encode(to: encoder) }
    var text: String { result.line }
    var brief: String { result.brief }
}

extension FilterContent {
    /// What a build made, with what the project says of it.
    init(_ built: BuiltFilter) {
        let manifest = built.manifest
        self.init(
            module: built.module.bytes,
            runtime: RuntimeConfig(
                abiVersions: built.abiVersion.map { ["v\($0)"] } ?? [], rootIDs: manifest.module.rootIDs),
            metadata: FilterMetadata(
                name: manifest.name.description, version: manifest.version, description: manifest.description,
                licence: manifest.licence,
                language: manifest.language == Language.precompiled.name ? nil : manifest.language,
                type: manifest.module.type.rawValue),
            configSchema: built.configSchema, readme: built.readme, licence: built.licence, icon: built.icon)
        if built.configuration == .debug {
            annotations["dev.wasme.build.configuration"] = built.configuration.rawValue
        }
    }

    /// One digest of everything that an image is made of.
    var fingerprint: Digest {
        var lines = ["\(Digest(of: module))", runtime.type]
        lines += runtime.abiVersions + [""] + runtime.rootIDs + [""]
        for part in [configSchema, readme, licence, icon?.bytes] {
            lines.append(part.map { "\(Digest(of: $0))" } ?? "")
        }
        for said in [metadata.annotations, annotations] {
            lines += said.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] } + [""]
        }
        for (name, bytes) in otherDocuments.sorted(by: { $0.key < $1.key }) {
            lines += [name, "\(Digest(of: bytes))"]
        }
        return Digest(of: Array(lines.joined(separator: "\u{0}").utf8))
    }
}

extension ImageStore {
    /// Whether an image is here, whole, and known by all of these names.
    func has(_ digest: Digest, as references: [Reference]) -> Bool {
        do {
            for reference in references {
                let descriptor = try resolve(reference)
                guard descriptor.digest == digest, contains(descriptor) else { return false }
                guard try manifest(descriptor).blobs.allSatisfy(contains) else { return false }
            }
            return true
        } catch {
            return false
        }
    }
}
