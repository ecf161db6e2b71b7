// SPDX-License-Identifier: Apache-2.0

import LVTImage
import LVTModel
import Testing

struct FrameFormatTests {
  /// Samples of a frame: luma for each pixel, chroma for each pair of columns and, in the formats
  /// that halve rows too, of rows.
  struct Frame {
    let format: PixelFormat
    let width, height: Int
    var y: [[UInt8]], u: [[UInt8]], v: [[UInt8]]

    init(_ format: PixelFormat, width: Int, height: Int, seed: UInt64) {
      self.format = format
      self.width = width
      self.height = height
      var generator = SplitMix64(seed: seed)
      func plane(_ rows: Int, _ columns: Int) -> [[UInt8]] {
        (0..<rows).map { _ in
          (0..<columns).map { _ in UInt8.random(in: 0...255, using: &generator) }
        }
      }
      let chromaRows = Self.halvesRows(format) ? (height + 1) / 2 : height
      y = plane(height, width)
      u = plane(chromaRows, (width + 1) / 2)
      v = plane(chromaRows, (width + 1) / 2)
    }

    static func halvesRows(_ format: PixelFormat) -> Bool {
      format == .nv12 || format == .nv21 || format == .yu12
    }

    /// The bytes of the format, rows `stride` apart.
    func bytes(stride: Int) -> [UInt8] {
      func padded(_ rows: [[UInt8]], _ stride: Int) -> [UInt8] {
        rows.flatMap { $0 + [UInt8](repeating: 0xAA, count: stride - $0.count) }
      }
      func zipped(_ a: [[UInt8]], _ b: [[UInt8]]) -> [[UInt8]] {
        zip(a, b).map { a, b in zip(a, b).flatMap { [$0, $1] } }
      }
      let even = y.map { $0.count % 2 == 0 ? $0 : $0 + [0xAA] }
      switch format {
      case .yuyv: return padded(zipped(even, zip(u, v).map { u, v in zipped([u], [v])[0] }), stride)
      case .uyvy: return padded(zipped(zip(u, v).map { u, v in zipped([u], [v])[0] }, even), stride)
      case .nv12: return padded(y, stride) + padded(zipped(u, v), stride)
      case .nv21: return padded(y, stride) + padded(zipped(v, u), stride)
      case .yu12:
        let half = (stride + 1) / 2
        return padded(y, stride) + padded(u, half) + padded(v, half)
      case .rgb8, .bgr8, .rgba8, .bgra8, .gray8: fatalError("no luma and chroma")
      }
    }

    /// The frame as RGB.
    func rgb(_ colour: ColourEncoding) throws -> Image {
      let image = try Image(width: width, height: height)
      image.withPixels { pixels in
        for row in 0..<height {
          for x in 0..<width {
            let chromaRow = Self.halvesRows(format) ? row / 2 : row
            for (c, value) in Self.colours(
              Int(y[row][x]), Int(u[chromaRow][x / 2]), Int(v[chromaRow][x / 2]), colour
            ).enumerated() {
              pixels[3 * (row * width + x) + c] = value
            }
          }
        }
      }
      return image
    }

    /// In units of 2^-13, as the definition has them.
    static func colours(_ y: Int, _ u: Int, _ v: Int, _ colour: ColourEncoding) -> [UInt8] {
      let u = u - 128, v = v - 128
      let sums =
        switch (colour.matrix, colour.range) {
        case (.bt601, .limited):
          [
            9539 * (y - 16) + 13075 * v, 9539 * (y - 16) - 3209 * u - 6660 * v,
            9539 * (y - 16) + 16525 * u,
          ]
        case (.bt601, .full):
          [8192 * y + 11485 * v, 8192 * y - 2819 * u - 5850 * v, 8192 * y + 14516 * u]
        case (.bt709, .limited):
          [
            9539 * (y - 16) + 14686 * v, 9539 * (y - 16) - 1747 * u - 4366 * v,
            9539 * (y - 16) + 17305 * u,
          ]
        case (.bt709, .full):
          [8192 * y + 12901 * v, 8192 * y - 1535 * u - 3835 * v, 8192 * y + 15201 * u]
        }
      return sums.map { UInt8(clamping: ($0 + 4096) >> 13) }
    }
  }

  static let formats: [PixelFormat] = [.yuyv, .uyvy, .nv12, .nv21, .yu12]

  /// A copy of exactly the bytes that a view needs, so that the address sanitizer sees a read past it.
  private func withView<R>(
    _ frame: Frame, stride: Int, colour: ColourEncoding, _ body: (ImageView) throws -> R
  ) throws -> R {
    let count = try ImageView.byteCount(
      format: frame.format, width: frame.width, height: frame.height, stride: stride)
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
    defer { copy.deallocate() }
    copy.copyBytes(from: frame.bytes(stride: stride).prefix(count))
    return try body(
      ImageView(
        format: frame.format, width: frame.width, height: frame.height, stride: stride,
        colour: colour, bytes: UnsafeRawBufferPointer(copy)))
  }

  static let specs = [
    InputSpec(width: 20, height: 16, interpolation: .bicubic),
    InputSpec(width: 24, height: 24, fit: .crop(fraction: 0.75), interpolation: .bilinear),
    InputSpec(width: 64, height: 64, fit: .crop(fraction: 0.875), interpolation: .bilinear),
    InputSpec(
      width: 24, height: 32, fit: .letterbox(padding: RGB(red: 124, green: 116, blue: 104)),
      interpolation: .bilinear),
  ]

