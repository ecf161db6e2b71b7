// SPDX-License-Identifier: Apache-2.0

/// The constants of the plan file.
///
/// PlanFileFormat.md describes the layout.
public enum PlanFormat {
  /// The version that this code writes and reads.
  public static let version = 3
  /// Step kinds that came after the first ones: a plan that has them requires their bit, so that an
  /// older runtime says what it lacks.
  enum Feature {
    static let dynamicDepthwise: UInt32 = 1 << 0
    static let windowAttention: UInt32 = 1 << 1
    static let normalizedMLP: UInt32 = 1 << 2
    static let inhomogeneousDepthwise: UInt32 = 1 << 3
    static let convolution: UInt32 = 1 << 6
    static let mapAttention: UInt32 = 1 << 7
    static let residualDepthwise: UInt32 = 1 << 8
    static let int16Stream: UInt32 = 1 << 9
    static let keyNorm: UInt32 = 1 << 10
    static let depthwiseAttention: UInt32 = 1 << 11
  }

  /// Features that this code knows; a plan may require a subset of them.
  static let knownFeatures =
    Feature.dynamicDepthwise | Feature.windowAttention | Feature.normalizedMLP
    | Feature.inhomogeneousDepthwise | Feature.convolution | Feature.mapAttention
    | Feature.residualDepthwise | Feature.int16Stream | Feature.keyNorm
    | Feature.depthwiseAttention
  /// The first eight bytes of every plan: "LVTPLAN" and a zero.
  static let magic: [UInt8] = [0x4C, 0x56, 0x54, 0x50, 0x4C, 0x41, 0x4E, 0x00]

  static let headerBytes = 72
  static let sectionRecordBytes = 24
  /// Every section starts on such a boundary.
  static let alignment = 64

  /// Offsets of the header's fields.
  enum Header {
    static let version = 8
    static let features = 12
    static let fileBytes = 16
    /// Of one run, as the steps say them.
    static let multiplications = 24
    static let sectionCount = 32
    /// CRC-32C of the header with this field zero, then the section table.
    static let checksum = 36
    /// SHA-256 of the file with this field and the checksum zero.
    static let hash = 40
  }

  /// The sections, each present once, in the order of their numbers.
  enum Section: UInt32, CaseIterable {
    case input = 1
    case labels = 2
    case buffers = 3
    case tensors = 4
    case steps = 5
    case constants = 6
    case provenance = 7
    case golden = 8

    var name: String {
      switch self {
      case .input: "input section"
      case .labels: "labels section"
      case .buffers: "buffers section"
      case .tensors: "tensors section"
      case .steps: "steps section"
      case .constants: "constants section"
      case .provenance: "provenance section"
      case .golden: "golden section"
      }
    }
  }

  /// The number that stands for an operation in the steps section.
  enum OperationCode: UInt32 {
    case patchEmbed = 1
    case pointwise = 2
    case depthwise = 3
    case mlp = 4
    case patchMerge = 5
    case head = 6
    case dynamicDepthwise = 7
    case windowAttention = 8
    /// An MLP with a LayerNorm in front.
    case normalizedMLP = 9
    case inhomogeneousDepthwise = 10
    case convolution = 13
    /// A convolution of the picture.
    case pictureConvolution = 14
    case globalAttention = 15
    case dilatedAttention = 16
    /// A depth-wise convolution that adds its input.
    case residualDepthwise = 17
    /// A pointwise step, or an MLP without LayerNorm, whose input is int16.
    case narrowedPointwise = 18
    case narrowedMLP = 19
    /// Window attention with LayerNorm over the keys.
    case keyNormWindowAttention = 20
    case depthwiseSoftmaxAttention = 21
    case depthwiseLayerNormAttention = 22
  }

  /// Stands for "no tensor" where an index may be absent.
  static let none = UInt32.max
}
