// SPDX-License-Identifier: Apache-2.0

/// What is running, as whoever reports a fault has to name it: one version for all tools of this repository.
package enum Release {
    /// As in Semantic Versioning 2.0.0.
    package static let version = "0.1.0"
}
