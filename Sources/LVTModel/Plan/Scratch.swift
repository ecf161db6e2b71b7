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

/// Work goes in strips of so many positions, few enough for what lies between two products to stay in
/// the L2 cache, and a multiple of every micro-kernel's rows.
public struct Strip: Sendable {
  /// Positions of the largest strip.
  public let rows: Int

  static let maximumRows = 60

  init(positions: Int, atMost limit: Int = Self.maximumRows) { rows = min(positions, limit) }
}

/// Gathered patches, the product's scratch and the int16 sums of one strip.
public struct PatchEmbedScratch: Sendable {
  /// Work is cut into these.
  public let strip: Strip
  /// Bytes from one gathered patch to the next.
  public let patchPitch: Int
  /// Offsets of the parts.
  public let patches, product, sums: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchEmbed, positions: Int) {
    strip = Strip(positions: positions)
    patchPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    patches = cursor.reserve(strip.rows * patchPitch)
    product = cursor.reserveProduct(rows: strip.rows, k: step.matrix.k)
    sums = cursor.reserve(strip.rows * step.matrix.panelCount * Shape.block * 2)
    byteCount = cursor.byteCount
  }
}

/// The narrowed rows of one strip if there are any, and the product's scratch.
public struct PointwiseScratch: Sendable {
  /// Work is cut into these: all rows at once if none need narrowing.
  public let strip: Strip
  /// Bytes from one narrowed row to the next.
  public let narrowedPitch: Int
  /// Offsets of the parts.
  public let narrowed, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: Pointwise, positions: Int) {
    strip =
      step.narrowing == nil
      ? Strip(positions: positions, atMost: positions) : Strip(positions: positions)
    narrowedPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    narrowed = cursor.reserve(step.narrowing == nil ? 0 : strip.rows * narrowedPitch)
    product = cursor.reserveProduct(rows: strip.rows, k: step.matrix.k)
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
  /// Work is cut into these; few positions, because each has thousands of taps.
  public let strip: Strip
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
  public init(_ step: InhomogeneousDepthwise, shape: Shape) {
    strip = Strip(positions: shape.positions, atMost: 24)
    ringPitch = (shape.width + step.kernel - 1) * shape.pitch * 2
    tapPitch = lvt_posconv_tap_count(step.kernel, step.groups)
    convolution = DepthwiseScratch(
      kernel: step.kernel, shape: shape, ringBytes: step.kernel * ringPitch * 2)
    var cursor = ScratchCursor()
    _ = cursor.reserve(convolution.byteCount)
    rows = cursor.reserve(step.kernel * 8)
    hidden = cursor.reserve(strip.rows * step.squeeze.panelCount * Shape.block)
    taps = cursor.reserve(strip.rows * tapPitch * 2)
    product = cursor.reserveProduct(rows: strip.rows, k: max(step.squeeze.k, step.expand.k))
    byteCount = cursor.byteCount
  }
}

/// The hidden rows of one strip, its normalised or narrowed rows if there are any, and the products'
/// scratch.
public struct MLPScratch: Sendable {
  /// Work is cut into these.
  public let strip: Strip
  /// Offsets of the parts.
  public let source, hidden, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over `positions` positions.
  public init(_ step: MLP, positions: Int) {
    strip = Strip(positions: positions)
    let readsInput = step.norm == nil && step.narrowing == nil
    var cursor = ScratchCursor()
    source = cursor.reserve(readsInput ? 0 : strip.rows * step.project.panelCount * Shape.block)
    hidden = cursor.reserve(strip.rows * step.expand.panelCount * Shape.block)
    product = cursor.reserveProduct(
      rows: strip.rows, k: max(step.expand.k, step.project.k))
    byteCount = cursor.byteCount
  }
}

