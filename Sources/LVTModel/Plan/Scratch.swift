// SPDX-License-Identifier: Apache-2.0
internal import CLVTKernels

// How each step divides its scratch. The planner reserves it, the reader checks that it is there, and
// the runtime works in it; all three ask here. Offsets are from the start of a thread's scratch. What
// all threads share lies in the first thread's, behind its own part, and the others have no such room.

/// Reserves consecutive ranges on 64-byte boundaries.
struct ScratchCursor {
  private(set) var byteCount = 0

  mutating func reserve(_ bytes: Int) -> Int {
    defer { byteCount += (bytes + 63) / 64 * 64 }
    return byteCount
  }

  mutating func reserveProduct(rows: Int, k: Int) -> Int {
    reserve(lvt_gemm_scratch_bytes(rows, k))
  }
}

/// Gathered patches, the product's scratch and the int16 sums of one strip.
public struct PatchEmbedScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered patch to the next.
  public let patchPitch: Int
  /// Offsets of the parts.
  public let patches, product, sums: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchEmbed, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    patchPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    patches = cursor.reserve(stripRows * patchPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    sums = cursor.reserve(stripRows * step.matrix.panelCount * Shape.block * 2)
    byteCount = cursor.byteCount
  }
}

/// The narrowed rows of one strip if there are any, and the product's scratch.
public struct PointwiseScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one narrowed row to the next.
  public let narrowedPitch: Int
  /// Offsets of the parts.
  public let narrowed, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: Pointwise, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    narrowedPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    narrowed = cursor.reserve(step.narrowing == nil ? 0 : stripRows * narrowedPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}

/// The kernel's ring of rows, and copies of the rows that neighbouring threads overwrite.
public struct DepthwiseScratch: Sendable {
  /// Offsets of the parts.
  public let ring, above, below: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a K × K convolution over a map.
  public init(kernel: Int, shape: Shape) {
    self.init(
      kernel: kernel, shape: shape, ringBytes: lvt_dwconv_scratch_bytes(shape.width, kernel))
  }

  init(kernel: Int, shape: Shape, ringBytes: Int) {
    let halo = (kernel - 1) / 2 * shape.width * shape.pitch
    var cursor = ScratchCursor()
    ring = cursor.reserve(ringBytes)
    above = cursor.reserve(halo)
    below = cursor.reserve(halo)
    byteCount = cursor.byteCount
  }
}

/// The convolution's scratch, what lies between the products, and, used in the first thread's scratch
/// only, what all threads share: the hidden values and the panels that are made of them.
public struct DynamicDepthwiseScratch: Sendable {
  /// The convolution's part, at the start.
  public let convolution: DepthwiseScratch
  /// Bytes from the high bytes of the hidden values to the low ones.
  public let hiddenPitch: Int
  /// Bytes of one panel.
  public let panelBytes: Int
  /// Offsets of a thread's own parts.
  public let sums, mean, product, accumulators, values: Int
  /// Offsets of the shared parts.
  public let hidden, panels: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: DynamicDepthwise, shape: Shape) {
    convolution = DepthwiseScratch(kernel: step.kernel, shape: shape)
    hiddenPitch = Shape.blocks(step.squeeze.n) * Shape.block
    panelBytes = lvt_panel_bytes(lvt_dwconv_panel_k(step.kernel))
    // The widest product: all hidden values, or the taps of one block of channels.
    let columns = max(hiddenPitch, step.kernel * step.kernel * Shape.block)
    var cursor = ScratchCursor()
    _ = cursor.reserve(convolution.byteCount)
    sums = cursor.reserve(shape.pitch * 4)
    mean = cursor.reserve(2 * shape.pitch)
    product = cursor.reserveProduct(rows: 2, k: max(step.squeeze.k, step.expand.k))
    accumulators = cursor.reserve(2 * columns * 4)
    values = cursor.reserve(columns * 4)
    ownByteCount = cursor.byteCount
    hidden = cursor.reserve(2 * hiddenPitch)
    panels = cursor.reserve(Shape.blocks(shape.channels) * panelBytes)
    byteCount = cursor.byteCount
  }
}

