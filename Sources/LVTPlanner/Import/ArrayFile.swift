// SPDX-License-Identifier: Apache-2.0

/// Reads one array out of a `.npy` or a `.safetensors` file; the content decides which it is.
public enum ArrayFile {
  /// Reads an array.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - name: Which tensor of a safetensors file; nil for its only one.
  /// - Throws: ``ImportError`` if the file cannot be read, is damaged, or does not hold that array.
  public static func read(
    path: String, named name: String? = nil
  ) throws(ImportError) -> FloatTensor {
    try read(try FileBytes(path: path), named: name)
  }

  /// Reads an array from bytes in memory or from a mapped file.
  static func read(
    _ file: FileBytes, named name: String? = nil
  ) throws(ImportError) -> FloatTensor {
    let start = file.withBytes(in: 0..<min(file.count, 16)) { Array($0) }
    if NumpyArray.isOne(start: start) {
      if let name {
        throw .missing(
          file: file.name, expected: "a safetensors file with tensor '\(name)'",
          found: "a .npy file, which has no names")
      }
      return try NumpyArray.read(file)
    }
    guard SafetensorsReader.isOne(start: start) else {
      throw .unknownFormat(
        file: file.name, expected: "a .npy or .safetensors file",
        found: "a file with another beginning")
    }
    let reader = try SafetensorsReader(file)
    let entries = reader.entries.filter { name == nil || $0.name == name }
    guard entries.count == 1 else {
      let names = reader.entries.map { "'\($0.name)'" }.joined(separator: ", ")
      throw .missing(
        file: file.name, expected: name.map { "tensor '\($0)'" } ?? "one tensor, or --tensor-name",
        found: names.isEmpty ? "none" : names)
    }
    return try reader.tensor(entries[0])
  }
}
