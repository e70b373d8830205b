// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
struct Init: WasmeCommand { func run(in context: CommandContext) async throws {} }
struct Build: WasmeCommand { func run(in context: CommandContext) async throws {} }
struct Deploy: WasmeCommand { func run(in context: CommandContext) async throws {} }
