// SPDX-License-Identifier: Apache-2.0
public import LVTModel

extension Network {
  /// What a checkpoint cannot tell.
  public struct Options: Sendable {
    /// The input picture.
    public var inputSize = PictureSize(square: 224)
    /// Mean of each colour, pixels being 0 … 1.
    public var mean: [Float] = [0.485, 0.456, 0.406]
    /// Deviation of each colour.
    public var deviation: [Float] = [0.229, 0.224, 0.225]
    /// Heads of each stage where no tensor tells; empty for 3, and twice as many in each further stage.
    public var heads: [Int] = []
    /// Whether the results are the maps of the stages instead of what the head says.
    public var features = false
    /// What the head makes of the positions; nil for the mean, as all published networks have it.
    public var pooling: Head.Pooling?
    /// Distances of a DilateFormer's neighbours: 1, 2, … to the number of groups of heads; nil for three.
    public var dilations: Int?
    /// The edge of an inhomogeneous DWNet's filters; nil for the greatest with which its groups divide the
    /// channels.
    public var kernel: Int?
    /// Which code's windows a Swin has; nil for that which gives its tensors their names.
    public var windows: SwinWindows?
    /// Parts of each axis over which UPerNet's head takes means; nil for 1, 2, 3 and 6.
    public var poolScales: [Int]?
    /// What the first of a pyramid's further levels reads where channels do not tell.
    public var extraLevels: FeaturePyramid.ExtraInput?
    /// What a detector's tensors do not tell.
    public var detection = Detection()
    /// What a two-stage detector's tensors do not tell.
    public var twoStage = TwoStage()

    /// The published defaults: 224 pixels, ImageNet's mean and deviation.
    public init() {}
  }

  /// Recognises the architecture by its tensors and folds its BatchNorms.
  ///
  /// - Throws: ``NetworkError``, which names the tensor.
  public init(_ checkpoint: Checkpoint, options: Options) throws(NetworkError) {
    guard let family = Family.all.first(where: { $0.recognises(checkpoint) }) else {
      throw Self.unknown(checkpoint)
    }
    self = try family.build(checkpoint, options)
  }

  /// Which tensor shows best that no family has it.
  private static func unknown(_ checkpoint: Checkpoint) -> NetworkError {
    let known = ["patch_embed.", "norm.", "head.", "layers."]
    let names = checkpoint.tensors.keys.sorted()
    for (part, library) in NetworkNames.libraries {
      if let tensor = names.first(where: { $0.contains(part) }) {
        return .foreignNames(tensor: tensor, library: library)
      }
    }
    let odd = names.first { name in !known.contains { name.hasPrefix($0) } }
    return .unknownFamily(tensor: odd ?? names.first { $0.hasPrefix("layers.") } ?? "none at all")
  }
}
