// SPDX-License-Identifier: Apache-2.0

/// Follows which tensor each buffer holds from step to step, and asks each operation for its rules.
///
/// Nothing is allowed by default: a step reads only what its operation names, tensors that their buffers hold;
/// it writes a tensor that no other step writes, of the form that its operation makes of its inputs; and it
/// shares a buffer with an input only where its operation may overwrite that input, by a tensor of the same
/// form.
///
/// All matrices together have no more bytes than the constants, so that the time this takes grows with the
/// file and not with the number of its steps.
struct FlowChecker {
  private let checker: PlanChecker
  /// The tensor that each buffer holds.
  private var held: [Int?]
  private var isWritten: [Bool]
  /// What each tensor that was written is.
  private var meanings: [Meaning]
  private var matrixBytes = 0

  private var contents: PlanContents { checker.contents }

  init(checker: PlanChecker) {
    self.checker = checker
    held = Array(repeating: nil, count: checker.contents.buffers.count)
    isWritten = Array(repeating: false, count: checker.contents.tensors.count)
    meanings = Array(repeating: .values, count: checker.contents.tensors.count)
  }

  mutating func check() throws(PlanError) {
    let picture = contents.tensors[0].buffer
    try checker.require(
      contents.buffers[picture].lifetime.firstStep == 0, "lifetime of buffer \(picture)",
      "the picture in it from step 0", "a later one")
    held[picture] = 0
    isWritten[0] = true
    for i in contents.steps.indices { try check(step: i) }
    for (i, isWritten) in isWritten.enumerated() {
      try checker.require(isWritten, "tensor \(i)", "a step that writes it", "none")
    }
    try checkOutputs()
  }

  private mutating func check(step i: Int) throws(PlanError) {
    let step = contents.steps[i], name = "step \(i)"
    for index in step.inputs {
      try checkAlive(index, at: i)
      try checker.require(
        held[contents.tensors[index].buffer] == index, name, "tensor \(index) in its buffer",
        "another or nothing")
    }
    try checkAlive(step.output, at: i)
    try checker.require(
      !isWritten[step.output], name, "a tensor that no other step writes",
      "tensor \(step.output)")

    let inputs = step.inputs.map { contents.tensors[$0] }, output = contents.tensors[step.output]
    let traits = step.operation.traits
    try checker.require(
      inputs.count == traits.inputTypes.count, name, "\(traits.inputTypes.count) inputs",
      "\(inputs.count)")
    for (input, types) in zip(inputs, traits.inputTypes) {
      try checker.require(
        types.contains(input.type), name, "an input of \(types.names)", input.type.name)
    }
    for (index, meaning) in zip(step.inputs, traits.inputMeanings) {
      try checker.require(
        meanings[index] == meaning, name, "an input that is \(meaning.name)",
        meanings[index].name)
    }
    let shared = inputs.indices.filter { inputs[$0].buffer == output.buffer }
    try checker.require(
      shared.count <= 1, name, "at most one input in the output's buffer", "\(shared.count)")
    for input in shared {
      try checker.require(
        traits.mayOverwrite.contains(input: input), name, "separate input and output", "one buffer")
      try checker.require(
        inputs[input].shape == output.shape && inputs[input].type == output.type, name,
        "an input of the output's form in its buffer", "another")
    }
    let context = StepContext(
      name: name, inputs: inputs, output: output, constants: checker.constants)
    var rules = StepRules(context: context, stripRows: step.stripRows)
    let scratch = try step.operation.visit(&rules)
    try checker.require(
      step.scratchBytes == scratch.byteCount, name, "\(scratch.byteCount) bytes of scratch",
      "\(step.scratchBytes)")

    matrixBytes += step.operation.constantBytes
    try checker.require(
      matrixBytes <= checker.constants.count, name,
      "matrices of its own, of at most \(checker.constants.count) bytes with those before",
      "\(matrixBytes)")
    held[output.buffer] = step.output
    isWritten[step.output] = true
    meanings[step.output] = traits.meaning
  }

  /// The tensor must exist, and its buffer keep its bytes at the step.
  private func checkAlive(_ index: Int, at step: Int) throws(PlanError) {
    try checker.require(
      contents.tensors.indices.contains(index), "step \(step)",
      "tensors 0 ..< \(contents.tensors.count)", "\(index)")
    let life = contents.buffers[contents.tensors[index].buffer].lifetime
    try checker.require(
      life.overlaps(Lifetime(firstStep: step, lastStep: step)), "step \(step)",
      "a live buffer under tensor \(index)", "one that is not")
  }

  private func checkOutputs() throws(PlanError) {
    let last = contents.steps.count - 1
    try checker.require(!contents.outputs.isEmpty, "outputs", "at least one", "none")
    for (i, output) in contents.outputs.enumerated() {
      let name = "output \(i)"
      try checker.require(
        !contents.outputs[..<i].contains { $0.name == output.name }, name,
        "a name of its own", "'\(output.name)' again")
      try checkAlive(output.tensor, at: last)
      let tensor = contents.tensors[output.tensor]
      try checker.require(
        held[tensor.buffer] == output.tensor, name, "tensor \(output.tensor) in its buffer",
        "another or nothing")
      let meaning = meanings[output.tensor]
      let isVector =
        tensor.type == .float32 && tensor.shape.positions == 1 && meaning == .values
      switch output.kind {
      case .classes: try checker.require(isVector, name, "logits", "another value")
      case .map:
        try checker.require(
          isVector || ElementTypes.stream.contains(tensor.type), name, "features",
          "another value")
      case .pixelClasses:
        try checker.require(
          tensor.type == .labels && tensor.shape.height == contents.input.height
            && tensor.shape.width == contents.input.width, name,
          "labels of the input's pixels", "another value")
      case .detections:
        try checker.require(meaning == .objects, name, "boxes", "another value")
      case .masks:
        try checker.require(meaning == .masks, name, "masks", "another value")
        // Masks are of boxes that are a result as well, and of no others.
        let boxes = contents.steps.first { $0.output == output.tensor }?.inputs.last
        try checker.require(
          contents.outputs.contains { $0.kind == .detections && $0.tensor == boxes },
          name, "masks of boxes that are a result", "others")
      }
    }
  }
}

extension Step.Operation {
  /// Classes of the boxes that it makes; nil if it makes none.
  var classesOfBoxes: Int? {
    switch self {
    case .detect(let step): step.classes
    case .boxes(let step): step.reading.classes
    default: nil
    }
  }
}

/// The rules of one operation, in the order in which one relies on another; the result is its scratch.
private struct StepRules: StepVisitor {
  typealias Result = ScratchNeed
  typealias Failure = PlanError
  let context: StepContext
  let stripRows: Int

  mutating func visit<S: StepOperation>(_ step: S) throws(PlanError) -> ScratchNeed {
    let form = try step.form(context), output = context.output
    try context.require(
      output.shape == form.shape, "an output of \(form.shape)", "\(output.shape)")
    try context.require(
      form.types.contains(output.type), "an output of \(form.types.names)", output.type.name)
    try step.check(context)
    try context.require(
      (1...PlanLimits.strip).contains(stripRows),
      "strips of 1 ... \(PlanLimits.strip) positions", "\(stripRows)")
    return step.scratch(
      Operands(inputs: context.inputs, output: output), strip: stripRows)
  }
}
