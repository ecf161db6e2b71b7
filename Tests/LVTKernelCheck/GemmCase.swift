// SPDX-License-Identifier: Apache-2.0
import CLVTKernels

/// A matrix product and what the layout-free definition makes of it.
struct GemmCase: KernelCase {
  enum Residual { case none, apart, inPlace }

  /// The neighbourhoods of a map's positions, `channels` bytes each, where they lie.
  struct Neighbourhoods {
    let kernel, step, channels: Int
    let lines, lineRows: Int
  }

  let rows, panelCount: Int
  private(set) var columns: Columns
  let output: lvt_output
  let residual: Residual
  /// Bytes of a segment that mean something, and what is between lines and between segments.
  private let segment, segments, segmentStride, lineRows, lineStride: Int
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
    self.init(
      rows: rows, k: k, panelCount: panelCount, isLayer: isLayer, neighbourhoods: nil, &draw)
  }

  /// A drawn case whose rows are neighbourhoods.
  init(_ neighbourhoods: Neighbourhoods, panelCount: Int, _ draw: inout Draw) {
    let kernel = neighbourhoods.kernel
    self.init(
      rows: neighbourhoods.lines * neighbourhoods.lineRows,
      k: kernel * kernel * neighbourhoods.channels, panelCount: panelCount, isLayer: false,
      neighbourhoods: neighbourhoods, &draw)
  }

  private init(
    rows: Int, k: Int, panelCount: Int, isLayer: Bool, neighbourhoods: Neighbourhoods?,
    _ draw: inout Draw
  ) {
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
    let aBytes: Int, runs: Int, runBytes: Int
    if let n = neighbourhoods {
      segment = n.kernel * n.channels
      segments = n.kernel
      aStride = n.step * n.channels
      lineRows = n.lineRows
      runBytes = ((n.lineRows - 1) * aStride + segment.rounded(upTo: 4)).rounded(upTo: 4)
      segmentStride = draw.stride(runBytes)
      lineStride = n.step * segmentStride
      runs = (n.lines - 1) * n.step + n.kernel
      aBytes = (runs - 1) * segmentStride + runBytes
    } else {
      (segment, segments, segmentStride, lineStride) = (k, 1, 0, 0)
      (lineRows, runs, runBytes) = (rows, rows, k)
      aStride = draw.stride(k.rounded(upTo: 4), isTight: isLayer)
      aBytes = rows == 0 ? 0 : (rows - 1) * aStride + k.rounded(upTo: 4)
    }
    outStride = draw.stride(panelCount * block * element, element: element, isTight: isLayer)
    residualStride =
      residual == .inPlace
      ? outStride : draw.stride(panelCount * block * element, element: element)
    zeroPoint = draw.zeroPoint()
    let low = draw.int(-128...127)
    bounds = draw.choose(-128...127, zeroPoint...127, low...127)
    residualZeroPoint = draw.zeroPoint()
    residualMultiplier = draw.choose(0, 0.5, 1, 16384, 2 * draw.unit())
    isBehindReLU = draw.chance(oneIn: 3)

    func extent(_ stride: Int, _ row: Int) -> Int { rows == 0 ? 0 : (rows - 1) * stride + row }
    let outBytes = extent(outStride, panelCount * block * element)
    var operands = [
      Operand(.input, draw.activations(aBytes)),
      Operand(.input, [], alignment: 64),  // the panels, once the multipliers are known
      Operand.scratch(lvt_gemm_scratch_bytes(runs, runBytes)),
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
    self.operands[Slot.panels].bytes = columns.packed(rowLength: segment)
  }

  var arePanelsValid: Bool {
    Columns.areValid(operands[Slot.panels].bytes, rows: segments, taps: segment)
  }

  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer]) {
    var g = lvt_gemm_args()
    g.a = UnsafePointer(memory[Slot.a].assumingMemoryBound(to: Int8.self))
    g.a_stride = aStride
    g.rows = rows
    g.k = segments == 1 ? columns.k : segments * segment.rounded(upTo: 4)
    g.segments = segments
    g.segment_stride = segmentStride
    g.line_rows = lineRows
    g.line_stride = lineStride
    g.panels = UnsafeRawPointer(memory[Slot.panels])
    g.panel_count = panelCount
    g.out = memory[Slot.out]
    g.out_stride = outStride
    g.output = output
    g.out_zero_point = Int32(zeroPoint)
    g.out_lo = Int32(bounds.lowerBound)
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
        let start = row / lineRows * lineStride + row % lineRows * aStride
        for k in 0..<columns.k {
          let byte = a[start + k / segment * segmentStride + k % segment]
          let value = Int(Int8(bitPattern: byte)) - columns.inputZeroPoint
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
    return
      "\(rows) rows in lines of \(lineRows), k \(columns.k) in \(segments) segments, \(panelCount) panels, \(columns.n) columns, output "
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
    try checkGemmOfNeighbourhoods()
  }

  /// Lines shorter and longer than row tiles, segments with and without a remainder of 4.
  private func checkGemmOfNeighbourhoods() throws(CheckFailure) {
    for kernel in [1, 3, 5] {
      for step in 1...3 {
        for lineRows in Array(1...14) + [25, 61] where !isQuick || (lineRows + step) % 3 == 0 {
          for lines in [1, 2, 3, 5] {
            let neighbourhoods = GemmCase.Neighbourhoods(
              kernel: kernel, step: step, channels: draw.choose(1, 3, 4, 10, 16, draw.int(1...40)),
              lines: lines, lineRows: lineRows)
            try checkGemm(GemmCase(neighbourhoods, panelCount: draw.int(1...4), &draw))
          }
        }
      }
    }
  }

  private func checkGemm(rows: Int, k: Int, panels: Int) throws(CheckFailure) {
    try checkGemm(GemmCase(rows: rows, k: k, panelCount: panels, &draw))
  }

  private func checkGemm(_ product: GemmCase) throws(CheckFailure) {
    guard product.arePanelsValid else {
      throw .mismatch("lvt_panel_is_valid refuses \(product.text)\n")
    }
    try check(product)
  }
}
