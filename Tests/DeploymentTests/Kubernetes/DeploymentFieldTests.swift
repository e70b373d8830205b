// SPDX-License-Identifier: Apache-2.0

import Deployment
import Testing

@Suite struct DeploymentFieldTests {
    /// A request that says one thing which not every target can express.
    static func request(_ field: DeploymentField) throws -> KubernetesRequest {
        try Samples.request { request in
            switch field {
            case .network: request.deployment.kind = .network
            case .rootID: request.deployment.rootID = "root"
            case .vmID: request.deployment.vmID = "vm"
            case .valueConfiguration: request.deployment.configuration = "[1]"
            case .textConfiguration: request.deployment.configuration = "text"
            case .vmConfiguration: request.deployment.vmConfiguration = "vm"
            case .environment: request.deployment.environment = ["A": .value("b")]
            case .hostEnvironment: request.deployment.environment = ["A": .host]
            case .failReload: request.deployment.failurePolicy = .reload
            case .failClosed: request.deployment.failurePolicy = .closed
            case .failOpen: request.deployment.failurePolicy = .open
            case .capabilities: request.deployment.capabilities = ["proxy_log"]
            case .phaseAuthn: request.deployment.phase = .authn
            case .phaseAuthz: request.deployment.phase = .authz
            case .phaseStats: request.deployment.phase = .stats
            case .priority: request.deployment.priority = 1
            case .matchClient: request.deployment.match = [.init(mode: .client)]
            case .matchServer: request.deployment.match = [.init(mode: .server)]
            case .matchPorts: request.deployment.match = [.init(ports: [80])]
            case .labels: request.place.labels = ["app": "shop"]
            case .targets: request.place.targets = [Samples.route]
            case .sectionName:
                request.place.targets = [Samples.route]
                request.place.targets[0].sectionName = "part"
            case .pullSecret: request.place.pullSecret = "secret"
            }
        }
    }

    static func targets(for request: KubernetesRequest) throws -> [any KubernetesTarget] {
        [
            Samples.istio(.wasmPlugin, for: request), Samples.istio(.trafficExtension, for: request),
            Samples.istio(.envoyFilter, for: request), EnvoyGatewayTarget(), GlooTarget(), HigressTarget(),
            KumaTarget(try Samples.kuma()), ConsulTarget(Samples.consul()), CiliumTarget(Samples.cilium()),
        ]
    }

    /// Nothing is dropped in silence: what differs in the request differs in the objects, or is refused by name.
    @Test(arguments: DeploymentField.allCases)
    func `a field is in what is rendered, or it is an error that names it and the target`(
        _ field: DeploymentField
    ) throws {
        let request = try Self.request(field)
        for target in try Self.targets(for: request) {
            var plain = try Samples.request()
            if field == .rootID { plain.deployment.rootID = "" }
            if target.name == "envoy-gateway" {
                // Without a target this one renders nothing.
                guard field != .labels else { continue }
                plain.place.targets = [Samples.route]
            }
            var asked = request
            if target.name == "envoy-gateway", asked.place.targets.isEmpty {
                asked.place.targets = [Samples.route]
            }
            // A part of a target is refused with the target, where there is no target at all.
            let isWhole = field == .sectionName && target.refusal(of: .targets) != nil
            let refused: DeploymentField = isWhole ? .targets : field
            if let reason = target.refusal(of: refused) {
                let error = #expect(throws: DeploymentError.self) { try target.plan(asked) }
                #expect(error?.message.contains("\"\(refused.name)\"") == true)
                #expect(error?.message.hasPrefix(target.title) == true)
                #expect(error?.message.hasSuffix(reason) == true)
                try Self.expectBestEffort(of: target, asked, field)
            } else if !Self.isDefault(field, of: target) {
                #expect(
                    try Self.specs(target, asked) != Self.specs(target, plain),
                    "\(target.title) \(field.name)")
            }
        }
    }

    /// What a target does anyway cannot be seen in what it renders.
    static func isDefault(_ field: DeploymentField, of target: any KubernetesTarget) -> Bool {
        switch (target.name, field) {
        case ("consul", .failClosed), ("consul", .matchServer): true
        // The targets of a policy are what both requests have.
        case ("envoy-gateway", .targets): true
        default: false
        }
    }

    static func specs(_ target: any KubernetesTarget, _ request: KubernetesRequest) throws -> [ConfigValue] {
        try target.plan(request).objects.map { .map($0.body) }
    }

    static func expectBestEffort(
        of target: any KubernetesTarget, _ request: KubernetesRequest, _ field: DeploymentField
    ) throws {
        var request = request
        request.isBestEffort = true
        let places: Set<DeploymentField> = [.network, .labels, .targets, .sectionName]
        guard !places.contains(field) else {
            // Where a filter runs is never guessed.
            #expect(throws: DeploymentError.self) { try target.plan(request) }
            return
        }
        let warnings = try target.plan(request).warnings
        #expect(warnings.contains { $0.contains("\"\(field.name)\" is left out") }, "\(target.title)")
    }

    @Test func `a field that a plugin cannot say makes Istio's target choose an EnvoyFilter`() throws {
        for field in [DeploymentField.capabilities, .vmID, .vmConfiguration, .textConfiguration] {
            #expect(IstioTarget(for: try Self.request(field)).kind == .envoyFilter)
        }
        for field in [DeploymentField.phaseStats, .priority, .matchPorts, .targets, .pullSecret, .network] {
            #expect(IstioTarget(for: try Self.request(field)).kind == .wasmPlugin)
        }
        // Neither can: the error is that of the usual kind.
        var both = try Self.request(.capabilities)
        both.place.targets = [Samples.route]
        #expect(IstioTarget(for: both).kind == .wasmPlugin)
        #expect(throws: DeploymentError.self) { try IstioTarget(for: both).plan(both) }
        #expect(IstioTarget(for: try Samples.request(version: "1.11")).kind == .envoyFilter)
    }

    @Test func `what a version's plugin has no field for is said to its Envoy`() throws {
        func kind(_ version: String, _ change: (inout FilterDeployment) -> Void) throws -> IstioOptions.Kind {
            IstioTarget(for: try Samples.request(version: version) { change(&$0.deployment) }).kind
        }
        for (old, new, change) in [
            ("1.15", "1.16", { $0.match = [.init(mode: .client)] }),
            ("1.18", "1.19", { $0.failurePolicy = .open }), ("1.19", "1.20", { $0.kind = .network }),
            ("1.26", "1.27", { $0.failurePolicy = .reload }),
        ] as [(String, String, (inout FilterDeployment) -> Void)] {
            #expect(try kind(old, change) == .envoyFilter)
            #expect(try kind(new, change) == .wasmPlugin)
        }
        // Its Envoy cannot do that either.
        #expect(try kind("1.20") { $0.failurePolicy = .reload } == .wasmPlugin)
        #expect(try kind("1.18") { $0.failurePolicy = .closed } == .wasmPlugin)
        // Only a plugin has phases.
        #expect(
            try kind("1.18") {
                $0.failurePolicy = .open
                $0.phase = .stats
            } == .wasmPlugin)
    }
}
