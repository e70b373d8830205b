// SPDX-License-Identifier: Apache-2.0

import Deployment
import Diagnostics
import EnvoyControl
import FilterImage
import ImageTransfer
import OCI

extension FilterDeploymentFile {
    /// Finds the image that the file names, and what is to run of it.
    /// - Returns: the image, pulled if need be, and the neutral value with its digest.
    /// - Throws: a `Diagnostic`; an error of usage if the file and the image do not fit.
    func resolve(
        store: StoreOptions, access: RegistryAccessOptions, quiet: Bool, in context: CommandContext
    ) async throws -> (StoredFilter, FilterDeployment) {
        var access = access
        if filter.pull.usesPlainHTTP { access.plainHttp = true }
        if filter.pull.skipsVerification { access.insecure = true }
        let image = try await StoredFilter.load(
            filter.place, store: store, access: access, quiet: quiet, in: context)
        var deployment = deployment(
            digest: image.digest, rootID: image.content.runtime.rootIDs.first ?? "")
        guard deployment.kind == image.kind else {
            throw CommandError(
                .usage,
                "\"\(id)\" is of type \(deployment.kind.rawValue) in its file, and \"\(image.place)\" is a filter of type \(image.kind.rawValue)",
                hint: "write spec.filter.type: \(image.kind.rawValue)")
        }
        deployment.image = filter.image
        return (image, deployment)
    }
}

extension FilterDeploymentFile {
    /// The file that says what a command line says.
    /// - Throws: an error of usage for an image that has no name.
    static func said(
        _ deployment: FilterDeployment, _ target: Target, _ access: RegistryAccessOptions
    ) throws -> FilterDeploymentFile {
        guard let image = deployment.image else {
            throw CommandError(
                .usage, "an image without a name cannot be written into a file",
                hint: "give it one: 'wasme copy' or 'wasme tag'")
        }
        var file = FilterDeploymentFile(deployment, image: image, target: target)
        file.filter.pull.usesPlainHTTP = access.plainHttp
        file.filter.pull.skipsVerification = access.insecure
        return file
    }
}

extension FilterDeploymentFile.Filter {
    /// Where the image is: by its digest, if that is known.
    var place: ImagePlace {
        var reference = image
        if let digest { reference.digest = digest }
        return .named(reference)
    }
}
