// SPDX-License-Identifier: Apache-2.0
public import LVT

extension Image {
  /// Lays the colours of a label map's classes half-transparently over the picture, and plates with their
  /// names and shares of the pixels into the left upper corner, as in `Road 41%`.
  ///
  /// Colours are those of ``Palette``. Pixels of no class, ``LVTImage/PictureMapping/unknownLabel``, and of
  /// classes that are not wanted stay as they are. There are plates for classes of half a percent or more,
  /// as many as there is room for.
  ///
  /// - Parameters:
  ///   - map: Of this image's size.
  ///   - labels: Names of the classes; none, or one for each class.
  ///   - filter: Which classes are wanted.
  public func overlay(
    _ map: LabelMap, labels: [String], filter: ResultFilter = ResultFilter()
  ) {
    precondition(map.width == width && map.height == height)
    let shares = map.shares(filter)
    // Whether a class is laid over the picture.
    var isShown = [Bool](repeating: false, count: 256)
    for entry in shares { isShown[entry.classIndex] = true }
    withPixels { pixels in
      let canvas = Canvas(pixels, width: width, height: height)
      for (pixel, label) in map.labels.enumerated() where isShown[Int(label)] {
        canvas.tint(pixel, Palette.colour(of: Int(label)))
      }
      var y = 0
      for entry in shares where entry.share >= 0.005 && y + canvas.plateHeight <= height {
        canvas.plate(
          plateText(className(entry.classIndex, labels), entry.share), x: 0, y: y,
          Palette.colour(of: entry.classIndex))
        y += canvas.plateHeight
      }
    }
  }
}
