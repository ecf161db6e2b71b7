// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// A matrix product over this thread's positions, with the residual added where it stands; an int16
  /// input is narrowed strip by strip.
  func visit(_ step: Pointwise) {
    let output = share.output
    let parts = PointwiseScratch(
      step, output: output.shape, outputPitch: output.pitch,
      residual: step.residual == nil ? nil : share.inputs[1].shape, strip: share.strip)
    if step.extent != nil || (step.residual?.resampling ?? .none) != .none {
      return multiplyRows(step, parts)
    }
    share.forEachStrip(of: output.shape.positions, rows: parts.stripRows) { strip in
      multiply(step, parts, from: strip.lowerBound, strip) {
        guard let residual = step.residual else { return }
        $0.add(share.inputs[1], from: strip.lowerBound, residual)
      }
    }
  }

  /// Row by row, where the input or the residual lies on another grid.
  private func multiplyRows(_ step: Pointwise, _ parts: PointwiseScratch) {
    let (input, output) = (share.input, share.output), columns = output.shape.width
    let reader = step.residual.flatMap { residual in
      residual.resampling == .none
        ? nil
        : GridReader(
          share.inputs[1], grid: Extent(of: output.shape), residual.resampling,
          scratch: share.scratch + parts.resampling)
    }
    reader?.prepare()
    let covered = min(columns, input.shape.width)
    let isPadded = covered < columns || input.shape.height < output.shape.height
    if isPadded { fillConstant(step, parts) }
    for y in share.range(of: output.shape.height) {
      let width = y < input.shape.height ? covered : 0
      let first = y * columns
      for x in width..<columns {
        output.position(first + x).update(
          from: share.scratch(parts.constant, as: Int8.self), count: output.pitch)
      }
      if let reader { reader.read(row: y, to: reader.row, kernels) }
      (0..<width).forEachStrip(rows: parts.stripRows) { strip in
        let positions = first + strip.lowerBound..<first + strip.upperBound
        multiply(step, parts, from: y * input.shape.width + strip.lowerBound, positions) {
          guard let residual = step.residual else { return }
          $0.add(share.inputs[1], from: positions.lowerBound, residual)
          if let reader {
            $0.residual = UnsafeRawPointer(reader.row + strip.lowerBound * output.pitch)
          }
        }
      }
    }
  }

  /// Computes what positions behind the input's end are: the product of zeros.
  private func fillConstant(_ step: Pointwise, _ parts: PointwiseScratch) {
    let zeros = share.scratch(parts.zeros, as: Int8.self)
    let zero = step.narrowing?.zeroPoint ?? Int(share.input.zeroPoint)
    zeros.update(repeating: Int8(zero), count: parts.narrowedPitch)
    var arguments = product(
      step.matrix, zeros, stride: 0, rows: 1, out: share.scratch + parts.constant, outStride: 0,
      scratch: share.scratch + parts.product)
    arguments.output = share.output.type == .int16 ? LVT_OUTPUT_S16 : LVT_OUTPUT_S8
    kernels.gemm_s8(&arguments)
  }

  /// The product of positions that follow each other, from a position of the input on.
  private func multiply(
    _ step: Pointwise, _ parts: PointwiseScratch, from first: Int, _ positions: Range<Int>,
    adding residual: (inout lvt_gemm_args) -> Void
  ) {
    var source = share.input.position(first), stride = share.input.pitch
    if let narrowing = step.narrowing {
      (source, stride) = (share.scratch(parts.narrowed, as: Int8.self), parts.narrowedPitch)
      narrow(
        narrowing, share.input, first..<first + positions.count, out: source, outStride: stride)
    }
    var multiply = product(
      step.matrix, source, stride: stride, to: share.output, positions,
      scratch: share.scratch + parts.product)
    residual(&multiply)
    kernels.gemm_s8(&multiply)
  }
}

extension lvt_gemm_args {
  fileprivate mutating func add(_ map: Map, from position: Int, _ residual: Pointwise.Residual) {
    add(map, from: position, multiplier: residual.multiplier)
    is_residual_behind_relu = residual.isBehindReLU
  }
}
