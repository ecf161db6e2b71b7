// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport

@testable import LVTModel

/// A plan file's sections, of which a file with right checksums can be made again whatever became of them.
struct PlanSections {
  /// In the order of `PlanFormat.Section`.
  private var sections: [[UInt8]]

  /// The sections, as far as the table can be believed; nil for a file without one.
  init?(_ file: [UInt8]) {
    let count = PlanFormat.Section.allCases.count
    guard file.count >= PlanFormat.headerBytes + count * PlanFormat.sectionRecordBytes else {
      return nil
    }
    sections = (0..<count).map { i in
      let record = PlanFormat.headerBytes + i * PlanFormat.sectionRecordBytes
      let start = min(file.count, Int(file.word(at: record + 8)))
      return Array(file[start..<min(file.count, start + Int(file.word(at: record + 16)))])
    }
  }

  subscript(section: PlanFormat.Section) -> [UInt8] {
    get { sections[Int(section.rawValue) - 1] }
    set { sections[Int(section.rawValue) - 1] = newValue }
  }

  /// The file.
  ///
  /// - Parameter multiplications: What the header says; nil for what the steps have.
  func file(multiplications: UInt32? = nil) -> [UInt8] {
    let count = sections.count
    var file = PlanFormat.magic
    file += [UInt8](
      repeating: 0,
      count: PlanFormat.headerBytes + count * PlanFormat.sectionRecordBytes - file.count)
    file.store(UInt32(PlanFormat.version), at: PlanFormat.Header.version)
    file.store(UInt32(count), at: PlanFormat.Header.sectionCount)
    for (i, section) in sections.enumerated() {
      file += [UInt8](
        repeating: 0,
        count: (PlanFormat.alignment - file.count % PlanFormat.alignment) % PlanFormat.alignment)
      let record = PlanFormat.headerBytes + i * PlanFormat.sectionRecordBytes
      file.store(UInt32(i + 1), at: record)
      file.store(UInt64(file.count), at: record + 8)
      file.store(UInt64(section.count), at: record + 16)
      file += section
    }
    file.store(UInt64(file.count), at: PlanFormat.Header.fileBytes)
    PlanFormat.seal(&file, hashed: false)
    let counted =
      multiplications.map { UInt64($0) } ?? UInt64(Self.contents(of: file)?.multiplications ?? 0)
    file.store(counted, at: PlanFormat.Header.multiplications)
    PlanFormat.seal(&file, hashed: false)
    return file
  }

  /// What a file says, whether it is valid or not; nil where it cannot be read.
  static func contents(of file: [UInt8]) -> PlanContents? {
    file.withUnsafeBytes { bytes in
      var reader = PlanReader(file: bytes)
      return try? reader.read()
    }
  }
}

extension [UInt8] {
  /// Four bytes as a number, the lowest first.
  func word(at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(self[offset + $1]) << (8 * UInt32($1)) }
  }
}
