// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import Files
import JSON
import OCI
import SystemPackage
import TestSupport
import Testing
import YAML

@Suite struct FilterDeploymentFileTests {
    /// A file that says all that can be said of a filter.
    static let whole = """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata:
          name: hello
          namespace: shop
          labels: {team: edge}
          annotations: {note: "yes"}
        spec:
          filter:
            id: greeting
            image: localhost:5000/acme/hello:v1
            digest: sha256:\(String(repeating: "ab", count: 32))
            imagePullOptions: {pullSecret: regcred, insecureSkipVerify: true, plainHttp: true}
            type: network
            rootID: hello
            vmID: shared
            config: {header: x, count: 1.50, list: [1, null, true]}
            vmConfig: plain text
            env:
            - {name: A, value: "1"}
            - {name: B, valueFrom: host}
            failurePolicy: open
            capabilities: [proxy_log]
            phase: authz
            priority: -3
            match:
            - {mode: server, ports: [80, 443]}
            - {}
          deployment:
            envoy:
              members:
              - {slot: one, admin: ["127.0.0.1:9901", "http://b:9902/", ":9903"]}
              order: parallel
              atomic: true
              timeout: 1.5s
              probes: ["GET / expect header a: b"]

        """

    func read(_ yaml: String) throws -> FilterDeploymentFile {
        let documents = try FilterDeploymentFile.read(yaml, file: "f.yaml")
        #expect(documents.count == 1)
        return try #require(documents.first)
    }

