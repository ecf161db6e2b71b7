// SPDX-License-Identifier: Apache-2.0

extension PlanContents {
  /// Hands the fields of a section to the coder; the constants have none.
  mutating func fields<C: FieldCoder>(
    of section: PlanFormat.Section, _ c: inout C
  ) throws(C.Failure) {
    switch section {
    case .input:
      try c.code(&input)
    case .labels:
      try c.list(&labels, section.name, limit: PlanLimits.labels)
    case .buffers:
      try c.size(&arenaBytes, "arena bytes", limit: PlanLimits.arenaBytes)
      try c.list(&buffers, section.name)
    case .tensors:
      try c.list(&tensors, section.name)
    case .steps:
      // 0 stands for no number in particular.
      var number = threads ?? 0
      try c.index(&number)
      try c.require(
        number <= PlanLimits.threads, "threads", "at most \(PlanLimits.threads)", "\(number)")
      threads = number == 0 ? nil : number
      try c.list(&steps, section.name)
    case .outputs:
      try c.list(&outputs, section.name)
    case .constants:
      break
    case .provenance:
      try c.list(&provenance, section.name, (key: "", value: "")) {
        (c, entry) throws(C.Failure) in
        try c.text(&entry.key)
        try c.text(&entry.value)
      }
    case .golden:
      try c.integer(&golden.seed)
      try c.list(&golden.stepHashes, section.name)
    }
  }
}

extension InputSpec: FieldCodable {
  init() { self.init(width: 0, height: 0) }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&width)
    try c.index(&height)
    try c.code(&fit)
    try c.choice(&interpolation, "interpolation", "0 or 1")
  }
}

extension InputSpec.Fit: FieldCodable {
  /// What stands in front of a rule's own fields.
  private enum Rule: UInt32 {
    case stretch = 0
    case crop = 1
    case letterbox = 2
  }

  private var rule: Rule {
    switch self {
    case .stretch: .stretch
    case .crop: .crop
    case .letterbox: .letterbox
    }
  }

  init() { self = .stretch }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    var rule = rule
    try c.choice(&rule, "fit", "0 ... 2")
    switch rule {
    case .stretch: self = .stretch
    case .crop:
      var fraction = 0.0
      if case .crop(let own) = self { fraction = own }
      try c.double(&fraction)
      self = .crop(fraction: fraction)
    case .letterbox:
      var colour = RGB()
      if case .letterbox(let own) = self { colour = own }
      try c.code(&colour)
      self = .letterbox(padding: colour)
    }
  }
}

extension RGB: FieldCodable {
  init() { self.init(red: 0, green: 0, blue: 0) }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.integer(&red)
    try c.integer(&green)
    try c.integer(&blue)
  }
}

extension Buffer: FieldCodable {
  init() {
    self.init(lifetime: Lifetime(firstStep: 0, lastStep: 0), offset: 0, byteCount: 0)
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&lifetime.firstStep)
    try c.index(&lifetime.lastStep)
    try c.size(&offset, "buffer offset", limit: PlanLimits.arenaBytes)
    try c.size(&byteCount, "buffer bytes", limit: PlanLimits.arenaBytes)
  }
}

extension Tensor: FieldCodable {
  init() {
    self.init(
      shape: Shape(height: 0, width: 0, channels: 0), type: .int8,
      quantization: Quantization(scale: 0, zeroPoint: 0), buffer: 0)
  }

  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.index(&shape.height)
    try c.index(&shape.width)
    try c.index(&shape.channels)
    try c.choice(&type, "tensor type", "0 ... 4")
    try c.float(&quantization.scale)
    try c.signed(&quantization.zeroPoint)
    try c.index(&buffer)
  }
}
