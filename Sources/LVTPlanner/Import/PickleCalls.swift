// SPDX-License-Identifier: Apache-2.0

/// Why a known function cannot be called with the arguments that a pickle gives it.
struct PickleCallError: Error {
  let expected: String
  let found: String
}

extension PickleHeap {
  /// Gives what calling or instantiating `callee` would give.
  ///
  /// The functions that rebuild tensors give tensors, `OrderedDict` and `defaultdict` a dictionary, `torch.Size` its
  /// tuple. Every other class or function gives an inert object, whatever the arguments.
  ///
  /// - Throws: ``PickleCallError`` if `callee` cannot be called, or if a known function gets
  ///   arguments that torch would never write.
  mutating func call(
    _ callee: PickleReference, with arguments: PickleReference
  ) throws(PickleCallError) -> PickleReference {
    switch self[callee] {
    case .global(let index):
      return try call(index, with: arguments)
    case .object(let index):
      // A call of what an unknown call returned, such as `getattr(…)(…)`.
      return add(.object(index))
    default:
      throw PickleCallError(expected: "a class or function to call", found: kind(callee))
    }
  }

  private mutating func call(
    _ index: Int, with tuple: PickleReference
  ) throws(PickleCallError) -> PickleReference {
    let name = names[index]
    guard let arguments = sequence(tuple) else {
      throw PickleCallError(expected: "arguments for \(name.dotted)", found: kind(tuple))
    }
    switch (name.module, name.name) {
    case ("collections", "OrderedDict"):
      return try orderedDictionary(arguments)
    case ("collections", "defaultdict"):
      // Of the class that makes absent values; its items follow.
      return add(PickleValue.dictionary, items: [])
    case ("torch", "Size"):
      guard let sizes = arguments.first, sequence(sizes) != nil else { break }
      return sizes
    case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
      return try tensor(arguments, type: nil)
    case ("torch._utils", "_rebuild_tensor_v3"):
      guard arguments.count > 6, case .global(let type) = self[arguments[6]] else {
        throw PickleCallError(expected: "a dtype for _rebuild_tensor_v3", found: "none")
      }
      return try tensor(arguments, type: names[type])
    case ("torch._utils", "_rebuild_parameter"),
      ("torch._utils", "_rebuild_parameter_with_state"):
      guard let data = arguments.first else { break }
      return data
    case ("torch._tensor", "_rebuild_from_type_v2"):
      // (function, class, arguments, state): a tensor that carries attributes of its own.
      guard arguments.count >= 3, case .global(let function) = self[arguments[0]],
        names[function].module == "torch._utils"
      else { break }
      return try call(function, with: arguments[2])
    default: break
    }
    return add(.object(index))
  }

  private mutating func orderedDictionary(
    _ arguments: [PickleReference]
  ) throws(PickleCallError) -> PickleReference {
    var items: [PickleReference] = []
    if let list = arguments.first {
      guard let pairs = sequence(list) else {
        throw PickleCallError(expected: "a list of pairs", found: kind(list))
      }
      guard takeCopies(pairs.count) else {
        throw PickleCallError(expected: "fewer copied items", found: kind(list))
      }
      for pair in pairs {
        guard let both = sequence(pair), both.count == 2 else {
          throw PickleCallError(expected: "a key and a value", found: kind(pair))
        }
        items += both
      }
    }
    return add(PickleValue.dictionary, items: items)
  }

  private mutating func tensor(
    _ arguments: [PickleReference], type: PickleName?
  ) throws(PickleCallError) -> PickleReference {
    guard arguments.count >= 4, case .storage(let storage) = self[arguments[0]],
      let offset = integer(arguments[1]), let shape = sizes(arguments[2]),
      let strides = sizes(arguments[3])
    else {
      throw PickleCallError(
        expected: "a storage, an offset, a shape and strides",
        found: arguments.prefix(4).map(kind).joined(separator: ", "))
    }
    let layout = StridedLayout(offset: offset, shape: shape, strides: strides)
    return add(tensor: PickleTensor(storage: storages[storage], type: type, layout: layout))
  }

  /// The integers of a tuple or list that is short enough to be a shape, or nil.
  private func sizes(_ reference: PickleReference) -> [Int]? {
    guard let items = sequence(reference), items.count <= StridedLayout.maximumRank else {
      return nil
    }
    let values = items.compactMap(integer)
    return values.count == items.count ? values : nil
  }

  /// Gives the storage that a persistent identifier of `torch.save` refers to.
  ///
  /// - Throws: ``PickleCallError`` unless it is a tuple of `"storage"`, a storage class, a key, a
  ///   device and a number of elements.
  mutating func storage(
    for identifier: PickleReference
  ) throws(PickleCallError) -> PickleReference {
    guard let parts = sequence(identifier), parts.count >= 5, string(parts[0]) == "storage",
      case .global(let type) = self[parts[1]], let key = string(parts[2]),
      let count = integer(parts[4]), count >= 0
    else {
      throw PickleCallError(
        expected: "a storage's class, key, device and size", found: kind(identifier))
    }
    return add(storage: PickleStorage(type: names[type], key: key, count: count))
  }
}
