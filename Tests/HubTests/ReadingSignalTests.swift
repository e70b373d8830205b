// SPDX-License-Identifier: Apache-2.0

@testable import Hub
import Testing

/// Whoever reads manifests sleeps while there is nothing to read.
@Suite struct ReadingSignalTests {
    @Test func `a push wakes the reader once`() async {
        let signal = ReadingSignal()
        for _ in 0..<3 {
            signal.wake()
            let start = ContinuousClock.now
            await signal.sleep(atMost: .seconds(60))
            #expect(ContinuousClock.now - start < .seconds(30))
            // What was meant to end that sleep must not end this one.
            let second = ContinuousClock.now
            await signal.sleep(atMost: .milliseconds(200))
            #expect(ContinuousClock.now - second >= .milliseconds(200))
        }
    }

    @Test func `whoever waits is woken when his manifest was read, or after a time`() async {
        let signal = ReadingSignal()
        let id = ManifestID(1)
        let start = ContinuousClock.now
        async let waiting: Void = signal.finish(of: id, atMost: .seconds(60))
        while signal.wanted.isEmpty { await Task.yield() }
        #expect(signal.wanted == [id])
        signal.finished(id)
        await waiting
        #expect(ContinuousClock.now - start < .seconds(30))
        for time in [Duration.zero, .nanoseconds(1), .milliseconds(10)] {
            await signal.finish(of: id, atMost: time)
        }
    }
}
