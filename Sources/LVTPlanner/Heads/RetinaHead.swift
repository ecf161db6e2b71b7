// SPDX-License-Identifier: Apache-2.0
internal import Foundation
public import LVTModel

// RetinaNet of arXiv 1708.02002, by the names of mmdetection's RetinaHead over an FPN: cls_convs and reg_convs with
// ReLU, then retina_cls and retina_reg, the same weights for all levels.

extension NetworkHead {
  /// RetinaNet.
  static let retina = NetworkHead(
    name: "RetinaNet", recognisedBy: "bbox_head.retina_cls.weight",
    recognises: { builder, _ in builder.reader.has("bbox_head.retina_cls.weight") },
    build: { (builder, backbone) throws(NetworkError) in
      var stages = StageMaps(backbone)
      let pyramid = try FeaturePyramid(&stages, &builder)
      let options = builder.options.detection, size = builder.options.inputSize
      var head = Detect()
      head.picture = Extent(height: size.height, width: size.width)
      head.anchors = options.anchors(scales: Network.Options.Detection.retinaScales)
      head.strides = try options.strides(pyramid, over: stages, builder)
      head.coder = options.coder
      head.selection = options.selection
      let channels = builder.shape(pyramid.levels[0]).channels
      let (classes, classTower) = try tower("cls", channels, head, &builder)
      let (boxes, boxTower) = try tower("reg", channels, head, &builder)
      head.classes = classes.matrix.outputs / head.anchors.count
      head.kernel = classes.kernel
      if options.hasPublishedAnchors {
        builder.assumptions.append(
          Assumption(
            what: options.text(scales: Network.Options.Detection.retinaScales),
            option: "--anchor-ratios, --anchor-scales"))
      }
      let value = try builder.graph.add(
        "bbox_head",
        FloatDetect(
          head: head, classTower: classTower, boxTower: boxTower, classOutput: classes.matrix,
          boxOutput: boxes.matrix), pyramid.levels)
      builder.graph.outputs = [Graph.Output(name: "boxes", kind: .detections, value: value)]
    })

  /// The convolutions of a tower and the last one, all of one kernel.
  private static func tower(
    _ part: String, _ channels: Int, _ head: Detect, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> (last: (kernel: Int, matrix: FloatMatrix), tower: [FloatMatrix]) {
    let name = "bbox_head.retina_\(part)"
    var tower: [FloatMatrix] = [], kernels: Set<Int> = []
    while builder.reader.has("bbox_head.\(part)_convs.\(tower.count).conv.weight") {
      let (kernel, matrix) = try builder.reader.convolutionModule(
        "bbox_head.\(part)_convs.\(tower.count)", inputs: tower.last?.outputs ?? channels)
      kernels.insert(kernel)
      tower.append(matrix)
    }
    let last = try builder.reader.convolution(
      name, inputs: tower.last?.outputs ?? channels, bias: true)
    let anchors = head.anchors.count
    guard kernels.union([last.kernel]).count == 1,
      part == "reg" ? last.matrix.outputs == 4 * anchors : last.matrix.outputs % anchors == 0
    else {
      throw .wrongShape(
        tensor: "\(name).weight",
        expected:
          "for \(anchors) anchors (--anchor-ratios, --anchor-scales) and of the kernel in front",
        found: try builder.reader.shape("\(name).weight", rank: 4))
    }
    return (last, tower)
  }
}

extension Network.Options {
  /// What a detector's tensors do not tell; the published defaults.
  public struct Detection: Sendable {
    /// Height over width of anchors.
    public var ratios: [Float] = [0.5, 1, 2]
    /// Sides of anchors as multiples of the stride, at a ratio of 1; empty for 4 · 2^(j / 3), or 8 of a two-stage
    /// detector.
    public var scales: [Float] = []
    /// Pixels between positions of each level; empty for those of the stages, and twice as many for each
    /// further level.
    public var strides: [Int] = []
    /// How offsets move anchors.
    public var coder = BoxCoder()
    /// Scores of at most so much are nothing.
    public var leastScore = 0.05 {
      didSet { selection.leastLogit = Float(log(leastScore / (1 - leastScore))) }
    }
    /// What decides which boxes are found.
    public var selection = Detect.Selection()

    /// The published defaults.
    public init() {}

    /// RetinaNet's scales.
    static let retinaScales = (0..<3).map { 4 * Float(pow(2, Double($0) / 3)) }

    /// The anchors of a position: for each ratio those of all scales.
    ///
    /// - Parameter published: The scales where none are said.
    func anchors(scales published: [Float]) -> [Detect.Anchor] {
      ratios.flatMap { ratio in
        (scales.isEmpty ? published : scales).map { scale in
          let root = Float(Double(ratio).squareRoot())
          return Detect.Anchor(width: scale / root, height: scale * root)
        }
      }
    }

    /// The strides of a pyramid's levels.
    func strides(
      _ pyramid: FeaturePyramid, over stages: StageMaps, _ builder: any NetworkBuilder
    ) throws(NetworkError) -> [Int] {
      let count = pyramid.levels.count, size = builder.options.inputSize
      guard strides.isEmpty else {
        guard strides.count == count else {
          throw .option(
            name: "--anchor-strides with \(strides.count) numbers",
            family: "pyramid of \(count) levels")
        }
        return strides
      }
      // Extents of maps are rounded up.
      let finest = stages.shape(0, builder).width
      let first = ((size.width + finest - 1) / finest) << pyramid.firstStage
      return (0..<count).map { first << $0 }
    }

    /// Whether anchors are as published.
    var hasPublishedAnchors: Bool { ratios == Self().ratios && scales.isEmpty }

    /// The anchors in words.
    func text(scales published: [Float]) -> String {
      let ratios = ratios.map { String(format: "%g", $0) }.joined(separator: ", ")
      let scales = (scales.isEmpty ? published : scales)
        .map { String(format: "%.3g", $0) }.joined(separator: ", ")
      return "anchors of ratios \(ratios) and \(scales) strides"
    }
  }
}
