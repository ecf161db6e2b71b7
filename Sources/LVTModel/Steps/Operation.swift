// SPDX-License-Identifier: Apache-2.0

extension Step {
  /// What a step computes: a case for each type of `StepOperation`.
  ///
  /// ``visit(_:)`` and `decode(_:from:)` are the only switches over the cases.
  public enum Operation: Equatable, Sendable {
    case patchEmbed(PatchEmbed)
    case pointwise(Pointwise)
    case depthwise(Depthwise)
    case dynamicDepthwise(DynamicDepthwise)
    case inhomogeneousDepthwise(InhomogeneousDepthwise)
    case mlp(MLP)
    case patchMerge(PatchMerge)
    case head(Head)
    case windowAttention(WindowAttention)
    case mapAttention(MapAttention)
    case depthwiseAttention(DepthwiseAttention)
    case convolution(Convolution)
    case adaptiveMean(AdaptiveMean)
    case normalize(Normalize)
    case resample(Resample)
    case labelPixels(LabelPixels)
    case detect(Detect)
    case subsample(Subsample)
    case proposals(Proposals)
    case boxHead(BoxHead)
    case refineBoxes(RefineBoxes)
    case boxes(Boxes)
    case masks(Masks)
  }
}

/// Does something with an operation of whichever type.
///
/// A generic `visit` serves all types at once. Embedded Swift has no existentials, so this stands for
/// `any StepOperation`.
public protocol StepVisitor {
  /// What a visit returns.
  associatedtype Result
  /// What a visit throws.
  associatedtype Failure: Error

  mutating func visit(_ step: PatchEmbed) throws(Failure) -> Result
  mutating func visit(_ step: Pointwise) throws(Failure) -> Result
  mutating func visit(_ step: Depthwise) throws(Failure) -> Result
  mutating func visit(_ step: DynamicDepthwise) throws(Failure) -> Result
  mutating func visit(_ step: InhomogeneousDepthwise) throws(Failure) -> Result
  mutating func visit(_ step: MLP) throws(Failure) -> Result
  mutating func visit(_ step: PatchMerge) throws(Failure) -> Result
  mutating func visit(_ step: Head) throws(Failure) -> Result
  mutating func visit(_ step: WindowAttention) throws(Failure) -> Result
  mutating func visit(_ step: MapAttention) throws(Failure) -> Result
  mutating func visit(_ step: DepthwiseAttention) throws(Failure) -> Result
  mutating func visit(_ step: Convolution) throws(Failure) -> Result
  mutating func visit(_ step: AdaptiveMean) throws(Failure) -> Result
  mutating func visit(_ step: Normalize) throws(Failure) -> Result
  mutating func visit(_ step: Resample) throws(Failure) -> Result
  mutating func visit(_ step: LabelPixels) throws(Failure) -> Result
  mutating func visit(_ step: Detect) throws(Failure) -> Result
  mutating func visit(_ step: Subsample) throws(Failure) -> Result
  mutating func visit(_ step: Proposals) throws(Failure) -> Result
  mutating func visit(_ step: BoxHead) throws(Failure) -> Result
  mutating func visit(_ step: RefineBoxes) throws(Failure) -> Result
  mutating func visit(_ step: Boxes) throws(Failure) -> Result
  mutating func visit(_ step: Masks) throws(Failure) -> Result
}

extension Step.Operation {
  /// Calls the visitor's method for the operation's type.
  @inlinable
  public func visit<V: StepVisitor>(_ visitor: inout V) throws(V.Failure) -> V.Result {
    switch self {
    case .patchEmbed(let step): try visitor.visit(step)
    case .pointwise(let step): try visitor.visit(step)
    case .depthwise(let step): try visitor.visit(step)
    case .dynamicDepthwise(let step): try visitor.visit(step)
    case .inhomogeneousDepthwise(let step): try visitor.visit(step)
    case .mlp(let step): try visitor.visit(step)
    case .patchMerge(let step): try visitor.visit(step)
    case .head(let step): try visitor.visit(step)
    case .windowAttention(let step): try visitor.visit(step)
    case .mapAttention(let step): try visitor.visit(step)
    case .depthwiseAttention(let step): try visitor.visit(step)
    case .convolution(let step): try visitor.visit(step)
    case .adaptiveMean(let step): try visitor.visit(step)
    case .normalize(let step): try visitor.visit(step)
    case .resample(let step): try visitor.visit(step)
    case .labelPixels(let step): try visitor.visit(step)
    case .detect(let step): try visitor.visit(step)
    case .subsample(let step): try visitor.visit(step)
    case .proposals(let step): try visitor.visit(step)
    case .boxHead(let step): try visitor.visit(step)
    case .refineBoxes(let step): try visitor.visit(step)
    case .boxes(let step): try visitor.visit(step)
    case .masks(let step): try visitor.visit(step)
    }
  }

  /// The operation of a code, its fields read.
  static func decode(_ code: UInt32, from r: inout FieldReader) throws(PlanError) -> Step.Operation
  {
    switch code {
    case PatchEmbed.code: .patchEmbed(try r.read())
    case Pointwise.code: .pointwise(try r.read())
    case Depthwise.code: .depthwise(try r.read())
    case DynamicDepthwise.code: .dynamicDepthwise(try r.read())
    case InhomogeneousDepthwise.code: .inhomogeneousDepthwise(try r.read())
    case MLP.code: .mlp(try r.read())
    case PatchMerge.code: .patchMerge(try r.read())
    case Head.code: .head(try r.read())
    case WindowAttention.code: .windowAttention(try r.read())
    case MapAttention.code: .mapAttention(try r.read())
    case DepthwiseAttention.code: .depthwiseAttention(try r.read())
    case Convolution.code: .convolution(try r.read())
    case AdaptiveMean.code: .adaptiveMean(try r.read())
    case Normalize.code: .normalize(try r.read())
    case Resample.code: .resample(try r.read())
    case LabelPixels.code: .labelPixels(try r.read())
    case Detect.code: .detect(try r.read())
    case Subsample.code: .subsample(try r.read())
    case Proposals.code: .proposals(try r.read())
    case BoxHead.code: .boxHead(try r.read())
    case RefineBoxes.code: .refineBoxes(try r.read())
    case Boxes.code: .boxes(try r.read())
    case Masks.code: .masks(try r.read())
    default: throw .unknownOperation(code: code)
    }
  }
}
