// SPDX-License-Identifier: Apache-2.0

/// The class of every pixel: logits are read on a finer grid, bilinearly, and the greatest of each place is
/// named; of equals the first.
///
/// With the weights of ``ResampledAxis`` a logit of a place is
/// `(a · (128 − w) + b · w) · (128 − v) + (c · (128 − w) + d · w) · v`, where a and c are of the rows before and
/// behind the place in one column, b and d in the next. Only the ranking matters, so nothing is rounded.
public struct LabelPixels: Equatable, Sendable {
  /// The grid.
  public var extent = Extent()

  /// Zeros, to be filled.
  public init() {}

  /// Classes of which a byte can name one.
  public static let maximumClasses = 256
}

extension LabelPixels: StepOperation {
  static let code: UInt32 = 16
  var name: String { "labelPixels" }
  var inputTypes: [ElementTypes] { [.int16] }
  var matrices: [PackedMatrix] { [] }
  var kernels: [String] { ["greatest_s16", "label_row_s16"] }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) { try c.code(&extent) }

  func form(_ c: StepContext) throws(PlanError) -> OutputForm {
    OutputForm(Shape(height: extent.height, width: extent.width, channels: 1), .labels)
  }

  func check(_ c: StepContext) throws(PlanError) {
    try c.require(
      c.input.shape.channels <= LabelPixels.maximumClasses,
      "at most \(LabelPixels.maximumClasses) classes", "\(c.input.shape.channels)")
  }

  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    ScratchNeed(
      LabelPixelsScratch(operands.input.shape, grid: operands.output.shape.width).byteCount)
  }

  func work(_ c: StepCounter) -> StepWork {
    var work = StepWork()
    // At worst every pixel lies at an edge between classes.
    work.add(3 * c.positions * c.channels(c.input.channels), to: .values)
    return work
  }
}

/// Where each column lies, and the greatest channel at each position of two rows of the logits and of a row
/// between them.
public struct LabelPixelsScratch: Sendable {
  /// Offsets of the parts.
  public let places, above, below, between: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of logits that are read at so many columns.
  public init(_ map: Shape, grid columns: Int) {
    var cursor = ScratchCursor()
    places = cursor.reserve(columns * 8)
    above = cursor.reserve(map.width)
    below = cursor.reserve(map.width)
    between = cursor.reserve(map.width)
    byteCount = cursor.byteCount
  }
}
