// SPDX-License-Identifier: Apache-2.0

import Hub
import OCI

/// Content whose bytes the hot path sends, and how its answer is headed.
enum HotContent {
    case blob(Digest, size: Int64)
    /// A module and the blob that its bytes are; `isPinned` is whether it was asked for by a digest.
    case module(ModuleRecord, blob: Digest, isPinned: Bool)

    /// What the bytes are stored under.
    var digest: Digest {
        switch self {
        case .blob(let digest, _): digest
        case .module(_, let blob, _): blob
        }
    }

    /// Bytes of the whole.
    var size: Int64 {
        switch self {
        case .blob(_, let size): size
        case .module(let module, _, _): module.size
        }
    }

    func answer(_ conditions: ReadConditions) -> ContentAnswer {
        switch self {
        case .blob(let digest, let size): ContentAnswer(blob: digest, size: size, conditions)
        case .module(let module, _, let isPinned):
            ContentAnswer(module: module, isPinned: isPinned, conditions)
        }
    }
}
