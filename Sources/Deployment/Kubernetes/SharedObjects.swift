// SPDX-License-Identifier: Apache-2.0

package import JSON

/// A target whose filters stand in a list of an object that others have made.
package protocol SharedObjectTarget: KubernetesTarget {
    /// The object, with its list as it is to be.
    func object(with filters: [ConfigValue], _ place: KubernetesPlace) -> KubernetesObject
    /// Where the list is in the object.
    var listPath: [String] { get }
    /// The name of the deployment that an item of the list is; nil for one of others.
    func id(of item: ConfigValue) -> String?
}

extension SharedObjectTarget {
    /// The list as the API server has it; empty if there is none.
    func list(in live: [JSONValue], _ place: KubernetesPlace) -> [ConfigValue] {
        let wanted = object(with: [], place)
        guard let object = live.first(where: { $0.isSameObject(as: wanted) }) else { return [] }
        let found = listPath.reduce(Optional(object)) { value, key in value?.object?[key] }
        return (found?.array ?? []).map { ConfigValue($0) }
    }

    /// A list with an item in its old place, or as the last.
    func replacing(_ id: String, with item: ConfigValue, in list: [ConfigValue]) -> [ConfigValue] {
        guard let index = list.firstIndex(where: { self.id(of: $0) == id }) else { return list + [item] }
        var list = list
        list[index] = item
        return list
    }

    /// What takes a filter out again and leaves those of others as they are.
    /// - Parameters:
    ///   - id: the deployment.
    ///   - place: where the object is.
    ///   - live: the object, as the API server has it.
    /// - Returns: the object without the filter; nil if it is not in it.
    package func removal(of id: String, at place: KubernetesPlace, live: [JSONValue]) -> KubernetesObject? {
        var place = place
        if place.namespace == nil { place.namespace = usualNamespace }
        let list = list(in: live, place)
        let rest = list.filter { self.id(of: $0) != id }
        guard rest.count != list.count else { return nil }
        var object = object(with: rest, place)
        KubernetesStamp.keepOthers(
            than: id, of: live.first { $0.isSameObject(as: object) }, in: &object)
        return object
    }
}
