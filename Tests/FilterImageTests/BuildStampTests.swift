// SPDX-License-Identifier: Apache-2.0

import FilterImage
import Testing

@Suite struct BuildStampTests {
    private let room = Array("proxy-wasm-sdk build id:unstamped\0\0\0".utf8)

    @Test func `a stamp follows from the content and is found again`() throws {
        let module = [UInt8](0..<100) + room + [1, 2, 3]
        #expect(BuildStamp.id(of: module) == nil)
        let stamped = BuildStamp.stamped(module)
        let id = try #require(BuildStamp.id(of: stamped))
        #expect(id.utf8.count == 12)
        #expect(stamped.count == module.count)
        #expect(stamped == BuildStamp.stamped(module))
        var other = module
        other[0] = 7
        #expect(BuildStamp.id(of: BuildStamp.stamped(other)) != id)
    }

    @Test func `what is stamped stays as it is`() {
        let stamped = BuildStamp.stamped(room)
        #expect(BuildStamp.stamped(stamped) == stamped)
    }

    @Test func `a module without room, with too little or with two is left alone`() {
        for module in [[0, 1, 2], Array(room.dropLast()), room + room, []] as [[UInt8]] {
            #expect(BuildStamp.stamped(module) == module)
            #expect(BuildStamp.id(of: module) == nil)
        }
    }
}
