// SPDX-License-Identifier: Apache-2.0
public import LVTModel

/// A plan of a few steps that a test writes down itself; weights are zeros unless it sets them.
public struct HandmadePlan: Sendable {
  /// The plan; buffers, scratch and arena are filled in by ``place()``.
  public var contents = PlanContents()
  /// Its constants.
  public var constants: [UInt8] = []

  /// A picture, which is tensor 0, and no step.
  public init(height: Int, width: Int) {
    contents.input = InputSpec(width: width, height: height)
    contents.tensors = [
      Tensor(
        shape: Shape(height: height, width: width, channels: 3), type: .pictureRGB,
        quantization: Quantization(scale: 1, zeroPoint: -128), buffer: 0)
    ]
  }

  // MARK: Constants

  /// The offset of so many zeros.
  public mutating func reserve(_ bytes: Int) -> Int {
    constants += [UInt8](repeating: 0, count: (constants.count + 63) / 64 * 64 - constants.count)
    defer { constants += [UInt8](repeating: 0, count: bytes) }
    return constants.count
  }

  /// The offset of float32 values.
  public mutating func floats(_ values: [Float]) -> Int {
    let offset = reserve(4 * values.count)
    for (i, value) in values.enumerated() { constants.store(value.bitPattern, at: offset + 4 * i) }
    return offset
  }

  /// A matrix of zeros.
  public mutating func matrix(k: Int, n: Int) -> PackedMatrix {
    var matrix = PackedMatrix()
    (matrix.k, matrix.n, matrix.lowerBound) = (k, n, -128)
    matrix.offset = reserve(matrix.byteCount)
    return matrix
  }

  /// A matrix of the given columns of weights and their multipliers.
  public mutating func matrix(columns: [[Int8]], multipliers: [Float]) -> PackedMatrix {
    let matrix = matrix(k: columns[0].count, n: columns.count)
    for (n, column) in columns.enumerated() {
      let panel = matrix.offset + n / 16 * matrix.panelBytes, lane = n % 16
      for (k, weight) in column.enumerated() {
        let place = PackedMatrix.headerBytes + (k / 4 * 16 + lane) * 4 + k % 4
        constants[panel + place] = UInt8(bitPattern: weight)
      }
      constants.store(column.reduce(Int32(0)) { $0 + Int32($1) }, at: panel + 64 + 4 * lane)
      constants.store(multipliers[n].bitPattern, at: panel + 128 + 4 * lane)
    }
    return matrix
  }

  /// A LayerNorm; what is missing of γ and β is zero.
  public mutating func norm(
    _ channels: Int, gamma: [Float] = [], beta: [Float] = []
  ) -> LayerNorm {
    func padded(_ values: [Float]) -> [Float] {
      values + [Float](repeating: 0, count: (channels + 15) / 16 * 16 - values.count)
    }
    var norm = LayerNorm()
    norm.channels = channels
    norm.gammaOffset = floats(padded(gamma))
    norm.betaOffset = floats(padded(beta))
    norm.epsilon = 0x1p-20
    return norm
  }

  // MARK: Steps

  /// The index of a new tensor, in a buffer of its own or in that of another tensor.
  public mutating func tensor(
    _ shape: Shape, _ type: ElementType = .int8, inBufferOf other: Int? = nil
  ) -> Int {
    let next = (contents.tensors.map(\.buffer).max() ?? -1) + 1
    contents.tensors.append(
      Tensor(
        shape: shape, type: type, quantization: Quantization(scale: 1, zeroPoint: 0),
        buffer: other.map { contents.tensors[$0].buffer } ?? next))
    return contents.tensors.count - 1
  }

  /// The index of the tensor that a new step makes.
  @discardableResult
  public mutating func add(
    _ operation: Step.Operation, inputs: [Int], _ shape: Shape, _ type: ElementType = .int8,
    inBufferOf other: Int? = nil
  ) -> Int {
    let output = tensor(shape, type, inBufferOf: other)
    contents.steps.append(Step(operation, inputs: inputs, output: output))
    return output
  }

  /// Adds a patch embedding of patches of one pixel, the map that most plans start with.
  public mutating func addMap(channels: Int, _ type: ElementType = .int8) -> Int {
    var step = PatchEmbed()
    step.patch = 1
    step.matrix = matrix(k: 3, n: channels)
    step.norm = norm(channels)
    let picture = contents.tensors[0].shape
    return add(
      .patchEmbed(step), inputs: [0],
      Shape(height: picture.height, width: picture.width, channels: channels), type)
  }

  /// Adds a head, and its result.
  @discardableResult
  public mutating func addHead(
    _ input: Int, classes: Int?, name: String = "classes"
  ) -> Int {
    let channels = contents.tensors[input].shape.channels
    var head = Head()
    head.norm = norm(channels)
    if let classes {
      var classifier = Head.Classifier()
      classifier.matrix = matrix(k: channels, n: classes)
      classifier.biasOffset = reserve(4 * classes)
      head.classifier = classifier
    }
    let output = add(
      .head(head), inputs: [input], Shape(height: 1, width: 1, channels: classes ?? channels),
      .float32)
    addOutput(name, classes == nil ? .map : .classes, output)
    return output
  }

  /// Adds a result.
  public mutating func addOutput(_ name: String, _ kind: PlanOutput.Kind, _ tensor: Int) {
    contents.outputs.append(PlanOutput(name: name, kind: kind, tensor: tensor))
  }

  // MARK: The file

  /// Lays out the memory: each buffer alive while it is used, all behind each other, and the scratch behind
  /// them.
  public mutating func place() {
    let tensors = contents.tensors, last = contents.steps.count - 1
    var lifetimes: [Int: Lifetime] = [0: Lifetime(firstStep: 0, lastStep: 0)]
    func use(_ tensor: Int, at step: Int) {
      let first = lifetimes[tensors[tensor].buffer]?.firstStep ?? step
      lifetimes[tensors[tensor].buffer] = Lifetime(firstStep: first, lastStep: step)
    }
    for (i, step) in contents.steps.enumerated() {
      for tensor in step.inputs + [step.output] { use(tensor, at: i) }
    }
    for output in contents.outputs { use(output.tensor, at: last) }
    var end = 0
    contents.buffers = (0...(tensors.map(\.buffer).max() ?? 0)).map { buffer in
      let sizes = tensors.filter { $0.buffer == buffer }.map { ($0.byteCount + 63) / 64 * 64 }
      let bytes = sizes.max() ?? 0
      defer { end += bytes }
      return Buffer(
        lifetime: lifetimes[buffer] ?? Lifetime(firstStep: 0, lastStep: 0), offset: end,
        byteCount: bytes)
    }
    for i in contents.steps.indices { contents.steps[i].placeScratch(at: end, tensors) }
    contents.arenaBytes = end + (contents.steps.map(\.scratchBytes).max() ?? 0)
  }

  /// The bytes of the plan file.
  public var bytes: [UInt8] { contents.encoded(constants: constants, hashed: false) }
}

extension [UInt8] {
  /// Writes an integer's little-endian bytes.
  public mutating func store<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    for i in 0..<T.bitWidth / 8 { self[offset + i] = UInt8(truncatingIfNeeded: value >> T(8 * i)) }
  }
}
