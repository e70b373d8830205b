// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// What a module can do without: custom sections, which no host reads to run it.
package enum ModulePart: String, Sendable, Hashable, CaseIterable {
    /// The names of functions, for stack traces.
    case names
    /// What a debugger needs.
    case debug
    /// Which tools made it.
    case producers

    /// Whether a custom section belongs to it (tool-conventions, Debugging.md and ProducersSection.md).
    private func has(_ section: String) -> Bool {
        switch self {
        case .names: section == "name"
        case .producers: section == "producers"
        case .debug:
            section.hasPrefix(".debug_")
                || [
                    ".swift_ast", "sourceMappingURL", "external_debug_info", "build_id",
                ].contains(section)
        }
    }

    /// A module without some parts; everything else keeps its bytes.
    package static func strip(_ parts: Set<ModulePart>, from module: WasmModule) -> [UInt8] {
        let dropped = Set(
            module.customSections.filter { section in parts.contains { $0.has(section.name) } }.map(\.offset))
        var bytes = Array(module.bytes.prefix(8))
        bytes.reserveCapacity(module.bytes.count)
        for section in module.sections where !dropped.contains(section.offset) {
            bytes += module.bytes[section.offset..<section.content.upperBound]
        }
        return bytes
    }
}
