// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

/// An RGB picture with memory of its own.
///
/// It can serve one picture after another, and is allocated again only for a larger one.
public final class Image {
  /// Pixels of a row.
  public private(set) var width = 0
  /// Rows.
  public private(set) var height = 0
  // Not public: nothing would keep the image alive while its bytes are used.
  private var pixels = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private let memory = ReusableMemory()

  /// A black picture.
  public init(width: Int, height: Int) throws(ImageError) {
    try reshape(width: width, height: height)
  }

  /// A copy of a picture, as RGB.
  public convenience init(_ source: ImageView) throws(ImageError) {
    try self.init(width: 1, height: 1)
    try copy(source)
  }

  /// Makes this a copy of a picture, as RGB.
  ///
  /// - Throws: As ``reshape(width:height:)``.
  public func copy(_ source: ImageView) throws(ImageError) {
    try reshape(width: source.width, height: source.height)
    let kernels = lvt_kernels_select(lvt_cpu_features()), rowBytes = 3 * source.width
    for y in 0..<source.height {
      let row = UnsafeMutableRawBufferPointer(rebasing: pixels[y * rowBytes..<(y + 1) * rowBytes])
      guard let memory = row.baseAddress else { continue }
      let rgb = source.rgb(row: y, columns: 0..<source.width, kernels: kernels, into: memory)
      if UnsafeRawPointer(rgb) != UnsafeRawPointer(memory) {
        row.copyMemory(from: UnsafeRawBufferPointer(start: rgb, count: rowBytes))
      }
    }
  }

  /// Makes this a picture of another size, whose pixels are undefined until they are written.
  ///
  /// Where it throws ``ImageError/outOfMemory(bytes:)`` there is no picture any more.
  public func reshape(width: Int, height: Int) throws(ImageError) {
    let count = try ImageView.byteCount(format: .rgb8, width: width, height: height)
    // Should there be no memory, the old picture's is gone as well.
    (self.width, self.height) = (0, 0)
    pixels = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    pixels = UnsafeMutableRawBufferPointer(start: try memory.reserve(count), count: count)
    self.width = width
    self.height = height
  }

  /// Gives access to the pixels: height × width times red, green and blue, rows immediately after
  /// each other.
  public func withPixels<R, E: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    defer { withExtendedLifetime(self) {} }
    return try body(pixels)
  }

  /// Gives access to the picture as a view, which is valid only inside `body`.
  public func withView<R, E: Error>(_ body: (ImageView) throws(E) -> R) throws(E) -> R {
    try withPixels { pixels throws(E) in
      try body(ImageView(rgb: UnsafeRawBufferPointer(pixels), width: width, height: height))
    }
  }
}
