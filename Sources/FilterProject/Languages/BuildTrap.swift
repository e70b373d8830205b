// SPDX-License-Identifier: Apache-2.0

package import WasmBinary

/// A mistake that many make with a language, by what is seen of it, and what to do about it.
///
/// A failed build prints the advice of every trap that it shows signs of; `wasme doctor` lists them.
package struct BuildTrap: Sendable {
    /// A sign of the mistake.
    package enum Sign: Sendable {
        /// A line of the toolchain's output has all of these texts in it.
        case output([String])
        /// The tools that build are such, as by their versions.
        case tools(@Sendable ([FoundTool]) -> Bool)
        /// The module that came of it is such.
        case module(@Sendable (WasmModule) -> Bool)
        /// What came of it is no module but something of this kind, as a component.
        case kind(FileKind)
    }

    /// A short name of it, as in "wasm32-wasi".
    package let name: String
    /// What is wrong, one line: "the target wasm32-wasi was removed in Rust 1.84".
    package let summary: String
    /// What to do, one line: "build for wasm32-wasip1".
    package let advice: String
    /// Each of them is enough.
    package let signs: [Sign]

    package init(_ name: String, _ summary: String, advice: String, signs: Sign...) {
        self.name = name
        self.summary = summary
        self.advice = advice
        self.signs = signs
    }

    /// Whether a line of a toolchain's output shows it; the line has no colours in it.
    package func shows(inOutput line: some StringProtocol) -> Bool {
        signs.contains { sign in
            guard case .output(let texts) = sign else { return false }
            return texts.allSatisfy { line.contains($0) }
        }
    }

    /// Whether the tools that are there lead into it.
    package func shows(in tools: [FoundTool]) -> Bool {
        signs.contains { sign in
            guard case .tools(let predicate) = sign else { return false }
            return predicate(tools)
        }
    }

    /// Whether a file that should be a module shows it.
    package func shows(in kind: FileKind) -> Bool {
        signs.contains { sign in
            guard case .kind(let other) = sign else { return false }
            return other == kind
        }
    }

    /// Whether a module shows it.
    package func shows(in module: WasmModule) -> Bool {
        signs.contains { sign in
            guard case .module(let predicate) = sign else { return false }
            return predicate(module)
        }
    }
}