/// The gathered positions of one strip, normalised in place if they are int8, and the product's
/// scratch.
public struct PatchMergeScratch: Sendable {
  /// Work is cut into these.
  public let strip: Strip
  /// Bytes from one gathered, or normalised, row to the next.
  public let gatheredPitch, normalizedPitch: Int
  /// Offsets of the parts.
  public let gathered, normalized, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose output has `positions` positions.
  public init(_ step: PatchMerge, input: ElementType, positions: Int) {
    strip = Strip(positions: positions)
    normalizedPitch = Shape.blocks(step.norm.channels) * Shape.block
    gatheredPitch = normalizedPitch * input.byteCount
    var cursor = ScratchCursor()
    gathered = cursor.reserve(strip.rows * gatheredPitch)
    normalized = input == .int8 ? gathered : cursor.reserve(strip.rows * normalizedPitch)
    product = cursor.reserveProduct(rows: strip.rows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}

/// Normalised rows of one strip, sums over positions, the mean in two bytes, and the products of both.
public struct HeadScratch: Sendable {
  /// Work is cut into these.
  public let strip: Strip
  /// Offsets of the parts.
  public let normalized, stripSums, sums, mean, product, accumulators: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map.
  public init(_ step: Head, shape: Shape) {
    strip = Strip(positions: shape.positions)
    var cursor = ScratchCursor()
    normalized = cursor.reserve(strip.rows * shape.pitch)
    stripSums = cursor.reserve(shape.pitch * 4)
    sums = cursor.reserve(shape.pitch * 4)
    mean = cursor.reserve(2 * shape.pitch)
    product = cursor.reserveProduct(rows: 2, k: step.matrix.k)
    accumulators = cursor.reserve(2 * step.matrix.panelCount * Shape.block * 4)
    byteCount = cursor.byteCount
  }
}

/// Gathered neighbourhoods of one strip, a tap outside the input, and the product's scratch.
public struct ConvolutionScratch: Sendable {
  /// Work is cut into these.
  public let strip: Strip
  /// Bytes from one gathered row to the next.
  public let tapsPitch: Int
  /// Offsets of the parts.
  public let outside, taps, product: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step whose input has `channels` and whose output `positions`.
  public init(_ step: Convolution, channels: Int, positions: Int) {
    strip = Strip(positions: positions)
    tapsPitch = Shape.blocks(step.matrix.k) * Shape.block
    var cursor = ScratchCursor()
    outside = cursor.reserve(max(channels, Convolution.pictureChannels))
    taps = cursor.reserve(strip.rows * tapsPitch)
    product = cursor.reserveProduct(rows: strip.rows, k: step.matrix.k)
    byteCount = cursor.byteCount
  }
}

/// Normalised positions of one strip and the kernels' scratch, and, shared by all threads, the queries,
/// keys and values of the whole map; the weighted means replace the queries.
public struct MapAttentionScratch: Sendable {
  /// Work before and behind the attention is cut into these.
  public let strip: Strip
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
  public init(_ step: MapAttention, shape: Shape) {
    strip = Strip(positions: shape.positions)
    qkvPitch = step.qkv.panelCount * Shape.block
    let headChannels = shape.channels / step.heads
    var cursor = ScratchCursor()
    normalized = cursor.reserve(strip.rows * shape.pitch)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(
        lvt_gemm_scratch_bytes(strip.rows, shape.channels),
        step.dilations == nil
          ? lvt_attention_scratch_bytes(shape.positions, headChannels)
          : lvt_dilated_attention_scratch_bytes(headChannels)))
    ownByteCount = cursor.byteCount
    qkv = cursor.reserve(shape.positions * qkvPitch)
    byteCount = cursor.byteCount
  }
}

/// One window: its positions, what LayerNorm and then the heads make of them, queries, keys and values,
/// the regions of a shifted window, and the kernels' scratch.
public struct WindowAttentionScratch: Sendable {
  /// Offsets of the parts.
  public let gathered, normalized, qkv, regions, kernel: Int
  /// All of it.
  public let byteCount: Int

  /// The scratch of a step over a map of this shape and type.
  public init(_ step: WindowAttention, shape: Shape, type: ElementType) {
    var cursor = ScratchCursor()
    gathered = cursor.reserve(step.tokens * shape.pitch * type.byteCount)
    normalized = cursor.reserve(step.tokens * shape.pitch)
    qkv = cursor.reserve(step.tokens * step.qkv.panelCount * Shape.block)
    regions = cursor.reserve(step.tokens)
    // The products and the attention between them take turns.
    kernel = cursor.reserve(
      max(
        lvt_gemm_scratch_bytes(step.tokens, shape.channels),
        lvt_attention_scratch_bytes(step.tokens, shape.channels / step.heads)))
    byteCount = cursor.byteCount
  }
}

extension Step.Operation {
  /// Scratch that the first thread needs for the operation, a multiple of 64.
  public func scratchBytes(input: Tensor, output: Tensor) -> Int {
    let shape = output.shape
    return switch self {
    case .patchEmbed(let s): PatchEmbedScratch(s, positions: shape.positions).byteCount
    case .pointwise(let s): PointwiseScratch(s, positions: shape.positions).byteCount
    case .depthwise(let s): DepthwiseScratch(kernel: s.kernel, shape: shape).byteCount
    case .dynamicDepthwise(let s): DynamicDepthwiseScratch(s, shape: shape).byteCount
    case .inhomogeneousDepthwise(let s): InhomogeneousDepthwiseScratch(s, shape: shape).byteCount
    case .mlp(let s): MLPScratch(s, positions: shape.positions).byteCount
    case .patchMerge(let s):
      PatchMergeScratch(s, input: input.type, positions: shape.positions).byteCount
    case .head(let s): HeadScratch(s, shape: input.shape).byteCount
    case .windowAttention(let s):
      WindowAttentionScratch(s, shape: shape, type: input.type).byteCount
    case .mapAttention(let s): MapAttentionScratch(s, shape: shape).byteCount
    case .convolution(let s):
      ConvolutionScratch(s, channels: input.shape.channels, positions: shape.positions).byteCount
    }
  }

  /// Scratch that each further thread needs: all but what threads share.
  public func ownScratchBytes(input: Tensor, output: Tensor) -> Int {
    switch self {
    case .dynamicDepthwise(let s): DynamicDepthwiseScratch(s, shape: output.shape).ownByteCount
    case .mapAttention(let s): MapAttentionScratch(s, shape: output.shape).ownByteCount
    case .patchEmbed, .pointwise, .depthwise, .inhomogeneousDepthwise, .mlp, .patchMerge, .head,
      .windowAttention, .convolution:
      scratchBytes(input: input, output: output)
    }
  }
}
