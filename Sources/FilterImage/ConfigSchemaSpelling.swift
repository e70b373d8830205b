// SPDX-License-Identifier: Apache-2.0

/// The candidate that a mistyped name most likely means; nil if none is near.
///
/// Near is: a third of the name's characters, at least one, are to be changed, added, left out or swapped.
package func closestName(to name: String, in candidates: some Sequence<String>) -> String? {
    // Longer names are no typing errors, and comparing them would take its time.
    guard name.count <= 64 else { return nil }
    let plain = Array(name.lowercased())
    let nearest =
        candidates
        .filter { $0.count <= 64 }
        .map { (name: $0, distance: editDistance(plain, Array($0.lowercased()))) }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    guard let nearest, nearest.distance <= max(1, name.count / 3) else { return nil }
    return nearest.name
}

/// How many single changes, a swap of neighbours being one, lead from one text to the other.
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (row, leftCharacter) in left.enumerated() {
        var current = [row + 1]
        for (column, rightCharacter) in right.enumerated() {
            var cost = min(last[column + 1], current[column]) + 1
            cost = min(cost, last[column] + (leftCharacter == rightCharacter ? 0 : 1))
            if row > 0, column > 0, leftCharacter == right[column - 1], left[row - 1] == rightCharacter {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
