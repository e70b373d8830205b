// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
struct Deploy: WasmeCommand { func run(in context: CommandContext) async throws {} }
