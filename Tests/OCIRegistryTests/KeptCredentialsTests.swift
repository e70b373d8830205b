// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Files
import Foundation
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite struct KeptCredentialsTests {
    private let secret = Credential.password(username: "me", password: "hunter2")

    private func store(
        _ folder: DockerFolder, _ host: String = "r.io", _ credential: Credential? = nil
    ) async throws -> StoredCredentials.Place {
        try await StoredCredentials(environment: folder.environment)
            .store(credential ?? secret, username: "me", for: RegistryHost(host))
    }

    private func found(_ folder: DockerFolder, _ host: String = "r.io") async throws -> Credential? {
        try await StoredCredentials(environment: folder.environment).credential(for: RegistryHost(host), nil)
    }

    @Test func `what is kept is found again, and forgotten when told to`() async throws {
        let folder = try DockerFolder(nil)
        for (host, credential) in [
            ("r.io", secret), ("docker.io", secret), ("r.io:5000", .identityToken("token")),
        ] {
            #expect(try await store(folder, host, credential) == .file(folder.config))
            #expect(try await found(folder, host) == credential)
        }
        let credentials = StoredCredentials(environment: folder.environment)
        #expect(try credentials.registries().map(\.description) == ["docker.io", "r.io", "r.io:5000"])
        #expect(try await credentials.erase(RegistryHost("r.io")))
        #expect(try await !credentials.erase(RegistryHost("r.io")))
        #expect(try await found(folder) == nil)
        #expect(try await found(folder, "index.docker.io") == secret)
    }

    @Test func `only its owner can read the file, whatever it was before`() async throws {
        let folder = try DockerFolder("{}")
        chmod(folder.config.string, 0o644)
        _ = try await store(folder)
        #expect(try folder.mode("config.json") == 0o600)
        #expect(try Files.contents(folder.scratch.path) == ["config.json"])
    }

    @Test func `a folder that has to be made is its owner's`() async throws {
        let scratch = try ScratchDirectory("docker")
        let environment = ["HOME": scratch.path.string]
        _ = try await StoredCredentials(environment: environment)
            .store(secret, username: "me", for: RegistryHost("r.io"))
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(scratch.path)/.docker")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o700)
    }

    @Test func `a link to the file stays a link`() async throws {
        let folder = try DockerFolder(nil)
        try folder.scratch.write("real/settings.json", #"{"theme":"dark"}"#)
        try FileManager.default.createSymbolicLink(
            atPath: folder.config.string, withDestinationPath: "real/settings.json")
        _ = try await store(folder)
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: folder.config.string)
        #expect(link == "real/settings.json")
        #expect(try folder.mode("real/settings.json") == 0o600)
        #expect(try folder.json["theme"] as? String == "dark")
        #expect(try await found(folder) == secret)
    }

    @Test func `all else in the file stays, also large numbers`() async throws {
        let folder = try DockerFolder(
            """
            {"HttpHeaders": {"X-Ünï": "a\\u0001b"}, "n": 123456789012345678901234567890, "f": 1.10, "l": [1, null],
             "auths": {"other.io": {"auth": "b3RoZXI6cHc=", "email": "x@y"}, "r.io": {"auth": "b2xkOm9sZA==", "email": "me@r"},
                       "https://r.io/v2/": {"auth": "b2xkOm9sZA=="}},
             "credHelpers": {"gcr.io": "gcloud"}, "proxies": {}}
            """)
        _ = try await store(folder)
        let text = String(decoding: try Files.read(folder.config), as: UTF8.self)
        for kept in [
            "\"n\": 123456789012345678901234567890", "\"f\": 1.10", "\"X-Ünï\": \"a\\u0001b\"",
            "\"auth\": \"b3RoZXI6cHc=\"", "\"email\": \"x@y\"", "\"email\": \"me@r\"",
            "\"gcr.io\": \"gcloud\"",
            "\"proxies\": {}",
        ] { #expect(text.contains(kept), "\(text)") }
        #expect(!text.contains("b2xkOm9sZA=="))
        #expect(try await found(folder) == secret)
        #expect(try await found(folder, "other.io") == .password(username: "other", password: "pw"))
    }

    @Test(arguments: ["{\"auths\": {", "[]", #"{"auths": 1}"#, #"{"auths": {}, "auths": {}}"#, "\u{0}\u{1}{"])
    func `a damaged file is never written over`(_ text: String) async throws {
        let folder = try DockerFolder(text)
        let error = try #require(await failure { _ = try await store(folder) })
        #expect(error.code == .credentials && error.message.contains(folder.config.string))
        #expect(String(decoding: try Files.read(folder.config), as: UTF8.self) == text)
        let erasing = StoredCredentials(environment: folder.environment)
        #expect(await failure { _ = try await erasing.erase(RegistryHost("r.io")) }?.code == .credentials)
    }

    @Test func `logins at once do not lose each other's entry`() async throws {
        let folder = try DockerFolder("{}")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 { group.addTask { _ = try await store(folder, "r\(number).io") } }
            try await group.waitForAll()
        }
        #expect(try StoredCredentials(environment: folder.environment).registries().count == 40)
        #expect(try Files.contents(folder.scratch.path) == ["config.json"])
    }

    /// A helper that keeps what it is given in files, and notes its arguments.
    private let keeper = """
        cd "$(dirname "$0")"
        echo "$0 $*" >> arguments
        tr '\\0' ' ' < /proc/$$/cmdline >> arguments
        case "$1" in
        store) cat > kept ;;
        get) [ -e kept ] && cat kept || { echo 'credentials not found in native keychain'; exit 1; } ;;
        erase) cat > erased; rm -f kept ;;
        esac
        """

    @Test(arguments: [#"{"credsStore":"keeper"}"#, #"{"credHelpers":{"r.io":"keeper"}}"#])
    func `a helper that is named keeps the secret, and no argument shows it`(_ json: String) async throws {
        let folder = try DockerFolder(json, helpers: ["keeper": keeper])
        #expect(try await store(folder) == .helper("keeper"))
        let kept = try JSONSerialization.jsonObject(
            with: Data(Files.read(folder.scratch.appending("kept"))))
        #expect(
            kept as? [String: String] == ["ServerURL": "r.io", "Username": "me", "Secret": "hunter2"])
        #expect(try await found(folder) == secret)
        let arguments = String(
            decoding: try Files.read(folder.scratch.appending("arguments")), as: UTF8.self)
        #expect(arguments.contains("docker-credential-keeper store"))
        #expect(!arguments.contains("hunter2"))
        #expect(!String(decoding: try Files.read(folder.config), as: UTF8.self).contains("aHVudGVy"))

        #expect(try await StoredCredentials(environment: folder.environment).erase(RegistryHost("r.io")))
        #expect(try await found(folder) == nil)
        #expect(
            String(decoding: try Files.read(folder.scratch.appending("erased")), as: UTF8.self) == "r.io\n")
        #expect((try folder.json["auths"] as? NSDictionary ?? [:]).count == 0)
    }

    @Test func `a secret that moves to a helper leaves the file`() async throws {
        let folder = try DockerFolder("{}", helpers: ["keeper": keeper])
        _ = try await store(folder)
        var json = try folder.json as? [String: Any] ?? [:]
        json["credsStore"] = "keeper"
        try JSONSerialization.data(withJSONObject: json).write(to: URL(filePath: folder.config.string))
        #expect(try await store(folder) == .helper("keeper"))
        #expect((try folder.json["auths"] as? [String: [String: String]]) == ["r.io": [:]])
    }

    @Test func `a helper that fails says why, but not the secret`() async throws {
        let locked = try DockerFolder(
            #"{"credsStore":"x"}"#, helpers: ["x": "echo 'the key ring is locked'; exit 1"])
        let error = try #require(await failure { _ = try await store(locked) })
        #expect(error.message.contains("the key ring is locked"))
        for script in ["cat; exit 1", "grep -o hunter2; exit 1", "echo '{\"Secret\":\"hunter2\"}'; exit 1"] {
            let talkative = try DockerFolder(#"{"credsStore":"x"}"#, helpers: ["x": script])
            for error in [
                await failure { _ = try await store(talkative) },
                await failure { _ = try await found(talkative) },
            ] where error != nil {
                #expect(!"\(String(reflecting: error))".contains("hunter2"))
            }
            #expect(await failure { _ = try await store(talkative) } != nil)
        }
    }

    @Test func `no description shows a secret`() {
        for credential in [secret, .identityToken("hunter2"), .accessToken("hunter2")] {
            for text in [
                "\(credential)", String(reflecting: credential),
                String(reflecting: FixedCredentials(credential, for: try? RegistryHost("r.io"))),
            ] { #expect(!text.contains("hunter2")) }
        }
    }
}

extension FixedCredentials {
    fileprivate init?(_ credential: Credential, for host: RegistryHost?) {
        guard let host else { return nil }
        self.init(credential, for: host)
    }
}
