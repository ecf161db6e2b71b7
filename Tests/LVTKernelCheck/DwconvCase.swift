// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A depth-wise convolution over all channel blocks of a map, in one range of rows or, as threads
/// divide it, in several ranges in some order.
struct DwconvCase: KernelCase {
  enum Mode: CaseIterable {
    /// One range, which reads the rows around it from the map.
    case apart
    /// The whole map in place.
    case inPlace
    /// In place in several ranges, with copies of the rows around each.
    case divided
  }

  let kernel, width, height, blocks: Int
  let mode: Mode
  private let columns: Columns
  private let pixelStride, rowStride: Int
  private let zeroPoint: Int
  private let bounds: ClosedRange<Int>
  /// 0 where the input is not added.
  private let residualMultiplier: Float
  /// In the order in which they run.
  private let ranges: [Range<Int>]
  let operands: [Operand]

  // The mode decides what follows the first three.
  private enum Slot { static let out = 0, panels = 1, scratch = 2, map = 3, above = 3, below = 4 }

  /// A drawn case, or a plain layer as a network has it, to time.
  init(
    kernel: Int, width: Int, height: Int, blocks: Int, mode: Mode, isLayer: Bool = false,
    _ draw: inout Draw
  ) {
    self.kernel = kernel
    self.width = width
    self.height = height
    self.blocks = blocks
    self.mode = mode
    let block = Int(LVT_BLOCK)
    let n = blocks * block - (isLayer ? 0 : draw.choose(0, draw.int(0...block - 1)))
    columns = Columns(k: kernel * kernel, n: n, inputZeroPoint: draw.zeroPoint(), &draw)
    pixelStride = draw.stride(blocks * block, isTight: isLayer)
    rowStride = draw.stride(width * pixelStride, isTight: isLayer)
    zeroPoint = draw.zeroPoint()
    let low = draw.int(-128...127)
    bounds = draw.choose(-128...127, zeroPoint...127, low...127)
    residualMultiplier = isLayer ? 0 : draw.choose(0, 0, 1, 65536, 2 * draw.unit())
    ranges = isLayer ? [0..<height] : Self.drawRanges(height: height, mode, &draw)

    let rowBytes = (width - 1) * pixelStride + blocks * block
    let haloRows = (kernel - 1) / 2
    let map = draw.activations((height - 1) * rowStride + rowBytes)
    var operands = [
      Operand(
        .output,
        mode == .apart ? [UInt8](repeating: Operand.canary, count: map.count) : map),
      Operand(.input, columns.packed(rowLength: kernel), alignment: 64),
      Operand.scratch(lvt_dwconv_scratch_bytes(width, kernel)),
    ]
    let haloBytes = haloRows == 0 ? 0 : (haloRows - 1) * rowStride + rowBytes
    let halo = Operand(.scratch, [UInt8](repeating: Operand.canary, count: haloBytes))
    switch mode {
    case .apart: operands.append(Operand(.input, map))
    case .inPlace: break
    case .divided: operands += [halo, halo]
    }
    self.operands = operands
  }

  private static func drawRanges(
    height: Int, _ mode: Mode, _ draw: inout Draw
  ) -> [Range<Int>] {
    let begin = draw.int(0...height)
    switch mode {
    case .apart: return [draw.choose(0..<height, begin..<draw.int(begin...height))]
    case .inPlace: return [0..<height]
    case .divided:
      let end = draw.int(begin...height)
      let parts = [0..<begin, begin..<end, end..<height]
      return draw.choose(parts, parts.reversed(), [parts[1], parts[2], parts[0]])
    }
  }

  var arePanelsValid: Bool {
    Columns.areValid(operands[Slot.panels].bytes, rows: kernel, taps: kernel)
  }

