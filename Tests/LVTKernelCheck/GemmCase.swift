// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A matrix product and what the layout-free definition makes of it.
struct GemmCase: KernelCase {
  enum Residual { case none, apart, inPlace }

  let rows, panelCount: Int
  private(set) var columns: Columns
  let output: lvt_output
  let residual: Residual
  private let aStride, outStride, residualStride: Int
  private let zeroPoint: Int
  private let bounds: ClosedRange<Int>
  private let residualZeroPoint: Int
  private let residualMultiplier: Float
  private let isBehindReLU: Bool
  private(set) var operands: [Operand]

  private enum Slot { static let a = 0, panels = 1, scratch = 2, out = 3, residual = 4 }

  /// A drawn case, or a plain layer as a network has it, to time.
  init(rows: Int, k: Int, panelCount: Int, isLayer: Bool = false, _ draw: inout Draw) {
    self.rows = rows
    self.panelCount = panelCount
    let block = Int(LVT_BLOCK)
    let n = panelCount * block - (isLayer ? 0 : draw.choose(0, draw.int(0...block - 1)))
    columns = Columns(k: k, n: n, inputZeroPoint: draw.zeroPoint(), &draw)
    output =
      isLayer
      ? LVT_OUTPUT_S8 : draw.choose(LVT_OUTPUT_S8, LVT_OUTPUT_S8, LVT_OUTPUT_S16, LVT_OUTPUT_S32)
    residual =
      isLayer || output == LVT_OUTPUT_S32 ? .none : draw.choose(.none, .apart, .inPlace)
    let element = 1 << Int(output.rawValue)
    aStride = draw.stride(k.rounded(upTo: 4), isTight: isLayer)
    outStride = draw.stride(panelCount * block * element, element: element, isTight: isLayer)
    residualStride =
      residual == .inPlace
      ? outStride : draw.stride(panelCount * block * element, element: element)
    zeroPoint = draw.zeroPoint()
    let low = draw.int(-128...127)
    bounds = draw.choose(-128...127, zeroPoint...127, low...draw.int(low...127))
    residualZeroPoint = draw.zeroPoint()
    residualMultiplier = draw.choose(0, 0.5, 1, 16384, 2 * draw.unit())
    isBehindReLU = draw.chance(oneIn: 3)

    func extent(_ stride: Int, _ row: Int) -> Int { rows == 0 ? 0 : (rows - 1) * stride + row }
    let outBytes = extent(outStride, panelCount * block * element)
    var operands = [
      Operand(.input, draw.activations(extent(aStride, k.rounded(upTo: 4)))),
      Operand(.input, [], alignment: 64),  // the panels, once the multipliers are known
      Operand.scratch(lvt_gemm_scratch_bytes(rows, k)),
      Operand(
        .output,
        residual == .inPlace
          ? draw.activations(outBytes) : [UInt8](repeating: Operand.canary, count: outBytes),
        alignment: element),
    ]
    if residual == .apart {
      operands.append(
        Operand(
          .input, draw.activations(extent(residualStride, panelCount * block * element)),
          alignment: element))
    }
    self.operands = operands
    if !isLayer && rows > 0 && draw.chance(oneIn: 3) {
      let row = draw.int(0...rows - 1)
      for n in 0..<columns.n {
        let sum = Int(columns.bias[n]) + product(operands[Slot.a].bytes, row, n)
        columns.putOnEdge(n, sum: sum, addend: addend(row, n), &draw)
      }
    }
    self.operands[Slot.panels].bytes = columns.packed(rowLength: k)
  }

  var arePanelsValid: Bool {
    Columns.areValid(operands[Slot.panels].bytes, rows: 1, taps: columns.k)
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var g = lvt_gemm_args()
    g.a = UnsafePointer(memory[Slot.a].assumingMemoryBound(to: Int8.self))
    g.a_stride = aStride
    g.rows = rows
    g.k = columns.k
    g.panels = UnsafeRawPointer(memory[Slot.panels])
    g.panel_count = panelCount
    g.out = memory[Slot.out]
    g.out_stride = outStride
    g.output = output
    g.out_zero_point = Int32(zeroPoint)
    g.out_lo = Int32(bounds.lowerBound)
    g.out_hi = Int32(bounds.upperBound)
    if residual != .none {
      let slot = residual == .apart ? Slot.residual : Slot.out
      g.residual = UnsafeRawPointer(memory[slot])
    }
    g.residual_stride = residualStride
    g.residual_zero_point = Int32(residualZeroPoint)
    g.residual_multiplier = residualMultiplier
    g.is_residual_behind_relu = isBehindReLU
    g.scratch = memory[Slot.scratch]
    kernels.gemm_s8(&g)
  }

