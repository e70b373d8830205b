// SPDX-License-Identifier: Apache-2.0

import Diagnostics
import Foundation
import OCI
import OCIRegistry
import SystemPackage
import TestSupport
import Testing

@Suite struct StoredCredentialsTests {
    private func credential(
        _ json: String, _ host: String, _ repository: String? = nil, helpers: [String: String] = [:],
        helperLimit: Duration = .seconds(60)
    ) async throws -> Credential? {
        let folder = try DockerFolder(json, helpers: helpers)
        return try await StoredCredentials(environment: folder.environment, helperLimit: helperLimit)
            .credential(for: RegistryHost(host), repository.map { try Repository($0) })
    }

    @Test(arguments: [
        (#"{"auths":{"r.io":{"auth":"bWU6cHc6MQ=="}}}"#, "r.io", "pw:1"),
        (#"{"auths":{"r.io:5000":{"username":"me","password":"pw"}}}"#, "r.io:5000", "pw"),
        (#"{"auths":{"https://r.io/v1/":{"auth":"bWU6cHc="}}}"#, "r.io", "pw"),
        (#"{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cHc="}}}"#, "docker.io", "pw"),
        (#"{"auths":{"docker.io":{"auth":"bWU6cHc="}}}"#, "registry-1.docker.io", "pw"),
    ])
    func `a password is found under the registry's names`(
        _ json: String, _ host: String, _ password: String
    )
        async throws
    {
        #expect(try await credential(json, host) == .password(username: "me", password: password))
    }

    @Test func `tokens are found`() async throws {
        #expect(
            try await credential(#"{"auths":{"r.io":{"identitytoken":"t"}}}"#, "r.io") == .identityToken("t"))
        #expect(
            try await credential(#"{"auths":{"r.io":{"registrytoken":"t"}}}"#, "r.io") == .accessToken("t"))
    }

    @Test(arguments: [
        #"{}"#, #"{"auths":{}}"#, #"{"auths":{"r.io":{}}}"#, #"{"auths":{"r.io.evil":{"auth":"bWU6cHc="}}}"#,
    ])
    func `another registry's entry is not taken`(_ json: String) async throws {
        #expect(try await credential(json, "r.io") == nil)
    }

    @Test func `no file means no credentials`() async throws {
        let credentials = StoredCredentials(
            environment: ["DOCKER_CONFIG": "/nonexistent", "HOME": "/nonexistent"])
        #expect(try await credentials.credential(for: RegistryHost("r.io"), nil) == nil)
        #expect(try await credential("", "r.io") == nil)
    }

    @Test(arguments: [
        "not json", #"{"auths":{"r.io":{"auth":"c2VjcmV0"}}"#, #"{"auths":[]}"#, #"{"credsStore":{}}"#, "[]",
        #"{"auths":{"r.io":{"auth":"c2VjcmV0"}}}"#, #"{"auths":{"r.io":{"auth":"*secret*"}}}"#,
    ])
    func `a damaged file is an error that keeps its secrets`(_ json: String) async throws {
        let error = try #require(await failure { _ = try await credential(json, "r.io") })
        #expect(error.code == .credentials)
        #expect(error.category == .usage)
        #expect(!error.description.contains("secret") && !error.description.contains("c2Vj"))
    }

    @Test func `the place of the damage is named`() async throws {
        let error = try #require(await failure { _ = try await credential("{\n  \"auths\": {,}\n}", "r.io") })
        #expect(error.message.contains("config.json\": line 2, column 13: expected a member's name"))
    }

    @Test(arguments: [
        ("acme/auth", "whole"), ("acme/team/auth", "team"), ("acme/team", "team"), ("acme/teams", "acme"),
        ("acme/other", "acme"), ("other", "all"), (nil, "all"),
    ])
    func `the key that fits a repository most closely counts`(
        _ repository: String?, _ user: String
    )
        async throws
    {
        let entries = ["r.io", "r.io/acme", "r.io/acme/team", "r.io/acme/auth", "https://r.io/acme"]
        let users = ["all", "acme", "team", "whole", "url"]
        let auths = zip(entries, users).map { #""\#($0)":{"username":"\#($1)","password":"pw"}"# }
        let json = #"{"auths":{\#(auths.joined(separator: ","))}}"#
        #expect(
            try await credential(json, "r.io", repository) == .password(username: user, password: "pw"))
    }

    @Test func `podman's files come after docker's, and the original wasme's last`() async throws {
        let scratch = try ScratchDirectory("credentials")
        let home = scratch.path.string
        let environment = [
            "HOME": home, "XDG_RUNTIME_DIR": "\(home)/run", "REGISTRY_AUTH_FILE": "\(home)/named.json",
        ]
        let files = [
            ".wasme/credentials.json", ".config/containers/auth.json", "run/containers/auth.json",
            "named.json",
            ".docker/config.json",
        ]
        for file in files {
            try scratch.write(file, #"{"auths":{"r.io":{"username":"\#(file)","password":"pw"}}}"#)
            let found = try await StoredCredentials(environment: environment)
                .credential(for: RegistryHost("r.io"), nil)
            #expect(found == .password(username: file, password: "pw"))
        }
    }

    @Test func `a helper is asked, by registry or for all`() async throws {
        let script =
            #"read host; [ "$1" = get ] && echo "{\"ServerURL\":\"$host\",\"Username\":\"u-$host\",\"Secret\":\"s\"}""#
        let own = try await credential(#"{"credHelpers":{"r.io":"own"}}"#, "r.io", helpers: ["own": script])
        #expect(own == .password(username: "u-r.io", password: "s"))
        let all = try await credential(#"{"credsStore":"all"}"#, "docker.io", helpers: ["all": script])
        #expect(all == .password(username: "u-https://index.docker.io/v1/", password: "s"))
        let token = #"echo '{"Username":"<token>","Secret":"s"}'"#
        #expect(
            try await credential(#"{"credsStore":"t"}"#, "r.io", helpers: ["t": token]) == .identityToken("s")
        )
    }

    @Test func `a helper that hangs ends with the task that asked it`() async throws {
        // The helper says that it runs by opening the pipe for writing; the test waits in opening it for reading.
        let scratch = try ScratchDirectory("helper")
        let signal = scratch.appending("running").string
        mkfifo(signal, 0o600)
        let task = Task {
            try await credential(
                #"{"credsStore":"x"}"#, "r.io", helpers: ["x": "echo > '\(signal)'; exec sleep 600"])
        }
        // On a thread of its own: blocking one of the pool's could keep the task from starting.
        await withCheckedContinuation { isRunning in
            Thread.detachNewThread {
                _ = FileHandle(forReadingAtPath: signal)?.readDataToEndOfFile()
                isRunning.resume()
            }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test func `a helper that knows nothing is not an error, one that fails is`() async throws {
        let unknown = "echo 'credentials not found in native keychain'; exit 1"
        #expect(try await credential(#"{"credsStore":"x"}"#, "r.io", helpers: ["x": unknown]) == nil)
        let broken = ["x": "echo 'the key ring is locked'; exit 1"]
        let error = try #require(
            await failure { _ = try await credential(#"{"credsStore":"x"}"#, "r.io", helpers: broken) })
        #expect(error.message.contains("the key ring is locked"))
        let missing = try #require(await failure { _ = try await credential(#"{"credsStore":"y"}"#, "r.io") })
        #expect(missing.message.contains("\"docker-credential-y\" is not in PATH"))
        let path = try #require(await failure { _ = try await credential(#"{"credsStore":"../x"}"#, "r.io") })
        #expect(path.message.contains("no helper's name"))
    }

    @Test func `a helper that hangs is given up`() async throws {
        let error = try #require(
            await failure {
                _ = try await credential(
                    #"{"credsStore":"x"}"#, "r.io", helpers: ["x": "exec sleep 600"],
                    helperLimit: .milliseconds(200))
            })
        #expect(error.message.contains("did not answer \"get\" within"))
        #expect(error.hint?.contains("docker-credential-x get") == true)
    }
}
