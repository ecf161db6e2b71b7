// SPDX-License-Identifier: Apache-2.0

/// How integers stand for real numbers: `real = scale · (q − zeroPoint)`.
///
/// Quantization.md, equation (1).
public struct Quantization: Equatable, Sendable {
  /// The step between neighbouring values; positive and finite.
  public var scale: Float
  /// The integer that stands for zero, −128 … 127.
  public var zeroPoint: Int

  /// A quantization; the plan reader checks the ranges of what it reads.
  public init(scale: Float, zeroPoint: Int) {
    self.scale = scale
    self.zeroPoint = zeroPoint
  }
}

/// What a tensor's elements are, and how they lie in memory.
public enum ElementType: UInt32, CaseIterable, Sendable {
  /// An RGB picture, three bytes a pixel without padding.
  case pictureRGB = 0
  /// A quantized map; positions are `Shape.paddedChannels` bytes apart.
  case int8 = 1
  /// Float32 values without padding: the logits.
  case float32 = 2
  /// A map of the residual stream in 16 bits; positions are `2 · Shape.paddedChannels` bytes apart, zero is 0.
  case int16 = 3
  /// A class of each pixel, a byte each, without padding.
  case labels = 4

  /// The type in words.
  public var name: String {
    switch self {
    case .pictureRGB: "RGB"
    case .int8: "int8"
    case .float32: "float32"
    case .int16: "int16"
    case .labels: "labels"
    }
  }

  /// Bytes of an element.
  public var byteCount: Int {
    switch self {
    case .pictureRGB, .int8, .labels: 1
    case .int16: 2
    case .float32: 4
    }
  }
}

/// A value that steps read and write.
///
/// Tensors that share a buffer hold it one after the other: an in-place step's output takes over the
/// buffer of its input.
public struct Tensor: Equatable, Sendable {
  /// Extent.
  public var shape: Shape
  /// Element type and layout.
  public var type: ElementType
  /// Meaning of the integers; the picture's is (1, −128), as a byte p is used as q = p − 128, and that
  /// of the logits, which are not quantized, (1, 0).
  public var quantization: Quantization
  /// Index of the buffer that holds the tensor.
  public var buffer: Int

  /// A tensor in a buffer.
  public init(shape: Shape, type: ElementType, quantization: Quantization, buffer: Int) {
    self.shape = shape
    self.type = type
    self.quantization = quantization
    self.buffer = buffer
  }

  /// Bytes from one position to the next.
  public var pitch: Int {
    switch type {
    case .pictureRGB, .float32, .labels: shape.channels * type.byteCount
    case .int8, .int16: shape.paddedChannels * type.byteCount
    }
  }

  /// Bytes that the tensor occupies.
  public var byteCount: Int { shape.positions * pitch }
}

/// The steps, first to last and both included, during which a buffer must keep its bytes.
public struct Lifetime: Equatable, Sendable {
  /// The first step that touches the buffer.
  public var firstStep: Int
  /// The last step that touches the buffer.
  public var lastStep: Int

  /// A lifetime; `firstStep` is not after `lastStep`.
  public init(firstStep: Int, lastStep: Int) {
    self.firstStep = firstStep
    self.lastStep = lastStep
  }

  /// Whether both are alive at some step.
  public func overlaps(_ other: Lifetime) -> Bool {
    firstStep <= other.lastStep && other.firstStep <= lastStep
  }
}

/// A range of the arena that is reserved while it is alive.
public struct Buffer: Equatable, Sendable {
  /// When the bytes are in use.
  public var lifetime: Lifetime
  /// Where the buffer starts in the arena; a multiple of 64.
  public var offset: Int
  /// Size, a multiple of 64.
  public var byteCount: Int

  /// A placed buffer.
  public init(lifetime: Lifetime, offset: Int, byteCount: Int) {
    self.lifetime = lifetime
    self.offset = offset
    self.byteCount = byteCount
  }
}
