// SPDX-License-Identifier: Apache-2.0
internal import LVTImage
internal import LVTModel

/// The pixels of an image, to fill rectangles and write letters; what lies outside is left out.
struct Canvas {
  let width, height: Int
  /// How many pixels wide lines and the dots of letters are: more in larger pictures.
  let unit: Int
  /// Height × width times red, green and blue.
  private let pixels: UnsafeMutableRawBufferPointer
  private let font = Font()

  /// - Parameter pixels: Those of an RGB picture of that size, valid as long as the canvas is used.
  init(_ pixels: UnsafeMutableRawBufferPointer, width: Int, height: Int) {
    self.pixels = pixels
    self.width = width
    self.height = height
    unit = 1 + max(width, height) / 500
  }

  func fill(_ columns: Range<Int>, _ rows: Range<Int>, _ colour: RGB) {
    let columns = columns.clamped(to: 0..<width)
    for y in rows.clamped(to: 0..<height) {
      for x in columns {
        let at = 3 * (y * width + x)
        (pixels[at], pixels[at + 1], pixels[at + 2]) = (colour.red, colour.green, colour.blue)
      }
    }
  }

  /// Halves the way of a pixel to a colour.
  func tint(_ pixel: Int, _ colour: RGB) {
    func mean(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8((Int(a) + Int(b)) / 2) }
    let at = 3 * pixel
    pixels[at] = mean(pixels[at], colour.red)
    pixels[at + 1] = mean(pixels[at + 1], colour.green)
    pixels[at + 2] = mean(pixels[at + 2], colour.blue)
  }

  // MARK: Plates

  /// Rows of a plate.
  var plateHeight: Int { unit * (Font.height + 4) }

  /// Columns of a plate with a text.
  func plateWidth(_ text: String) -> Int {
    unit * ((Font.width + 1) * text.unicodeScalars.count + 3)
  }

  /// Writes a text on a plate of a colour, which is moved into the picture where it fits there.
  ///
  /// - Parameters:
  ///   - x: Of the plate's left upper corner.
  ///   - y: As `x`.
  func plate(_ text: String, x: Int, y: Int, _ colour: RGB) {
    let left = max(0, min(x, width - plateWidth(text)))
    let top = max(0, min(y, height - plateHeight))
    fill(left..<left + plateWidth(text), top..<top + plateHeight, colour)
    let ink = Palette.text(on: colour)
    var column = left + 2 * unit
    for character in text.unicodeScalars {
      for (row, bits) in font.rows(of: character).enumerated() {
        let y = top + (2 + row) * unit
        for dot in 0..<Font.width where bits & (16 >> UInt8(dot)) != 0 {
          let x = column + dot * unit
          fill(x..<x + unit, y..<y + unit, ink)
        }
      }
      column += (Font.width + 1) * unit
    }
  }
}

/// The first characters of a class's name, which may be long, and a share of 0 … 1 in percent.
func plateText(_ name: String, _ share: Double) -> String {
  var text = ""
  for (i, character) in name.unicodeScalars.enumerated() where i < 24 {
    text.unicodeScalars.append(character)
  }
  return "\(text) \(Int((100 * min(max(0, share), 1)).rounded()))%"
}
