// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

/// One thread's cells of a region: read from the level that fits the region, then convolved.
struct RegionCells {
  private let run: StepRun
  private let align: RegionAlign
  private let kernel: Int
  private let parts: RegionScratch
  /// Offset of the products' scratch.
  private let product: Int

  private var share: Share { run.share }

  init(
    _ run: StepRun, _ align: RegionAlign, kernel: Int, _ parts: RegionScratch, product: Int
  ) {
    self.run = run
    self.align = align
    self.kernel = kernel
    self.parts = parts
    self.product = product
  }

  /// Cells one behind the other, of so many channels that lie `pitch` bytes apart.
  struct Map {
    let base: UnsafeMutablePointer<Int8>
    let channels, pitch: Int
    let zeroPoint: Int32
  }

  /// Writes the cells of a box in pixels of the input.
  func read(_ box: SIMD4<Float>, to out: UnsafeMutablePointer<Int8>) -> Map {
    let number = align.level(of: box), level = share.inputs[number]
    let stride = align.strides[number], shape = level.shape
    let rowWeights = share.scratch(parts.rowWeights, as: Int16.self)
    let rows = share.scratch(parts.rows, as: lvt_region_cell.self)
    let columnWeights = share.scratch(parts.columnWeights, as: Int16.self)
    let columns = share.scratch(parts.columns, as: lvt_region_cell.self)
    _ = place(
      RegionAxis(align, low: box.y, high: box.w, stride: stride, extent: shape.height),
      rows, rowWeights)
    let width = place(
      RegionAxis(align, low: box.x, high: box.z, stride: stride, extent: shape.width),
      columns, columnWeights)
    for i in 0..<align.side { columns[i].first -= Int32(width.lowerBound) }
    for i in 0..<align.side {
      let row = rows[i]
      var arguments = lvt_region_row_args(
        in: UnsafePointer(
          level.position(Int(row.first) * shape.width + width.lowerBound)),
        row_stride: shape.width * level.pitch, pitch: level.pitch,
        row_weights: rowWeights + Int(row.weights), rows: Int(row.count), row_rest: row.rest,
        zero_point: level.zeroPoint, width: width.count, column_weights: columnWeights,
        cells: columns, cell_count: align.side,
        scratch: share.scratch(parts.between, as: Int16.self),
        out: out + i * align.side * level.pitch)
      run.kernels.region_row_s8(&arguments)
    }
    return Map(
      base: out, channels: shape.channels, pitch: level.pitch, zeroPoint: level.zeroPoint)
  }

  /// Writes where the cells of an axis lie, and their weights in 2⁻¹⁴; they are rounded so that their sums are
  /// right.
  ///
  /// - Returns: The positions that the cells read.
  private func place(
    _ axis: RegionAxis, _ cells: UnsafeMutablePointer<lvt_region_cell>,
    _ weights: UnsafeMutablePointer<Int16>
  ) -> Range<Int> {
    let reals = share.scratch(parts.reals, as: Float.self)
    var all: Range<Int>?, next = 0
    for i in 0..<align.side {
      let range = axis.weights(ofCell: i, reals)
      var sum = 0.0, rounded = 0
      for j in 0..<range.count {
        sum += Double(reals[j])
        let upToHere = Int((sum * 16384).rounded(.toNearestOrEven))
        weights[next + j] = Int16(upToHere - rounded)
        rounded = upToHere
      }
      cells[i] = lvt_region_cell(
        first: Int32(range.lowerBound), count: Int32(range.count), weights: Int32(next),
        rest: Int32(16384 - rounded))
      next += range.count
      guard !range.isEmpty else { continue }
      all = (all?.lowerBound ?? range.lowerBound)..<range.upperBound
    }
    let positions = all ?? 0..<0
    // A cell that reads nothing is wherever the others are.
    for i in 0..<align.side where cells[i].count == 0 {
      cells[i].first = Int32(positions.lowerBound)
    }
    return positions
  }

  /// Convolves cells, each time with ReLU.
  ///
  /// - Parameter last: Where the last convolution's cells go; nil for a map that the next call overwrites.
  func convolve(
    _ matrices: [PackedMatrix], _ cells: Map, to last: UnsafeMutablePointer<Int8>? = nil
  ) -> Map {
    var source = cells
    for (i, matrix) in matrices.enumerated() {
      var base = share.scratch(i % 2 == 0 ? parts.maps.0 : parts.maps.1, as: Int8.self)
      if i + 1 == matrices.count, let last { base = last }
      let result = Map(
        base: base, channels: matrix.n, pitch: matrix.panelCount * Shape.block,
        zeroPoint: Int32(matrix.outputZeroPoint))
      convolve(matrix, source, to: result)
      source = result
    }
    return source
  }

  private func convolve(_ matrix: PackedMatrix, _ source: Map, to result: Map) {
    run.forEachPiece(
      of: 0..<align.side, RegionScratch.band(align, kernel: kernel, channels: source.channels),
      of: (source.base, source.pitch, source.zeroPoint), outside: parts.outside, band: parts.band
    ) { piece in
      var multiply = run.product(
        matrix, source.base, stride: 0, rows: piece.positions.count,
        out: result.base + piece.positions.lowerBound * result.pitch, outStride: result.pitch,
        scratch: share.scratch + product)
      piece.read(by: &multiply)
      run.kernels.gemm_s8(&multiply)
    }
  }
}
