// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// From the network's input back to the picture that it was made of.
///
/// The picture is what the ``Resizer`` was given: of a JPEG that its decoder has turned upright, the
/// upright one.
public struct PictureMapping: Equatable, Sendable {
  /// What a label map holds where a crop leaves the picture unseen.
  public static let unknownLabel: UInt8 = 255

  /// Pixels of the picture's rows.
  public let width: Int
  /// Rows of the picture.
  public let height: Int
  private let framing: Framing
  private let inputWidth, inputHeight: Int

  /// The way back to a picture of a size.
  ///
  /// - Throws: ``ImageError/size(width:height:)`` for a picture that cannot be, and
  ///   ``ImageError/input(_:)`` for an input that no ``Resizer`` makes.
  public init(width: Int, height: Int, spec: InputSpec) throws(ImageError) {
    _ = try ImageView.byteCount(format: .rgb8, width: width, height: height)
    guard Framing.accepts(spec) else { throw .input(spec) }
    self.width = width
    self.height = height
    framing = Framing(width: width, height: height, spec: spec)
    inputWidth = spec.width
    inputHeight = spec.height
  }

  /// Where a distance from the input's left edge, in pixels, is in the picture; at least 0 and at most
  /// ``width``.
  public func x(_ x: Float) -> Float {
    scaled(x, from: framing.columns, of: framing.resizedWidth, to: width)
  }

  /// Where a distance from the input's upper edge, in pixels, is in the picture; at least 0 and at most
  /// ``height``.
  public func y(_ y: Float) -> Float {
    scaled(y, from: framing.rows, of: framing.resizedHeight, to: height)
  }

  private func scaled(
    _ position: Float, from part: Range<Int>, of resized: Int, to side: Int
  ) -> Float {
    min(max(0, place(position, from: part, of: resized, to: side)), Float(side))
  }

  /// Where a place in the input, in pixels from its left upper corner, is in the picture or beside it.
  package func place(x: Float, y: Float) -> (x: Float, y: Float) {
    (
      place(x, from: framing.columns, of: framing.resizedWidth, to: width),
      place(y, from: framing.rows, of: framing.resizedHeight, to: height)
    )
  }

  private func place(
    _ position: Float, from part: Range<Int>, of resized: Int, to side: Int
  ) -> Float {
    (position + Float(part.lowerBound)) * Float(side) / Float(resized)
  }

  /// Writes a row of the picture's label map: for each pixel the input's label nearest to it.
  ///
  /// Pixel i of n is resized pixel ⌊(i + 1/2) · resized / n⌋, along rows and columns alike. What a crop
  /// leaves unseen is ``unknownLabel``; a letterbox's padding is not used.
  ///
  /// - Parameters:
  ///   - y: 0 ..< ``height``
  ///   - labels: One for each pixel of the input, row after row.
  ///   - row: Room for ``width`` labels, apart from `labels`.
  public func write(
    row y: Int, of labels: UnsafeBufferPointer<UInt8>, into row: UnsafeMutableBufferPointer<UInt8>
  ) {
    precondition(row.count == width && (0..<height).contains(y))
    precondition(labels.count == inputWidth * inputHeight)
    let resizedRow = (2 * y + 1) * framing.resizedHeight / (2 * height)
    guard framing.rows.contains(resizedRow) else {
      row.update(repeating: Self.unknownLabel)
      return
    }
    // The quotient and the remainder of (2 · i + 1) · resized / (2 · width), kept by additions.
    let step = (2 * framing.resizedWidth).quotientAndRemainder(dividingBy: 2 * width)
    var (column, rest) = framing.resizedWidth.quotientAndRemainder(dividingBy: 2 * width)
    let first = (resizedRow - framing.rows.lowerBound) * inputWidth - framing.columns.lowerBound
    for i in row.indices {
      row[i] = framing.columns.contains(column) ? labels[first + column] : Self.unknownLabel
      column += step.quotient
      rest += step.remainder
      if rest >= 2 * width {
        rest -= 2 * width
        column += 1
      }
    }
  }
}
