// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Diagnostics
import OCI
import OCIRegistry

/// Where published images are looked for, and how many are shown.
struct PublishedOptions: ParsableArguments {
    @Option(
        name: [.customLong("registry"), .customLong("server"), .customShort("s")],
        help: ArgumentHelp("The registry (default: WASM_IMAGE_REGISTRY).", valueName: "host"))
    var registry: String?

    @Option(help: ArgumentHelp("How many repositories to show at most.", valueName: "number"))
    var limit = 25

    @Option(help: "The order: by match, pulls, the newest first, or by name; of use with a wasme-hub.")
    var sort: SearchOrder?

    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to 10000")
        }
    }

    /// Asks the registry: a hub by its search, any other by its list of repositories.
    func find(
        _ query: String, access: RegistryAccessOptions, output: OutputOptions, in context: CommandContext
    ) async throws -> PublishedImages {
        let host = try host(in: context)
        let client = try access.client(for: host, in: context)
        // One more than is shown tells whether there are more.
        var found = try await client.search(query, order: sort, limit: limit + 1)
        if found == nil {
            found = try await names(query, client)
            let order = sort == nil || sort == .name ? "" : ", and they are in the order of the registry"
            output.note(
                "\"\(host)\" has no search of its own: only names were looked through\(order)", in: context)
        }
        if let count = found?.count, count > limit {
            output.note("there are more; --limit \(limit * 4) shows more of them", in: context)
        }
        return PublishedImages(host, query, (found ?? []).prefix(limit))
    }

    private func host(in context: CommandContext) throws -> RegistryHost {
        let ambient = context.environment["WASM_IMAGE_REGISTRY"] ?? ""
        guard let text = registry ?? (ambient.isEmpty ? nil : ambient) else {
            throw CommandError(
                .usage, "there is no registry to look in",
                hint: "name one with --registry, as in --registry localhost:5000, or set WASM_IMAGE_REGISTRY")
        }
        do {
            return try RegistryHost(text)
        } catch {
            throw CommandError(
                .usage, "\"\(text)\" is not a registry: \(error)", hint: "write host or host:port")
        }
    }

    /// What fits of a registry's list of repositories, by name alone.
    private func names(_ query: String, _ client: RegistryClient) async throws -> [FoundRepository] {
        let words = query.lowercased().split(whereSeparator: \.isWhitespace)
        do {
            return try await client.catalog()
                .filter { name in words.allSatisfy { name.path.contains($0) } }
                .prefix(limit + 1).map(FoundRepository.init)
        } catch let error as RegistryError where error.status != nil || error.code == .badAnswer {
            throw CommandError(
                error.category,
                "registry \"\(client.host)\" offers neither a search nor a list of its repositories",
                cause: error,
                hint: "look on its own pages; some registries show the list to those who log in, with "
                    + "'wasme login \(client.host)'")
        }
    }
}

extension SearchOrder: ExpressibleByArgument {}

/// What was found in a registry.
struct PublishedImages: CommandResult {
    struct Image: Encodable {
        /// With the registry, as `pull` takes it.
        let name: String
        let tag: String?
        let digest: Digest?
        let size: Int64?
        let updated: String?
        let title: String?
        let description: String?
        let version: String?
        let abi: String?
    }

    let registry: String
    let query: String
    let images: [Image]

    init(_ host: RegistryHost, _ query: String, _ found: some Sequence<FoundRepository>) {
        registry = host.description
        self.query = query
        images = found.map { found in
            Image(
                name: "\(host)/\(found.repository)", tag: found.tag, digest: found.digest, size: found.size,
                updated: found.updated, title: found.title, description: found.description,
                version: found.version, abi: found.abi)
        }
    }

    var text: String {
        guard !images.isEmpty else {
            return query.isEmpty
                ? "nothing is published in \(registry)"
                : "nothing in \(registry) fits \"\(shownText(query, limit: 100))\""
        }
        guard images.contains(where: { $0.tag != nil }) else {
            return table(["NAME"], images.map { [$0.name] })
        }
        return table(
            ["NAME", "TAG", "ABI", "SIZE", "UPDATED", "DESCRIPTION"],
            images.map { image in
                [
                    image.name, image.tag ?? "", shownText(image.abi ?? "", limit: 20),
                    image.size.map(byteCount) ?? "",
                    // The day is enough here.
                    shownText(String((image.updated ?? "").prefix { $0 != "T" }), limit: 10),
                    shownText(image.description ?? image.title ?? "", limit: 60),
                ]
            })
    }
    var brief: String { images.map(\.name).joined(separator: "\n") }
}
