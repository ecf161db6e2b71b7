// SPDX-License-Identifier: Apache-2.0

/// Builds the value of a pickle without ever running anything from it.
///
/// A pickle is a program for a small stack machine. This reader runs that program, but a class or
/// function in it is only a name: the few names that make tensors and ordered dictionaries are
/// known to ``PickleCalls``, every other one gives an inert object whose state is dropped.
///
/// Work and memory are bounded by the pickle's length: an instruction adds one value at most,
/// containers hold references, and nothing here recurses, however deep the structure.
struct PickleReader {
  /// The longest pickle that is read.
  ///
  /// That of a network with its optimizer is well under 1 MB.
  static let maximumByteCount = 64 << 20

  /// The most instructions that are run; 300 tensors with their optimizer take about 10,000.
  static let maximumInstructionCount = 2_000_000

  private var cursor: ByteCursor
  private var start: Int
  private var stack = PickleStack()
  private var heap = PickleHeap()

  /// Runs the pickle in `range` of `file`.
  ///
  /// - Returns: The value, and the heap that its references point into.
  /// - Throws: ``ImportError`` with the offset of the first instruction that makes no sense.
  static func read(
    _ file: FileBytes, in range: Range<Int>
  ) throws(ImportError) -> (value: PickleReference, heap: PickleHeap) {
    guard range.count <= maximumByteCount else {
      throw .limitExceeded(
        file: file.name, offset: range.lowerBound, quantity: "a pickle of \(range.count) bytes",
        limit: maximumByteCount)
    }
    var reader = PickleReader(cursor: ByteCursor(file, in: range), start: range.lowerBound)
    let value = try reader.run()
    return (value, reader.heap)
  }

  private init(cursor: ByteCursor, start: Int) {
    self.cursor = cursor
    self.start = start
  }