/// A ring of rows as pairs of pixels, the addresses of those that a window needs, copies of the rows
/// that neighbouring threads overwrite, and one strip's hidden values and taps.
public struct InhomogeneousDepthwiseScratch: Sendable {
  /// Positions of the largest strip; few, because each has thousands of taps.
  public let stripRows: Int
  /// The ring and the copies, at the start.
  public let convolution: DepthwiseScratch
  /// Int16 elements from one row of the ring to the next.
  public let ringPitch: Int
  /// Int16 elements from one position's taps to the next one's.
  public let tapPitch: Int
  /// Offsets of the parts.
  public let rows, hidden, taps, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: InhomogeneousDepthwise, shape: Shape, strip: Int) {
    stripRows = min(shape.positions, strip)
    ringPitch = (shape.width + step.kernel - 1) * shape.pitch * 2
    tapPitch = lvt_posconv_tap_count(step.kernel, step.groups)
    convolution = DepthwiseScratch(
      kernel: step.kernel, shape: shape, ringBytes: step.kernel * ringPitch * 2)
    var cursor = ScratchCursor()
    _ = cursor.reserve(convolution.byteCount)
    rows = cursor.reserve(step.kernel * 8)
    hidden = cursor.reserve(stripRows * step.squeeze.panelCount * Shape.block)
    taps = cursor.reserve(stripRows * tapPitch * 2)
    product = cursor.reserveProduct(rows: stripRows, k: max(step.squeeze.k, step.expand.k))
    byteCount = cursor.byteCount
  }
}

/// The hidden rows of one strip, its normalised or narrowed rows if there are any, and the products'
/// scratch.
public struct MLPScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Offsets of the parts.
  public let source, hidden, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: MLP, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    let readsInput = step.norm == nil && step.narrowing == nil
    var cursor = ScratchCursor()
    source = cursor.reserve(readsInput ? 0 : stripRows * step.project.panelCount * Shape.block)
    hidden = cursor.reserve(stripRows * step.expand.panelCount * Shape.block)
    product = cursor.reserveProduct(
      rows: stripRows, k: max(step.expand.k, step.project.k))
    byteCount = cursor.byteCount
  }
}

/// The gathered positions of one strip, normalised in place if they are int8, and the product's
/// scratch.
public struct PatchMergeScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered, or normalised, row to the next.
  public let gatheredPitch, normalizedPitch: Int
  /// Offsets of the parts.
  public let gathered, normalized, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchMerge, input: ElementType, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    normalizedPitch = Shape.blocks(step.norm.channels) * Shape.block
    gatheredPitch = normalizedPitch * input.byteCount
    var cursor = ScratchCursor()
    gathered = cursor.reserve(stripRows * gatheredPitch)
    normalized = input == .int8 ? gathered : cursor.reserve(stripRows * normalizedPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}

/// Normalised rows of one strip, what was pooled of a strip and of all, that in two bytes, and the products
/// of both.
public struct HeadScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Offsets of the parts.
  public let normalized, stripSums, pooled, row, product, accumulators: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: Head, shape: Shape, strip: Int) {
    stripRows = min(shape.positions, strip)
    var cursor = ScratchCursor()
    normalized = cursor.reserve(stripRows * shape.pitch)
    stripSums = cursor.reserve(shape.pitch * 4)
    pooled = cursor.reserve(shape.pitch * 4)
    row = cursor.reserve(2 * shape.pitch)
    product = cursor.reserveProduct(rows: 2, k: step.matrix.k)
    accumulators = cursor.reserve(2 * step.matrix.panelCount * Shape.block * 4)
    byteCount = cursor.byteCount
  }
}

