// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVTModel

// Faster, Mask, Cascade and Cascade Mask R-CNN (arXiv 1506.01497, 1703.06870, 1712.00726), by the names of
// mmdetection's RPNHead, ConvFCBBoxHead and FCNMaskHead over an FPN. TwoStageDetectors.md has what they compute.

extension NetworkHead {
  /// R-CNN of one stage or several, with masks or without.
  static let twoStage = NetworkHead(
    name: "R-CNN", recognisedBy: "rpn_head.*",
    recognises: { builder, _ in builder.reader.first(startingWith: "rpn_head.") != nil },
    build: { (builder, backbone) throws(NetworkError) in
      for (prefix, network) in others {
        if let tensor = builder.reader.first(startingWith: prefix) {
          throw .unsupported(tensor: tensor, network: network)
        }
      }
      var stages = StageMaps(backbone)
      var pyramid = try FeaturePyramid(&stages, &builder)
      let levels = pyramid.levels.count
      try pyramid.subsample(to: builder.options.detection.strides.count, &builder)
      let network = try TwoStageBuilder(pyramid, over: stages, levels: levels, builder)
      try network.build(&builder)
    })

  /// How names of tensors start that detectors have which compute something else.
  private static let others: [(prefix: String, network: String)] = [
    ("rpn_head.stages.", "a cascade of region proposal networks"),
    ("rpn_head.conv_loc.", "a region proposal network that guides anchors"),
    ("rpn_head.rpn_conv.0.", "a region proposal network of several convolutions"),
    ("roi_head.shared_head.", "an R-CNN whose heads share layers"),
    ("roi_head.mask_iou_head.", "a Mask Scoring R-CNN"),
    ("roi_head.semantic_head.", "a hybrid task cascade"),
  ]
}

/// Appends the nodes of a two-stage detector.
private struct TwoStageBuilder {
  private let pyramid: FeaturePyramid
  /// Of all levels.
  private let strides: [Int]
  /// Levels that regions are read from.
  private let regionLevels: Int
  private let detection: Network.Options.Detection
  private let options: Network.Options.TwoStage
  private let picture: Extent

  init(
    _ pyramid: FeaturePyramid, over stages: StageMaps, levels: Int, _ builder: any NetworkBuilder
  ) throws(NetworkError) {
    self.pyramid = pyramid
    detection = builder.options.detection
    options = builder.options.twoStage
    strides = try detection.strides(pyramid, over: stages, builder)
    // Those of the stages: further ones are for proposals alone.
    regionLevels = min(levels, stages.count - pyramid.firstStage)
    let size = builder.options.inputSize
    picture = options.picture ?? Extent(height: size.height, width: size.width)
  }

  func build(_ builder: inout any NetworkBuilder) throws(NetworkError) {
    var regions = try addProposals(&builder)
    let prefixes = try Self.prefixes("roi_head.bbox_head", markedBy: "fc_cls.weight", builder)
    let maskPrefixes =
      try Self.prefixes("roi_head.mask_head", markedBy: "conv_logits.weight", builder)
    guard !prefixes.isEmpty else {
      throw .missing(tensor: "roi_head.bbox_head.fc_cls.weight", family: "R-CNN")
    }
    guard maskPrefixes.isEmpty || maskPrefixes.count == prefixes.count else {
      throw .missing(
        tensor: maskPrefixes.count < prefixes.count
          ? "roi_head.mask_head.\(maskPrefixes.count).conv_logits.weight"
          : "roi_head.bbox_head.\(prefixes.count).fc_cls.weight", family: "R-CNN")
    }
    let deviations = try options.deviations(ofStages: prefixes.count)
    var said: [Graph.ValueID] = [], reading = BoxReading()
    for (i, prefix) in prefixes.enumerated() {
      var coder = BoxCoder()
      coder.deviations = deviations[i]
      let (values, read) = try addBoxHead(prefix, regions, coder, &builder)
      guard i == 0 || read.classes == reading.classes else {
        throw .wrongShape(
          tensor: "\(prefix).fc_cls.weight", expected: "of \(reading.classes + 1) rows",
          found: try builder.reader.shape("\(prefix).fc_cls.weight", rank: 2))
      }
      reading = read
      said.append(values)
      if i + 1 < prefixes.count {
        regions = try builder.graph.add(
          "\(prefix).refine", FloatRefineBoxes(reading: reading), regions, values)
      }
    }
    var step = Boxes()
    step.reading = reading
    step.stages = prefixes.count
    step.leastScore = Float(detection.leastScore)
    step.overlap = detection.selection.overlap
    step.boxes = detection.selection.boxes
    let boxes = try builder.graph.add(
      "roi_head.boxes", FloatBoxes(step: step), [regions] + said)
    builder.graph.outputs = [Graph.Output(name: "boxes", kind: .detections, value: boxes)]
    guard !maskPrefixes.isEmpty else { return }
    let masks = try addMasks(maskPrefixes, classes: reading.classes, boxes, &builder)
    builder.graph.outputs.append(Graph.Output(name: "masks", kind: .masks, value: masks))
  }

