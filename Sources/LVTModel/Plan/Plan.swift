// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem

/// A network compiled for the runtime: steps, memory layout and packed weights, read from a plan file.
///
/// Everything is checked once when the plan is read, so what runs it may trust it. The weights are
/// used where the file is mapped; a plan holds the mapping until it goes.
public final class Plan: Sendable {
  /// How a picture becomes the input.
  public let input: InputSpec
  /// The class names, one for each logit, or none at all.
  public let labels: [String]
  /// Ranges of the arena.
  public let buffers: [Buffer]
  /// Values; tensor 0 is the picture.
  public let tensors: [Tensor]
  /// The program, in order.
  public let steps: [Step]
  /// The results, at least one.
  public let outputs: [PlanOutput]
  /// Threads that the plan was made for; nil if for no number in particular.
  public let threads: Int?
  /// Where the plan comes from and what was measured: keys and values, in the file's order.
  public let provenance: [(key: String, value: String)]
  /// What the plan must compute, for ``Golden``.
  public let golden: Golden
  /// Bytes of the arena for one thread; other threads need ``scratchBytes`` each besides.
  public let arenaBytes: Int
  /// The most scratch that a step needs in each thread after the first.
  public let scratchBytes: Int
  /// Multiplications of a run, without those of padded channels.
  public let multiplications: Int
  /// The work of a run, as ``PlanLimits/work`` limits it.
  public let work: Int
  /// Packed weights, tables and normalisation constants; starts on a 64-byte boundary, valid
  /// while the plan lives.
  public nonisolated(unsafe) let constants: UnsafeRawBufferPointer

  private let storage: PlanStorage

  init(storage: PlanStorage, contents: PlanContents, constants: UnsafeRawBufferPointer) {
    self.storage = storage
    self.constants = constants
    input = contents.input
    labels = contents.labels
    buffers = contents.buffers
    tensors = contents.tensors
    steps = contents.steps
    outputs = contents.outputs
    threads = contents.threads
    provenance = contents.provenance
    golden = contents.golden
    arenaBytes = contents.arenaBytes
    multiplications = contents.multiplications
    classCount = contents.classCount
    work = contents.work
    scratchBytes = contents.steps.reduce(0) { most, step in
      let operands = step.operands(in: contents.tensors)
      let need = operands.map { step.operation.scratch($0, strip: step.stripRows) }
      return max(most, need?.ownByteCount ?? 0)
    }
  }

  /// What a step of the plan reads and writes.
  public func operands(of step: Step) -> Operands {
    Operands(inputs: step.inputs.map { tensors[$0] }, output: tensors[step.output])
  }

  /// The plan file's bytes, all of them, valid while the plan lives.
  public var fileBytes: UnsafeRawBufferPointer { storage.bytes }

  /// The first result that says classes of the whole picture; nil for a plan without one.
  public var classes: PlanOutput? { outputs.first { $0.kind == .classes } }

  /// What the plan is asked for: classes of the whole picture before boxes, those before classes of
  /// pixels; ``PlanOutput/Kind/map`` for a plan of features alone.
  public var task: PlanOutput.Kind {
    let tasks: [PlanOutput.Kind] = [.classes, .detections, .pixelClasses]
    return tasks.first { task in outputs.contains { $0.kind == task } } ?? .map
  }

  /// Classes of pictures, pixels or boxes; 0 for a plan of features alone.
  public let classCount: Int

  /// The name of a class, 0 ..< ``classCount``, or its index where the plan has no labels.
  public func label(ofClass index: Int) -> String {
    index < labels.count ? labels[index] : "\(index)"
  }
}

/// Hashes that prove a run: with the picture made from `seed`, the first 8 bytes of the SHA-256 of each
/// step's output.
public struct Golden: Equatable, Sendable {
  /// The seed of the picture's bytes.
  public var seed: UInt64
  /// One hash a step; none in a plan that is still being made.
  public var stepHashes: [UInt64]

  /// Golden hashes.
  public init(seed: UInt64, stepHashes: [UInt64]) {
    self.seed = seed
    self.stepHashes = stepHashes
  }

  /// Writes the picture that belongs to `seed`: bytes of splitmix64, lowest first.
  public func fill(_ picture: UnsafeMutableRawBufferPointer) {
    var generator = SplitMix64(seed: seed)
    var word: UInt64 = 0
    for i in 0..<picture.count {
      if i % 8 == 0 { word = generator.next() }
      picture[i] = UInt8(truncatingIfNeeded: word)
      word >>= 8
    }
  }
}

/// Steele, Lea and Flood's generator ("Fast splittable pseudorandom number generators", 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator whose sequence depends on nothing but `seed`.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Everything in a plan but the bytes of its constants.
public struct PlanContents: Sendable {
  /// See ``Plan/input``.
  public var input = InputSpec(width: 0, height: 0)
  /// See ``Plan/labels``.
  public var labels: [String] = []
  /// See ``Plan/buffers``.
  public var buffers: [Buffer] = []
  /// See ``Plan/tensors``.
  public var tensors: [Tensor] = []
  /// See ``Plan/steps``.
  public var steps: [Step] = []
  /// See ``Plan/outputs``.
  public var outputs: [PlanOutput] = []
  /// See ``Plan/threads``; 1 … 64.
  public var threads: Int?
  /// See ``Plan/arenaBytes``.
  public var arenaBytes = 0
  /// See ``Plan/provenance``.
  public var provenance: [(key: String, value: String)] = []
  /// See ``Plan/golden``.
  public var golden = Golden(seed: 0, stepHashes: [])

  /// Nothing, to be filled.
  public init() {}

  /// See ``Plan/classCount``; of contents that are checked.
  var classCount: Int {
    var most = 0
    for output in outputs {
      let maker = steps.first { $0.output == output.tensor }
      switch output.kind {
      case .map, .masks: break
      case .classes: most = max(most, tensors[output.tensor].shape.channels)
      case .pixelClasses:
        if let maker { most = max(most, tensors[maker.inputs[0]].shape.channels) }
      case .detections:
        most = max(most, maker?.operation.classesOfBoxes ?? 0)
      }
    }
    return most
  }
}

/// The bytes of a plan: a mapped file, or a copy on a 64-byte boundary.
final class PlanStorage: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  private let mapping: lvt_mapping?

  init(path: String) throws(PlanError) {
    var mapping = lvt_mapping()
    let status = lvt_map_file(path, &mapping)
    if status != 0 {
      throw .unreadable(reason: String(cString: lvt_error_text(status)))
    }
    self.mapping = mapping
    bytes = UnsafeRawBufferPointer(start: mapping.bytes, count: mapping.count)
  }

  init(copying source: UnsafeRawBufferPointer) throws(PlanError) {
    guard let memory = lvt_allocate(source.count) else {
      throw .unreadable(reason: "no memory for \(source.count) bytes")
    }
    if let base = source.baseAddress { memory.copyMemory(from: base, byteCount: source.count) }
    mapping = nil
    bytes = UnsafeRawBufferPointer(start: memory, count: source.count)
  }

  deinit {
    if let mapping {
      lvt_unmap_file(mapping)
    } else {
      lvt_free(UnsafeMutableRawPointer(mutating: bytes.baseAddress))
    }
  }
}
