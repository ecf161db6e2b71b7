// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// UPerNet of arXiv 1807.10221, by the names of mmsegmentation's UPerHead:
//
//   t3 = bottleneck(C3 beside psp_modules.i(mean of C3 over bins × bins parts), bilinearly)
//   ti = lateral_convs.i(Ci) + bilinear(t(i + 1))
//   logits = conv_seg(fpn_bottleneck(fpn_convs.0(t0) beside fpn_convs.i(ti) beside t3, bilinearly))
//
// Every convolution has BatchNorm and ReLU but conv_seg. The auxiliary head is for training.

extension NetworkHead {
  /// UPerNet.
  static let upperNet = NetworkHead(
    name: "UPerNet", recognisedBy: "decode_head.fpn_bottleneck.conv.weight",
    recognises: { builder, _ in builder.reader.has("\(decoder).fpn_bottleneck.conv.weight") },
    build: { (builder, backbone) throws(NetworkError) in
      var stages = StageMaps(backbone)
      let last = stages.count - 1
      var sums = [try addPyramidPooling(&stages, &builder)]
      for i in stride(from: last - 1, through: 0, by: -1) {
        let name = "\(decoder).lateral_convs.\(i)"
        let matrix = try builder.reader.productModule(
          name, inputs: stages.shape(i, builder).channels)
        sums.insert(
          try stages.product(
            i, name, FloatPointwise(matrix: matrix, relu: true, residual: .bilinear),
            adding: sums[0], &builder), at: 0)
      }
      // From the finest on: what a convolution has read of it is not needed any more.
      var maps: [Graph.ValueID] = []
      for i in 0..<last {
        maps.append(try addConvolution("\(decoder).fpn_convs.\(i)", [sums[i]], [.none], &builder))
      }
      maps.append(sums[last])
      try addLogits(
        "\(decoder).fpn_bottleneck", maps, [.none] + maps.dropFirst().map { _ in .bilinear },
        &builder)
    })

  static let decoder = "decode_head"

  /// `bottleneck` over the last stage's map and the means of its parts.
  private static func addPyramidPooling(
    _ stages: inout StageMaps, _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    let top = try stages.map(stages.count - 1, &builder)
    let module = { (i: Int) in "\(decoder).psp_modules.\(i).1" }
    let count = builder.count { builder.reader.has("\(module($0)).conv.weight") }
    let bins = builder.options.poolScales ?? [1, 2, 3, 6]
    guard bins.count == count else {
      throw .missing(tensor: "\(module(min(count, bins.count))).conv.weight", family: "UPerNet")
    }
    if builder.options.poolScales == nil {
      builder.assumptions.append(
        Assumption(
          what: "means over " + bins.map { "\($0) × \($0)" }.joined(separator: ", ") + " parts",
          option: "--pool-scales"))
    }
    var maps = [top]
    for (i, bins) in bins.enumerated() {
      let means = try builder.graph.add(
        "\(decoder).psp_modules.\(i).0", FloatAdaptiveMean(bins: bins), top)
      let matrix = try builder.reader.productModule(
        module(i), inputs: builder.shape(top).channels)
      maps.append(
        try builder.graph.add(module(i), FloatPointwise(matrix: matrix, relu: true), means))
    }
    return try addConvolution(
      "\(decoder).bottleneck", maps, [.none] + bins.map { _ in .bilinear }, &builder)
  }

  /// A convolution with ReLU over maps side by side.
  static func addConvolution(
    _ name: String, _ maps: [Graph.ValueID], _ sources: [Resampling], grid: Extent? = nil,
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    let channels = maps.reduce(0) { $0 + builder.shape($1).channels }
    let (kernel, matrix) = try builder.reader.convolutionModule(name, inputs: channels)
    return try builder.graph.add(
      name,
      FloatConvolution(
        kernel: kernel, sources: sources, grid: grid, matrix: matrix, activation: .relu), maps)
  }

  /// The last convolution, `conv_seg`, and the class of every pixel.
  private static func addLogits(
    _ name: String, _ maps: [Graph.ValueID], _ sources: [Resampling],
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) {
    let channels = maps.reduce(0) { $0 + builder.shape($1).channels }
    let (kernel, matrix) = try builder.reader.convolutionModule(name, inputs: channels)
    let classifier = try builder.reader.classifier(inputs: matrix.outputs)
    let logits = try builder.graph.add(
      "\(decoder).conv_seg",
      FloatConvolution(
        kernel: kernel, sources: sources, matrix: matrix, activation: .relu, project: classifier,
        makesInt16: true), maps)
    try builder.addPixelClasses(logits)
  }
}

extension TensorReader {
  /// `conv_seg`: logits of each position.
  mutating func classifier(inputs: Int) throws(NetworkError) -> FloatMatrix {
    let name = "\(NetworkHead.decoder).conv_seg"
    let classes = try shape("\(name).weight", rank: 4)[0]
    guard classes <= LabelPixels.maximumClasses else {
      throw .wrongShape(
        tensor: "\(name).weight", expected: "for at most \(LabelPixels.maximumClasses) classes",
        found: try shape("\(name).weight", rank: 4))
    }
    return try matrix(name, inputs: inputs, outputs: classes, convolution: true, bias: true)
  }
}

extension NetworkBuilder {
  /// The class of every pixel of the input as the network's result.
  mutating func addPixelClasses(_ logits: Graph.ValueID) throws(NetworkError) {
    let size = options.inputSize
    let labels = try graph.add(
      "labels", FloatLabelPixels(extent: Extent(height: size.height, width: size.width)), logits)
    graph.outputs = [Graph.Output(name: "labels", kind: .pixelClasses, value: labels)]
  }
}
