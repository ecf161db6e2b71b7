// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A row of a region's cells.
struct RegionRowCase: KernelCase {
  private struct Cell {
    let first: Int
    let weights: [Int16]
    let rest: Int
  }

  private let width, pitch, rowStride, zeroPoint, rowRest: Int
  private let rowWeights: [Int16]
  private let cells: [Cell]
  let operands: [Operand]

  private enum Slot {
    static let out = 0, input = 1, rowWeights = 2, columnWeights = 3, cells = 4, scratch = 5
  }

  init(rows: Int, width: Int, cellCount: Int, channels: Int, _ draw: inout Draw) {
    self.width = width
    pitch = channels.rounded(upTo: 16)
    rowStride = (width + draw.int(0...2)) * pitch
    zeroPoint = draw.choose(-128, 127, 0, draw.int(-128...127))
    (rowWeights, rowRest) = Self.weights(rows, &draw)
    cells = (0..<cellCount).map { _ in
      let first = draw.int(0...width - 1)
      let (weights, rest) = Self.weights(draw.int(0...width - first), &draw)
      return Cell(first: first, weights: weights, rest: rest)
    }
    var start = 0
    var table: [Int32] = []
    for cell in cells {
      table += [Int32(cell.first), Int32(cell.weights.count), Int32(start), Int32(cell.rest)]
      start += cell.weights.count
    }
    let bytes = max(0, (rows - 1) * rowStride + width * pitch)
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: cellCount * pitch)),
      Operand(.input, draw.activations(rows == 0 ? 0 : bytes)),
      Operand(.input, Self.bytes(rowWeights), alignment: 2),
      Operand(.input, Self.bytes(cells.flatMap { $0.weights }), alignment: 2),
      Operand(.input, Self.bytes(table), alignment: 4),
      Operand.scratch(width * pitch * 2),
    ]
  }

  /// Weights of which none is below 0, and what they lack to 2¹⁴: often nothing, and often one has all.
  private static func weights(_ count: Int, _ draw: inout Draw) -> ([Int16], Int) {
    guard count > 0 else { return ([], 1 << 14) }
    var left = draw.choose(1 << 14, 1 << 14, draw.int(0...1 << 14))
    let total = left
    var weights: [Int16] = []
    for i in 0..<count {
      let weight = i == count - 1 ? left : draw.choose(left, left / 2, draw.int(0...left))
      weights.append(Int16(weight))
      left -= weight
    }
    return (weights, (1 << 14) - total)
  }

  private static func bytes<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in
      (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * T($0))) }
    }
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var r = lvt_region_row_args()
    r.in = UnsafePointer(memory[Slot.input].assumingMemoryBound(to: Int8.self))
    r.row_stride = rowStride
    r.pitch = pitch
    r.row_weights = UnsafePointer(memory[Slot.rowWeights].assumingMemoryBound(to: Int16.self))
    r.rows = rowWeights.count
    r.row_rest = Int32(rowRest)
    r.zero_point = Int32(zeroPoint)
    r.width = width
    r.column_weights = UnsafePointer(
      memory[Slot.columnWeights].assumingMemoryBound(to: Int16.self))
    r.cells = UnsafePointer(memory[Slot.cells].assumingMemoryBound(to: lvt_region_cell.self))
    r.cell_count = cells.count
    r.scratch = memory[Slot.scratch].assumingMemoryBound(to: Int16.self)
    r.out = memory[Slot.out].assumingMemoryBound(to: Int8.self)
    kernels.region_row_s8(&r)
  }

  func reference() -> [UInt8] {
    func between(_ column: Int, _ channel: Int) -> Int {
      var sum = zeroPoint * rowRest + 64
      for (row, weight) in rowWeights.enumerated() {
        let byte = operands[Slot.input].bytes[row * rowStride + column * pitch + channel]
        sum += Int(Int8(bitPattern: byte)) * Int(weight)
      }
      return sum >> 7
    }
    return cells.flatMap { cell in
      (0..<pitch).map { channel in
        var sum = 128 * zeroPoint * cell.rest + 1 << 20
        for (x, weight) in cell.weights.enumerated() {
          sum += between(cell.first + x, channel) * Int(weight)
        }
        return UInt8(bitPattern: Int8(max(-128, min(127, sum >> 21))))
      }
    }
  }

  var outputRowBytes: Int { pitch }
  var text: String {
    "\(rowWeights.count) rows of \(width) columns to \(cells.count) cells, pitch \(pitch), "
      + "zero point \(zeroPoint)"
  }
}

extension Checker {
  /// Regions without rows, of one position and of many; cells without columns are among them.
  func checkRegionRow() throws(CheckFailure) {
    for rows in [0, 1, 2, 3, 8] {
      for width in [1, 2, 5, 18] {
        for cellCount in [1, 7] {
          for channels in [1, 16, 48] {
            try check(
              RegionRowCase(
                rows: rows, width: width, cellCount: cellCount, channels: channels, &draw))
          }
        }
      }
    }
  }
}
