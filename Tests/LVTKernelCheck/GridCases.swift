// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A row between two rows, and the places of its columns.
private struct GridRow {
  let width, pitch, belowWeight: Int
  let places: [lvt_place]
  var columns: Int { places.count }

  init(width: Int, columns: Int, channels: Int, _ draw: inout Draw) {
    self.width = width
    pitch = channels.rounded(upTo: 16)
    belowWeight = draw.choose(0, 64, 127, draw.int(0...127))
    places = (0..<columns).map { _ in
      let first = draw.int(0...width - 1)
      // The last position has none behind it.
      let weight = first == width - 1 ? 0 : draw.choose(0, 64, 127, draw.int(0...127))
      return lvt_place(first: Int32(first), weight: Int32(weight))
    }
  }

  var bytes: [UInt8] {
    places.flatMap { place in
      [place.first, place.weight].flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
      }
    }
  }

  /// Each channel of a column before any rounding.
  func mixed(_ column: Int, _ value: (_ row: Int, _ position: Int) -> Int) -> Int {
    let place = places[column], first = Int(place.first), weight = Int(place.weight)
    func between(_ position: Int) -> Int {
      value(0, position) * (128 - belowWeight) + value(1, position) * belowWeight
    }
    return between(first) * (128 - weight) + (weight == 0 ? 0 : between(first + 1) * weight)
  }

  var text: String {
    "\(width) positions at \(columns) columns, pitch \(pitch), weight \(belowWeight)"
  }
}

/// A row of a grid.
struct ResampleCase: KernelCase {
  private let grid: GridRow
  let operands: [Operand]

  private enum Slot { static let out = 0, above = 1, below = 2, places = 3, scratch = 4 }

  init(width: Int, columns: Int, channels: Int, _ draw: inout Draw) {
    grid = GridRow(width: width, columns: columns, channels: channels, &draw)
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: columns * grid.pitch)),
      Operand(.input, draw.activations(width * grid.pitch)),
      Operand(.input, draw.activations(width * grid.pitch)),
      Operand(.input, grid.bytes, alignment: 4),
      Operand.scratch(width * grid.pitch * 2),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var r = lvt_resample_args()
    r.above = UnsafePointer(memory[Slot.above].assumingMemoryBound(to: Int8.self))
    r.below = UnsafePointer(memory[Slot.below].assumingMemoryBound(to: Int8.self))
    r.below_weight = Int32(grid.belowWeight)
    r.width = grid.width
    r.pitch = grid.pitch
    r.places = UnsafePointer(memory[Slot.places].assumingMemoryBound(to: lvt_place.self))
    r.columns = grid.columns
    r.scratch = memory[Slot.scratch].assumingMemoryBound(to: Int16.self)
    r.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
    kernels.resample_s8(&r)
  }

  func reference() -> [UInt8] {
    (0..<grid.columns * grid.pitch).map { i in
      let sum = grid.mixed(i / grid.pitch) { row, position in
        let byte = operands[Slot.above + row].bytes[position * grid.pitch + i % grid.pitch]
        return Int(Int8(bitPattern: byte))
      }
      return UInt8(truncatingIfNeeded: (sum + 1 << 13) >> 14)
    }
  }

  var outputRowBytes: Int { grid.pitch }
  var text: String { grid.text }
}

/// Int16 values of few kinds if `isFlat`, so that many are equal.
private func logits(count: Int, isFlat: Bool, _ draw: inout Draw) -> [UInt8] {
  guard isFlat else { return draw.activations(2 * count) }
  let base = draw.choose(0, 0x7F, 0x80)
  return (0..<count).flatMap { _ in [UInt8(draw.int(0...2)), UInt8(base)] }
}

/// The first of the greatest channels of each position.
private func greatest(_ logits: [UInt8], width: Int, pitch: Int, channels: Int) -> [UInt8] {
  (0..<width).map { i in
    let values = (0..<channels).map { int16(logits, at: 2 * (i * pitch + $0)) }
    return UInt8(values.firstIndex(of: values.max() ?? 0) ?? 0)
  }
}

