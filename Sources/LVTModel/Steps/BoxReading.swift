// SPDX-License-Identifier: Apache-2.0

/// How what a ``BoxHead`` says of a region is read: logits of the classes, one of the background, and offsets,
/// four for each class or four for all.
public struct BoxReading: Equatable, Sendable {
  /// Pixels of the input, outside which no box reaches.
  public var picture = Extent()
  /// Classes, without background.
  public var classes = 0
  /// Whether all classes have the same offsets.
  public var isAgnostic = false
  /// How offsets move regions.
  public var coder = BoxCoder()

  /// Zeros, to be filled.
  public init() {}

  /// Values of a region: logits, then offsets.
  public var values: Int { classes + 1 + 4 * (isAgnostic ? 1 : classes) }
}

extension BoxReading: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    try c.code(&picture)
    try c.index(&classes)
    try c.flag(&isAgnostic)
    try c.code(&coder)
  }

  /// Regions are the first input, and what heads say of them are the others.
  func check(_ c: StepContext) throws(PlanError) {
    try c.checkPicture(picture)
    try c.require(
      (1...PlanLimits.classesOfBoxes).contains(classes),
      "1 ... \(PlanLimits.classesOfBoxes) classes", "\(classes)")
    try coder.check(c)
    let regions = c.input.shape.width
    for said in c.inputs.dropFirst() {
      try c.require(
        said.shape == Shape(height: 1, width: regions, channels: values),
        "\(values) values of \(regions) regions", "\(said.shape)")
    }
  }
}
