// SPDX-License-Identifier: Apache-2.0

import CurlTransport
import Dispatch
import Foundation
import SystemPackage
import WasmeCommands

/// Reads the surroundings once, runs the command line, and turns Ctrl-C into cancellation.
@main
struct Main {
    static func main() async {
        // A reader of our output that has gone must not end us before we have cleaned up.
        signal(SIGPIPE, SIG_IGN)
        // A parent may have left signals blocked; a child that cannot be stopped is of use to nobody.
        var mask = sigset_t()
        sigemptyset(&mask)
        pthread_sigmask(SIG_SETMASK, &mask, nil)
        let environment = ProcessInfo.processInfo.environment
        let context = CommandContext(
            workingDirectory: FilePath(FileManager.default.currentDirectoryPath), environment: environment,
            terminal: .standard(environment: environment), makeTransport: { CurlTransport() })
        let work = Task { await Wasme.main(Array(CommandLine.arguments.dropFirst()), in: context) }
        let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            // On a queue of its own, not on the main actor that this function belongs to.
            source.setEventHandler { @Sendable in work.cancel() }
            source.activate()
            return source
        }
        let status = await work.value
        // A use after the wait: an optimised build lets go of the sources after the last one, and signals with them.
        for source in sources { source.cancel() }
        exit(status)
    }
}
