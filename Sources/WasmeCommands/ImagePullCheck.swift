// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import OCI
import OCIRegistry

extension KubernetesDeploy {
    /// Looks whether the cluster will be able to pull the image: one that is not there stops the proxies that ask for it.
    ///
    /// Nobody's credentials are used, as the cluster has none of ours; with a pull secret it has been tried with that.
    /// - Parameters:
    ///   - deployment: what is to run.
    ///   - place: where.
    ///   - target: what is rendered.
    /// - Returns: warnings for people.
    /// - Throws: `CommandError` for an image that its registry does not have.
    func checkPull(
        _ deployment: FilterDeployment, _ place: KubernetesPlace, for target: any KubernetesTarget
    ) async throws -> [String] {
        guard !options.noCheck, target.fetchesImage, place.pullSecret == nil, let image = deployment.image,
            let host = image.registry
        else { return [] }
        let client = try stranger(to: host)
        let pinned = "\(image.name)@\(deployment.digest)"
        do {
            _ = try await client.resolve(image.repository, .digest(deployment.digest))
            return []
        } catch let error as RegistryError {
            switch error.code {
            case .manifestUnknown, .nameUnknown, .notFound:
                throw CommandError(
                    .failed, "\(target.title) could not pull \"\(pinned)\": the registry does not have it",
                    hint: "push it first: wasme push \(image); --no-check deploys it all the same")
            case .unauthorized, .denied:
                return [
                    "\"\(pinned)\" cannot be pulled without credentials, and no secret is named: unless the cluster has them elsewhere, name one with --pull-secret"
                ]
            default:
                output.note(
                    "note: whether \"\(pinned)\" can be pulled is not known: \(error.message)", in: context)
                return []
            }
        }
    }
}