    @Test func `a file says all that a deployment has`() throws {
        let file = try read(Self.whole)
        #expect(file.id == "greeting")
        #expect(file.labels == ["team": "edge"] && file.annotations == ["note": "yes"])
        #expect(
            file.filter.pull.secret == "regcred" && file.filter.pull.skipsVerification
                && file.filter.pull.usesPlainHTTP)
        let digest = try #require(file.filter.digest)
        let deployment = file.deployment(digest: digest, rootID: "first")
        var expected = FilterDeployment(
            id: "greeting", image: try Reference("localhost:5000/acme/hello:v1"), digest: digest)
        expected.kind = .network
        expected.rootID = "hello"
        expected.vmID = "shared"
        expected.configuration = #"{"header":"x","count":1.50,"list":[1,null,true]}"#
        expected.vmConfiguration = "plain text"
        expected.environment = ["A": .value("1"), "B": .host]
        expected.failurePolicy = .open
        expected.capabilities = ["proxy_log"]
        expected.phase = .authz
        expected.priority = -3
        expected.match = [.init(mode: .server, ports: [80, 443]), .init(mode: .both)]
        #expect(deployment == expected)
        guard case .envoy(let target) = file.target else { return #expect(Bool(false), "not envoy") }
        #expect(
            target.fleet.members == [
                .init(
                    slot: "one",
                    admins: [
                        HostPort(host: "127.0.0.1", port: 9901), HostPort(host: "b", port: 9902),
                        HostPort(host: "127.0.0.1", port: 9903),
                    ])
            ])
        #expect(target.fleet.order == .parallel && target.fleet.isAtomic)
        #expect(target.timeout == .milliseconds(1500))
        #expect(target.probes == ["GET / expect header a: b"])
    }

    static let targets: [String] = [
        "envoy: {members: [{slot: s, admin: ['h:1']}]}",
        "istio: {kind: EnvoyFilter, namespace: n, labels: {app: web}, gateway: true, allowStopIteration: false, reloadBackoff: {base: 500ms, max: 2s}}",
        "istio: {kind: TrafficExtension, targetRefs: [{group: '', kind: Service, name: s}, {kind: Gateway, name: g, sectionName: l}]}",
        "istio: {kind: daemonset, istioNamespace: istio-system}",
        "istio: {}",
        "envoyGateway: {targetRefs: [{kind: HTTPRoute, name: r}], mergeType: JSONMerge, certificateAuthority: ca}",
        "gloo: {gateway: g, stage: AuthZStage, predicate: After, modulePath: /m.wasm}",
        "gloo: {}",
        "higress: {rules: [{ingresses: [a/b], domains: ['*.x'], services: [s], routeType: GRPC, config: {a: 1}, disabled: true}], defaultDisabled: true}",
        "kuma: {mesh: m, labels: {a: b}, module: {file: /m.wasm}, volume: v}",
        "kuma: {module: {url: 'http://x/y', sha256: '\(String(repeating: "0", count: 64))'}}",
        "consul: {service: s, module: {file: /m.wasm}, moduleService: f, form: hcl}",
        "cilium: {services: [{name: s, namespace: n, port: 80}], modulePath: /m.wasm, clusterwide: true}",
    ]

    static func file(deployment: String, filter: String = "{image: 'a:v1'}") -> String {
        """
        apiVersion: wasme.io/v1
        kind: FilterDeployment
        metadata: {name: f}
        spec:
          filter: \(filter)
          deployment: {\(deployment)}
        """
    }

    @Test(arguments: targets) func `what is written is read as the same`(_ target: String) throws {
        for file in [try read(Self.file(deployment: target)), try read(Self.whole)] {
            #expect(try FilterDeploymentFile.read(file.yaml, file: "w.yaml") == [file], "\(file.yaml)")
        }
    }

    @Test(arguments: [
        #"{"a":1}"#, #"{"a": 1}"#, "plain", "", #"{"a":1e5,"b":"on","c":null,"d":[],"e":{}}"#, "[1]", "5",
        "{\"a\":\"\u{85}\"}", #"{"@type":"x"}"#, "line\nline\n",
    ]) func `a configuration keeps its bytes`(_ configuration: String) throws {
        var file = try read(Self.whole)
        file.filter.configuration = configuration
        file.filter.vmConfiguration = configuration
        let back = try read(file.yaml)
        #expect(back.filter.configuration == configuration, "\(file.yaml)")
        #expect(back == file)
    }

    @Test func `the original's files are read`() throws {
        let file = try read(
            """
            apiVersion: wasme.io/v1
            kind: FilterDeployment
            metadata:
              name: bookinfo-custom-filter
              namespace: bookinfo
              creationTimestamp: null
            spec:
              deployment:
                istio:
                  kind: Deployment
                  istioNamespace: istio-system
                  labels: {app: reviews}
              filter:
                patchContext: inbound
                rootID: add_header
                imagePullOptions: {pullSecret: hub}
                config:
                  '@type': type.googleapis.com/google.protobuf.StringValue
                  value: world
                image: webassemblyhub.io/ilackarms/istio-test:1.5.0-0
            status: {observedGeneration: "1"}
            """)
        #expect(file.id == "bookinfo-custom-filter.bookinfo")
        #expect(file.filter.configuration == "world")
        let deployment = file.deployment(
            digest: try #require(Digest("sha256:\(String(repeating: "0", count: 64))")))
        #expect(deployment.match == [.init(mode: .server)])
        guard case .istio(let place, let options, let original) = file.target else {
            return #expect(Bool(false), "not istio")
        }
        #expect(
            place.namespace == "bookinfo" && place.labels == ["app": "reviews"] && place.pullSecret == "hub")
        #expect(options.kind == nil && original.workloadKind == "Deployment")
        #expect(try read(file.yaml) == file)
    }

    @Test(
        arguments: [
            (
                "{imgae: 'a:v1'}", "f.yaml:5:12: there is no field \"imgae\" in \"spec.filter\"",
                "did you mean \"image\"?"
            ),
            ("{id: x}", "f.yaml:5:11: \"spec.filter\" lacks the field \"image\"", nil),
            (
                "{image: 'a:v1', priority: high}",
                "f.yaml:5:37: \"spec.filter.priority\" must be a whole number", nil
            ),
            (
                "{image: 'a:v1', failurePolicy: opne}", "must be one of reload, closed, open, not \"opne\"",
                "did you mean \"open\"?"
            ),
            ("{image: 'A B'}", "f.yaml:5:19: \"spec.filter.image\" is \"A B\", which is no image", "host"),
            (
                "{image: 'a:v1', digest: sha256:12}",
                "\"spec.filter.digest\" is \"sha256:12\", which is no digest", "64"
            ),
            (
                "{image: 'a:v1', env: [{name: A}]}",
                "\"spec.filter.env[0]\" must have either value or valueFrom", nil
            ),
            (
                "{image: 'a:v1', env: [{name: A, value: 1}]}",
                "\"spec.filter.env[0].value\" must be a text, not 1", nil
            ),
            (
                "{image: 'a:v1', config: {'@type': x/google.protobuf.Any}}",
                "is a message \"x/google.protobuf.Any\" that is not known", nil
            ),
            ("{image: 'a:v1', match: [], patchContext: any}", "say both which traffic is meant", nil),
            ("{image: 'a:v1', capabilities: []}", "\"spec.filter.capabilities\" is empty", nil),
            ("{image: }", "\"spec.filter.image\" has no value", nil),
            ("[]", "\"spec.filter\" must be a mapping, not a list", nil),
        ] as [(String, String, String?)])
    func `an error names the file, the place and the field`(
        _ filter: String, _ message: String, _ hint: String?
    ) throws {
        let error = try #require(throws: DeploymentError.self) {
            try FilterDeploymentFile.read(Self.file(deployment: "istio: {}", filter: filter), file: "f.yaml")
        }
        #expect(error.message.contains(message), "\(error.message)")
        #expect(error.message.hasPrefix("f.yaml:"))
        if let hint { #expect(error.hint?.contains(hint) == true, "\(error.hint ?? "no hint")") }
        #expect(error.category == .usage)
    }

    @Test(arguments: [
        ("envoy: {members: []}", "\"spec.deployment.envoy.members\" is empty"),
        ("envoy: {members: [{slot: s, admin: ['nowhere']}]}", "f.yaml:6:52: \"nowhere\" is not an address"),
        ("envoy: {members: [{slot: s, admin: ['https://h:1']}]}", "speaks plain http"),
        ("envoy: {members: [{slot: s, admin: ['h:1']}], timeout: soon}", "must be a duration"),
        (
            "envoy: {members: [{slot: s, admin: ['h:1']}]}, istio: {}",
            "\"spec.deployment\" names more than one"
        ),
        ("", "\"spec.deployment\" names nothing"),
        ("isto: {}", "there is no field \"isto\" in \"spec.deployment\""),
        ("kuma: {module: {}}", "must have either file, or url and sha256"),
        ("consul: {service: s, module: {url: u, sha256: x}}", "is no SHA-256"),
    ])
    func `an error in a target names the place`(_ deployment: String, _ message: String) throws {
        let error = try #require(throws: DeploymentError.self) {
            try FilterDeploymentFile.read(Self.file(deployment: deployment), file: "f.yaml")
        }
        #expect(error.message.contains(message), "\(error.message)")
    }

    @Test func `other kinds, versions and names are refused`() throws {
        for (yaml, message) in [
            ("kind: ConfigMap", "\"ConfigMap\" is no kind that can be deployed"),
            ("kind: FilterDeployment\napiVersion: v2", "\"apiVersion\" must be wasme.io/v1, not \"v2\""),
            ("", "\"f.yaml\" is empty"), ("a: [", "f.yaml:"), ("- a", "must be a mapping, not a list"),
            (
                Self.file(deployment: "istio: {}") + "\n---\n" + Self.file(deployment: "istio: {}"),
                "f.yaml:8:1: the deployment \"f\" is in this file twice: also at line 1"
            ),
        ] {
            let error = try #require(throws: DeploymentError.self) {
                try FilterDeploymentFile.read(yaml, file: "f.yaml")
            }
            #expect(error.message.contains(message), "\(error.message)")
        }
    }

    @Test func `a file has any number of documents`() throws {
        let yaml = "---\n" + Self.whole + "---\n---\n" + Self.file(deployment: "istio: {}") + "\n"
        let read = try FilterDeploymentFile.read(yaml, file: "f.yaml")
        #expect(read.map(\.id) == ["greeting", "f"])
        #expect(try FilterDeploymentFile.read(FilterDeploymentFile.yaml(read), file: "f.yaml") == read)
    }

    // MARK: Schemas

    @Test func `the published schema is that of the reader`() throws {
        try expectGolden(
            FilterDeploymentFile.jsonSchema.prettyPrinted + "\n",
            "../../Docs/reference/filter-deployment.schema.json")
        let schema = try ConfigSchema(FilterDeploymentFile.jsonSchema)
        for yaml in [Self.whole] + Self.targets.map({ Self.file(deployment: $0) }) {
            let violations = try schema.validate(YAMLNode.document(yaml, file: "f").json)
            #expect(violations.isEmpty, "\(violations)")
        }
        for filter in [
            "{imgae: 'a:v1'}", "{id: x}", "{image: 'a:v1', priority: high}",
            "{image: 'a:v1', capabilities: []}",
        ] {
            let yaml = Self.file(deployment: "istio: {}", filter: filter)
            #expect(try !schema.validate(YAMLNode.document(yaml, file: "f").json).isEmpty, "\(filter)")
        }
    }

    @Test func `the custom resource's definition is that of the reader`() throws {
        let text = FilterDeploymentFile.resourceDefinition
        try expectGolden(text, "../../deploy/crd/filterdeployments.wasme.io.yaml")
        // Structural schemas have a type everywhere, or preserve what they do not know.
        let definition = try YAMLNode.document(text, file: "crd").json
        var open: [JSONValue] = [
            try #require(
                definition.object?["spec"]?.object?["versions"]?.array?.first?.object?["schema"]?
                    .object?["openAPIV3Schema"])
        ]
        var count = 0
        while let next = open.popLast() {
            count += 1
            let object = try #require(next.object)
            #expect(
                object["type"] != nil
                    || object["x-kubernetes-preserve-unknown-fields"] == .bool(true), "\(next)")
            #expect(object["additionalProperties"] != .bool(false))
            open += object["properties"]?.object?.members.map(\.value) ?? []
            if let items = object["items"] { open.append(items) }
        }
        #expect(count > 80)
    }
}
