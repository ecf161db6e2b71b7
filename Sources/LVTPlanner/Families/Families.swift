// SPDX-License-Identifier: Apache-2.0

/// A supported architecture, how it is recognised, and the sizes its authors published.
public struct Family: Sendable {
  /// A published size at 224 × 224.
  public struct Size: Sendable {
    let name: String
    let embed: Int
    let depths: [Int]
    /// Millions.
    let parameters: Double
    /// Thousand millions of multiplications.
    let macs: Double
    /// ImageNet top-1 in percent, as published.
    let top1: Double
  }

  let name: String
  let paper: String
  /// A tensor that no other family has, or how to find one.
  let recognisedBy: String
  let recognises: @Sendable (Checkpoint) -> Bool
  let build: Build
  let sizes: [Size]

  typealias Build =
    @Sendable (Checkpoint, Network.Options) throws(NetworkError) -> Network

  /// Builds networks with a family's builder.
  private static func building<B: NetworkBuilder>(
    with builder: @escaping @Sendable (Checkpoint, Network.Options) -> B
  ) -> Build {
    { (checkpoint, options) throws(NetworkError) in
      var builder = builder(checkpoint, options)
      return try builder.network()
    }
  }

  private static func dwNet(
    _ kind: DWNetBuilder.Kind, _ sizes: [Size]
  ) -> Family {
    let tensor = "layers.0.blocks.0.attn2conv.conv.\(kind.recognisedBy)"
    return Family(
      name: kind.rawValue, paper: "arXiv 2106.04263", recognisedBy: tensor,
      recognises: { $0.tensors[tensor] != nil },
      build: building { DWNetBuilder($0, kind, options: $1) },
      sizes: sizes)
  }

  private static func swin(_ checkpoint: Checkpoint) -> Bool {
    ["relative_position_bias_table", "position_bias"].contains {
      checkpoint.tensors["layers.0.blocks.0.attn.\($0)"] != nil
    }
  }

  /// What can be planned.
  public static let all: [Family] = [
    dwNet(
      .fixed,
      [
        Size(
          name: "DWNet-T", embed: 96, depths: [2, 2, 6, 2], parameters: 24.2, macs: 3.73, top1: 81.2
        ),
        Size(
          name: "DWNet-B", embed: 128, depths: [2, 2, 18, 2], parameters: 74, macs: 12.9, top1: 83.2
        ),
      ]),
    dwNet(
      .dynamic,
      [
        Size(
          name: "dynamic DWNet-T", embed: 96, depths: [2, 2, 6, 2], parameters: 51.1, macs: 3.75,
          top1: 81.8),
        Size(
          name: "dynamic DWNet-B", embed: 128, depths: [2, 2, 18, 2], parameters: 162, macs: 12.9,
          top1: 83.2),
      ]),
    dwNet(
      .inhomogeneous,
      [
        Size(
          name: "inhomogeneous dynamic DWNet-T", embed: 96, depths: [2, 2, 6, 2], parameters: 26.2,
          macs: 4.30, top1: 81.8)
      ]),
    Family(
      name: "Swin", paper: "arXiv 2103.14030",
      recognisedBy: "layers.0.blocks.0.attn.relative_position_bias_table",
      recognises: { swin($0) && !SwinBuilder.isDepthwise($0) },
      build: building { SwinBuilder($0, options: $1) },
      sizes: [
        Size(
          name: "Swin-T", embed: 96, depths: [2, 2, 6, 2], parameters: 28.3, macs: 4.49, top1: 81.2)
      ]),
    Family(
      name: "depth-wise ViT", paper: "our reading of arXiv 2309.10713",
      recognisedBy: "attn.position_bias or attn.key_norm.weight in a block of a Swin",
      recognises: { swin($0) && SwinBuilder.isDepthwise($0) },
      build: building { SwinBuilder($0, options: $1) },
      sizes: []),
    Family(
      name: "DilateFormer", paper: "arXiv 2302.01791",
      recognisedBy: "stages.0.blocks.0.pos_embed.weight",
      recognises: { $0.tensors["stages.0.blocks.0.pos_embed.weight"] != nil },
      build: building { DilateFormerBuilder($0, options: $1) },
      sizes: [
        Size(
          name: "DilateFormer-T", embed: 72, depths: [2, 2, 6, 2], parameters: 17.2, macs: 3.16,
          top1: 82.1),
        Size(
          name: "DilateFormer-S", embed: 72, depths: [3, 5, 8, 3], parameters: 24.1, macs: 4.59,
          top1: 83.3),
        Size(
          name: "DilateFormer-B", embed: 96, depths: [4, 8, 10, 3], parameters: 47.4, macs: 9.92,
          top1: 84.4),
      ]),
  ]

  /// The families as lines of text.
  public static var table: String {
    all.map { family in
      let sizes = family.sizes.map { size in
        "  \(size.name): embed \(size.embed), depths \(size.depths.map(String.init).joined(separator: "-")), "
          + "\(size.parameters) M parameters, \(size.macs) GMAC, top-1 \(size.top1) %"
      }
      return (["\(family.name) (\(family.paper)), recognised by \(family.recognisedBy)"] + sizes)
        .joined(separator: "\n")
    }.joined(separator: "\n\n")
      + "\n\nHeads, of any family: "
      + NetworkHead.all.map { "\($0.name) (\($0.recognisedBy))" }.joined(separator: ", ")
      + "\n\nOther extents of the same architectures work too; they are read from the tensors."
  }
}
