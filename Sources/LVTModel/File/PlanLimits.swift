// SPDX-License-Identifier: Apache-2.0

/// What a plan may ask for.
///
/// Most limits are the format's and keep all later arithmetic from overflowing. How long a run may take is
/// the caller's to say.
public struct PlanLimits: Equatable, Sendable {
  /// The most work of one run, in multiplications; what does not multiply is counted as PlanFileFormat.md
  /// says.
  ///
  /// As it stands, 10¹¹ is some seconds of a core with AVX2 and a minute of a slow one, and several times
  /// what published networks of these kinds take at 384 × 384.
  public var work: Int = 100_000_000_000

  /// Limits for a plan from anywhere.
  public init() {}

  /// Limits with another one of the work.
  public init(work: Int) { self.work = work }

  package static let entries = 1024
  /// Inputs of a step.
  static let inputs = 8
  static let labels = 65536
  /// Of a position of a detector.
  static let anchors = 64
  /// Convolutions of a detector's tower.
  static let tower = 16
  /// Anchors of a level, and boxes of a picture, that a detector keeps.
  static let candidates = 16384
  /// Boxes of all regions' classes that a detector compares.
  static let candidateBoxes = 1 << 20
  /// Classes of a two-stage detector.
  static let classesOfBoxes = 8192
  /// Cells of a region along each axis, and samples of a cell.
  static let regionSide = 64
  /// Of an anchor, in strides.
  static let anchorSide: Float = 65536
  /// Of what a box's offsets are multiplied with, and of what is added to them.
  static let offset: Float = 65536
  package static let extent = 16384
  /// Channels of a map; of logits, of which published networks have up to 21,841.
  package static func channels(of type: ElementType) -> Int { type == .float32 ? 65536 : 16384 }
  static let arenaBytes = 1 << 31
  package static let k = 32768
  package static let columns = 1 << 22
  static let textBytes = 4096
  static let kernel = 15
  static let strip = 65536
  /// Of an engine.
  public static let threads = 64
  /// Of a score or bias of attention, in magnitude.
  static let score: Int32 = 1 << 21
  /// Of a column's multiplier where sums become integers.
  static let multiplier: Float = 0.5
  /// Of a column's multiplier where sums become float32.
  static let wideMultiplier: Float = 0x1p80
  /// Of a bias that is added to such sums, in magnitude: what comes of both is finite.
  static let wideBias: Float = 0x1p120
  /// Of what an int16 value is multiplied with: 2¹⁶ · 2¹⁴, with the 2³⁰ of a sum beside it, fits int32.
  static let residual: Float = 16384
  /// Of a bias that is added in units of the output, in magnitude.
  static let outputBias: Float = 0x1p24
  /// Of what attention multiplies scores and weighted means with.
  static let attention: Float = 65536
  /// What is added to a variance, so that its root is no zero.
  static let leastEpsilon: Float = 0x1p-40
}
