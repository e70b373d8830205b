// SPDX-License-Identifier: Apache-2.0

@main
struct Wasme {
    static func main() {}
}