  /// The map before the call.
  private var map: [UInt8] { operands[mode == .apart ? Slot.map : Slot.out].bytes }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    let map = map
    for range in ranges {
      if mode == .divided { copyHalos(of: map, around: range, memory) }
      for block in 0..<blocks { run(kernels, range, block, memory) }
    }
  }

  // Rows outside the map are not copied: nothing may read them.
  private func copyHalos(
    of map: [UInt8], around range: Range<Int>, _ memory: [UnsafeMutableRawPointer]
  ) {
    let pad = (kernel - 1) / 2
    let rowBytes = (width - 1) * pixelStride + blocks * Int(LVT_BLOCK)
    map.withUnsafeBytes { map in
      guard let base = map.baseAddress else { return }
      for i in 0..<pad {
        let halos = [
          (range.lowerBound - pad + i, memory[Slot.above]),
          (range.upperBound + i, memory[Slot.below]),
        ]
        for (row, copy) in halos where (0..<height).contains(row) {
          (copy + i * rowStride).copyMemory(from: base + row * rowStride, byteCount: rowBytes)
        }
      }
    }
  }

  private func run(
    _ kernels: lvt_kernels, _ range: Range<Int>, _ block: Int, _ memory: [UnsafeMutableRawPointer]
  ) {
    func bytes(_ slot: Int) -> UnsafeMutablePointer<Int8> {
      (memory[slot] + block * Int(LVT_BLOCK)).assumingMemoryBound(to: Int8.self)
    }
    var d = lvt_dwconv_args()
    d.in = UnsafePointer(bytes(mode == .apart ? Slot.map : Slot.out))
    if mode == .divided {
      d.above = UnsafePointer(bytes(Slot.above))
      d.below = UnsafePointer(bytes(Slot.below))
    }
    d.out = bytes(Slot.out)
    d.row_stride = rowStride
    d.pixel_stride = pixelStride
    d.height = height
    d.width = width
    d.y_begin = range.lowerBound
    d.y_end = range.upperBound
    d.kernel = kernel
    let panelBytes = lvt_panel_bytes(lvt_dwconv_panel_k(kernel))
    d.panel = UnsafePointer(
      (memory[Slot.panels] + block * panelBytes).assumingMemoryBound(to: lvt_panel.self))
    d.in_zero_point = Int32(columns.inputZeroPoint)
    d.out_zero_point = Int32(zeroPoint)
    d.out_lo = Int32(bounds.lowerBound)
    d.residual_multiplier = residualMultiplier
    d.scratch = memory[Slot.scratch]
    kernels.dwconv_s8(&d)
  }

  // out[y][x][c] = epilogue(bias[c] + sum over taps inside the map of (in - zero point) * w[c]), the input
  // added in the epilogue
  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let map = map
    for range in ranges {
      for y in range {
        for x in 0..<width {
          for c in 0..<blocks * Int(LVT_BLOCK) {
            let inside = c < columns.n
            var value =
              inside ? Float(sum(map, y, x, c)) * columns.multiplier[c] : 0
            if residualMultiplier != 0 {
              let input = Int(Int8(bitPattern: map[y * rowStride + x * pixelStride + c]))
              value += Float(input - columns.inputZeroPoint) * residualMultiplier
            }
            out[y * rowStride + x * pixelStride + c] = quantized(
              value, zeroPoint: zeroPoint, bounds)
          }
        }
      }
    }
    return out
  }

  private func sum(_ map: [UInt8], _ y: Int, _ x: Int, _ c: Int) -> Int {
    let pad = (kernel - 1) / 2
    var sum = Int(columns.bias[c])
    for ky in max(0, pad - y)..<min(kernel, height + pad - y) {
      for kx in max(0, pad - x)..<min(kernel, width + pad - x) {
        let i = (y + ky - pad) * rowStride + (x + kx - pad) * pixelStride + c
        let value = Int(Int8(bitPattern: map[i])) - columns.inputZeroPoint
        sum += value * Int(columns.weights[(c * kernel + ky) * kernel + kx])
      }
    }
    return sum
  }

  var outputRowBytes: Int { rowStride }
  var text: String {
    let modeName =
      switch mode {
      case .apart: "apart"
      case .inPlace: "in place"
      case .divided: "divided"
      }
    var rangesText = ""
    for range in ranges { rangesText += " \(range.lowerBound)..<\(range.upperBound)" }
    return "\(kernel)x\(kernel), width \(width), height \(height), \(blocks) blocks, \(modeName), "
      + "rows\(rangesText), strides \(pixelStride) \(rowStride), zero points "
      + "\(columns.inputZeroPoint) \(zeroPoint), bounds \(bounds.lowerBound) \(bounds.upperBound), input × "
      + "\(residualMultiplier)"
  }
}

extension Checker {
  /// Every remainder of pixel tiles, maps lower and narrower than the filter, and a real size.
  func checkDwconv() throws(CheckFailure) {
    for kernel in [1, 3, 5, 7, 9, 11, 13, 15] {
      for width in Array(1...20) + [56] {
        for height in 1...9 where !isQuick || (width + height + kernel) % 7 == 0 {
          for mode in DwconvCase.Mode.allCases where !isQuick || width < 20 || mode == .divided {
            let blocks = width < 20 ? draw.int(1...3) : 1
            let convolution = DwconvCase(
              kernel: kernel, width: width, height: height, blocks: blocks, mode: mode, &draw)
            guard convolution.arePanelsValid else {
              throw .mismatch("lvt_panel_is_valid refuses \(convolution.text)\n")
            }
            try check(convolution)
          }
        }
      }
    }
  }
}
