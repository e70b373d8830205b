// SPDX-License-Identifier: Apache-2.0

/// A section as it lies in the file (core spec 3.0, 5.5.2 "Sections").
package struct Section: Hashable, Sendable {
    /// What a section holds.
    package enum ID: UInt8, Hashable, Sendable, CaseIterable {
        case custom = 0
        case type = 1
        case `import` = 2
        case function = 3
        case table = 4
        case memory = 5
        case global = 6
        case export = 7
        case start = 8
        case element = 9
        case code = 10
        case data = 11
        case dataCount = 12
        case tag = 13

        /// The place that the order of sections gives it; custom sections may stand anywhere.
        var rank: Int? {
            switch self {
            case .custom: nil
            case .type: 1
            case .import: 2
            case .function: 3
            case .table: 4
            case .memory: 5
            case .tag: 6
            case .global: 7
            case .export: 8
            case .start: 9
            case .element: 10
            case .dataCount: 11
            case .code: 12
            case .data: 13
            }
        }
    }

    package let id: ID
    /// Where the section begins in the file, its id included.
    package let offset: Int
    /// Where its content lies in the file.
    package let content: Range<Int>

    /// Bytes of the content.
    package var size: Int { content.count }
}

extension Section.ID: CustomStringConvertible {
    package var description: String {
        switch self {
        case .custom: "custom"
        case .type: "type"
        case .import: "import"
        case .function: "function"
        case .table: "table"
        case .memory: "memory"
        case .global: "global"
        case .export: "export"
        case .start: "start"
        case .element: "element"
        case .code: "code"
        case .data: "data"
        case .dataCount: "data count"
        case .tag: "tag"
        }
    }
}
