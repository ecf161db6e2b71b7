// SPDX-License-Identifier: Apache-2.0

/// Reads the little-endian fields of one section, never past its end.
struct FieldReader {
  private let bytes: UnsafeRawBufferPointer
  private let section: PlanFormat.Section
  private var position = 0

  init(_ sections: SectionTable, _ section: PlanFormat.Section) {
    bytes = sections[section]
    self.section = section
  }

  private mutating func take(_ count: Int) throws(PlanError) -> Int {
    guard count <= bytes.count - position else {
      throw .truncated(what: section.name, expected: position + count, found: bytes.count)
    }
    defer { position += count }
    return position
  }

  /// The section must have been read to its end.
  func end() throws(PlanError) {
    guard position == bytes.count else {
      throw .invalid(where: section.name, expected: "\(position) bytes", found: "\(bytes.count)")
    }
  }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(PlanError) -> T {
    T(littleEndian: bytes.loadUnaligned(fromByteOffset: try take(T.bitWidth / 8), as: T.self))
  }

  mutating func float() throws(PlanError) -> Float {
    Float(bitPattern: try integer(UInt32.self))
  }

  mutating func double() throws(PlanError) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  /// A number of entries, at most `limit`.
  mutating func count(limit: Int) throws(PlanError) -> Int {
    let count = Int(try integer(UInt32.self))
    guard count <= limit else {
      throw .invalid(where: section.name, expected: "at most \(limit) entries", found: "\(count)")
    }
    return count
  }

  /// A size or offset, at most `limit`.
  mutating func size(_ what: String, limit: Int) throws(PlanError) -> Int {
    let size = try integer(UInt64.self)
    guard size <= UInt64(limit) else {
      throw .invalid(where: what, expected: "at most \(limit)", found: "\(size)")
    }
    return Int(size)
  }

  private mutating func index() throws(PlanError) -> Int { Int(try integer(UInt32.self)) }

  mutating func text() throws(PlanError) -> String {
    let length = try count(limit: PlanLimits.textBytes)
    let start = try take(length)
    return String(decoding: bytes[start..<start + length], as: UTF8.self)
  }

  mutating func inputSpec() throws(PlanError) -> InputSpec {
    let width = try index(), height = try index()
    let crop = try double(), filter = try integer(UInt32.self)
    guard let interpolation = InputSpec.Interpolation(rawValue: filter) else {
      throw .invalid(where: "interpolation", expected: "0 or 1", found: "\(filter)")
    }
    return InputSpec(
      width: width, height: height, cropFraction: crop, interpolation: interpolation)
  }

  mutating func buffer() throws(PlanError) -> Buffer {
    let first = try index(), last = try index()
    return Buffer(
      lifetime: Lifetime(firstStep: first, lastStep: last),
      offset: try size("buffer offset", limit: PlanLimits.arenaBytes),
      byteCount: try size("buffer bytes", limit: PlanLimits.arenaBytes))
  }

  mutating func tensor() throws(PlanError) -> Tensor {
    let height = try index(), width = try index(), channels = try index()
    let code = try integer(UInt32.self)
    guard let type = ElementType(rawValue: code) else {
      throw .invalid(where: "tensor type", expected: "0 ... 3", found: "\(code)")
    }
    let scale = try float(), zeroPoint = Int(try integer(Int32.self))
    return Tensor(
      shape: Shape(height: height, width: width, channels: channels), type: type,
      quantization: Quantization(scale: scale, zeroPoint: zeroPoint), buffer: try index())
  }

  private mutating func offset() throws(PlanError) -> Int {
    try size("constant offset", limit: Int(UInt32.max))
  }

  /// An offset that may be absent.
  private mutating func optionalOffset() throws(PlanError) -> Int? {
    let offset = try offset()
    return offset == Int(PlanFormat.none) ? nil : offset
  }

  private mutating func matrix() throws(PlanError) -> PackedMatrix {
    let k = try index(), n = try index(), offset = try offset()
    return PackedMatrix(
      k: k, n: n, offset: offset, outputZeroPoint: Int(try integer(Int32.self)),
      lowerBound: Int(try integer(Int32.self)))
  }

  private mutating func layerNorm() throws(PlanError) -> LayerNorm {
    let channels = try index(), gamma = try offset(), beta = try offset()
    return LayerNorm(
      channels: channels, gammaOffset: gamma, betaOffset: beta, epsilon: try float(),
      outputZeroPoint: Int(try integer(Int32.self)))
  }

  private mutating func pooling() throws(PlanError) -> Head.Pooling {
    let number = try integer(UInt32.self)
    guard let pooling = Head.Pooling(rawValue: number) else {
      throw .invalid(where: "pooling", expected: "0 or 1", found: "\(number)")
    }
    return pooling
  }

  private mutating func windowShift() throws(PlanError) -> WindowShift {
    let rows = try index(), columns = try index(), number = try integer(UInt32.self)
    guard let order = WindowShift.Order(rawValue: number) else {
      throw .invalid(where: "order of padding and shift", expected: "0 or 1", found: "\(number)")
    }
    return WindowShift(rows: rows, columns: columns, order: order)
  }

  private mutating func narrowing() throws(PlanError) -> Narrowing {
    Narrowing(multiplier: try float(), zeroPoint: Int(try integer(Int32.self)))
  }

