// SPDX-License-Identifier: Apache-2.0

/// How offsets move a box: by their place along its sides, and by the logarithm of its sides.
///
/// mmdetection's DeltaXYWHBBoxCoder.
public struct BoxCoder: Equatable, Sendable {
  /// What offsets are multiplied with, then what is added to them: x, y, width, height.
  public var deviations = SIMD4<Float>(repeating: 1), means = SIMD4<Float>(repeating: 0)

  /// Offsets as they are.
  public init() {}

  /// Offsets that are multiplied first.
  public init(deviations: SIMD4<Float>, means: SIMD4<Float> = SIMD4(repeating: 0)) {
    self.deviations = deviations
    self.means = means
  }
}

extension BoxCoder: FieldCodable {
  mutating func fields<C: FieldCoder>(_ c: inout C) throws(C.Failure) {
    for i in 0..<4 { try c.float(&deviations[i]) }
    for i in 0..<4 { try c.float(&means[i]) }
  }

  func check(_ c: StepContext) throws(PlanError) {
    for i in 0..<4 {
      try c.require(
        deviations[i].magnitude <= PlanLimits.offset && means[i].magnitude <= PlanLimits.offset,
        "deviations and means within ±\(PlanLimits.offset)", "others")
    }
  }
}
