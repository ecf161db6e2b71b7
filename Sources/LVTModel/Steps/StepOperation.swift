// SPDX-License-Identifier: Apache-2.0

/// A type of step: its fields, and all that a plan's reader has to know of it.
///
/// A type allows nothing by default: no input, no output and no shared memory that it does not name.
protocol StepOperation: FieldCodable, Equatable, Sendable {
  /// Stands for the type in a plan file.
  static var code: UInt32 { get }
  /// The operation's name in tables.
  var name: String { get }
  /// The types that each input may have; a step has as many inputs.
  var inputTypes: [ElementTypes] { get }
  /// What the step makes is.
  var meaning: Meaning { get }
  /// What an input must be.
  func meaning(ofInput index: Int) -> Meaning
  /// Which inputs' buffers the output may take over while the step reads them.
  var mayOverwrite: InputSet { get }
  /// What the step multiplies with, in order.
  var matrices: [PackedMatrix] { get }
  /// The kernels that the step calls, in order.
  var kernels: [String] { get }
  /// The extents that the step makes of its inputs, and the types that it may have.
  ///
  /// Called before ``check(_:)``, when no field but those that it looks at itself is known to make sense.
  func form(_ c: StepContext) throws(PlanError) -> OutputForm
  /// Whether fields and constants are within the ranges that the kernels need.
  func check(_ c: StepContext) throws(PlanError)
  /// The scratch of a step whose fields are checked.
  ///
  /// - Parameter strip: Positions of the largest strip; see ``Step/stripRows``.
  func scratch(_ operands: Operands, strip: Int) -> ScratchNeed
  /// How threads divide the step, whose fields are checked.
  var division: StepDivision { get }
  /// What the step does; no field need be checked.
  func work(_ c: StepCounter) -> StepWork
}

extension StepOperation {
  var meaning: Meaning { .values }
  func meaning(ofInput index: Int) -> Meaning { .values }
  var mayOverwrite: InputSet { [] }
  var division: StepDivision { .together }
}

/// A step whose output has the form of its first input, and may overwrite it.
protocol InPlaceOperation: StepOperation {}

extension InPlaceOperation {
  var mayOverwrite: InputSet { .first }
  func form(_ c: StepContext) throws(PlanError) -> OutputForm { OutputForm(of: c.input) }
}

/// A set of a step's inputs.
struct InputSet: OptionSet, Sendable {
  let rawValue: UInt8
  static let first = InputSet(rawValue: 1 << 0)
  static let second = InputSet(rawValue: 1 << 1)

  func contains(input: Int) -> Bool { rawValue >> input & 1 == 1 }
}

/// A set of element types.
struct ElementTypes: OptionSet, Sendable {
  let rawValue: UInt8
  static let picture = ElementTypes(.pictureRGB)
  static let int8 = ElementTypes(.int8)
  static let int16 = ElementTypes(.int16)
  static let float32 = ElementTypes(.float32)
  static let labels = ElementTypes(.labels)
  /// Either width of the residual stream.
  static let stream: ElementTypes = [ElementTypes(.int8), ElementTypes(.int16)]

  init(rawValue: UInt8) { self.rawValue = rawValue }
  init(_ type: ElementType) { rawValue = 1 << UInt8(type.rawValue) }

  func contains(_ type: ElementType) -> Bool { contains(ElementTypes(type)) }

  /// `int8 or int16`.
  var names: String {
    var text = ""
    for type in ElementType.allCases where contains(type) {
      text += (text.isEmpty ? "" : " or ") + type.name
    }
    return text
  }
}

/// What a step makes of its inputs.
struct OutputForm {
  let shape: Shape
  let types: ElementTypes

  init(_ shape: Shape, _ types: ElementTypes) {
    self.shape = shape
    self.types = types
  }

  /// The same extents and type.
  init(of tensor: Tensor) { self.init(tensor.shape, ElementTypes(tensor.type)) }
}

/// What a step reads and writes.
public struct Operands: Sendable {
  /// What is read, in the operation's order.
  public let inputs: [Tensor]
  /// What is written.
  public let output: Tensor

  /// A step's operands; it has at least one input.
  public init(inputs: [Tensor], output: Tensor) {
    self.inputs = inputs
    self.output = output
  }

  /// The first input.
  public var input: Tensor { inputs[0] }
}

/// Scratch of a step in bytes, multiples of 64.
public struct ScratchNeed: Equatable, Sendable {
  /// Of the first thread: its own, and behind it what all threads share.
  public let byteCount: Int
  /// Of each further thread.
  public let ownByteCount: Int

  init(_ byteCount: Int, own: Int? = nil) {
    self.byteCount = byteCount
    ownByteCount = own ?? byteCount
  }
}

/// What can be said of an operation without its operands.
struct StepTraits {
  let code: UInt32
  let name: String
  let inputTypes: [ElementTypes]
  let meaning: Meaning
  let inputMeanings: [Meaning]
  let mayOverwrite: InputSet
  let matrices: [PackedMatrix]
  let kernels: [String]
}

extension Step.Operation {
  var traits: StepTraits {
    var reader = TraitsReader()
    return visit(&reader)
  }

  /// The operation's name in tables.
  public var name: String { traits.name }

  /// What the step multiplies with, in order.
  public var matrices: [PackedMatrix] { traits.matrices }

  /// The kernels that the step calls, in order.
  public var kernels: [String] { traits.kernels }

  /// The inputs, by their place, whose buffers the output may take over while the step reads them.
  public var overwritableInputs: [Int] {
    let traits = traits
    return traits.inputTypes.indices.filter { traits.mayOverwrite.contains(input: $0) }
  }

  /// The scratch that the step needs, if its fields are checked.
  ///
  /// - Parameter strip: Positions of the largest strip; see ``Step/stripRows``.
  public func scratch(_ operands: Operands, strip: Int) -> ScratchNeed {
    var reader = ScratchReader(operands: operands, strip: strip)
    return visit(&reader)
  }

  /// The step's work.
  ///
  /// Rows and columns that fill up windows are counted, since they are worked on.
  ///
  /// - Parameter isPadded: Whether all that the kernels do is counted: padding of channels and taps, values
  ///   of two bytes twice, and the weights of attention. What is known as a network's multiplications is
  ///   without.
  public func work(_ operands: Operands, isPadded: Bool = false) -> StepWork {
    var counter = StepCounter(
      inputs: operands.inputs.map { $0.shape }, output: operands.output.shape, isPadded: isPadded)
    return visit(&counter)
  }

  /// Bytes of packed weights, biases and multipliers, padding included.
  public var constantBytes: Int {
    matrices.reduce(Count(0)) { $0 + Count($1.panelCount) * Count($1.panelBytes) }.value
  }
}

private struct TraitsReader: StepVisitor {
  typealias Result = StepTraits
  typealias Failure = Never

  mutating func visit<S: StepOperation>(_ step: S) -> StepTraits {
    StepTraits(
      code: S.code, name: step.name, inputTypes: step.inputTypes, meaning: step.meaning,
      inputMeanings: step.inputTypes.indices.map { step.meaning(ofInput: $0) },
      mayOverwrite: step.mayOverwrite, matrices: step.matrices, kernels: step.kernels)
  }
}

private struct ScratchReader: StepVisitor {
  typealias Result = ScratchNeed
  typealias Failure = Never
  let operands: Operands
  let strip: Int

  mutating func visit<S: StepOperation>(_ step: S) -> ScratchNeed {
    step.scratch(operands, strip: strip)
  }
}
