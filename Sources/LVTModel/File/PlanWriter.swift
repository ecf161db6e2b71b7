// SPDX-License-Identifier: Apache-2.0

extension PlanContents {
  /// The bytes of a plan file with these contents.
  ///
  /// - Parameters:
  ///   - constants: Packed weights and tables, as the steps' offsets say.
  ///   - hashed: Whether the SHA-256 is computed, which takes longer than all the rest; a plan without is
  ///     for this process only.
  public func encoded(constants: [UInt8], hashed: Bool = true) -> [UInt8] {
    var sections: [[UInt8]] = []
    for section in PlanFormat.Section.allCases {
      sections.append(section == .constants ? constants : body(of: section))
    }

    var offset = PlanFormat.headerBytes + sections.count * PlanFormat.sectionRecordBytes
    var table = ByteWriter()
    for (section, bytes) in zip(PlanFormat.Section.allCases, sections) {
      offset = aligned(offset)
      table.append(section.rawValue)
      table.append(UInt32(0))  // checksum
      table.append(UInt64(offset))
      table.append(UInt64(bytes.count))
      offset += bytes.count
    }

    var file = ByteWriter()
    file.bytes = PlanFormat.magic
    file.append(UInt32(PlanFormat.version))
    file.append(UInt32(sections.count))
    file.append(UInt64(offset))
    file.append(UInt64(multiplications))
    file.append(UInt32(0))  // checksum, and the hash: seal() fills both
    for _ in 0..<4 { file.append(UInt64(0)) }
    file.bytes += table.bytes
    for bytes in sections {
      file.bytes += [UInt8](repeating: 0, count: aligned(file.bytes.count) - file.bytes.count)
      file.bytes += bytes
    }
    PlanFormat.seal(&file.bytes, hashed: hashed)
    return file.bytes
  }

  private func aligned(_ offset: Int) -> Int {
    (offset + PlanFormat.alignment - 1) / PlanFormat.alignment * PlanFormat.alignment
  }

  private func body(of section: PlanFormat.Section) -> [UInt8] {
    var contents = self, writer = ByteWriter()
    contents.fields(of: section, &writer)
    return writer.bytes
  }
}

extension PlanFormat {
  /// Computes the sections' checksums, the hash and the header's checksum anew, in place.
  ///
  /// For the writer, and for tests that alter a plan: the altered one is then refused, if at all, for what
  /// it says and not for its checksums. Does nothing to a file too short to hold a section table.
  package static func seal(_ file: inout [UInt8], hashed: Bool = true) {
    let sections = Section.allCases.count
    guard file.count >= headerBytes + sections * sectionRecordBytes else { return }
    for i in 0..<sections {
      let record = headerBytes + i * sectionRecordBytes
      let (offset, size) = file.withUnsafeBytes { bytes in
        (
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: record + 8, as: UInt64.self)),
          UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: record + 16, as: UInt64.self))
        )
      }
      let count = UInt64(file.count)
      guard offset <= count, size <= count - offset else { continue }
      let crc = file.withUnsafeBytes {
        CRC32C.checksum(.init(rebasing: $0[Int(offset)..<Int(offset + size)]))
      }
      store(crc, at: record + 4, in: &file)
    }
    for i in Header.checksum..<headerBytes { file[i] = 0 }
    if hashed {
      let hash = file.withUnsafeBytes { SHA256.hash($0) }
      file.replaceSubrange(Header.hash..<headerBytes, with: hash)
    }
    store(file.withUnsafeBytes { headerChecksum($0) }, at: Header.checksum, in: &file)
  }

  private static func store(_ value: UInt32, at offset: Int, in file: inout [UInt8]) {
    for i in 0..<4 { file[offset + i] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(i))) }
  }

  /// The checksum of header and section table, as far as the file reaches.
  static func headerChecksum(_ file: UnsafeRawBufferPointer) -> UInt32 {
    var crc = CRC32C.checksum(.init(rebasing: file[0..<Header.checksum]))
    let zeros: [UInt8] = [0, 0, 0, 0]
    crc = zeros.withUnsafeBytes { CRC32C.checksum($0, continuing: crc) }
    let end = min(headerBytes + Section.allCases.count * sectionRecordBytes, file.count)
    return CRC32C.checksum(.init(rebasing: file[Header.hash..<end]), continuing: crc)
  }

  /// SHA-256 of a plan file with its hash and checksum fields as zeros.
  static func contentHash(_ file: UnsafeRawBufferPointer) -> [UInt8] {
    var sha = SHA256()
    sha.update(.init(rebasing: file[0..<Header.checksum]))
    let zeros = [UInt8](repeating: 0, count: headerBytes - Header.checksum)
    zeros.withUnsafeBytes { sha.update($0) }
    sha.update(.init(rebasing: file[headerBytes...]))
    return sha.finish()
  }
}
