// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A depth-wise panel from taps in float32.
struct PackDwconvCase: KernelCase {
  private let kernel: Int
  private let inScale, outScale: Float
  private let zeroPoint: Int
  private let weights, bias: [Float]
  let operands: [Operand]

  private enum Slot { static let out = 0, weights = 1, bias = 2 }

  init(kernel: Int, _ draw: inout Draw) {
    self.kernel = kernel
    inScale = draw.choose(draw.unit() + 0x1p-20, 0x1p-149, 0x1p100, .greatestFiniteMagnitude)
    // Most multipliers are ordinary, some reach 0.5.
    outScale = draw.choose(inScale, inScale * 0.25 + 0x1p-149, 0x1p-149, 0x1p120)
    zeroPoint = draw.zeroPoint()
    let block = Int(LVT_BLOCK)
    var weights: [Float] = [], bias: [Float] = []
    let kinds = (0..<block).map { _ in draw.int(0...6) }
    for _ in 0..<kernel * kernel {
      for c in 0..<block { weights.append(Self.drawWeight(kinds[c], &draw)) }
    }
    for _ in 0..<block {
      bias.append(
        draw.choose(
          0, draw.unit() - 0.5, -draw.unit() * 1000, 0x1p100, -.greatestFiniteMagnitude, -0x1p-149))
    }
    self.weights = weights
    self.bias = bias
    let panel = lvt_panel_bytes(lvt_dwconv_panel_k(kernel))
    operands = [
      Operand(.output, [UInt8](repeating: Operand.canary, count: panel), alignment: 64),
      Operand(.input, Self.bytes(weights), alignment: 4),
      Operand(.input, Self.bytes(bias), alignment: 4),
    ]
  }

  /// By channel: ordinary, half-way between two integers when 127 is the greatest, zero, tiny, huge.
  private static func drawWeight(_ kind: Int, _ draw: inout Draw) -> Float {
    let unit = 2 * draw.unit() - 1
    switch kind {
    case 0: return draw.choose(127, Float(draw.int(-126...126)) + 0.5, -127)
    case 1: return draw.choose(0, -0.0)
    case 2: return unit * 0x1p-140
    case 3: return unit * .greatestFiniteMagnitude
    default: return unit
    }
  }

  private static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var d = lvt_pack_dwconv_args()
    d.weights = UnsafePointer(memory[Slot.weights].assumingMemoryBound(to: Float.self))
    d.bias = UnsafePointer(memory[Slot.bias].assumingMemoryBound(to: Float.self))
    d.kernel = kernel
    d.in_scale = inScale
    d.out_scale = outScale
    d.in_zero_point = Int32(zeroPoint)
    d.panel = memory[Slot.out].assumingMemoryBound(to: lvt_panel.self)
    kernels.pack_dwconv_f32(&d)
  }

  // Rounds the taps of each channel and leaves the packing to the planner's function.
  func reference() -> [UInt8] {
    let block = Int(LVT_BLOCK), taps = kernel * kernel
    let rowLength = kernel.rounded(upTo: 4), k = kernel * rowLength
    var spread = [Int8](repeating: 0, count: block * k)
    var biases: [Int32] = [], multipliers: [Float] = []
    for c in 0..<block {
      var greatest: Float = 0
      for tap in 0..<taps { greatest = max(greatest, weights[tap * block + c].magnitude) }
      let room = bias[c].magnitude / inScale * 0x1p-28
      let scale = max(greatest / 127, room, 0x1p-126)
      let unit = max(inScale * scale, 0x1p-126)
      for tap in 0..<taps {
        let q = nearestEven(weights[tap * block + c] / scale)
        spread[c * k + tap / kernel * rowLength + tap % kernel] = Int8(max(-127, min(127, q)))
      }
      let real = max(-0x1p30, min(0x1p30, bias[c] / unit))
      biases.append(Int32(real.rounded(.toNearestOrEven)))
      multipliers.append(min(unit / outScale, 0.5))
    }
    var panel = [UInt8](repeating: 0, count: lvt_panel_bytes(k))
    panel.withUnsafeMutableBytes { panel in
      guard let base = panel.baseAddress else { return }
      lvt_pack_panel(
        base.assumingMemoryBound(to: lvt_panel.self), spread, k, k, block, biases, multipliers,
        Int32(zeroPoint))
    }
    return panel
  }

  var outputRowBytes: Int { 64 }
  var text: String {
    "\(kernel)x\(kernel), scales \(inScale.bitPattern) \(outScale.bitPattern) as bits, zero point "
      + "\(zeroPoint)"
  }
}

extension Checker {
  /// What is packed must also be what the loader would accept, since no loader sees it.
  func checkPackDwconv() throws(CheckFailure) {
    for kernel in [1, 3, 5, 7, 9, 11, 13, 15] {
      for _ in 0..<(isQuick ? 10 : 200) {
        let pack = PackDwconvCase(kernel: kernel, &draw)
        guard Columns.areValid(pack.reference(), rows: kernel, taps: kernel) else {
          throw .mismatch("lvt_panel_is_valid refuses \(pack.text)\n")
        }
        try check(pack)
      }
    }
  }
}
