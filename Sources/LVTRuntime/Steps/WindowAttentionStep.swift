// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels
internal import LVTModel

extension Workspace {
  /// Window by window: gather its positions, normalise, make queries, keys and values, let them attend,
  /// project, add the positions, and put them back.
  ///
  /// Windows share no position, so each may overwrite its own as soon as it is done.
  func run(_ step: WindowAttention, _ share: Share) {
    let shape = share.output.shape, pitch = shape.pitch
    let parts = WindowAttentionScratch(step, shape: shape)
    let gathered = share.scratch(parts.gathered, as: Int8.self)
    let normalized = share.scratch(parts.normalized, as: Int8.self)
    let qkv = share.scratch(parts.qkv, as: Int8.self)
    let qkvPitch = step.qkv.panelCount * Shape.block
    let kernelScratch = share.scratch + parts.kernel
    let columns = shape.width / step.window
    for index in share.range(of: shape.height / step.window * columns) {
      let window = Window(step, of: shape, row: index / columns, column: index % columns)
      window.forEachPosition { token, position in
        (gathered + token * pitch).update(from: share.input.position(position), count: pitch)
      }
      normalize(
        step.norm, step.tokens, gathered, stride: pitch, isInt16: false, out: normalized,
        outStride: pitch)
      var multiply = product(
        step.qkv, normalized, stride: pitch, rows: step.tokens, out: qkv, outStride: qkvPitch,
        scratch: kernelScratch)
      kernels.gemm_s8(&multiply)

      // What LayerNorm made is not needed any more: its place takes what the heads make.
      let regions = window.hasSeam ? share.scratch(parts.regions, as: UInt8.self) : nil
      if let regions { window.fillRegions(regions) }
      var attend = lvt_attention_args(
        q: qkv, k: qkv + shape.channels, v: qkv + 2 * shape.channels, stride: qkvPitch,
        keys: step.tokens, first: 0, queries: step.tokens, heads: step.heads,
        head_dim: shape.channels / step.heads, score_multiplier: step.scoreMultiplier,
        bias: step.biasOffset.flatMap { constant($0, as: Int32.self) }, window: step.window,
        regions: UnsafePointer(regions), out_multiplier: step.attendedMultiplier,
        out_zero_point: Int32(step.attendedZeroPoint), out: normalized, out_stride: pitch,
        scratch: kernelScratch)
      kernels.attention_s8(&attend)

      var project = product(
        step.project, normalized, stride: pitch, rows: step.tokens, out: gathered,
        outStride: pitch, scratch: kernelScratch)
      project.residual = UnsafePointer(gathered)
      project.residual_stride = pitch
      project.residual_zero_point = share.input.zeroPoint
      project.residual_multiplier = step.residualMultiplier
      kernels.gemm_s8(&project)
      window.forEachPosition { token, position in
        share.output.position(position).update(from: gathered + token * pitch, count: pitch)
      }
    }
  }
}

/// Which positions of a map a window has.
private struct Window {
  private let edge, top, left: Int
  private let height, width: Int
  /// Rows and columns of the window from which on it lies beyond the map's end, at its start.
  private let rowSeam, columnSeam: Int

  init(_ step: WindowAttention, of map: Shape, row: Int, column: Int) {
    edge = step.window
    (height, width) = (map.height, map.width)
    top = row * edge + step.shift
    left = column * edge + step.shift
    rowSeam = min(edge, height - top)
    columnSeam = min(edge, width - left)
  }

  /// Whether the window lies on both sides of an end of the map.
  var hasSeam: Bool { rowSeam < edge || columnSeam < edge }

  /// Calls `body` with each position's index in the window and in the map.
  func forEachPosition(_ body: (_ token: Int, _ position: Int) -> Void) {
    for y in 0..<edge {
      let row = (y < rowSeam ? top + y : y - rowSeam) * width
      for x in 0..<edge {
        body(y * edge + x, row + (x < columnSeam ? left + x : x - columnSeam))
      }
    }
  }

  /// Numbers the parts that the seams make.
  func fillRegions(_ regions: UnsafeMutablePointer<UInt8>) {
    for y in 0..<edge {
      for x in 0..<edge {
        regions[y * edge + x] = (y < rowSeam ? 0 : 2) + (x < columnSeam ? 0 : 1)
      }
    }
  }
}