  /// The heads of one name, or of the same with 0, 1 and so on behind it.
  private static func prefixes(
    _ name: String, markedBy tensor: String, _ builder: any NetworkBuilder
  ) throws(NetworkError) -> [String] {
    if builder.reader.has("\(name).\(tensor)") { return [name] }
    let count = builder.count { builder.reader.has("\(name).\($0).\(tensor)") }
    return (0..<count).map { "\(name).\($0)" }
  }

  private func addProposals(
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    let name = "rpn_head", channels = builder.shape(pyramid.levels[0]).channels
    var step = Proposals()
    step.picture = picture
    step.strides = strides
    step.anchors = detection.anchors(scales: [8])
    step.coder = detection.coder
    step.anchorsOfLevel = detection.selection.anchorsOfLevel
    step.overlap = options.proposalOverlap
    step.regions = options.proposals
    let (kernel, convolution) = try builder.reader.convolution(
      "\(name).rpn_conv", inputs: channels, bias: true)
    step.kernel = kernel
    let anchors = step.anchors.count
    func product(_ part: String, _ outputs: Int) throws(NetworkError) -> FloatMatrix {
      let shape = try builder.reader.shape("\(name).\(part).weight", rank: 4)
      guard shape[0] == outputs else {
        throw .wrongShape(
          tensor: "\(name).\(part).weight",
          expected: "for \(anchors) anchors (--anchor-ratios, --anchor-scales)", found: shape)
      }
      return try builder.reader.matrix(
        "\(name).\(part)", inputs: convolution.outputs, outputs: outputs, convolution: true,
        bias: true)
    }
    let logits = try product("rpn_cls", anchors), offsets = try product("rpn_reg", 4 * anchors)
    builder.assumptions += [
      Assumption(
        what: "\(options.proposals) proposals; published networks were tested with 1000",
        option: "--proposals")
    ]
    if detection.hasPublishedAnchors {
      builder.assumptions.append(
        Assumption(
          what: detection.text(scales: [8]), option: "--anchor-ratios, --anchor-scales"))
    }
    return try builder.graph.add(
      name,
      FloatProposals(step: step, convolution: convolution, output: logits.above(offsets)),
      pyramid.levels)
  }

  private func align(side: Int) -> RegionAlign {
    var align = RegionAlign()
    align.strides = Array(strides.prefix(regionLevels))
    align.side = side
    align.samples = options.samples
    align.finestScale = options.finestScale
    return align
  }

  /// The levels that regions are read from, and the regions.
  private func inputs(_ regions: Graph.ValueID) -> [Graph.ValueID] {
    pyramid.levels.prefix(regionLevels) + [regions]
  }

