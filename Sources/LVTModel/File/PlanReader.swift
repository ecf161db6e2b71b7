// SPDX-License-Identifier: Apache-2.0

extension Plan {
  /// Maps a plan file and checks all of it but the SHA-256.
  ///
  /// The file must not change while the plan lives: what was checked would no longer hold. Replace a
  /// plan by renaming a new file over it.
  ///
  /// - Parameter limits: How much work a run may be.
  /// - Throws: ``PlanError``; its description does not contain the path.
  public convenience init(
    path: String, limits: PlanLimits = PlanLimits()
  ) throws(PlanError) {
    try self.init(storage: PlanStorage(path: path), limits)
  }

  /// Reads a plan from a copy of `bytes`, with the same checks.
  ///
  /// - Parameter limits: How much work a run may be.
  /// - Throws: ``PlanError``
  public convenience init(
    copying bytes: UnsafeRawBufferPointer, limits: PlanLimits = PlanLimits()
  ) throws(PlanError) {
    try self.init(storage: PlanStorage(copying: bytes), limits)
  }

  private convenience init(storage: PlanStorage, _ limits: PlanLimits) throws(PlanError) {
    var reader = PlanReader(file: storage.bytes)
    let contents = try reader.read()
    try PlanChecker(contents: contents, constants: reader.constants).check()
    try contents.check(multiplications: reader.multiplications, limits)
    self.init(storage: storage, contents: contents, constants: reader.constants)
  }

  /// Whether the SHA-256 of the file is the one in its header.
  ///
  /// Loading checks CRC-32C only, which is faster and finds accidents; this takes milliseconds for
  /// each megabyte.
  public func hashMatches() -> Bool {
    let stored = fileBytes[PlanFormat.Header.hash..<PlanFormat.headerBytes]
    return PlanFormat.contentHash(fileBytes).elementsEqual(stored)
  }

  /// The SHA-256 in the plan's header, as hexadecimal digits.
  public var hashText: String {
    hexadecimal(fileBytes[PlanFormat.Header.hash..<PlanFormat.headerBytes])
  }
}

/// Decodes the sections of a plan file.
///
/// What the numbers mean together is ``PlanChecker``'s concern.
struct PlanReader {
  let file: UnsafeRawBufferPointer
  private(set) var constants = UnsafeRawBufferPointer(start: nil, count: 0)

  init(file: UnsafeRawBufferPointer) { self.file = file }

  /// What the header says; the file must be one that was read.
  var multiplications: UInt64 { load(UInt64.self, at: PlanFormat.Header.multiplications) }

  mutating func read() throws(PlanError) -> PlanContents {
    let sections = try readSections()
    constants = sections[.constants]

    var contents = PlanContents()
    for section in PlanFormat.Section.allCases where section != .constants {
      var reader = FieldReader(sections, section)
      try contents.fields(of: section, &reader)
      try reader.end()
    }
    return contents
  }

  private func readSections() throws(PlanError) -> SectionTable {
    guard file.count >= PlanFormat.magic.count else {
      if file.count > 0, PlanFormat.magic.starts(with: file) {
        throw .truncated(what: "the plan", expected: PlanFormat.headerBytes, found: file.count)
      }
      throw .notAPlan
    }
    guard file.starts(with: PlanFormat.magic) else { throw .notAPlan }
    guard file.count >= PlanFormat.headerBytes else {
      throw .truncated(what: "the plan", expected: PlanFormat.headerBytes, found: file.count)
    }
    // The version comes before any checksum: a newer format may compute it otherwise.
    let version = Int(load(UInt32.self, at: PlanFormat.Header.version))
    guard version == PlanFormat.version else {
      throw .unsupportedVersion(found: version, supported: PlanFormat.version)
    }
    let sections = PlanFormat.Section.allCases
    let tableEnd = PlanFormat.headerBytes + sections.count * PlanFormat.sectionRecordBytes
    guard file.count >= tableEnd else {
      throw .truncated(what: "the plan", expected: tableEnd, found: file.count)
    }
    guard
      load(UInt32.self, at: PlanFormat.Header.checksum) == PlanFormat.headerChecksum(file)
    else { throw .damaged(section: "header") }
    let stated = load(UInt64.self, at: PlanFormat.Header.fileBytes)
    guard stated <= UInt64(file.count) else {
      throw .truncated(
        what: "the plan", expected: Int(truncatingIfNeeded: stated), found: file.count)
    }
    guard stated == UInt64(file.count) else {
      throw .invalid(where: "the file", expected: "\(stated) bytes", found: "\(file.count)")
    }
    let count = load(UInt32.self, at: PlanFormat.Header.sectionCount)
    guard count == UInt32(sections.count) else {
      throw .invalid(where: "header", expected: "\(sections.count) sections", found: "\(count)")
    }

    var table = SectionTable()
    var end = tableEnd
    for (i, section) in sections.enumerated() {
      let record = PlanFormat.headerBytes + i * PlanFormat.sectionRecordBytes
      let kind = load(UInt32.self, at: record)
      guard kind == section.rawValue else {
        throw .invalid(
          where: "section table", expected: "kind \(section.rawValue)", found: "\(kind)")
      }
      // Sections follow each other with less than 64 bytes of zeros between, so none can overlap.
      let start = (end + PlanFormat.alignment - 1) / PlanFormat.alignment * PlanFormat.alignment
      let offset = load(UInt64.self, at: record + 8), size = load(UInt64.self, at: record + 16)
      guard offset == UInt64(start) else {
        throw .invalid(where: section.name, expected: "offset \(start)", found: "\(offset)")
      }
      guard start <= file.count, size <= UInt64(file.count - start) else {
        throw .truncated(
          what: section.name, expected: Int(truncatingIfNeeded: size),
          found: max(0, file.count - start))
      }
      guard file[end..<start].allSatisfy({ $0 == 0 }) else {
        throw .invalid(where: "before the \(section.name)", expected: "zeros", found: "other bytes")
      }
      end = start + Int(size)
      let bytes = UnsafeRawBufferPointer(rebasing: file[start..<end])
      guard CRC32C.checksum(bytes) == load(UInt32.self, at: record + 4) else {
        throw .damaged(section: section.name)
      }
      table.append(bytes)
    }
    guard end == file.count else {
      throw .invalid(where: "end of the plan", expected: "\(end) bytes", found: "\(file.count)")
    }
    return table
  }

  private func load<T: FixedWidthInteger>(_ type: T.Type, at offset: Int) -> T {
    T(littleEndian: file.loadUnaligned(fromByteOffset: offset, as: T.self))
  }
}

extension PlanContents {
  /// Compares a run's work, which the steps tell, with what the header says and with the limit.
  fileprivate func check(multiplications: UInt64, _ limits: PlanLimits) throws(PlanError) {
    guard multiplications == UInt64(self.multiplications) else {
      throw .invalid(
        where: "header", expected: "\(self.multiplications) multiplications, as the steps have",
        found: "\(multiplications)")
    }
    let work = work
    guard work <= limits.work else { throw .tooMuchWork(needed: work, limit: limits.work) }
  }
}

/// The bytes of each section, in the order of ``PlanFormat/Section``.
struct SectionTable {
  private var bytes: [UnsafeRawBufferPointer] = []

  mutating func append(_ section: UnsafeRawBufferPointer) { bytes.append(section) }

  subscript(section: PlanFormat.Section) -> UnsafeRawBufferPointer {
    bytes[Int(section.rawValue) - 1]
  }
}
