// SPDX-License-Identifier: Apache-2.0

/// Turns the tensors that a pickle describes into values, from the storages in the archive.
///
/// Several tensors may share a storage; its checksum is then checked once.
struct TorchStorages {
  private let archive: ZipArchive
  private let folder: String
  private var checked: [String: Range<Int>] = [:]
  private var elementsLeft: Int

  /// Reads storages from the entries under `folder` in `archive`.
  ///
  /// Views may repeat elements of a storage (tied weights, expanded dimensions), so a small file
  /// could ask for any amount of memory. Four values for each byte of the file are plenty.
  init(archive: ZipArchive, folder: String) {
    self.archive = archive
    self.folder = folder
    elementsLeft = 1_000_000 + 4 * archive.file.count
  }

  /// Gathers the values of a tensor.
  ///
  /// - Parameter name: Its name in the state dictionary, for errors.
  /// - Throws: ``ImportError/badTensor(file:tensor:expected:found:)`` if its type is unknown or its
  ///   layout leaves the storage, or what ``ZipArchive/data(of:)`` throws for the storage.
  mutating func tensor(_ tensor: PickleTensor, name: String) throws(ImportError) -> FloatTensor {
    let file = archive.file
    let (type, byteCount) = try type(of: tensor, name: name)
    let entry = "\(folder)/data/\(tensor.storage.key)"
    let range: Range<Int>
    if let known = checked[entry] {
      range = known
    } else {
      range = try archive.data(of: entry)
      checked[entry] = range
    }
    guard range.count == byteCount else {
      throw .badTensor(
        file: file.name, tensor: name, expected: "a storage '\(entry)' of \(byteCount) bytes",
        found: "\(range.count) bytes at \(range.lowerBound)")
    }
    let layout = tensor.layout
    if let fault = layout.validate(storageCount: range.count / type.byteCount) {
      throw .badTensor(
        file: file.name, tensor: name, expected: fault.expected, found: fault.found)
    }
    guard layout.count <= elementsLeft else {
      throw .badTensor(
        file: file.name, tensor: name, expected: "at most \(elementsLeft) more elements",
        found: "shape \(layout.shape)")
    }
    elementsLeft -= layout.count
    let values = file.withBytes(in: range) { layout.gather(type, from: $0) }
    return FloatTensor(shape: layout.shape, values: values)
  }

  /// Returns the type of a tensor's elements and the size that its storage must then have.
  private func type(
    of tensor: PickleTensor, name: String
  ) throws(ImportError) -> (type: StoredType, byteCount: Int) {
    let storage = tensor.storage
    let isUntyped = storage.type == PickleName(module: "torch.storage", name: "UntypedStorage")
    let stated = isUntyped ? tensor.type : storage.type
    guard let stated, let type = StoredType(torch: stated, isStorage: !isUntyped) else {
      throw .badTensor(
        file: archive.file.name, tensor: name, expected: "real or integer elements",
        found: (stated ?? storage.type).dotted)
    }
    guard let byteCount = checkedProduct([storage.count, isUntyped ? 1 : type.byteCount]) else {
      throw .badTensor(
        file: archive.file.name, tensor: name, expected: "a storage that fits in memory",
        found: "\(storage.count) elements")
    }
    return (type, byteCount)
  }
}

extension StoredType {
  /// The type that torch calls `name`, or nil for complex, quantized, 8-bit float and other types.
  ///
  /// - Parameter isStorage: Whether `name` is a storage class such as `torch.FloatStorage`, rather
  ///   than a dtype such as `torch.float32`.
  init?(torch name: PickleName, isStorage: Bool) {
    guard name.module == "torch" || isStorage && name.module == "torch.cuda" else { return nil }
    switch (isStorage, name.name) {
    case (true, "DoubleStorage"), (false, "float64"): self = .float64
    case (true, "FloatStorage"), (false, "float32"): self = .float32
    case (true, "HalfStorage"), (false, "float16"): self = .float16
    case (true, "BFloat16Storage"), (false, "bfloat16"): self = .bfloat16
    case (true, "LongStorage"), (false, "int64"): self = .int64
    case (true, "IntStorage"), (false, "int32"): self = .int32
    case (true, "ShortStorage"), (false, "int16"): self = .int16
    case (true, "CharStorage"), (false, "int8"): self = .int8
    case (true, "ByteStorage"), (false, "uint8"): self = .uint8
    case (true, "BoolStorage"), (false, "bool"): self = .bool
    default: return nil
    }
  }
}