  /// Convolutions of one kernel, numbered from 0 on.
  private func convolutions(
    _ name: String, _ channels: inout Int, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> FloatRegionConvolutions {
    var matrices: [FloatMatrix] = [], found: Int?
    while builder.reader.has("\(name).\(matrices.count).conv.weight") {
      let tensor = "\(name).\(matrices.count)"
      let (kernel, matrix) = try builder.reader.convolutionModule(tensor, inputs: channels)
      guard kernel == found ?? kernel else {
        throw .wrongShape(
          tensor: "\(tensor).conv.weight", expected: "of the kernel of the one before",
          found: try builder.reader.shape("\(tensor).conv.weight", rank: 4))
      }
      found = kernel
      matrices.append(matrix)
      channels = matrix.outputs
    }
    return FloatRegionConvolutions(kernel: found ?? 1, matrices: matrices)
  }

  private func addBoxHead(
    _ name: String, _ regions: Graph.ValueID, _ coder: BoxCoder,
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> (Graph.ValueID, BoxReading) {
    var channels = builder.shape(pyramid.levels[0]).channels
    let convolutions = try convolutions("\(name).shared_convs", &channels, &builder)
    var products: [FloatMatrix] = [], side = 0
    while builder.reader.has("\(name).shared_fcs.\(products.count).weight") {
      let tensor = "\(name).shared_fcs.\(products.count)"
      let shape = try builder.reader.shape("\(tensor).weight", rank: 2)
      var matrix = try builder.reader.matrix(
        tensor, inputs: shape[1], outputs: shape[0], bias: true)
      if products.isEmpty {
        side = Int(Double(shape[1] / channels).squareRoot())
        guard shape[1] == side * side * channels else {
          throw .wrongShape(
            tensor: "\(tensor).weight", expected: "of a square of cells of \(channels) channels",
            found: shape)
        }
        matrix.orderCells(side * side)
      } else if matrix.inputs != products[products.count - 1].outputs {
        throw .wrongShape(
          tensor: "\(tensor).weight",
          expected: "of \(products[products.count - 1].outputs) columns",
          found: shape)
      }
      products.append(matrix)
    }
    guard let last = products.last else {
      throw .missing(tensor: "\(name).shared_fcs.0.weight", family: "R-CNN")
    }
    let rows = try builder.reader.shape("\(name).fc_cls.weight", rank: 2)[0]
    let offsetRows = try builder.reader.shape("\(name).fc_reg.weight", rank: 2)[0]
    guard rows >= 2, offsetRows == 4 || offsetRows == 4 * (rows - 1) else {
      throw .wrongShape(
        tensor: "\(name).fc_reg.weight",
        expected: "of 4 rows, or 4 for each of \(rows - 1) classes",
        found: try builder.reader.shape("\(name).fc_reg.weight", rank: 2))
    }
    let logits = try builder.reader.matrix(
      "\(name).fc_cls", inputs: last.outputs, outputs: rows, bias: true)
    let offsets = try builder.reader.matrix(
      "\(name).fc_reg", inputs: last.outputs, outputs: offsetRows, bias: true)
    var reading = BoxReading()
    reading.picture = picture
    reading.classes = rows - 1
    reading.isAgnostic = offsetRows == 4
    reading.coder = coder
    let value = try builder.graph.add(
      name,
      FloatBoxHead(
        align: align(side: side), convolutions: convolutions, products: products,
        output: logits.above(offsets)), inputs(regions))
    return (value, reading)
  }

  private func addMasks(
    _ names: [String], classes: Int, _ boxes: Graph.ValueID,
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    var heads: [FloatMasks.Head] = []
    for name in names {
      var channels = builder.shape(pyramid.levels[0]).channels
      let convolutions = try convolutions("\(name).convs", &channels, &builder)
      guard convolutions.kernel == heads.first?.convolutions.kernel ?? convolutions.kernel else {
        throw .wrongShape(
          tensor: "\(name).convs.0.conv.weight", expected: "of the other heads' kernel",
          found: try builder.reader.shape("\(name).convs.0.conv.weight", rank: 4))
      }
      let upsample = try builder.reader.upsampling("\(name).upsample", inputs: channels)
      let finer = try builder.reader.shape("\(name).upsample.bias", rank: 1)[0]
      let rows = try builder.reader.shape("\(name).conv_logits.weight", rank: 4)
      guard rows[0] == 1 || rows[0] == classes else {
        throw .wrongShape(
          tensor: "\(name).conv_logits.weight", expected: "of 1 or \(classes) rows", found: rows)
      }
      heads.append(
        FloatMasks.Head(
          convolutions: convolutions, upsample: upsample,
          output: try builder.reader.matrix(
            "\(name).conv_logits", inputs: finer, outputs: rows[0], convolution: true, bias: true)
        ))
    }
    return try builder.graph.add(
      "roi_head.mask_head",
      FloatMasks(align: align(side: options.maskCells), classes: classes, heads: heads),
      inputs(boxes))
  }
}

extension FeaturePyramid {
  /// Appends levels without tensors, each every second position of the one before it: so many levels in all, or
  /// as many as published.
  ///
  /// - Parameter count: 0 for as many as published.
  fileprivate mutating func subsample(
    to count: Int, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) {
    let published = 5, most = Proposals.mostLevels
    guard levels.count <= most else {
      throw .unsupported(
        tensor: "neck.fpn_convs.\(most).conv.weight",
        network: "a pyramid of more than \(most) levels")
    }
    guard count <= most else {
      throw .option(
        name: "--anchor-strides with \(count) numbers", family: "pyramid of at most \(most) levels")
    }
    while levels.count < (count > 0 ? count : published) {
      levels.append(
        try builder.graph.add(
          "neck.level\(levels.count)", FloatSubsample(stride: 2), levels[levels.count - 1]))
    }
  }
}

extension FloatMatrix {
  /// The rows of both, these first.
  fileprivate func above(_ other: FloatMatrix) -> FloatMatrix {
    FloatMatrix(
      inputs: inputs, outputs: outputs + other.outputs, weights: weights + other.weights,
      bias: bias + other.bias)
  }

  /// Changes the order of inputs from channel, cell to cell, channel.
  fileprivate mutating func orderCells(_ cells: Int) {
    var ordered = weights
    let channels = inputs / cells
    for o in 0..<outputs {
      for c in 0..<channels {
        for cell in 0..<cells {
          ordered[o * inputs + cell * channels + c] = weights[o * inputs + c * cells + cell]
        }
      }
    }
    weights = ordered
  }
}

extension TensorReader {
  /// A transposed convolution of 2 × 2 with stride 2: to four positions, each with zeros up to a whole number of
  /// blocks of channels.
  fileprivate mutating func upsampling(
    _ name: String, inputs: Int
  ) throws(NetworkError) -> FloatMatrix {
    let channels = try shape("\(name).bias", rank: 1)[0]
    let stored = try values("\(name).weight", [inputs, channels, 2, 2])
    let bias = try values("\(name).bias", [channels])
    let padded = Shape.blocks(channels) * Shape.block
    var weights = [Float](repeating: 0, count: 4 * padded * inputs)
    for c in 0..<inputs {
      for m in 0..<channels {
        for place in 0..<4 {
          weights[(place * padded + m) * inputs + c] = stored[(c * channels + m) * 4 + place]
        }
      }
    }
    let biases = bias + [Float](repeating: 0, count: padded - channels)
    return FloatMatrix(
      inputs: inputs, outputs: 4 * padded, weights: weights,
      bias: (0..<4).flatMap { _ in biases })
  }
}

extension Network.Options {
  /// What a two-stage detector's tensors do not tell, beside what no detector's do.
  public struct TwoStage: Sendable {
    /// The most regions of a picture.
    public var proposals = 100
    /// A region is dropped whose intersection over union with a better one of its level is greater.
    public var proposalOverlap: Float = 0.7
    /// What offsets are multiplied with, of each stage; empty for the published ones of three stages.
    public var deviations: [SIMD4<Float>] = []
    /// See ``LVTModel/RegionAlign/finestScale``.
    public var finestScale: Float = 56
    /// See ``LVTModel/RegionAlign/samples``.
    public var samples = 0
    /// Pixels of the input outside which no box reaches; nil for all.
    var picture: Extent?
    /// Rows and columns of a mask's cells in front of the transposed convolution.
    public var maskCells = 14

    /// The published defaults, but for the number of regions.
    public init() {}

    /// Cascade R-CNN's deviations, of which a single stage has the first.
    private static let published: [SIMD4<Float>] = [
      SIMD4(0.1, 0.1, 0.2, 0.2), SIMD4(0.05, 0.05, 0.1, 0.1),
      SIMD4(0.033, 0.033, 0.067, 0.067),
    ]

    func deviations(ofStages count: Int) throws(NetworkError) -> [SIMD4<Float>] {
      let known = deviations.isEmpty ? Self.published : deviations
      guard deviations.isEmpty ? count <= known.count : count == known.count else {
        throw .option(
          name: deviations.isEmpty
            ? "the default of --stage-stds, for \(known.count) stages,"
            : "--stage-stds for \(known.count) stages",
          family: "network of \(count) stages")
      }
      return Array(known.prefix(count))
    }
  }
}
