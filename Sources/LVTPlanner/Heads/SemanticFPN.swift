// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

// Semantic FPN of arXiv 1901.02446, by the names of mmsegmentation's FPNHead over an FPN:
//
//   logits = conv_seg(head0(P0) + bilinear(head1(P1)) + …)
//
// Head 0 is a convolution with BatchNorm and ReLU; behind each convolution of the others the map has twice the
// extents, bilinearly. conv_seg of a sum is the sum of its products with each part, so that the parts lie side by
// side in one product and are never added.

extension NetworkHead {
  /// Semantic FPN.
  static let semanticFPN = NetworkHead(
    name: "semantic FPN", recognisedBy: "decode_head.scale_heads.0.0.conv.weight",
    recognises: { builder, _ in builder.reader.has("\(decoder).scale_heads.0.0.conv.weight") },
    build: { (builder, backbone) throws(NetworkError) in
      var stages = StageMaps(backbone)
      let pyramid = try FeaturePyramid(&stages, &builder)
      var parts: [Graph.ValueID] = []
      for (i, level) in pyramid.levels.enumerated() {
        parts.append(try addScaleHead(i, level, to: parts.first, &builder))
      }
      let classifier = try builder.reader.classifier(inputs: builder.shape(parts[0]).channels)
      let logits = try builder.graph.add(
        "\(decoder).conv_seg",
        FloatConvolution(
          kernel: 1, sources: [.none] + parts.dropFirst().map { _ in .bilinear },
          matrix: classifier.repeated(parts.count), activation: .none, makesInt16: true), parts)
      try builder.addPixelClasses(logits)
    })

  /// The convolutions over a level.
  ///
  /// The last doubling of the extents is left to what reads the result, unless that has others.
  private static func addScaleHead(
    _ head: Int, _ level: Graph.ValueID, to first: Graph.ValueID?,
    _ builder: inout any NetworkBuilder
  ) throws(NetworkError) -> Graph.ValueID {
    let name = "\(decoder).scale_heads.\(head)", spacing = head == 0 ? 1 : 2
    var value = level, convolutions = 0
    while builder.reader.has("\(name).\(convolutions * spacing).conv.weight") {
      let isDoubled = head > 0 && convolutions > 0
      value = try addConvolution(
        "\(name).\(convolutions * spacing)", [value], [isDoubled ? .bilinear : .none],
        grid: isDoubled ? builder.doubled(value) : nil, &builder)
      convolutions += 1
    }
    guard convolutions > 0 else {
      throw .missing(tensor: "\(name).0.conv.weight", family: "semantic FPN")
    }
    guard let first, head > 0, builder.doubled(value) != Extent(of: builder.shape(first)) else {
      return value
    }
    return try builder.graph.add(
      "\(name).\(convolutions * spacing - 1)", FloatResample(extent: builder.doubled(value)), value)
  }
}

extension NetworkBuilder {
  /// Twice the extents of a value.
  fileprivate func doubled(_ value: Graph.ValueID) -> Extent {
    Extent(height: 2 * shape(value).height, width: 2 * shape(value).width)
  }
}

extension FloatMatrix {
  /// The product of so many inputs side by side, added up.
  fileprivate func repeated(_ count: Int) -> FloatMatrix {
    var repeated: [Float] = []
    for row in 0..<outputs {
      for _ in 0..<count { repeated += weights[row * inputs..<(row + 1) * inputs] }
    }
    return FloatMatrix(inputs: count * inputs, outputs: outputs, weights: repeated, bias: bias)
  }
}
