// SPDX-License-Identifier: Apache-2.0

import FilterImage
import FilterInspection
import HostProfiles
import Hub
import JSON
import OCI
import WasmBinary

/// All that is kept of a filter; the names of its members are what others rely on.
struct FilterFacts: Encodable {
    /// Bytes of the longest document that is kept; the image has all of it.
    private static let longestText = 256 << 10
    /// Findings that are kept for versions of a host, and characters of each.
    private static let mostFindings = 50
    private static let longestFinding = 1000

    /// What its makers say of it.
    let metadata: FilterDescription.Metadata
    let module: FilterDescription.Module
    let image: FilterDescription.Image?
    /// The index that leads to the image, if that is what was pushed.
    let index: Digest?
    /// Members of the configuration.
    let configuration: [FilterDescription.Setting]?
    /// The JSON Schema of the configuration, as text.
    let configSchema: Text?
    let readme: Text?
    /// The licence's text; its name is in `metadata`.
    let licence: Text?
    /// Which versions of which hosts take it, the oldest of each first.
    let hosts: [Host]

    /// A document of the image.
    struct Text: Encodable {
        let text: String
        /// Whether this is only its beginning.
        let isCut: Bool

        init?(_ bytes: [UInt8]?) {
            guard let bytes else { return nil }
            text = String(decoding: bytes.prefix(FilterFacts.longestText), as: UTF8.self)
            isCut = bytes.count > FilterFacts.longestText
        }
    }

    struct Host: Encodable {
        /// The host's plain name, as in "istio", and that for people.
        let host: String
        let title: String
        /// The first and the last version of which this holds.
        let from: HostVersion
        let to: HostVersion
        /// Whether these versions load it.
        let isTaken: Bool
        let findings: [Note]
        /// Whether there are more findings than are listed.
        let isCut: Bool

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
    struct Note: Encodable {
        let severity: Finding.Severity
        let rule: Rule
        let subject: String
        let message: String
        let fix: String?

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
