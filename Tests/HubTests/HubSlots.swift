// SPDX-License-Identifier: Apache-2.0

/// Lets only so many hubs run at once: each has threads, files and a port, and hundreds of cases start together.
actor HubSlots {
    static let shared = HubSlots(16)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ count: Int) { free = count }

    func take() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func give() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
