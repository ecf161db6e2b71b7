// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// A result of an engine's last run, where it lies.
public struct EngineOutput {
  /// What the plan calls it.
  public let name: String
  /// What it says.
  public let kind: PlanOutput.Kind
  /// Its extents.
  public let shape: Shape
  /// Int8, int16 or float32.
  public let type: ElementType
  /// What its integers stand for; (1, 0) for float32.
  public let quantization: Quantization
  /// Bytes from one position to the next, padding of channels included.
  public let pitch: Int
  /// The values, `shape.positions` times ``pitch`` bytes; valid as ``Engine/outputs`` says.
  public let bytes: UnsafeRawBufferPointer

  /// Float32 features that no engine made, without padding, to be shown beside an engine's.
  public init(floats bytes: UnsafeRawBufferPointer, name: String, shape: Shape) {
    self.name = name
    self.kind = .map
    self.shape = shape
    type = .float32
    quantization = Quantization(scale: 1, zeroPoint: 0)
    pitch = shape.channels * type.byteCount
    self.bytes = bytes
  }

  init(_ output: PlanOutput, _ plan: Plan, arena: UnsafeMutableRawPointer) {
    let tensor = plan.tensors[output.tensor]
    name = output.name
    kind = output.kind
    shape = tensor.shape
    type = tensor.type
    quantization = tensor.quantization
    pitch = tensor.pitch
    bytes = UnsafeRawBufferPointer(
      start: arena + plan.buffers[tensor.buffer].offset, count: tensor.byteCount)
  }

  /// The real number at a channel of a position, in raster order.
  public func value(position: Int, channel: Int) -> Float {
    let at = position * pitch + channel * type.byteCount
    let integer: Int
    switch type {
    case .float32: return bytes.loadUnaligned(fromByteOffset: at, as: Float.self)
    case .int8: integer = Int(bytes.load(fromByteOffset: at, as: Int8.self))
    case .int16: integer = Int(bytes.loadUnaligned(fromByteOffset: at, as: Int16.self))
    case .pictureRGB: integer = Int(bytes[at]) - 128
    case .labels: integer = Int(bytes[at])
    }
    return quantization.scale * Float(integer - quantization.zeroPoint)
  }

  /// All real numbers, positions in raster order, channels without padding.
  public var values: [Float] {
    (0..<shape.positions).flatMap { position in
      (0..<shape.channels).map { value(position: position, channel: $0) }
    }
  }
}
