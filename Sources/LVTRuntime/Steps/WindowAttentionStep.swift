// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension StepRun {
  /// Window by window: gather its positions, normalise, make queries, keys and values, let them attend,
  /// project, add the positions, and put them back.
  ///
  /// Windows share no position, so each may overwrite its own as soon as it is done. Positions of a
  /// window that the map does not have are zeros behind the LayerNorm; what they attend to is not kept.
  func visit(_ step: WindowAttention) {
    let map = share.input, shape = map.shape, pitch = shape.paddedChannels
    let parts = WindowAttentionScratch(step, shape: shape, type: map.type, strip: share.strip)
    let gathered = Map(
      base: share.scratch + parts.gathered,
      shape: Shape(
        height: step.window, width: step.window, channels: shape.channels), type: map.type,
      pitch: map.pitch, zeroPoint: map.zeroPoint, scale: map.scale)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    let qkv = share.scratch(parts.qkv, as: Int8.self)
    let qkvPitch = step.qkv.panelCount * Shape.block
    let kernelScratch = share.scratch + parts.kernel
    let tokens = 0..<step.tokens
    let (rows, columns) = step.windows(of: shape)
    for index in share.range(of: rows * columns) {
      let window = Window(step, of: shape, row: index / columns, column: index % columns)
      if window.isPadded {
        gathered.position(0).update(repeating: 0, count: step.tokens * map.pitch)
      }
      window.forEachPosition { token, position in
        gathered.position(token).update(from: map.position(position), count: map.pitch)
      }
      normalize(
        step.norm, step.tokens, gathered.base, stride: map.pitch, type: map.type, out: normalized,
        outStride: pitch)
      window.forEachMissing { token in
        (normalized + token * pitch).update(
          repeating: Int8(step.norm.outputZeroPoint), count: pitch)
      }
      tokens.forEachStrip(rows: parts.stripRows) { strip in
        var multiply = product(
          step.qkv, normalized + strip.lowerBound * pitch, stride: pitch, rows: strip.count,
          out: qkv + strip.lowerBound * qkvPitch, outStride: qkvPitch, scratch: kernelScratch)
        kernels.gemm_s8(&multiply)
      }

      // What LayerNorm made is not needed any more: its place takes what the heads make.
      let regions = window.hasSeam ? share.scratch(parts.regions, as: UInt8.self) : nil
      if let regions { window.fillRegions(regions) }
      var attend = lvt_attention_args(
        q: qkv, k: qkv + shape.channels, v: qkv + 2 * shape.channels, stride: qkvPitch,
        keys: step.tokens, first: 0, queries: step.tokens, heads: step.heads,
        head_dim: shape.channels / step.heads, score_multiplier: step.scoreMultiplier,
        bias: step.biasOffset.flatMap { constant($0, as: Int32.self) }, window: step.window,
        regions: UnsafePointer(regions), key_norm: nil, out_multiplier: step.attendedMultiplier,
        out_zero_point: Int32(step.attendedZeroPoint), out: normalized, out_stride: pitch,
        scratch: kernelScratch)
      if let keyNorm = step.keyNorm {
        withUnsafePointer(to: self.keyNorm(keyNorm)) { norm in
          attend.key_norm = norm
          kernels.attention_s8(&attend)
        }
      } else {
        kernels.attention_s8(&attend)
      }

      tokens.forEachStrip(rows: parts.stripRows) { strip in
        var project = product(
          step.project, normalized + strip.lowerBound * pitch, stride: pitch, to: gathered, strip,
          scratch: kernelScratch)
        project.add(gathered, from: strip.lowerBound, multiplier: step.residualMultiplier)
        kernels.gemm_s8(&project)
      }
      window.forEachPosition { token, position in
        share.output.position(position).update(from: gathered.position(token), count: map.pitch)
      }
    }
  }
}

extension StepRun {
  private func keyNorm(_ norm: KeyNorm) -> lvt_key_norm {
    lvt_key_norm(
      gamma: constant(norm.gammaOffset, as: Float.self),
      beta: constant(norm.betaOffset, as: Float.self), epsilon: norm.epsilon)
  }
}

/// Which positions of a map a window has.
private struct Window {
  private let edge, top, left: Int
  private let rows, columns: WindowAxis

  init(_ step: WindowAttention, of map: Shape, row: Int, column: Int) {
    edge = step.window
    (rows, columns) = step.axes(of: map)
    top = row * edge
    left = column * edge
  }

  /// Whether a seam runs through the window, which starts before it, as a shift is less than a window.
  var hasSeam: Bool {
    rows.isBehindSeam(top + edge - 1) || columns.isBehindSeam(left + edge - 1)
  }

  /// Whether windows reach beyond the map.
  var isPadded: Bool { rows.covered > rows.extent || columns.covered > columns.extent }

  /// Calls `body` with each position's index in the window and in the map.
  func forEachPosition(_ body: (_ token: Int, _ position: Int) -> Void) {
    for y in 0..<edge {
      guard let row = rows.row(at: top + y) else { continue }
      for x in 0..<edge {
        guard let column = columns.row(at: left + x) else { continue }
        body(y * edge + x, row * columns.extent + column)
      }
    }
  }

  /// Calls `body` with the index in the window of each position that the map does not have.
  func forEachMissing(_ body: (_ token: Int) -> Void) {
    guard isPadded else { return }
    for y in 0..<edge {
      let isMissing = rows.row(at: top + y) == nil
      for x in 0..<edge where isMissing || columns.row(at: left + x) == nil { body(y * edge + x) }
    }
  }

  /// Numbers the parts that the seams make.
  func fillRegions(_ regions: UnsafeMutablePointer<UInt8>) {
    for y in 0..<edge {
      for x in 0..<edge {
        regions[y * edge + x] =
          (rows.isBehindSeam(top + y) ? 2 : 0) + (columns.isBehindSeam(left + x) ? 1 : 0)
      }
    }
  }
}