/// Gathered neighbourhoods of one strip, a tap outside the input, and the product's scratch.
public struct ConvolutionScratch: Sendable {
  /// Positions of the largest strip.
  public let stripRows: Int
  /// Bytes from one gathered row to the next.
  public let tapsPitch: Int
  /// Offsets of the parts.
  public let outside, taps, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose input has `channels` and whose output `positions`.
  public init(_ step: Convolution, channels: Int, positions: Int, strip: Int) {
    stripRows = min(positions, strip)
    tapsPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    outside = cursor.reserve(max(channels, Convolution.pictureChannels))
    taps = cursor.reserve(stripRows * tapsPitch)
    product = cursor.reserveProduct(rows: stripRows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}

/// Normalised positions of one strip and the kernels' scratch, and, shared by all threads, the queries,
/// keys and values of the whole map; the weighted means replace the queries.
public struct MapAttentionScratch: Sendable {
  /// Positions of the largest strip before and behind the attention.
  public let stripRows: Int
  /// Bytes from the queries of one position to those of the next.
  public let qkvPitch: Int
  /// Offsets of a thread's own parts.
  public let normalized, kernel: Int
  /// Offset of the shared part.
  public let qkv: Int
  /// The part of each thread.
  public let ownByteCount: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map of this shape.
  public init(_ step: MapAttention, shape: Shape, strip: Int) {
    let headChannels = shape.channels / step.heads
    self.init(
      step.qkv, shape: shape, strip: strip,
      attentionBytes: step.dilations == nil
        ? lvt_attention_scratch_bytes(shape.positions, headChannels)
        : lvt_dilated_attention_scratch_bytes(headChannels))
  }

  /// The scratch of a step over a map of this shape.
  public init(_ step: DepthwiseAttention, shape: Shape, strip: Int) {
    self.init(
      step.qkv, shape: shape, strip: strip,
      attentionBytes: lvt_depthwise_attention_scratch_bytes(shape.pitch))
  }

  private init(_ matrix: PackedMatrix, shape: Shape, strip: Int, attentionBytes: Int) {
    stripRows = min(shape.positions, strip)
    qkvPitch = matrix.panelCount * Shape.block
    var cursor = ScratchCursor()
    normalized = cursor.reserve(stripRows * shape.pitch)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(lvt_gemm_scratch_bytes(stripRows, shape.channels), attentionBytes))
    ownByteCount = cursor.byteCount
    qkv = cursor.reserve(shape.positions * qkvPitch)
    byteCount = cursor.byteCount
  }
}

/// One window: its positions, what LayerNorm and then the heads make of them, queries, keys and values,
/// the regions of a shifted window, and the kernels' scratch.
public struct WindowAttentionScratch: Sendable {
  /// Positions of the largest strip of a product.
  public let stripRows: Int
  /// Offsets of the parts.
  public let gathered, normalized, qkv, regions, kernel: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map of this shape and type.
  public init(_ step: WindowAttention, shape: Shape, type: ElementType, strip: Int) {
    stripRows = min(step.tokens, strip)
    var cursor = ScratchCursor()
    gathered = cursor.reserve(step.tokens * shape.pitch * type.byteCount)
    normalized = cursor.reserve(step.tokens * shape.pitch)
    qkv = cursor.reserve(step.tokens * step.qkv.panelCount * Shape.block)
    regions = cursor.reserve(step.tokens)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(
        lvt_gemm_scratch_bytes(stripRows, shape.channels),
        lvt_attention_scratch_bytes(step.tokens, shape.channels / step.heads)))
    byteCount = cursor.byteCount
  }
}

extension Step.Operation {
  /// Scratch that the first thread needs for the operation, a multiple of 64.
  ///
  /// - Parameter strip: Positions of the largest strip; see ``Step/stripRows``.
  public func scratchBytes(input: Tensor, output: Tensor, strip: Int) -> Int {
    let shape = output.shape
    return switch self {
    case .patchEmbed(let s):
      PatchEmbedScratch(s, positions: shape.positions, strip: strip).byteCount
    case .pointwise(let s):
      PointwiseScratch(s, positions: shape.positions, strip: strip).byteCount
    case .depthwise(let s): DepthwiseScratch(kernel: s.kernel, shape: shape).byteCount
    case .dynamicDepthwise(let s): DynamicDepthwiseScratch(s, shape: shape).byteCount
    case .inhomogeneousDepthwise(let s):
      InhomogeneousDepthwiseScratch(s, shape: shape, strip: strip).byteCount
    case .mlp(let s): MLPScratch(s, positions: shape.positions, strip: strip).byteCount
    case .patchMerge(let s):
      PatchMergeScratch(s, input: input.type, positions: shape.positions, strip: strip).byteCount
    case .head(let s): HeadScratch(s, shape: input.shape, strip: strip).byteCount
    case .windowAttention(let s):
      WindowAttentionScratch(s, shape: shape, type: input.type, strip: strip).byteCount
    case .mapAttention(let s): MapAttentionScratch(s, shape: shape, strip: strip).byteCount
    case .depthwiseAttention(let s): MapAttentionScratch(s, shape: shape, strip: strip).byteCount
    case .convolution(let s):
      ConvolutionScratch(
        s, channels: input.shape.channels, positions: shape.positions, strip: strip
      ).byteCount
    }
  }

  /// Scratch that each further thread needs: all but what threads share.
  public func ownScratchBytes(input: Tensor, output: Tensor, strip: Int) -> Int {
    let shape = output.shape
    return switch self {
    case .dynamicDepthwise(let s): DynamicDepthwiseScratch(s, shape: shape).ownByteCount
    case .mapAttention(let s): MapAttentionScratch(s, shape: shape, strip: strip).ownByteCount
    case .depthwiseAttention(let s):
      MapAttentionScratch(s, shape: shape, strip: strip).ownByteCount
    case .patchEmbed, .pointwise, .depthwise, .inhomogeneousDepthwise, .mlp, .patchMerge, .head,
      .windowAttention, .convolution:
      scratchBytes(input: input, output: output, strip: strip)
    }
  }
}
