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
      "Sides of anchors in strides, at a ratio of 1; by default 4, 5.04, 6.35: 4 · 2^(j / 3).",
      valueName: "s,s,…"))
  var anchorScales: Numbers?

  @Option(
    help: ArgumentHelp(
      "Pixels between positions of each level; by default 8,16,32,64,128 over four stages.",
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
    for (name, number) in [("--nms-pre", nmsPre), ("--max-boxes", maxBoxes)] {
      try require(
        (1...Detect.mostCandidates).contains(number),
        "\(name): expected a number from 1 to \(Detect.mostCandidates)")
    }
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
    if let boxStds { options.detection.deviations = boxStds.vector }
    if let boxMeans { options.detection.means = boxMeans.vector }
    options.detection.selection.leastLogit = Float(log(leastScore / (1 - leastScore)))
    options.detection.selection.overlap = Float(nmsOverlap)
    options.detection.selection.anchorsOfLevel = nmsPre
    options.detection.selection.boxes = maxBoxes
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
  var vector: SIMD4<Float> {
    SIMD4(Float(values[0]), Float(values[1]), Float(values[2]), Float(values[3]))
  }
}
