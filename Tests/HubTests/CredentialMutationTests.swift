// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

/// Damaged credentials and requests for tokens, at the real process.
@Suite struct CredentialMutationTests {
    private static let password = "correct horse battery"
    private static let secretPath = "/v2/ada/app/manifests/v1"

    @Test func `whatever is shown, nothing fails within, and only what is whole lets in`() async throws {
        let scratch = try ScratchDirectory("credentials")
        let data = scratch.path.appending("data")
        let added = try await TestSupport.run(
            HubProcess.program, ["user", "add", "ada", "--data", data.string, "--password-stdin"],
            input: Self.password)
        #expect(added.status == 0, "\(added.stderr)")
        let created = try await HubProcess.run(
            ["token", "create", "ada", "--name", "test", "--data", data.string])
        let token = created.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
        try #require(created.status == 0)
        let hub = try await HubProcess(data: data)
        let ada = Town.basic("ada", Self.password)
        for bytes in [Array("{}".utf8), sampleBytes(2000)] {
            let pushed = try await hub.client.send(
                "POST", "/v2/ada/app/blobs/uploads/?digest=\(Digest(of: bytes))", ada, body: bytes)
            try #require(pushed.status == 201)
        }
        let document = try ManifestDocument(
            image(
                config: Descriptor(of: Array("{}".utf8), mediaType: .imageConfig),
                layers: [Descriptor(of: sampleBytes(2000), mediaType: .octetStream)]))
        let put = try await hub.client.send(
            "PUT", Self.secretPath, ada.merging(["Content-Type": document.mediaType.rawValue]) { $1 },
            body: document.bytes)
        try #require(put.status == 201, "\(put.text)")
        struct Answer: Decodable { let token: String }
        let reply = try await hub.client.send("GET", "/token?scope=repository:ada/app:pull", ada)
        let session = try JSONDecoder().decode(Answer.self, from: Data(reply.body)).token
        let whole = [token, session]
        let fuzzer = Fuzzer(
            "credentials", corpus: Self.corpus(try #require(ada["Authorization"]), token, session),
            mutations: [Self.changeScheme, Self.changeScope, Self.changeForm])
        let report = try await onThread { [port = hub.client.port] in
            try fuzzer.run { bytes in
                let wire = try Wire(port: port)
                // The hub may refuse and close before it has read all.
                try? wire.send(bytes)
                let answer = String(decoding: wire.rest(patience: 40), as: UTF8.self)
                let statuses = answer.split(separator: "\n").filter { $0.hasPrefix("HTTP/1.1 ") }
                if let failure = statuses.first(where: { $0.hasPrefix("HTTP/1.1 5") }) { return "\(failure)" }
                guard answer.contains(document.digest.description), !Self.shows(bytes, whole) else {
                    return nil
                }
                return "let in without a credential: \(statuses)"
            }
        }
        #expect(report.rounds > 20)
        // Nobody is locked out by name because of what was sent from here, but for passwords.
        let bearer = try await hub.client.send("GET", Self.secretPath, ["Authorization": "Bearer \(token)"])
        #expect(bearer.status == 200)
        let complaints = hub.errorText.split(separator: "\n").filter { $0.contains("error") }
        #expect(complaints.isEmpty, "\(complaints.prefix(5))")
        for secret in [Self.password, token, session] { #expect(!hub.errorText.contains(secret)) }
        #expect(await hub.stop(SIGTERM) == 0)
    }

    /// Whether a request shows something that lets ada in: one of the secrets as it is, or her password in any spelling of
    /// base 64 that stands for it.
    private static func shows(_ bytes: [UInt8], _ secrets: [String]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        if secrets.contains(where: { text.contains($0) }) { return true }
        return text.split(whereSeparator: { $0.isWhitespace }).contains { word in
            guard let data = Data(base64Encoded: String(word)) else { return false }
            let pair = String(decoding: data, as: UTF8.self)
            return pair == "ada:\(password)" || secrets.contains { pair.hasSuffix(":\($0)") }
        }
    }

    private static func corpus(_ basic: String, _ token: String, _ session: String) -> [[UInt8]] {
        func request(
            _ method: String, _ path: String, _ authorization: String?, _ body: String = ""
        ) -> [UInt8] {
            var lines = ["\(method) \(path) HTTP/1.1", "Host: hub", "Connection: close"]
            if let authorization { lines.append("Authorization: \(authorization)") }
            if !body.isEmpty {
                lines.append("Content-Type: application/x-www-form-urlencoded")
                lines.append("Content-Length: \(body.utf8.count)")
            }
            return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
        }
        let pair = Data("token:\(token)".utf8).base64EncodedString()
        return [
            request("GET", secretPath, basic), request("GET", secretPath, "Basic \(pair)"),
            request("GET", secretPath, "Bearer \(token)"), request("GET", secretPath, "Bearer \(session)"),
            request("HEAD", "/v2/", "Bearer \(session)"), request("GET", "/api/v1/account", basic),
            request("GET", "/token?service=wasme-hub&scope=repository:ada/app:pull,push&account=ada", basic),
            request("GET", "/token?scope=repository:ada/app:pull&scope=registry:catalog:*", nil),
            request("GET", "/token?offline_token=true&client_id=x", "Basic \(pair)"),
            request(
                "POST", "/token", nil,
                "grant_type=password&username=ada&password=wrong&service=wasme-hub&scope=repository:ada/app:pull"
            ),
            request(
                "POST", "/token", nil,
                "grant_type=refresh_token&refresh_token=\(token)&scope=repository:ada/app:*"),
        ]
    }

    // MARK: - What is worth changing

    private static func replace(
        _ bytes: inout [UInt8], after marker: String, with words: [String], _ generator: inout SeededGenerator
    ) {
        guard let range = bytes.firstRange(of: Array(marker.utf8)) else { return }
        let end = bytes[range.upperBound...].firstIndex { [0x20, 0x26, 0x0D].contains($0) } ?? bytes.endIndex
        bytes.replaceSubrange(
            range.upperBound..<end, with: Array((words.randomElement(using: &generator) ?? "").utf8))
    }

    private static let changeScheme: Fuzzer.Mutation = { bytes, generator in
        replace(
            &bytes, after: "Authorization: ",
            with: [
                "Basic", "basic", "BEARER", "Bearer", "Negotiate", "Digest", "", "Basic\t", "\u{FF}",
                "Basic,",
            ],
            &generator)
    }

    private static let changeScope: Fuzzer.Mutation = { bytes, generator in
        replace(
            &bytes, after: "scope=",
            with: [
                "repository:ada/app:*", "repository:ada/app:", "repository::pull", ":::",
                "repository:../x:pull",
                "registry:catalog:*", "repository:ada/app:pull%00",
                String(repeating: "repository:a:pull+", count: 300),
                "%zz", "repository(plugin):ada/app:pull",
            ], &generator)
    }

    private static let changeForm: Fuzzer.Mutation = { bytes, generator in
        replace(
            &bytes, after: "grant_type=",
            with: [
                "password", "refresh_token", "client_credentials", "", "password&grant_type=refresh_token",
            ],
            &generator)
    }
}
