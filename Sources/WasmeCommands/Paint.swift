// SPDX-License-Identifier: Apache-2.0

/// Colours for words, where the terminal may have them.
struct Paint {
    enum Colour: String {
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
        case bold = "1"
        case dim = "2"
    }

    let isActive: Bool

    func callAsFunction(_ text: String, _ colours: Colour...) -> String {
        guard isActive, !text.isEmpty else { return text }
        return "\u{1B}[\(colours.map(\.rawValue).joined(separator: ";"))m\(text)\u{1B}[0m"
    }
}
