// SPDX-License-Identifier: Apache-2.0

/// The constants of the plan file.
///
/// PlanFileFormat.md describes the layout.
public enum PlanFormat {
  /// The version that this code writes and reads.
  public static let version = 5
  /// The first eight bytes of every plan: "LVTPLAN" and a zero.
  static let magic: [UInt8] = [0x4C, 0x56, 0x54, 0x50, 0x4C, 0x41, 0x4E, 0x00]

  static let headerBytes = 68
  static let sectionRecordBytes = 24
  /// Every section starts on such a boundary.
  static let alignment = 64

  /// Offsets of the header's fields.
  enum Header {
    static let version = 8
    static let sectionCount = 12
    static let fileBytes = 16
    /// Of one run, as the steps say them.
    static let multiplications = 24
    /// CRC-32C of the header with this field zero, then the section table.
    static let checksum = 32
    /// SHA-256 of the file with this field and the checksum zero.
    static let hash = 36
  }

  /// The sections, each present once, in the order of their numbers.
  enum Section: UInt32, CaseIterable {
    case input = 1
    case labels = 2
    case buffers = 3
    case tensors = 4
    case steps = 5
    case outputs = 6
    case constants = 7
    case provenance = 8
    case golden = 9

    var name: String {
      switch self {
      case .input: "input section"
      case .labels: "labels section"
      case .buffers: "buffers section"
      case .tensors: "tensors section"
      case .steps: "steps section"
      case .outputs: "outputs section"
      case .constants: "constants section"
      case .provenance: "provenance section"
      case .golden: "golden section"
      }
    }
  }
}
