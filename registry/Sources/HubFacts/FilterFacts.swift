// SPDX-License-Identifier: Apache-2.0

import FilterImage
package import FilterInspection
private import Foundation
package import HostProfiles
package import Hub
import JSON
package import OCI
import WasmBinary

/// All that is kept of a filter; the names of its members are what others rely on.
package struct FilterFacts: Codable, Sendable {
    /// Bytes of the longest document that is kept; the image has all of it.
    private static let longestText = 256 << 10
    /// Findings that are kept for versions of a host, and characters of each.
    private static let mostFindings = 50
    private static let longestFinding = 1000

    /// What its makers say of it.
    package let metadata: FilterDescription.Metadata
    package let module: FilterDescription.Module
    package let image: FilterDescription.Image?
    /// The index that leads to the image, if that is what was pushed.
    package let index: Digest?
    /// Members of the configuration.
    package let configuration: [FilterDescription.Setting]?
    /// The JSON Schema of the configuration, as text.
    package let configSchema: Text?
    package let readme: Text?
    /// The licence's text; its name is in `metadata`.
    package let licence: Text?
    /// Which versions of which hosts take it, the oldest of each first.
    package let hosts: [Host]

    /// A document of the image.
    package struct Text: Codable, Sendable {
        package let text: String
        /// Whether this is only its beginning.
        package let isCut: Bool

        init?(_ bytes: [UInt8]?) {
            guard let bytes else { return nil }
            text = String(decoding: bytes.prefix(FilterFacts.longestText), as: UTF8.self)
            isCut = bytes.count > FilterFacts.longestText
        }
    }

    package struct Host: Codable, Sendable {
        /// The host's plain name, as in "istio", and that for people.
        package let host: String
        package let title: String
        /// The first and the last version of which this holds.
        package let from: HostVersion
        package let to: HostVersion
        /// Whether these versions load it.
        package let isTaken: Bool
        package let findings: [Note]
        /// Whether there are more findings than are listed.
        package let isCut: Bool

        init(_ row: HostCheckRow) {
            host = row.family
            title = row.title
            from = row.from
            to = row.to
            isTaken = row.isTaken
            let worst = row.findings.enumerated().sorted {
                ($1.element.severity, $0.offset) < ($0.element.severity, $1.offset)
            }
            findings = worst.prefix(FilterFacts.mostFindings).map { Note($0.element) }
            isCut = row.findings.count > FilterFacts.mostFindings
        }
    }

    /// Something about the filter that these versions refuse, or that its users want to know.
    package struct Note: Codable, Sendable {
        package let severity: Finding.Severity
        package let rule: Rule
        package let subject: String
        package let message: String
        package let fix: String?

        init(_ finding: Finding) {
            func short(_ text: String) -> String { String(text.prefix(FilterFacts.longestFinding)) }
            severity = finding.severity
            rule = finding.rule
            subject = short(finding.subject)
            message = short(finding.message)
            fix = finding.fix.map(short)
        }
    }

    init(
        _ module: WasmModule, _ unpacked: FilterImage.Unpacked, _ document: ManifestDocument,
        _ index: ManifestDocument?
    ) throws {
        let content = unpacked.content
        let description = FilterDescription(module, content, document, named: document.digest.description)
        metadata = description.metadata
        self.module = description.module
        image = description.image
        self.index = index?.digest
        configuration = description.configuration
        configSchema = Text(content.configSchema)
        readme = Text(content.readme)
        licence = Text(content.licence)
        let subject = CheckSubject(
            .whole(module),
            image: ImageFacts(
                document, lastLayerFiles: unpacked.lastLayerFiles, moduleSize: Int64(module.size)),
            index: index.map { ImageFacts($0) }, layerProblem: unpacked.layerProblem)
        let catalog = try HostCatalog.bundled()
        hosts = try catalog.families.flatMap { family in
            try catalog.check(subject, for: HostTarget(host: family.name, versions: .within([])))
        }.map(Host.init)
    }

    /// Reads what was kept of a filter; nil if it is none, or was kept by another revision of the reader.
    package init?(_ facts: ManifestFacts) {
        guard facts.kind == .filter,
            let read = try? JSONDecoder().decode(Self.self, from: Data(facts.document))
        else { return nil }
        self = read
    }

    /// The filter as it is described elsewhere.
    package var description: FilterDescription {
        FilterDescription(
            subject: metadata.name ?? module.digest.description, metadata: metadata, module: module,
            configuration: configuration, image: image)
    }

    /// The facts as they are kept.
    func facts() throws -> ManifestFacts {
        var facts = ManifestFacts(.filter, document: try canonicalJSON(self))
        facts.summary.abi =
            module.abiVersions.isEmpty ? nil : module.abiVersions.map { "v\($0)" }.joined(separator: ",")
        facts.summary.language = metadata.language.map { String($0.prefix(100)) }
        facts.summary.licence = metadata.licence.map { String($0.prefix(300)) }
        return facts
    }
}
