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

/// The greatest channels of a row of a grid.
struct LabelRowCase: KernelCase {
  private let grid: GridRow
  private let channels: Int
  let operands: [Operand]

  private enum Slot { static let out = 0, above = 1, below = 2, places = 3, scratch = 4 }

  /// - Parameter isFlat: Whether logits are of few values, so that many are equal.
  init(width: Int, columns: Int, channels: Int, isFlat: Bool, _ draw: inout Draw) {
    grid = GridRow(width: width, columns: columns, channels: channels, &draw)
    self.channels = channels
    let count = width * grid.pitch
    func logits(_ draw: inout Draw) -> [UInt8] {
      guard isFlat else { return draw.activations(2 * count) }
      return (0..<count).flatMap { _ in [UInt8(draw.int(0...2)), 0] }
    }
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: columns)),
      Operand(.input, logits(&draw), alignment: 2),
      Operand(.input, logits(&draw), alignment: 2),
      Operand(.input, grid.bytes, alignment: 4),
      Operand.scratch(width * (grid.pitch + 1) * 4),
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
    l.scratch = memory[Slot.scratch].assumingMemoryBound(to: Int32.self)
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

  /// The same, with classes up to the most that there may be.
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
