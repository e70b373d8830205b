// SPDX-License-Identifier: Apache-2.0

@main
struct WasmeHub {
    static func main() {}
}