  @Test(arguments: formats, [(64, 48), (37, 29), (33, 70), (1, 1), (2, 3), (97, 40)])
  func frameIsResizedAsItsPictureIs(format: PixelFormat, size: (width: Int, height: Int)) throws {
    for (i, spec) in Self.specs.enumerated() {
      for colour in Self.encodings {
        for isa in ISA.available {
          let frame = Frame(format, width: size.width, height: size.height, seed: UInt64(i))
          let expected = try resized(frame.rgb(colour), spec)
          for extra in [0, 1, 6] {
            let stride = format.rowBytes(width: size.width) + extra
            let found = try withView(frame, stride: stride, colour: colour) {
              try Resizer(spec: spec, isa: isa).bytes($0)
            }
            #expect(found == expected, "\(spec) \(colour) \(isa) \(stride)")
          }
        }
      }
    }
  }

  static let encodings = [ColourMatrix.bt601, .bt709].flatMap { matrix in
    [ColourRange.limited, .full].map { ColourEncoding(matrix: matrix, range: $0) }
  }

  @Test(arguments: encodings)
  func coloursAreThoseOfTheStandardToTheNearest(colour: ColourEncoding) {
    let (offset, luma, chroma) =
      colour.range == .full ? (0.0, 1.0, 1.0) : (16.0, 255.0 / 219, 255.0 / 224)
    let (red, blue) = colour.matrix == .bt601 ? (0.299, 0.114) : (0.2126, 0.0722)
    for y in stride(from: 0, through: 255, by: 3) {
      for u in stride(from: 0, through: 255, by: 5) {
        for v in stride(from: 0, through: 255, by: 5) {
          let l = luma * (Double(y) - offset)
          let (cb, cr) = (chroma * Double(u - 128), chroma * Double(v - 128))
          let exact = [
            l + 2 * (1 - red) * cr,
            l - (blue * 2 * (1 - blue) * cb + red * 2 * (1 - red) * cr) / (1 - red - blue),
            l + 2 * (1 - blue) * cb,
          ]
          for (value, found) in zip(exact, Frame.colours(y, u, v, colour)) {
            #expect(abs(min(max(value, 0), 255) - Double(found)) < 0.52)
          }
        }
      }
    }
  }

  @Test func colourOfVideoIsThatOfItsSize() {
    for (width, height, matrix) in [
      (1280, 8, ColourMatrix.bt709), (8, 720, .bt709), (1279, 719, .bt601), (640, 480, .bt601),
    ] {
      #expect(
        ColourEncoding.ofVideo(width: width, height: height)
          == ColourEncoding(matrix: matrix, range: .limited))
    }
  }

  @Test func ordersOfColoursGiveTheSamePicture() throws {
    let (width, height) = (37, 29)
    let picture = try noise(seed: 9, width: width, height: height)
    let orders: [(PixelFormat, [Int])] = [
      (.bgr8, [2, 1, 0]), (.rgba8, [0, 1, 2, 3]), (.bgra8, [2, 1, 0, 3]), (.rgb8, [0, 1, 2]),
    ]
    for (format, order) in orders {
      for extra in [0, 5] {
        let stride = width * order.count + extra
        var bytes: [UInt8] = []
        for y in 0..<height {
          for x in 0..<width {
            bytes += order.map { $0 == 3 ? 0xAA : picture.bytes[3 * (y * width + x) + $0] }
          }
          if y + 1 < height { bytes += [UInt8](repeating: 0xAA, count: extra) }
        }
        // Exactly so many, so that the address sanitizer sees a read past them.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        for spec in Self.specs {
          for isa in ISA.available {
            let found = try Resizer(spec: spec, isa: isa).bytes(
              ImageView(
                format: format, width: width, height: height, stride: stride,
                bytes: UnsafeRawBufferPointer(copy)))
            #expect(found == (try resized(picture, spec)), "\(format) \(isa) \(spec)")
          }
        }
      }
    }
  }

  @Test func framesOfAStreamArePaddedBehindTheLastRow() throws {
    func count(_ format: PixelFormat, _ width: Int, _ height: Int, _ stride: Int) throws -> Int {
      try ImageView.byteCount(
        format: format, width: width, height: height, stride: stride, isPadded: true)
    }
    #expect(try count(.yu12, 148, 112, 192) == 192 * 112 * 3 / 2)
    #expect(try count(.nv12, 148, 112, 192) == 192 * 112 * 3 / 2)
    #expect(try count(.yu12, 3, 3, 8) == 24 + 4 * 4)
    #expect(try count(.bgr8, 5, 4, 16) == 64)
    #expect(try count(.bgra8, 5, 4, 21) == 84)
    for format in PixelFormat.allCases {
      let row = format.rowBytes(width: 6)
      #expect(
        try count(format, 6, 4, row)
          == ImageView.byteCount(format: format, width: 6, height: 4))
    }
  }

  @Test func sizeOfAFrameIsItsPlanes() throws {
    func count(_ format: PixelFormat, _ width: Int, _ height: Int, _ stride: Int? = nil) throws
      -> Int
    {
      try ImageView.byteCount(format: format, width: width, height: height, stride: stride)
    }
    #expect(try count(.yuyv, 640, 480) == 614_400)
    #expect(try count(.yuyv, 3, 2) == 16)
    #expect(try count(.rgba8, 3, 2, 13) == 25)
    for format in [PixelFormat.nv12, .nv21, .yu12] {
      #expect(try count(format, 640, 480) == 460_800)
    }
    #expect(try count(.nv12, 3, 3) == 4 * 4 + 4)
    #expect(try count(.yu12, 3, 3) == 9 + 4 + 4)
    #expect(try count(.yu12, 3, 3, 8) == 24 + 4 * 3 + 2)
    #expect(throws: ImageError.stride(least: 4, found: 3)) { try count(.nv12, 3, 3, 3) }
    for format in PixelFormat.allCases {
      #expect(throws: ImageError.size(width: 2, height: 3)) {
        try count(format, 2, 3, .max / 2)
      }
    }
  }
}