  private mutating func run() throws(ImportError) -> PickleReference {
    for _ in 0..<Self.maximumInstructionCount {
      start = cursor.offset
      let code = try cursor.integer(UInt8.self, "a pickle instruction")
      guard let opcode = PickleOpcode(rawValue: code) else {
        throw malformed("a pickle instruction", found: "byte \(code)")
      }
      if opcode == .stop {
        guard stack.depth == 0, stack.count == 1, let value = stack.pop() else {
          throw malformed(
            "one value at the end of the pickle",
            found: "\(stack.count) values above \(stack.depth) marks")
        }
        return value
      }
      try execute(opcode)
    }
    throw .limitExceeded(
      file: cursor.file.name, offset: start, quantity: "the number of pickle instructions",
      limit: Self.maximumInstructionCount)
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(ImportError) {
    switch opcode {
    case .stop: break
    case .proto:
      let version = try cursor.integer(UInt8.self, "a pickle protocol")
      guard version <= 5 else { throw malformed("pickle protocol 0 to 5", found: "\(version)") }
    case .frame:
      let length = try cursor.integer(UInt64.self, "a frame's length")
      guard length <= UInt64(cursor.remaining) else {
        throw malformed("a frame inside the pickle", found: "one of \(length) bytes")
      }
    case .none, .newTrue, .newFalse, .int, .binInt, .binInt1, .binInt2, .long, .long1, .long4,
      .float, .binFloat, .string, .binString, .shortBinString, .unicode, .binUnicode,
      .shortBinUnicode, .binUnicode8, .binBytes, .shortBinBytes, .binBytes8, .byteArray8:
      var literal = PickleLiteral(cursor: cursor, start: start)
      let value = try literal.read(opcode)
      cursor = literal.cursor
      stack.push(heap.add(value))
    case .mark, .pop, .popMark, .duplicate, .put, .binPut, .longBinPut, .memoize, .get, .binGet,
      .longBinGet:
      try executeStack(opcode)
    case .emptyTuple, .tuple, .tuple1, .tuple2, .tuple3, .emptyList, .list, .append, .appends,
      .emptyDictionary, .dictionary, .setItem, .setItems, .emptySet, .frozenSet, .addItems:
      try executeContainer(opcode)
    case .global, .stackGlobal, .reduce, .newObject, .newObjectEx, .object, .instance, .build,
      .binPersistentID:
      try executeObject(opcode)
    }
  }

  private mutating func executeStack(_ opcode: PickleOpcode) throws(ImportError) {
    switch opcode {
    case .mark:
      guard stack.mark() else {
        throw .limitExceeded(
          file: cursor.file.name, offset: start, quantity: "the nesting of the pickle",
          limit: PickleStack.maximumDepth)
      }
    case .pop:
      // Python lets POP remove a mark where nothing lies above it.
      if stack.count == 0, stack.depth > 0 { _ = stack.popToMark() } else { _ = try pop() }
    case .popMark: _ = try popToMark()
    case .duplicate: stack.push(try top())
    case .put: try memoize(try memoKey())
    case .binPut: try memoize(UInt32(try cursor.integer(UInt8.self, "a memo key")))
    case .longBinPut: try memoize(try cursor.integer(UInt32.self, "a memo key"))
    case .memoize: guard stack.memoize() else { throw underflow() }
    case .get: try recall(try memoKey())
    case .binGet: try recall(UInt32(try cursor.integer(UInt8.self, "a memo key")))
    default: try recall(try cursor.integer(UInt32.self, "a memo key"))
    }
  }

  private mutating func executeContainer(_ opcode: PickleOpcode) throws(ImportError) {
    switch opcode {
    case .emptyTuple: stack.push(heap.add(PickleValue.tuple, items: []))
    case .tuple1: stack.push(heap.add(PickleValue.tuple, items: try pop(1)))
    case .tuple2: stack.push(heap.add(PickleValue.tuple, items: try pop(2)))
    case .tuple3: stack.push(heap.add(PickleValue.tuple, items: try pop(3)))
    case .tuple: stack.push(heap.add(PickleValue.tuple, items: try popToMark()))
    case .emptyList: stack.push(heap.add(PickleValue.list, items: []))
    case .list: stack.push(heap.add(PickleValue.list, items: try popToMark()))
    case .append: try append(try pop(1))
    case .appends: try append(try popToMark())
    case .emptyDictionary: stack.push(heap.add(PickleValue.dictionary, items: []))
    case .dictionary:
      let items = try popToMark()
      stack.push(heap.add(PickleValue.dictionary, items: []))
      try setItems(items)
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .frozenSet:
      _ = try popToMark()
      stack.push(heap.add(.opaque))
    case .addItems:
      _ = try popToMark()
      _ = try top()
    default: stack.push(heap.add(.opaque))
    }
  }

  private mutating func executeObject(_ opcode: PickleOpcode) throws(ImportError) {
    switch opcode {
    case .global:
      let name = try globalName()
      stack.push(heap.add(name: name))
    case .stackGlobal:
      let parts = try pop(2)
      guard let module = heap.string(parts[0]), let name = heap.string(parts[1]) else {
        throw malformed(
          "the names of a module and a class",
          found: "\(heap.kind(parts[0])) and \(heap.kind(parts[1]))")
      }
      stack.push(heap.add(name: PickleName(module: module, name: name)))
    case .reduce, .newObject:
      let parts = try pop(2)
      try call(parts[0], with: parts[1])
    case .newObjectEx:
      let parts = try pop(3)
      try call(parts[0], with: parts[1])
    case .object:
      let items = try popToMark()
      guard let callee = items.first else { throw underflow() }
      try call(callee, with: heap.add(PickleValue.tuple, items: items.dropFirst()))
    case .instance:
      let name = try globalName()
      let arguments = heap.add(PickleValue.tuple, items: try popToMark())
      try call(heap.add(name: name), with: arguments)
    case .build:
      // The state of an object never matters here: what does (a tensor, a dictionary's items)
      // arrives by other instructions. OrderedDict's `_metadata` is such a state.
      _ = try pop()
      _ = try top()
    default:
      let identifier = try pop()
      try refer(to: identifier)
    }
  }

  private mutating func append(_ items: [PickleReference]) throws(ImportError) {
    let target = try top()
    switch heap[target] {
    case .list(let index): heap.append(items, to: index)
    case .object, .opaque: break
    default: throw malformed("a list to append to", found: heap.kind(target))
    }
  }

  private mutating func setItems(_ items: [PickleReference]) throws(ImportError) {
    let target = try top()
    guard items.count.isMultiple(of: 2) else {
      throw malformed("as many keys as values", found: "\(items.count) items")
    }
    switch heap[target] {
    case .dictionary(let index): heap.append(items, to: index)
    case .object, .opaque: break
    default: throw malformed("a dictionary to add to", found: heap.kind(target))
    }
  }

  private mutating func call(
    _ callee: PickleReference, with arguments: PickleReference
  ) throws(ImportError) {
    do throws(PickleCallError) {
      stack.push(try heap.call(callee, with: arguments))
    } catch {
      throw malformed(error.expected, found: error.found)
    }
  }

  private mutating func refer(to identifier: PickleReference) throws(ImportError) {
    do throws(PickleCallError) {
      stack.push(try heap.storage(for: identifier))
    } catch {
      throw malformed(error.expected, found: error.found)
    }
  }

  private mutating func globalName() throws(ImportError) -> PickleName {
    var literal = PickleLiteral(cursor: cursor, start: start)
    let module = try literal.line("a module's name")
    let name = try literal.line("a class's name")
    cursor = literal.cursor
    return PickleName(module: module, name: name)
  }

  private mutating func memoKey() throws(ImportError) -> UInt32 {
    var literal = PickleLiteral(cursor: cursor, start: start)
    let text = try literal.line("a memo key")
    cursor = literal.cursor
    guard let key = UInt32(text) else { throw malformed("a memo key", found: "'\(text)'") }
    return key
  }

  private mutating func memoize(_ key: UInt32) throws(ImportError) {
    guard stack.memoize(key) else { throw underflow() }
  }

  private mutating func recall(_ key: UInt32) throws(ImportError) {
    guard let value = stack.remembered(key) else {
      throw malformed("a memo key that was set", found: "\(key)")
    }
    stack.push(value)
  }

  private func top() throws(ImportError) -> PickleReference {
    guard let value = stack.top else { throw underflow() }
    return value
  }

  private mutating func pop() throws(ImportError) -> PickleReference {
    guard let value = stack.pop() else { throw underflow() }
    return value
  }

  private mutating func pop(_ number: Int) throws(ImportError) -> [PickleReference] {
    guard let values = stack.pop(number) else { throw underflow() }
    return values
  }

  private mutating func popToMark() throws(ImportError) -> [PickleReference] {
    guard let values = stack.popToMark() else {
      throw malformed("a mark on the stack", found: "none")
    }
    return values
  }

  private func underflow() -> ImportError {
    malformed("more values on the stack", found: "\(stack.count)")
  }

  private func malformed(_ expected: String, found: String) -> ImportError {
    .malformed(file: cursor.file.name, offset: start, expected: expected, found: found)
  }
}