  // out[row][n] = epilogue(bias[n] + sum over k of (a[row][k] - zero point) * w[n][k])
  func reference() -> [UInt8] {
    var out = operands[Slot.out].bytes
    let a = operands[Slot.a].bytes
    let width = panelCount * Int(LVT_BLOCK)
    for row in 0..<rows {
      for n in 0..<width {
        var sum = 0
        var multiplier: Float = 0
        if n < columns.n {
          sum = Int(columns.bias[n]) + product(a, row, n)
          multiplier = columns.multiplier[n]
        }
        store(epilogue(sum, multiplier, row, n), &out, row * outStride, n)
      }
    }
    return out
  }

  private func product(_ a: [UInt8], _ row: Int, _ n: Int) -> Int {
    a.withUnsafeBufferPointer { a in
      columns.weights.withUnsafeBufferPointer { weights in
        var sum = 0
        for k in 0..<columns.k {
          let value = Int(Int8(bitPattern: a[row * aStride + k])) - columns.inputZeroPoint
          sum += value * Int(weights[n * columns.k + k])
        }
        return sum
      }
    }
  }

  private func epilogue(_ sum: Int, _ multiplier: Float, _ row: Int, _ n: Int) -> Int {
    if output == LVT_OUTPUT_S32 { return sum }
    let value = Float(sum) * multiplier
    let product = isBehindReLU ? max(value, 0) : value
    let total = residual == .none ? value : product + addend(row, n)
    if output == LVT_OUTPUT_S16 { return min(max(nearestEven(total), -32768), 32767) }
    return Int(Int8(bitPattern: quantized(total, zeroPoint: zeroPoint, bounds)))
  }

  private func addend(_ row: Int, _ n: Int) -> Float {
    if residual == .none { return 0 }
    let bytes = operands[residual == .apart ? Slot.residual : Slot.out].bytes
    let start = row * residualStride
    let q =
      output == LVT_OUTPUT_S16
      ? int16(bytes, at: start + 2 * n) : Int(Int8(bitPattern: bytes[start + n]))
    return Float(q - residualZeroPoint) * residualMultiplier
  }

  private func store(_ value: Int, _ out: inout [UInt8], _ rowStart: Int, _ n: Int) {
    let element = 1 << Int(output.rawValue)
    for byte in 0..<element {
      out[rowStart + n * element + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
    }
  }

  var outputRowBytes: Int { outStride }
  var text: String {
    let residualName =
      switch residual {
      case .none: "none"
      case .apart: "apart"
      case .inPlace: "in place"
      }
    return "\(rows) rows, k \(columns.k), \(panelCount) panels, \(columns.n) columns, output "
      + "\(8 << Int(output.rawValue)) bits, residual \(residualName)\(isBehindReLU ? " behind ReLU" : ""), strides \(aStride) "
      + "\(outStride) \(residualStride), zero points \(columns.inputZeroPoint) \(zeroPoint), "
      + "bounds \(bounds.lowerBound) \(bounds.upperBound)"
  }
}

extension Checker {
  /// Every remainder of row tiles, of k and of panels; the ends of row blocks; real depths.
  func checkGemm() throws(CheckFailure) {
    let rowCounts = Array(0...25) + [59, 60, 61, 121]
    for round in 0..<(isQuick ? 1 : 3) {
      for rows in rowCounts {
        for k in 1...20 {
          for panels in 1...5 where !isQuick || (rows + k + panels + round) % 3 == 0 {
            try checkGemm(rows: rows, k: k, panels: panels)
          }
        }
      }
    }
    let depths = isQuick ? [48, 96] : [48, 96, 384, 3072]
    for k in depths {
      for rows in [1, 2, 5, 6, 7, 12, 13, 49, 60, 61, 121] where !isQuick || rows < 15 {
        for panels in 1...3 { try checkGemm(rows: rows, k: k, panels: panels) }
      }
    }
    try checkGemm(rows: 3, k: isQuick ? 3072 : 65536, panels: 1)
  }

  private func checkGemm(rows: Int, k: Int, panels: Int) throws(CheckFailure) {
    let product = GemmCase(rows: rows, k: k, panelCount: panels, &draw)
    guard product.arePanelsValid else {
      throw .mismatch("lvt_panel_is_valid refuses \(product.text)\n")
    }
    try check(product)
  }
}