/// The greatest channels of positions.
struct GreatestCase: KernelCase {
  private let width, channels, pitch: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, input = 1 }

  init(width: Int, channels: Int, isFlat: Bool, _ draw: inout Draw) {
    (self.width, self.channels) = (width, channels)
    pitch = channels.rounded(upTo: 16)
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: width)),
      Operand(.input, logits(count: width * pitch, isFlat: isFlat, &draw), alignment: 2),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var g = lvt_greatest_args()
    g.in = UnsafePointer(memory[Slot.input].assumingMemoryBound(to: Int16.self))
    g.width = width
    g.pitch = pitch
    g.channels = channels
    g.out = memory[Slot.out].assumingMemoryBound(to: UInt8.self)
    kernels.greatest_s16(&g)
  }

  func reference() -> [UInt8] {
    greatest(operands[Slot.input].bytes, width: width, pitch: pitch, channels: channels)
  }

  var outputRowBytes: Int { 64 }
  var text: String { "\(width) positions of \(channels) channels" }
}

/// The greatest channels of a row of a grid.
struct LabelRowCase: KernelCase {
  private let grid: GridRow
  private let channels: Int
  let operands: [Operand]

  private enum Slot {
    static let out = 0, above = 1, below = 2, places = 3, scratch = 4
    static let aboveGreatest = 5, belowGreatest = 6
  }

  /// - Parameter isFlat: Whether logits are of few values, so that many are equal.
  init(width: Int, columns: Int, channels: Int, isFlat: Bool, _ draw: inout Draw) {
    let row = GridRow(width: width, columns: columns, channels: channels, &draw)
    grid = row
    self.channels = channels
    let count = width * row.pitch
    let above = logits(count: count, isFlat: isFlat, &draw)
    // Neighbouring rows are alike in places.
    let below =
      draw.chance(oneIn: 3) ? above : logits(count: count, isFlat: isFlat, &draw)
    let best = [above, below].map {
      greatest($0, width: width, pitch: row.pitch, channels: channels)
    }
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: columns)),
      Operand(.input, above, alignment: 2),
      Operand(.input, below, alignment: 2),
      Operand(.input, row.bytes, alignment: 4),
      Operand.scratch(width),
      Operand(.input, best[0]),
      Operand(.input, best[1]),
    ]
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var l = lvt_label_row_args()
    l.above = UnsafePointer(memory[Slot.above].assumingMemoryBound(to: Int16.self))
    l.below = UnsafePointer(memory[Slot.below].assumingMemoryBound(to: Int16.self))
    l.below_weight = Int32(grid.belowWeight)
    l.width = grid.width
    l.pitch = grid.pitch
    l.channels = channels
    l.places = UnsafePointer(memory[Slot.places].assumingMemoryBound(to: lvt_place.self))
    l.columns = grid.columns
    l.scratch = memory[Slot.scratch].assumingMemoryBound(to: UInt8.self)
    l.above_greatest = UnsafePointer(
      memory[Slot.aboveGreatest].assumingMemoryBound(to: UInt8.self))
    l.below_greatest = UnsafePointer(
      memory[Slot.belowGreatest].assumingMemoryBound(to: UInt8.self))
    l.out = memory[Slot.out].assumingMemoryBound(to: UInt8.self)
    kernels.label_row_s16(&l)
  }

  func reference() -> [UInt8] {
    (0..<grid.columns).map { column in
      let values = (0..<channels).map { c in
        grid.mixed(column) { row, position in
          int16(operands[Slot.above + row].bytes, at: 2 * (position * grid.pitch + c))
        }
      }
      let greatest = values.max() ?? 0
      return UInt8(values.firstIndex(of: greatest) ?? 0)
    }
  }

  var outputRowBytes: Int { 64 }
  var text: String { "\(grid.text), \(channels) channels" }
}

extension Checker {
  /// Rows of one position and of many, of one block of channels and of several.
  func checkResample() throws(CheckFailure) {
    for width in [1, 2, 3, 5, 17] {
      for columns in [1, 2, 7, 33] {
        for channels in [1, 16, 17, 48] {
          try check(ResampleCase(width: width, columns: columns, channels: channels, &draw))
        }
      }
    }
  }

  /// Every remainder of vectors, up to the most classes that there may be.
  func checkGreatest() throws(CheckFailure) {
    for width in [0, 1, 2, 17] {
      for channels in Array(1...33) + [150, 255, 256] {
        try check(
          GreatestCase(width: width, channels: channels, isFlat: draw.chance(oneIn: 2), &draw))
      }
    }
  }

  /// The same as for resampling, with classes up to the most that there may be.
  func checkLabelRow() throws(CheckFailure) {
    for width in [1, 2, 3, 5, 17] {
      for columns in [1, 2, 7, 33] {
        for channels in [1, 2, 11, 16, 19, 150, 256] {
          try check(
            LabelRowCase(
              width: width, columns: columns, channels: channels, isFlat: draw.chance(oneIn: 2),
              &draw))
        }
      }
    }
  }
}
