// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
internal import Foundation
internal import LVTModel
public import LVTPlanner

/// What a checkpoint does not tell about the head of a detector or a segmenter.
struct HeadOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Parts of each axis over which UPerNet's head takes means; by default 1,2,3,6.",
      valueName: "n,n,…"))
  var poolScales: Numbers?

  @Option(
    help: ArgumentHelp(
      "What the first further level of a pyramid reads, where channels do not tell: "
        + FeaturePyramid.ExtraInput.allCases.map { $0.rawValue }.joined(separator: ", ") + ".",
      valueName: "what"))
  var extraLevels: FeaturePyramid.ExtraInput?

  @Option(
    help: ArgumentHelp(
      "Height over width of a detector's anchors; by default 0.5,1,2.", valueName: "r,r,…"))
  var anchorRatios: Numbers?

  @Option(
    help: ArgumentHelp(
      "Sides of anchors in strides, at a ratio of 1; by default 8 of an R-CNN, else 4, 5.04, 6.35: "
        + "4 · 2^(j / 3).",
      valueName: "s,s,…"))
  var anchorScales: Numbers?

  @Option(
    help: ArgumentHelp(
      "Pixels between positions of each level; by default 8,16,32,64,128 over four stages, of an R-CNN "
        + "4,8,16,32,64.",
      valueName: "n,n,…"))
  var anchorStrides: Numbers?

  @Option(
    help: ArgumentHelp(
      "What a box's offsets of x, y, width and height are multiplied with; by default 1,1,1,1.",
      valueName: "x,y,w,h"))
  var boxStds: Numbers?

  @Option(
    help: ArgumentHelp(
      "What is added to a box's offsets; by default 0,0,0,0.", valueName: "x,y,w,h"))
  var boxMeans: Numbers?

  @Option(help: "Boxes of at most this score are never found; by default 0.05.")
  var leastScore: Double = 0.05

  @Option(
    help:
      "A box is dropped whose intersection over union with a better one of its class is greater; by default 0.5."
  )
  var nmsOverlap: Double = 0.5

  @Option(help: "So many anchors of each level are looked at, the best; by default 1000.")
  var nmsPre = 1000

  @Option(help: "The most boxes of a picture; by default 100.")
  var maxBoxes = 100

  @Option(help: "An R-CNN looks for objects in at most so many regions; published ones in 1000.")
  var proposals = 100

  @Option(
    help:
      "A region of an R-CNN is dropped whose intersection over union with a better one is greater; by default 0.7."
  )
  var proposalOverlap: Double = 0.7

  @Option(
    help: ArgumentHelp(
      "What offsets of an R-CNN's boxes are multiplied with, four numbers for each stage; by default "
        + "0.1,0.1,0.2,0.2, then 0.05,0.05,0.1,0.1, then 0.033,0.033,0.067,0.067.",
      valueName: "x,y,w,h,…"))
  var stageStds: Numbers?

  @Option(
    help:
      "Regions of an R-CNN of twice this side and more are read from the second level on; by default 56."
  )
  var regionScale: Double = 56

  @Option(
    help:
      "Samples of a region's cell along each axis; by default 0, for as many as it is positions long."
  )
  var regionSamples = 0

  @Option(
    help: "Cells of a mask along each axis, half as many as it has in the end; by default 14.")
  var maskCells = 14

  func validate() throws {
    func require(_ condition: Bool, _ message: String) throws {
      if !condition { throw ValidationError(message) }
    }
    for (name, numbers, count) in [
      ("--box-stds", boxStds, 4), ("--box-means", boxMeans, 4),
    ] where numbers.map({ $0.values.count != count }) ?? false {
      throw ValidationError("\(name): expected \(count) numbers with commas between them")
    }
    for (name, numbers) in [("--anchor-ratios", anchorRatios), ("--anchor-scales", anchorScales)] {
      try require(
        numbers?.values.allSatisfy { $0 > 0 && $0 <= 1000 } ?? true,
        "\(name): expected numbers above 0, at most 1000")
    }
    for (name, numbers) in [("--anchor-strides", anchorStrides), ("--pool-scales", poolScales)] {
      try require(
        numbers?.values.allSatisfy { $0 == $0.rounded() && (1...4096).contains($0) } ?? true,
        "\(name): expected whole numbers above 0, at most 4096")
    }
    try require(
      poolScales?.values.allSatisfy { $0 <= 64 } ?? true, "--pool-scales: expected at most 64")
    try require(
      leastScore > 0 && leastScore < 1, "--least-score: expected a number between 0 and 1")
    try require((0...1).contains(nmsOverlap), "--nms-overlap: expected a number from 0 to 1")
    try require(
      stageStds.map { $0.values.count % 4 == 0 && $0.values.count <= 28 } ?? true,
      "--stage-stds: expected four numbers for each stage, of at most 7, with commas between them")
    try require(
      (0...1).contains(proposalOverlap), "--proposal-overlap: expected a number from 0 to 1")
    try require(
      regionScale > 0 && regionScale <= 65536,
      "--region-scale: expected a number above 0, at most 65536")
    try require(
      (0...64).contains(regionSamples), "--region-samples: expected a number from 0 to 64")
    try require((1...64).contains(maskCells), "--mask-cells: expected a number from 1 to 64")
    for (name, number) in [
      ("--nms-pre", nmsPre), ("--max-boxes", maxBoxes), ("--proposals", proposals),
    ] {
      try require(
        (1...Detect.mostCandidates).contains(number),
        "\(name): expected a number from 1 to \(Detect.mostCandidates)")
    }
  }

  /// Those that say something of R-CNNs only, and were given.
  private var givenOfRCNN: [String] {
    [
      ("--proposals", proposals != 100), ("--proposal-overlap", proposalOverlap != 0.7),
      ("--stage-stds", stageStds != nil), ("--region-scale", regionScale != 56),
      ("--region-samples", regionSamples != 0), ("--mask-cells", maskCells != 14),
    ].filter { $0.1 }.map { $0.0 }
  }

  /// The options of these names that were given.
  private var given: [(name: String, kinds: [PlanOutput.Kind])] {
    let ofBoxes: [(String, Bool)] = [
      ("--anchor-ratios", anchorRatios != nil), ("--anchor-scales", anchorScales != nil),
      ("--anchor-strides", anchorStrides != nil), ("--box-stds", boxStds != nil),
      ("--box-means", boxMeans != nil), ("--least-score", leastScore != 0.05),
      ("--nms-overlap", nmsOverlap != 0.5), ("--nms-pre", nmsPre != 1000),
      ("--max-boxes", maxBoxes != 100),
    ]
    return ofBoxes.filter { $0.1 }.map { (name: $0.0, kinds: [.detections]) }
      + (poolScales == nil ? [] : [(name: "--pool-scales", kinds: [.pixelClasses])])
      + (extraLevels == nil ? [] : [(name: "--extra-levels", kinds: [.detections])])
  }

  /// Refuses options that say nothing of the network.
  func requireUse(by network: Network) throws(NetworkError) {
    if !network.isTwoStage, let odd = givenOfRCNN.first {
      throw .option(name: odd, family: network.family)
    }
    if let odd = given.first(where: { !$0.kinds.contains(network.kind) }) {
      throw .option(name: odd.name, family: network.family)
    }
  }

  /// Puts them into a network's options.
  func apply(to options: inout Network.Options) {
    options.poolScales = poolScales?.values.map { Int($0) }
    options.extraLevels = extraLevels
    if let anchorRatios { options.detection.ratios = anchorRatios.values.map { Float($0) } }
    if let anchorScales { options.detection.scales = anchorScales.values.map { Float($0) } }
    if let anchorStrides { options.detection.strides = anchorStrides.values.map { Int($0) } }
    if let boxStds { options.detection.coder.deviations = boxStds.vector }
    if let boxMeans { options.detection.coder.means = boxMeans.vector }
    options.detection.leastScore = leastScore
    options.detection.selection.overlap = Float(nmsOverlap)
    options.detection.selection.anchorsOfLevel = nmsPre
    options.detection.selection.boxes = maxBoxes
    options.twoStage.proposals = proposals
    options.twoStage.proposalOverlap = Float(proposalOverlap)
    if let stageStds { options.twoStage.deviations = stageStds.vectors }
    options.twoStage.finestScale = Float(regionScale)
    options.twoStage.samples = regionSamples
    options.twoStage.maskCells = maskCells
  }
}

extension FeaturePyramid.ExtraInput: ExpressibleByArgument {}

/// Numbers with commas between them, at most 64.
struct Numbers: ExpressibleByArgument {
  let values: [Double]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let values = parts.compactMap { Double($0) }
    guard values.count == parts.count, values.count <= 64,
      values.allSatisfy({ $0.isFinite && abs($0) <= 65536 })
    else { return nil }
    self.values = values
  }

  /// The first four.
  var vector: SIMD4<Float> { vectors[0] }

  /// Each four.
  var vectors: [SIMD4<Float>] {
    stride(from: 0, to: values.count, by: 4).map { first in
      SIMD4(values[first..<first + 4].map { Float($0) })
    }
  }
}
