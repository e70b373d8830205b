// SPDX-License-Identifier: Apache-2.0

import JSON
import TestSupport
import Testing

@testable import Deployment

/// What of the original's installation is recognised, and what only has its name.
@Suite struct OriginalInstallationTests {
    private static let operatorRole = """
        kind: ClusterRole
        metadata: {name: wasme-operator, labels: {app: wasme-operator}}
        rules:
        - {apiGroups: [wasme.io], resources: [filterdeployments], verbs: [get, list, watch]}
        - {apiGroups: [wasme.io], resources: [filterdeployments/status], verbs: [get, update]}
        - {apiGroups: [''], resources: [secrets], verbs: [get, list, watch]}
        - {apiGroups: [''], resources: [events], verbs: ['*']}
        - {apiGroups: [apps], resources: [deployments, daemonsets], verbs: [get, list, watch, update]}
        - {apiGroups: [networking.istio.io], resources: [envoyfilters], verbs: ['*']}
        - {apiGroups: [''], resources: [configmaps], verbs: ['*']}

        """
    private static let cacheRole = """
        kind: ClusterRole
        metadata: {name: wasme-cache, labels: {app: wasme-cache}}
        rules: [{apiGroups: [''], resources: [events], verbs: [create]}]

        """
    private static func binding(_ kind: String, _ name: String, _ subjects: String) -> String {
        let space = kind == "Role" ? ", namespace: wasme" : ""
        return """
            kind: \(kind)Binding
            metadata: {name: \(name)\(space)}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: \(kind), name: \(name)}
            subjects: [\(subjects)]

            """
    }
    private static func account(_ metadata: String, _ rest: String = "") -> String {
        "kind: ServiceAccount\nmetadata: {name: wasme-operator, namespace: wasme\(metadata)}\n\(rest)\n"
    }
    private static let cacheAccount = "{kind: ServiceAccount, name: wasme-cache, namespace: wasme}"

    private func verdict(_ text: String) throws -> OriginalInstallation.Verdict? {
        let object = try #require(try OriginalSamples.objects(["apiVersion: v1\n\(text)"]).first)
        return OriginalInstallation(cache: .init()).verdict(on: object)
    }

    @Test(arguments: [
        operatorRole, cacheRole, cacheRole.replacing("{app: wasme-cache}", with: "{team: edge}"),
        binding("ClusterRole", "wasme-cache", cacheAccount), binding("Role", "wasme-cache", cacheAccount),
        binding("Role", "wasme-cache", "{kind: ServiceAccount, name: wasme-cache}"), account(""),
        account(
            ", labels: {app: wasme-operator, app.kubernetes.io/managed-by: Helm}, annotations: {meta.helm.sh/release-name: w}",
            "imagePullSecrets: [{name: wasme-operator-dockercfg-abc12}]"),
    ])
    func `what every version of the original wrote is recognised`(text: String) throws {
        #expect(try verdict(text) == .original)
    }

    @Test(arguments: [
        (
            operatorRole + "- {apiGroups: [apps], resources: [replicasets], verbs: [get]}\n",
            "it is for replicasets.apps too"
        ),
        (
            operatorRole.replacing(
                "resources: [secrets], verbs: [get", with: "resources: [secrets], verbs: [create"),
            "it allows \"create\" of secrets too"
        ),
        (
            "kind: ClusterRole\nmetadata: {name: wasme-operator}\nrules: [{apiGroups: [''], resources: [events], verbs: [get]}]\n",
            "it is not for filterdeployments.wasme.io"
        ),
        (cacheRole.replacing("[events]", with: "[events, pods]"), "it is for pods too"),
        (cacheRole + "aggregationRule: {clusterRoleSelectors: []}\n", "its rules are those of other roles"),
        (
            "kind: ClusterRole\nmetadata: {name: wasme-cache}\nrules: [{nonResourceURLs: [/metrics], verbs: [get]}]\n",
            "it is for \"/metrics\" too"
        ),
        (
            binding("ClusterRole", "wasme-cache", "\(cacheAccount), {kind: User, name: ci}"),
            "it binds User \"ci\""
        ),
        (
            binding(
                "ClusterRole", "wasme-cache",
                cacheAccount.replacing("namespace: wasme", with: "namespace: other")),
            "it binds ServiceAccount \"other/wasme-cache\""
        ),
        (
            binding("Role", "wasme-cache", cacheAccount).replacing("kind: Role,", with: "kind: ClusterRole,"),
            "it is for ClusterRole \"wasme-cache\""
        ),
        (binding("Role", "wasme-cache", ""), "it binds nobody"),
        (
            account("", "imagePullSecrets: [{name: regcred}]"), "it has the pull secret \"regcred\""
        ),
        (
            account(", annotations: {eks.amazonaws.com/role-arn: x}"),
            "it has the annotation \"eks.amazonaws.com/role-arn\""
        ),
        (account(", labels: {app: shop}"), "it has the label app=shop"),
        (
            account(", ownerReferences: [{apiVersion: a/v1, kind: Operator, name: o, uid: u}]"),
            "it belongs to Operator \"o\""
        ),
        (account(", labels: {app.kubernetes.io/managed-by: argo}"), "it is managed by \"argo\""),
        (
            "kind: Deployment\nmetadata: {name: wasme-operator, namespace: wasme}\nspec: {template: {spec: {containers: [{name: operator, args: [serve]}]}}}\n",
            "its pods do not run \"operator\" of wasme"
        ),
    ])
    func `what others have written, or added, is told`(text: String, reason: String) throws {
        #expect(try verdict(text) == .other(reason))
    }

    @Test(arguments: [
        cacheRole.replacing("name: wasme-cache", with: "name: cache"),
        account("").replacing("namespace: wasme", with: "namespace: shop"),
        "kind: Role\nmetadata: {name: x}\n",
    ])
    func `what has another name is passed over`(text: String) throws {
        #expect(try verdict(text) == nil)
    }

    @Test func `an account that others use stays`() throws {
        let account = "apiVersion: v1\n" + Self.account("")
        let user = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: ci, namespace: wasme}
            spec: {template: {spec: {serviceAccountName: wasme-operator, containers: []}}}

            """
        #expect(try OriginalSamples.inventory([account]).installation.count == 1)
        for documents in [[account, user], [user, account]] {
            let inventory = try OriginalSamples.inventory(documents)
            #expect(inventory.installation.isEmpty)
            #expect(inventory.leftAlone.map(\.reason) == ["Deployment \"wasme/ci\" uses it"])
        }
    }
}
