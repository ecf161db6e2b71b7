// SPDX-License-Identifier: Apache-2.0

/// A value that a pickle builds.
///
/// Containers hold references into a ``PickleHeap``, never values: what a pickle shares stays
/// shared, a container may hold itself, and neither copying nor freeing ever recurses.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int64)
  case float(Double)
  case string(String)
  /// A list, by the index of its items in the heap.
  case list(Int)
  /// A tuple, by the index of its items in the heap.
  case tuple(Int)
  /// A dictionary, by the index of its alternating keys and values in the heap.
  case dictionary(Int)
  /// A class or function, by the index of its name in the heap. It is only ever compared by name.
  case global(Int)
  /// A persistent reference to a storage, by the index in the heap.
  case storage(Int)
  /// A tensor, by the index in the heap.
  case tensor(Int)
  /// An instance of something that the reader does not know, by the index of its class's name.
  /// Its state and items are dropped.
  case object(Int)
  /// A value that no checkpoint needs to be read: bytes, a set, an integer over 64 bits.
  case opaque
}

/// The index of a value in a ``PickleHeap``.
struct PickleReference: Equatable {
  fileprivate let index: UInt32
}

/// The dotted name of a class or function.
struct PickleName: Hashable {
  /// The module, such as `torch._utils`.
  let module: String

  /// The name in the module, such as `_rebuild_tensor_v2`.
  let name: String

  /// The two, joined by a dot.
  var dotted: String { "\(module).\(name)" }
}

/// A storage as `torch.save` refers to it: the bytes are in another entry of the archive.
struct PickleStorage {
  /// The storage class, such as `torch.FloatStorage`, which gives the type of the elements.
  let type: PickleName

  /// The name of the archive's entry under `data/`.
  let key: String

  /// The number of elements, or of bytes where the storage has no type.
  let count: Int
}

/// A tensor as `torch.save` describes it: a layout over a storage, not yet checked.
struct PickleTensor {
  /// The storage that holds the elements.
  let storage: PickleStorage

  /// The type of the elements where the storage has none.
  let type: PickleName?

  /// Where the elements lie in the storage.
  let layout: StridedLayout
}

/// Everything that a pickle has built.
struct PickleHeap {
  private(set) var names: [PickleName] = []
  private(set) var storages: [PickleStorage] = []
  private(set) var tensors: [PickleTensor] = []
  private var values: [PickleValue] = []
  private var sequences: [[PickleReference]] = []

  /// How many more items calls may copy.
  ///
  /// A call has a few bytes but its argument may be any list
  /// that was built before, so copying is the one thing that the pickle's length does not bound.
  private var copiesLeft = 1_000_000

  /// The value that a reference stands for.
  subscript(reference: PickleReference) -> PickleValue { values[Int(reference.index)] }

  /// The items of a list or tuple, or the alternating keys and values of a dictionary.
  func items(_ sequence: Int) -> [PickleReference] { sequences[sequence] }

  /// Adds a value.
  mutating func add(_ value: PickleValue) -> PickleReference {
    values.append(value)
    return PickleReference(index: UInt32(values.count - 1))
  }

  /// Adds a container of the kind that `make` gives, with its items.
  mutating func add(
    _ make: (Int) -> PickleValue, items: some Sequence<PickleReference>
  ) -> PickleReference {
    sequences.append(Array(items))
    return add(make(sequences.count - 1))
  }

  /// Adds items to the end of a container, in place.
  mutating func append(_ items: some Sequence<PickleReference>, to sequence: Int) {
    sequences[sequence].append(contentsOf: items)
  }

  /// Accounts for copying `count` items.
  ///
  /// - Returns: False if the pickle has copied too many already.
  mutating func takeCopies(_ count: Int) -> Bool {
    copiesLeft -= count
    return copiesLeft >= 0
  }

  /// Adds a class or function.
  mutating func add(name: PickleName) -> PickleReference {
    names.append(name)
    return add(.global(names.count - 1))
  }

  /// Adds a storage.
  mutating func add(storage: PickleStorage) -> PickleReference {
    storages.append(storage)
    return add(.storage(storages.count - 1))
  }

  /// Adds a tensor.
  mutating func add(tensor: PickleTensor) -> PickleReference {
    tensors.append(tensor)
    return add(.tensor(tensors.count - 1))
  }

  /// The text of a string, or nil for any other value.
  func string(_ reference: PickleReference) -> String? {
    if case .string(let text) = self[reference] { text } else { nil }
  }

  /// The value of an integer that is a valid size or index here, or nil.
  func integer(_ reference: PickleReference) -> Int? {
    if case .integer(let value) = self[reference] { Int(exactly: value) } else { nil }
  }

  /// The items of a tuple or list, or nil for any other value.
  func sequence(_ reference: PickleReference) -> [PickleReference]? {
    switch self[reference] {
    case .tuple(let index), .list(let index): sequences[index]
    default: nil
    }
  }

  /// The keys and values of a dictionary, or nil for any other value.
  func pairs(_ reference: PickleReference) -> [(key: PickleReference, value: PickleReference)]? {
    guard case .dictionary(let index) = self[reference] else { return nil }
    let items = sequences[index]
    return stride(from: 0, to: items.count - 1, by: 2).map { (items[$0], items[$0 + 1]) }
  }

  /// What a value is, in a few words for an error.
  func kind(_ reference: PickleReference) -> String {
    switch self[reference] {
    case .none: "None"
    case .bool: "a bool"
    case .integer(let value): "the integer \(value)"
    case .float: "a float"
    case .string(let text): "the string '\(text.prefix(40))'"
    case .list(let index): "a list of \(sequences[index].count)"
    case .tuple(let index): "a tuple of \(sequences[index].count)"
    case .dictionary(let index): "a dictionary of \(sequences[index].count / 2)"
    case .global(let index): names[index].dotted
    case .storage: "a storage"
    case .tensor: "a tensor"
    case .object(let index): "an object of \(names[index].dotted)"
    case .opaque: "bytes, a set or a large integer"
    }
  }
}
