// SPDX-License-Identifier: Apache-2.0

import Testing
import WasmBinary

@Suite struct WasmBinaryErrorTests {
    /// The error of a module that consists of the header and these bytes.
    private func failure(_ tail: [UInt8]) -> WasmBinaryError? {
        do throws(WasmBinaryError) {
            _ = try WasmModule(ModuleBuilder().bytes + tail)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a header cut short or of another version is refused`() {
        let short = #expect(throws: WasmBinaryError.self) { try WasmModule([0x00, 0x61, 0x73, 0x6d, 1]) }
        #expect(short?.reason == .truncated(.header))
        let future = #expect(throws: WasmBinaryError.self) {
            try WasmModule([0x00, 0x61, 0x73, 0x6d, 2, 0, 0, 0])
        }
        #expect(future?.reason == .unsupportedVersion(2))
    }

    @Test func `a section beyond the end of the file is refused`() {
        let error = failure([1, 0x20, 0])
        #expect(error?.reason == .overrun(.section, size: 32, available: 1))
        #expect(error?.offset == 10)
        #expect(error?.description == "a section claims 32 where 1 bytes are left at byte 10")
    }

    @Test func `an unknown section is refused`() {
        #expect(failure([14, 0])?.reason == .unknownSection(14))
    }

    @Test func `sections out of order or repeated are refused`() {
        #expect(failure([3, 1, 0, 1, 1, 0])?.reason == .sectionOutOfOrder(.type))
        #expect(failure([1, 1, 0, 1, 1, 0])?.reason == .sectionRepeated(.type))
        #expect(failure([1, 1, 0, 0, 1, 0, 2, 1, 0]) == nil)
        // The tag section's number is above those it comes before.
        #expect(failure([5, 1, 0, 13, 1, 0, 6, 1, 0]) == nil)
        #expect(failure([6, 1, 0, 13, 1, 0])?.reason == .sectionOutOfOrder(.tag))
        #expect(failure([12, 1, 0, 10, 1, 0]) == nil)
    }

    @Test func `bytes behind the last entry are refused`() {
        let error = failure([1, 3, 0, 1, 2])
        #expect(error?.reason == .trailingBytes(.type, 2))
        #expect(error?.offset == 11)
    }

    @Test func `an integer of too many bits is refused where it begins`() {
        let tooWide = failure([1, 0xff, 0xff, 0xff, 0xff, 0x1f])
        #expect(tooWide?.reason == .integerTooLarge(.sectionSize, bits: 32))
        #expect(tooWide?.offset == 9)
        let endless = failure([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0])
        #expect(endless?.reason == .integerTooLarge(.sectionSize, bits: 32))
        #expect(failure([1, 0x80])?.reason == .truncated(.sectionSize))
        // Padding up to the full width is allowed.
        #expect(failure([1, 0x81, 0x80, 0x80, 0x80, 0x00, 0]) == nil)
    }

    @Test func `a count is not believed`() {
        let huge = leb(0xffff_ffff)
        #expect(failure([3, 5] + huge)?.reason == .tooMany(.function, count: 0xffff_ffff, limit: 1_000_000))
        let claimed = failure([3, 4] + leb(900_000) + [0])
        #expect(claimed?.reason == .overrun(.function, size: 900_000, available: 1))
        #expect(failure([1, 4, 1, 0x60, 0x7f, 0])?.reason == .overrun(.parameter, size: 127, available: 1))
    }

    @Test func `names must be UTF-8 and inside their section`() {
        #expect(failure([0, 3, 2, 0xc3, 0x28])?.reason == .nameNotUTF8(.customName))
        #expect(
            failure([0, 2, 5, 0x61, 0x61, 0x61])?.reason == .overrun(.customName, size: 5, available: 1))
    }

    @Test func `unknown codes are refused at their byte`() {
        let type = failure([1, 3, 1, 0x61, 0])
        #expect(type?.reason == .unknownCode(.type, 0x61))
        #expect(type?.offset == 11)
        #expect(type?.description == "unknown type code 0x61 at byte 11")
        #expect(failure([1, 5, 1, 0x60, 1, 0x01, 0])?.reason == .unknownCode(.valueType, 0x01))
        #expect(failure([5, 3, 1, 16, 0])?.reason == .unknownCode(.limits, 16))
        #expect(failure([7, 5, 1, 1, 0x61, 9, 0])?.reason == .unknownCode(.exportEntry, 9))
        #expect(failure([1, 6, 1, 0x60, 1, 0x63, 0x41, 0])?.reason == .unknownCode(.heapType, 0x41))
    }

    @Test func `two exports of one name are refused`() {
        let entry: [UInt8] = [1, 0x61, 2, 0]
        let error = failure([5, 3, 1, 0, 0] + [7, 9, 2] + entry + entry)
        #expect(error?.reason == .duplicateExport("a"))
        #expect(error?.offset == 20)
    }

    @Test func `functions and bodies must be as many`() {
        let types: [UInt8] = [1, 4, 1, 0x60, 0, 0]
        #expect(
            failure(types + [3, 2, 1, 0])?.reason == .functionBodiesMissing(declared: 1, bodies: 0))
        #expect(failure([10, 4, 1, 2, 0, 0x0b])?.reason == .functionBodiesMissing(declared: 0, bodies: 1))
    }

    @Test func `the hint says what to do`() {
        let error = #expect(throws: WasmBinaryError.self) { try WasmModule(Array("(module)".utf8)) }
        #expect(error?.hint?.contains("wat2wasm") == true)
    }
}
