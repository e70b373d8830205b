// SPDX-License-Identifier: Apache-2.0

import EnvoyControl

extension ScenarioSession {
    mutating func play(_ step: Step, _ failure: inout StepFailure) async throws {
        if case .request(let request) = step.stimulus { failure.curl = request.curl }
        try await Task.sleep(for: step.delay)
        for time in 0..<max(1, step.count) {
            if time > 0 {
                try log.beginStep()
                for player in troupe.players.values { player.forgetCalls() }
            }
            try await playOnce(step, &failure)
            guard failure.mismatches.isEmpty, failure.problem == nil else {
                if step.count > 1 {
                    failure.mismatches = failure.mismatches.map {
                        .init(
                            "\($0.subject), time \(time + 1) of \(step.count)", expected: $0.expected,
                            got: $0.got)
                    }
                }
                return
            }
        }
    }

    private mutating func playOnce(_ step: Step, _ failure: inout StepFailure) async throws {
        let expectation = step.expectation
        let before = try await metrics(of: expectation)
        var seen = StepObservation()
        switch step.stimulus {
        case .request(let request):
            failure.problem = await send(request, expectation, &seen)
        case .connection(let parts):
            failure.problem = await connect(parts, expectation, &seen)
        case .wait: break
        }
        try await probe()
        failure.mismatches = expectation.clientMismatches(seen)
        var deadline = ContinuousClock.now + options.patience
        var mustWait = false
        if !failure.mismatches.isEmpty || failure.problem != nil { deadline = .now }
        if case .wait(let limit) = step.stimulus {
            deadline = .now + limit
            // What must not come has all of the time to do so.
            mustWait = !expectation.isFulfilledEarly
        }
        var isSettled = false
        while true {
            let late = try await observe(expectation, before, &seen)
            let isHopeless = late.contains(where: \.isFinal) || failure.problem != nil
            if ContinuousClock.now >= deadline || isHopeless || (late.isEmpty && !mustWait && isSettled) {
                failure.mismatches += late.map(\.mismatch)
                break
            }
            if late.isEmpty, !mustWait {
                if expectation.needsEnd { try await settle() }
                isSettled = true
            } else {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        if case .wait = step.stimulus { try await probe() }
        try explain(expectation, &failure)
    }

    /// Looks at what may still change.
    private mutating func observe(
        _ expectation: Expectation, _ before: [String: Int], _ seen: inout StepObservation
    ) async throws -> [StepFinding] {
        try log.read()
        for (name, player) in troupe.players {
            if name == ScenarioTroupe.upstream {
                seen.upstream = player.calls
            } else {
                seen.services[name] = player.calls
            }
        }
        seen.log = log.lines(of: plugin).map(\.text)
        seen.hasTrapped = !log.traps.isEmpty
        seen.metrics = try await metrics(of: expectation).merging(before) { $0 - $1 }
        return expectation.lateFindings(seen)
    }

    /// Says of a trap that was not expected, and of what else the log explains.
    private func explain(_ expectation: Expectation, _ failure: inout StepFailure) throws {
        if !expectation.traps, let trap = log.traps.first {
            failure.problem = "the module trapped in \"\(trap.function)\": \(trap.reason)"
            failure.hint =
                "build with names (wasme build --debug) for a back trace; 'traps: true' expects it"
        }
        guard !failure.mismatches.isEmpty || failure.problem != nil, failure.hint == nil else { return }
        let text = log.lines(of: plugin).map(\.text).joined(separator: "\n")
        if let name = unknownCluster(in: text) {
            failure.hint =
                "the log names the cluster \"\(name)\", which \"services\" does not have: add it there"
        }
    }

    /// A cluster of the log that is none of those that there are: what stands in quotes behind the word.
    private func unknownCluster(in text: String) -> String? {
        text.matches(of: /(?i:cluster)[ :=]*["'`“]([^"'`”\n]+)["'`”]/).lazy.map { String($0.output.1) }
            .first { troupe.players[$0] == nil }
    }

    private func metrics(of expectation: Expectation) async throws -> [String: Int] {
        guard !expectation.metrics.isEmpty else { return [:] }
        if let values = await EnvoyMetrics(admin: admin).values() { return values }
        try await probe()
        return [:]
    }

    /// Waits until no request is under way any more, at most for a second: some never end.
    private func settle() async throws {
        let pattern = "^(cluster\\..*\\.upstream|http\\.front\\.downstream)_rq_active$"
        for _ in 0..<100 {
            guard let active = try? await admin.statistics(matching: pattern) else {
                return try await probe()
            }
            if active.values.allSatisfy({ $0 == 0 }) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func send(
        _ request: ScenarioRequest, _ expectation: Expectation, _ seen: inout StepObservation
    ) async -> String? {
        let client = request.protocol == .http2 ? entry ?? front : front
        var limit = options.stepLimit
        // A little more shows how late it was.
        if let atMost = expectation.atMost { limit = min(limit, atMost + .seconds(1)) }
        let start = ContinuousClock.now
        switch await client.send(request, within: limit) {
        case .response(let response):
            seen.elapsed = ContinuousClock.now - start
            if response.headers.has(ScenarioStage.entryHeader) {
                seen.isClosed = true
                seen.elapsed = nil
            } else {
                seen.response = response
            }
        case .closed(let response):
            seen.response = response
            seen.isClosed = true
        case .timedOut(nil):
            return "no response within \(limit.text)"
        case .timedOut(let response?):
            seen.response = response
            seen.isClosed = true
            return "a response without an end: \(response.body.count) bytes of its body within \(limit.text)"
        case .garbage(let problem): return "the response is no HTTP: \(problem)"
        case .unreachable(let problem): return problem
        }
        return nil
    }

    private func connect(
        _ parts: [BodyPart], _ expectation: Expectation, _ seen: inout StepObservation
    ) async -> String? {
        let pattern = expectation.received
        let untilEnd = expectation.isClosed
        let received = await front.connect(sending: parts, within: options.stepLimit) { bytes in
            guard !untilEnd else { return false }
            switch pattern {
            case nil: return true
            case .equal(let text)?: return bytes.count >= text.utf8.count
            case .bytes(let expected)?: return bytes.count >= expected.count
            case .some(let pattern): return pattern.accepts(received: bytes)
            }
        }
        seen.received = received.bytes
        seen.isClosed = received.isClosed
        return received.problem
    }
}

extension Expectation {
    /// Whether there is something to wait for, so that nothing else is to be waited for once it is there.
    fileprivate var isFulfilledEarly: Bool {
        guard noLog.isEmpty else { return false }
        let calls = [upstream] + services.values
        guard !calls.contains(where: { $0.count == 0 }) else { return false }
        return !log.isEmpty || !metrics.isEmpty || traps
            || calls.contains {
                $0.count != nil || $0.method != nil || $0.path != nil || $0.message.isTelling
            }
    }
}

extension MessageExpectation {
    fileprivate var isTelling: Bool {
        !headers.isEmpty || body != nil || !json.isEmpty || !trailers.isEmpty
    }
}
