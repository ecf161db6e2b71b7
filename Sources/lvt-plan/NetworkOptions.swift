// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import LVT
internal import LVTCapture
internal import LVTPlanner

/// What a checkpoint does not tell about its network.
struct NetworkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The network's key in the dictionary that was saved, where several could be meant.",
      valueName: "name"))
  var key: String?

  @Option(
    help: ArgumentHelp(
      "What stands before the names of the network's tensors, as in model.backbone.",
      valueName: "text"))
  var prefix: String?

  @Option(
    help: ArgumentHelp(
      "The input in pixels: one edge of a square, or width and height; by default 224.",
      valueName: "N|WxH"))
  var input: InputSize?

  @Option(
    help: ArgumentHelp(
      "Mean of each colour, pixels being 0 … 1; by default ImageNet's.", valueName: "r,g,b"))
  var mean: Triple?

  @Option(
    help: ArgumentHelp("Deviation of each colour; by default ImageNet's.", valueName: "r,g,b"))
  var std: Triple?

  @Option(
    help: ArgumentHelp(
      "Attention heads of each stage, for a DilateFormer; by default 3, and twice as many in each further stage.",
      valueName: "n,n,…"))
  var heads = HeadCounts([])

  @Option(
    help: ArgumentHelp(
      "Distances of a DilateFormer's neighbours, 1,2,… to the number of groups; by default 1,2,3.",
      valueName: "1,2,…"))
  var dilations: Distances?

  @Option(
    help: ArgumentHelp(
      "What the head makes of the positions: avg or max, as timm's global_pool; by default avg.",
      valueName: "avg|max"))
  var globalPool: GlobalPool?

  @Flag(
    help:
      "The results are the maps of the stages, for detection, segmentation or retrieval, not what a head says."
  )
  var features = false

  @Option(
    help: ArgumentHelp(
      "The edge of an inhomogeneous DWNet's filters, where several fit its tensors.",
      valueName: "K"))
  var kernel: Int?

  @Option(
    help: ArgumentHelp(
      "Which code's windows a Swin has: "
        + SwinWindows.allCases.map { $0.rawValue }.joined(separator: ", ")
        + "; by default that which names its tensors so.", valueName: "code"))
  var windows: SwinWindows?

  @Option(
    help:
      "Resize the shorter edge to input / crop, rounded down, and cut out the centre; 1 resizes all of it."
  )
  var crop = 1.0

  @Option(
    help:
      "How a picture of other proportions fits: stretch loses them, letterbox keeps them and pads with the mean; by default letterbox for a detector, else stretch."
  )
  var fit: Fit?

  @Option(help: "bilinear or bicubic, as PIL computes them.")
  var interpolation = Interpolation.bilinear

  @Option(
    help: "Of JPEGs and PNGs: exif makes them upright as their Exif data say, ignore leaves them.")
  var orientation = OrientationPolicy.exif

  @Option(
    help: ArgumentHelp(
      "A file with one class name a line, or \(LabelSet.allCases.map { $0.rawValue }.joined(separator: ", ")); by default the names that the checkpoint has.",
      valueName: "file|set"))
  var labels: String?

  @OptionGroup(title: "Of detectors and segmenters") var head: HeadOptions

  enum Interpolation: String, ExpressibleByArgument {
    case bilinear, bicubic
  }

  enum Fit: String, ExpressibleByArgument {
    case stretch, letterbox
  }

  enum GlobalPool: String, ExpressibleByArgument {
    case avg, max
  }

  /// The input in pixels.
  var size: PictureSize { input?.size ?? Network.Options().inputSize }

  func validate() throws {
    guard crop > 0, crop <= 1 else {
      throw ValidationError("--crop: expected more than 0 and at most 1, found \(crop)")
    }
    guard fit != .letterbox || crop == 1 else {
      throw ValidationError("--fit letterbox shows the whole picture; expected no --crop")
    }
    // Means and deviations of pixels up to 255 are a common slip, and would give other answers.
    guard mean?.values.allSatisfy({ (0...1).contains($0) }) ?? true else {
      throw ValidationError("--mean: expected 0 … 1, as pixels are; divide by 255")
    }
    guard std?.values.allSatisfy({ (1e-4...4).contains($0) }) ?? true else {
      throw ValidationError("--std: expected 0.0001 … 4, as pixels are 0 … 1; divide by 255")
    }
  }

  /// The float network of a checkpoint, the names of its classes as far as they are known, and what was taken and
  /// assumed for it, a line each.
  func network(_ path: String) throws -> (Network, labels: [String], notes: [String]) {
    let checkpoint = try Checkpoint.read(
      path: path, part: CheckpointPart(key: key, prefix: prefix))
    var options = Network.Options()
    options.inputSize = size
    if let mean { options.mean = mean.values }
    if let std { options.deviation = std.values }
    options.heads = heads.values
    options.features = features
    options.dilations = dilations?.groups
    options.pooling = globalPool.map { $0 == .avg ? .mean : .maximum }
    options.kernel = kernel
    options.windows = windows
    head.apply(to: &options)
    let network: Network
    do {
      network = try Network(checkpoint, options: options)
      try head.requireUse(by: network)
    } catch {
      // What is wrong with it may be what was taken.
      throw Failure((["\(path): \(error)"] + checkpoint.notes).joined(separator: "; "))
    }
    let assumed = assumptions(network).map { $0.description }
    let known =
      try labels.map { try LabelSet.labels($0) }
      ?? checkpoint.labels(of: network)
    return (
      network, known.labels,
      (checkpoint.notes + [known.note].compactMap { $0 }).map { "\(path): \($0)" }
        + (assumed.isEmpty ? [] : ["assumed: " + assumed.joined(separator: "; ")])
    )
  }

  /// Refuses options that say something of classes where a network has none.
  func requireClasses(_ network: Network, _ path: String, evaluate: String? = nil) throws {
    guard network.classCount == 0 else { return }
    let given = [("--labels", labels), ("--evaluate", evaluate)].first { $0.1 != nil }
    guard let (name, _) = given else { return }
    let family = network.family + (features ? " with --features" : " without classes")
    throw Failure("\(path): \(NetworkError.option(name: name, family: family))")
  }

  /// What neither the tensors nor the options say.
  func assumptions(_ network: Network) -> [Assumption] {
    var all = network.assumptions
    if input == nil { all.append(Assumption(what: "input \(size)", option: "--input")) }
    if mean == nil || std == nil {
      all.append(Assumption(what: "ImageNet's mean and deviation", option: "--mean, --std"))
    }
    if fit == nil, crop == 1, network.kind == .detections {
      all.append(Assumption(what: "letterboxed pictures", option: "--fit"))
    }
    return all
  }

  /// How pictures become the network's input.
  func inputSpec(_ network: Network) -> InputSpec {
    InputSpec(
      width: size.width, height: size.height, fit: rule(network),
      interpolation: interpolation == .bilinear ? .bilinear : .bicubic)
  }

  /// How the picture's proportions become the input's.
  private func rule(_ network: Network) -> InputSpec.Fit {
    if crop < 1 { return .crop(fraction: crop) }
    return (fit ?? (network.kind == .detections ? .letterbox : .stretch)) == .stretch
      ? .stretch : .letterbox(padding: RGB(nearestTo: mean?.values ?? Network.Options().mean))
  }
}