  /// 1 … 64, or nil where 0 stands.
  mutating func threads() throws(PlanError) -> Int? {
    let threads = try index()
    guard threads <= PlanLimits.threads else {
      throw .invalid(
        where: "threads", expected: "at most \(PlanLimits.threads)", found: "\(threads)")
    }
    return threads == 0 ? nil : threads
  }

  mutating func step() throws(PlanError) -> Step {
    let number = try integer(UInt32.self)
    guard let code = PlanFormat.OperationCode(rawValue: number) else {
      throw .invalid(where: "step kind", expected: "a known one", found: "\(number)")
    }
    let input = try index(), output = try index()
    let scratchOffset = try size("scratch offset", limit: PlanLimits.arenaBytes)
    let scratchBytes = try size("scratch bytes", limit: PlanLimits.arenaBytes)
    let stripRows = try index()
    return Step(
      operation: try operation(code), input: input, output: output, scratchOffset: scratchOffset,
      scratchBytes: scratchBytes, stripRows: stripRows)
  }

  private mutating func operation(
    _ code: PlanFormat.OperationCode
  ) throws(PlanError) -> Step.Operation {
    switch code {
    case .patchEmbed:
      return .patchEmbed(
        PatchEmbed(patch: try index(), matrix: try matrix(), norm: try layerNorm()))
    case .pointwise, .narrowedPointwise:
      let narrowing = code == .narrowedPointwise ? try narrowing() : nil
      let matrix = try matrix(), residual = try integer(UInt32.self)
      return .pointwise(
        Pointwise(
          narrowing: narrowing, matrix: matrix,
          residual: residual == PlanFormat.none ? nil : Int(residual),
          residualMultiplier: try float()))
    case .depthwise:
      return .depthwise(Depthwise(kernel: try index(), filter: try matrix()))
    case .residualDepthwise:
      return .depthwise(
        Depthwise(
          kernel: try index(), filter: try matrix(), residualMultiplier: try float()))
    case .dynamicDepthwise:
      return .dynamicDepthwise(
        DynamicDepthwise(
          kernel: try index(), meanMultiplier: try float(), squeeze: try matrix(),
          squeezeBiasOffset: try offset(), expand: try matrix(), expandBiasOffset: try offset(),
          biasOffset: try offset()))
    case .inhomogeneousDepthwise:
      return .inhomogeneousDepthwise(
        InhomogeneousDepthwise(
          kernel: try index(), groups: try index(), squeeze: try matrix(), expand: try matrix(),
          multiplierOffset: try offset(), biasOffset: try offset()))
    case .mlp, .normalizedMLP, .narrowedMLP:
      return .mlp(
        MLP(
          norm: code == .normalizedMLP ? try layerNorm() : nil,
          narrowing: code == .narrowedMLP ? try narrowing() : nil, expand: try matrix(),
          tableOffset: try offset(), project: try matrix(),
          residualMultiplier: try float()))
    case .patchMerge:
      return .patchMerge(PatchMerge(norm: try layerNorm(), matrix: try matrix()))
    case .head:
      return .head(
        Head(
          norm: try layerNorm(), pooling: try pooling(), poolingMultiplier: try float(),
          matrix: try matrix(), biasOffset: try offset()))
    case .windowAttention, .keyNormWindowAttention:
      let window = try index(), shift = try windowShift(), heads = try index()
      let norm = try layerNorm(), qkv = try matrix(), scoreMultiplier = try float()
      let biasOffset = try optionalOffset()
      let keyNorm =
        code == .keyNormWindowAttention
        ? KeyNorm(gammaOffset: try offset(), betaOffset: try offset(), epsilon: try float()) : nil
      return .windowAttention(
        WindowAttention(
          window: window, shift: shift, heads: heads, norm: norm, qkv: qkv,
          scoreMultiplier: scoreMultiplier, biasOffset: biasOffset, keyNorm: keyNorm,
          attendedMultiplier: try float(), attendedZeroPoint: Int(try integer(Int32.self)),
          project: try matrix(), residualMultiplier: try float()))
    case .globalAttention, .dilatedAttention:
      return .mapAttention(
        MapAttention(
          dilations: code == .dilatedAttention ? try index() : nil, heads: try index(),
          norm: try layerNorm(), qkv: try matrix(), scoreMultiplier: try float(),
          attendedMultiplier: try float(), attendedZeroPoint: Int(try integer(Int32.self)),
          project: try matrix(), residualMultiplier: try float()))
    case .depthwiseSoftmaxAttention, .depthwiseLayerNormAttention:
      return .depthwiseAttention(
        DepthwiseAttention(
          kernel: try index(), norm: try layerNorm(), qkv: try matrix(), biasOffset: try offset(),
          weighting: code == .depthwiseSoftmaxAttention
            ? .softmax(
              scoreMultiplierOffset: try offset(), attendedMultiplierOffset: try offset())
            : .layerNorm(
              gammaOffset: try offset(), betaOffset: try offset(), epsilonOffset: try offset()),
          attendedZeroPoint: Int(try integer(Int32.self)), project: try matrix(),
          residualMultiplier: try float()))
    case .convolution, .pictureConvolution:
      let kernel = try index(), stride = try index()
      var outside: [Int8]?
      if code == .pictureConvolution {
        var bytes: [Int8] = []
        for _ in 0..<Convolution.pictureChannels { bytes.append(try integer(Int8.self)) }
        outside = bytes
      }
      return .convolution(
        Convolution(
          kernel: kernel, stride: stride, outside: outside, matrix: try matrix(),
          tableOffset: try optionalOffset()))
    }
  }
}
