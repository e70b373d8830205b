// SPDX-License-Identifier: Apache-2.0

import FilterProxy
import OCIRegistry

extension DevSession {
    /// Tells what was logged and what went through since the last time.
    mutating func look() throws {
        let look = try streams?.look()
        let lines = try log.next().compactMap(FilterLogLine.init)
        for line in lines { report(.log(line)) }
        guard let look else { return }
        if look.lost > 0 { report(.lost(look.lost)) }
        for exchange in look.exchanges {
            let seen = SeenRequest(exchange, log: look.exchanges.count == 1 ? lines : nil)
            history.add(seen)
            report(.request(seen))
        }
    }

    /// Sends the last requests again, one after the other.
    mutating func replayAll(asked: Bool) async throws {
        if asked, history.requests.isEmpty { report(.note("there is no request to send again")) }
        for old in history.requests {
            if let obstacle = old.obstacle {
                report(.replayed(old, .failed(reason: "not sent again: \(obstacle)")))
                continue
            }
            try look()
            do {
                try await replay.send(old)
            } catch let error as HTTPTransportError {
                report(.replayed(old, .failed(reason: "no answer: \(error)")))
                continue
            }
            guard let new = try await outcome(of: old) else {
                report(.replayed(old, .failed(reason: "envoy has not written down what came of it")))
                continue
            }
            history.replace(old, with: new)
            let difference = ResponseDifference(old: old, new: new)
            report(.replayed(old, difference.isEmpty ? .same : .different(difference)))
        }
    }

    /// Waits for the record of a request that was sent again; others that come meanwhile are told as usual.
    private mutating func outcome(of old: SeenRequest) async throws -> SeenRequest? {
        let deadline = ContinuousClock.now + .seconds(3)
        var lines: [FilterLogLine] = []
        while ContinuousClock.now < deadline {
            let look = try streams?.look()
            lines += try log.next().compactMap(FilterLogLine.init)
            var found: SeenRequest?
            for exchange in look?.exchanges ?? [] {
                let seen = SeenRequest(exchange, log: nil)
                if found == nil, seen.repeats(old) {
                    found = seen
                } else {
                    history.add(seen)
                    report(.request(seen))
                }
            }
            if var found {
                found.log = lines
                return found
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        for line in lines { report(.log(line)) }
        return nil
    }
}