/// `224` or `320x256`.
struct InputSize: ExpressibleByArgument {
  let size: PictureSize

  /// That of a plan.
  init(_ input: InputSpec) { size = PictureSize(width: input.width, height: input.height) }

  init?(argument: String) {
    let edges = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard let width = edges.first ?? nil, let height = edges.last ?? nil, edges.count <= 2,
      (1...4096).contains(width), (1...4096).contains(height)
    else { return nil }
    size = PictureSize(width: width, height: height)
  }
}

/// Three numbers with commas between them.
struct Triple: ExpressibleByArgument {
  let values: [Float]

  init?(argument: String) {
    let values = argument.split(separator: ",").compactMap { Float($0) }
    guard values.count == 3,
      argument.split(separator: ",", omittingEmptySubsequences: false).count == 3,
      values.allSatisfy({ $0.isFinite })
    else { return nil }
    self.values = values
  }
}

/// `1,2,3`: as many groups, at these distances.
struct Distances: ExpressibleByArgument {
  let groups: Int

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard values.count <= 16, values == Array(1...values.count) else { return nil }
    groups = values.count
  }
}

/// Positive numbers with commas between them.
struct HeadCounts: ExpressibleByArgument {
  let values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard values.allSatisfy({ ($0 ?? 0) > 0 }) else { return nil }
    self.values = values.compactMap { $0 }
  }

  var defaultValueDescription: String { "" }
}

/// A failure whose description is the whole message.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
