// SPDX-License-Identifier: Apache-2.0

private import FilterInspection
import HTTPTypes
import Hub
import HubFacts
import Hummingbird
import JSON
import Markdown
import OCI

/// A document of a filter on a page of its own, part by part: what the filter's page shows only the beginning of.
struct FilterDocument {
    /// Bytes of a part's HTML, about.
    private static let partSize = 32 << 10
    private static let mostParts = 100

    let renderer: PageRenderer
    let view: FilterView
    let visit: Visit

    /// The page of a document, as the query names it; nil if there is none of that name, or no such part.
    func respond(_ name: String, _ target: RequestTarget) throws -> Response? {
        let number =
            try target.value("part", orThrow: .pageInvalid).map { decimal($0).map(Int.init) ?? 0 } ?? 1
        guard number >= 1, number <= Self.mostParts else { return nil }
        guard let (title, html, hasMore, isCut) = part(name, number) else { return nil }
        let path = FilterAddress.path(view.repository, view.target)
        var values: [String: Any] = [
            "document": title, "name": view.repository.path, "filter": path, "html": html, "part": number,
            "isPart": hasMore || number > 1, "isCut": isCut && !hasMore,
        ]
        values["next"] = hasMore ? "\(path)?show=\(name)&part=\(number + 1)" : nil
        values["previous"] = number > 1 ? "\(path)?show=\(name)&part=\(number - 1)" : nil
        return renderer.page(
            "document", title: "\(title) of \(view.repository)", values, visit, using: ["filter.css"],
            showsPictures: name == "readme")
    }

    private func part(
        _ name: String, _ number: Int
    ) -> (title: String, html: String, hasMore: Bool, isCut: Bool)? {
        let facts = view.filter
        switch name {
        case "readme":
            guard let readme = facts?.readme else { return nil }
            let rendering = Markdown.render(
                readme.text, below: 1, prefix: "readme-", partSize: Self.partSize, mostParts: number + 1,
                showsPictures: renderer.showsPictures)
            guard rendering.parts.count >= number else { return nil }
            return (
                "README", rendering.parts[number - 1], rendering.parts.count > number,
                rendering.isCut || readme.isCut
            )
        case "licence":
            return plain("Licence", facts?.licence?.text, number, isCut: facts?.licence?.isCut ?? false)
        case "schema":
            return plain(
                "Configuration schema", facts?.configSchema?.text, number,
                isCut: facts?.configSchema?.isCut ?? false)
        case "module":
            return plain("Module", facts.map { Self.functions(of: $0.module) }, number, isCut: false)
        case "manifest":
            return plain(
                "Manifest", (try? JSONValue(parsing: view.document.bytes))?.prettyPrinted, number,
                isCut: false)
        default: return nil
        }
    }

    private func plain(
        _ title: String, _ text: String?, _ number: Int, isCut: Bool
    ) -> (title: String, html: String, hasMore: Bool, isCut: Bool)? {
        guard let text, let (html, hasMore) = Markdown.plain(text, part: number, size: Self.partSize) else {
            return nil
        }
        return (title, html, hasMore, isCut)
    }

    private static func functions(of module: FilterDescription.Module) -> String {
        func lines(_ functions: [(String, String?)]) -> String {
            functions.map { "  \($0.0)\($0.1.map { ": \($0)" } ?? "")\n" }.joined()
        }
        return "Imports\n" + lines(module.imports.map { ($0.name, $0.type ?? $0.kind) }) + "Exports\n"
            + lines((module.callbacks + module.otherExports).map { ($0.name, $0.type ?? $0.kind) })
    }
}
