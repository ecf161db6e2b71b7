// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import Foundation
internal import LVT
internal import LVTCapture
internal import LVTImage
internal import LVTModel
internal import LVTPlanner

struct Predict: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run the float network of a checkpoint, for comparison with a plan.")

  @Argument(help: "A checkpoint.")
  var checkpoint: String

  @Argument(help: "Picture files (JPEG, PNG, PPM, PGM) or folders.")
  var pictures: [String] = []

  @Option(
    help: ArgumentHelp(
      "Instead of pictures: normalised values, N×3×H×W, in a .npy or .safetensors file.",
      valueName: "file"))
  var tensor: String?

  @Option(
    help: ArgumentHelp(
      "The tensor's name in a .safetensors file that has several.", valueName: "name"))
  var tensorName: String?

  @Option(help: ArgumentHelp("Show the N likeliest classes; by default 3.", valueName: "N"))
  var top: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  @Flag(help: "With --json, the network's raw output too.")
  var logits = false

  @OptionGroup var dense: DenseOptions
  @OptionGroup var options: NetworkOptions

  func validate() throws {
    guard pictures.isEmpty != (tensor == nil) else {
      throw ValidationError("expected pictures or --tensor, one of them")
    }
    guard tensorName == nil || tensor != nil else {
      throw ValidationError("--tensor-name: expected --tensor, too")
    }
    guard tensor == nil || (dense.draw == nil && dense.masks == nil) else {
      throw ValidationError("--draw, --masks: expected pictures, not --tensor")
    }
    guard (1...1_000_000).contains(top ?? 1) else {
      throw ValidationError("--top: expected a number from 1 to 1000000")
    }
  }

  func run() throws {
    let (network, labels, notes) = try options.network(checkpoint)
    try options.requireClasses(network, checkpoint)
    let isOfClasses = network.kind == .classes
    if !isOfClasses, top != nil {
      let network = network.kind == .map ? "network without classes" : network.family
      throw Failure("\(checkpoint): --top is of no use for a \(network)")
    }
    if network.kind == .map, logits {
      throw Failure("\(checkpoint): --logits is of no use for a network without classes")
    }
    try dense.requireUse(by: network)
    let executor = FloatExecutor(network)
    guard labels.isEmpty || labels.count == executor.network.classCount else {
      throw PlannerError.labelCount(expected: executor.network.classCount, found: labels.count)
    }
    for note in notes { Terminal.report(note) }
    var findings = try DenseFindings(
      dense, network, labels: labels, pictures: pictures, orientation: options.orientation)
    let spec = options.inputSpec(network)
    if let tensor {
      // A tensor is the input itself.
      let whole = try PictureMapping(
        width: spec.width, height: spec.height,
        spec: InputSpec(width: spec.width, height: spec.height))
      for (i, input) in try inputs(tensor).enumerated() {
        try show("\(tensor)[\(i)]", input, whole, executor, labels, &findings)
      }
      return
    }
    let loader = try PictureLoader(spec, orientation: options.orientation)
    var failed = false
    for argument in pictures {
      do {
        let found = try PictureFiles(at: argument, kinds: .withPNG)
        Terminal.report(passedOver: found.passedOver, in: argument)
        for path in found.paths {
          do {
            let (picture, mapping) = try loader.loadMapped(path: path)
            try show(path, executor.normalized(picture), mapping, executor, labels, &findings)
          } catch {
            Terminal.report("\(error)")
            failed = true
          }
        }
      } catch {
        Terminal.report("\(argument): \(error)")
        failed = true
      }
    }
    if failed { throw ExitCode.failure }
  }

  private func show(
    _ name: String, _ input: [Float], _ mapping: PictureMapping, _ executor: FloatExecutor,
    _ labels: [String], _ findings: inout DenseFindings
  ) throws {
    let start = Date()
    if json, logits, executor.network.kind != .classes {
      return showRaw(name, executor.rawMaps(input), Date().timeIntervalSince(start) * 1000)
    }
    let results = executor.outputs(input)
    guard results.allSatisfy({ $0.allSatisfy { $0.isFinite } }) else {
      let layer = executor.firstNotFinite(input) ?? ""
      throw Failure("\(name): layer '\(layer)' makes values that are infinite or NaN")
    }
    let milliseconds = Date().timeIntervalSince(start) * 1000
    switch executor.network.kind {
    case .classes: break
    case .map, .masks:
      let maps = zip(executor.network.results, results).map {
        RawMap(name: $0.name, shape: $0.shape, values: $1)
      }
      return showRaw(name, maps, milliseconds)
    case .detections, .pixelClasses:
      Terminal.print(
        try findings.line(name, results, mapping, milliseconds: milliseconds, json: json))
      return
    }
    let line = ResultLine(
      file: name, classification: Classification(logits: results[0], labels: labels),
      milliseconds: milliseconds)
    Terminal.print(
      json ? line.json(top: top ?? 3, logits: logits) : line.text(top: top ?? 3))
  }

  private func showRaw(_ name: String, _ maps: [RawMap], _ milliseconds: Double) {
    maps.flatMap { $0.values }.withUnsafeBytes { values in
      var rest = values[...]
      let outputs = maps.map { map in
        let count = map.values.count * MemoryLayout<Float>.size
        let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
        rest = rest.dropFirst(count)
        return EngineOutput(floats: bytes, name: map.name, shape: map.shape)
      }
      let line = FeatureLine(file: name, outputs: outputs, milliseconds: milliseconds)
      Terminal.print(json ? line.json : line.text)
    }
  }

  /// Pictures of an N × 3 × H × W array as height × width × 3.
  private func inputs(_ path: String) throws -> [[Float]] {
    let array = try ArrayFile.read(path: path, named: tensorName)
    let size = options.size
    guard array.shape.count == 4, array.shape[1...] == [3, size.height, size.width] else {
      throw Failure(
        "\(path): expected an array N×3×\(size.height)×\(size.width), found \(array.shape)")
    }
    let area = size.width * size.height
    return (0..<array.shape[0]).map { n in
      var picture = [Float](repeating: 0, count: 3 * area)
      for colour in 0..<3 {
        for i in 0..<area { picture[3 * i + colour] = array.values[(3 * n + colour) * area + i] }
      }
      return picture
    }
  }
}
