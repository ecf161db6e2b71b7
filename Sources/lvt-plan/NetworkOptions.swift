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
      "The input in pixels: one edge of a square, or width and height.", valueName: "N|WxH"))
  var input = InputSize(square: 224)

  @Option(help: ArgumentHelp("Mean of each colour.", valueName: "r,g,b"))
  var mean = Triple([0.485, 0.456, 0.406])

  @Option(help: ArgumentHelp("Deviation of each colour.", valueName: "r,g,b"))
  var std = Triple([0.229, 0.224, 0.225])

  @Option(
    help: ArgumentHelp(
      "Attention heads of each stage, for a DilateFormer; by default 3, and twice as many in each further stage.",
      valueName: "n,n,…"))
  var heads = HeadCounts([])

  @Option(
    help: "Resize the shorter edge to input / crop and cut out the centre; 1 resizes all of it.")
  var crop: Float = 1

  @Option(help: "bilinear or bicubic, as PIL computes them.")
  var interpolation = Interpolation.bilinear

  @Option(help: "Of JPEGs: exif makes them upright as their Exif data say, ignore leaves them.")
  var orientation = OrientationPolicy.exif

  @Option(help: ArgumentHelp("A file with one class name a line.", valueName: "file"))
  var labels: String?

  enum Interpolation: String, ExpressibleByArgument {
    case bilinear, bicubic
  }

  func validate() throws {
    guard crop > 0, crop <= 1 else {
      throw ValidationError("--crop: expected more than 0 and at most 1, found \(crop)")
    }
    guard std.values.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("--std: expected positive numbers")
    }
  }

  /// The float network of a checkpoint.
  func network(_ path: String) throws -> Network {
    let checkpoint = try Checkpoint.read(path: path)
    var options = Network.Options()
    options.inputSize = input.size
    options.mean = mean.values
    options.deviation = std.values
    options.heads = heads.values
    do { return try Network(checkpoint, options: options) } catch {
      throw Failure("\(path): \(error)")
    }
  }

  var inputSpec: InputSpec {
    InputSpec(
      width: input.size.width, height: input.size.height, cropFraction: crop,
      interpolation: interpolation == .bilinear ? .bilinear : .bicubic)
  }

  /// The lines of the labels file, or none.
  func labelLines() throws -> [String] {
    guard let labels else { return [] }
    guard let text = try? String(contentsOfFile: labels, encoding: .utf8) else {
      throw Failure("\(labels): cannot be read as UTF-8 text")
    }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    while lines.last == "" { lines.removeLast() }
    if let line = lines.firstIndex(where: { $0.utf8.count > 200 }) {
      throw Failure("\(labels): line \(line + 1): expected a label of at most 200 bytes")
    }
    return lines
  }
}

/// `224` or `320x256`.
struct InputSize: ExpressibleByArgument {
  let size: PictureSize

  init(square edge: Int) { size = PictureSize(square: edge) }

  init?(argument: String) {
    let edges = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard let width = edges.first ?? nil, let height = edges.last ?? nil, edges.count <= 2,
      (1...4096).contains(width), (1...4096).contains(height)
    else { return nil }
    size = PictureSize(width: width, height: height)
  }

  var defaultValueDescription: String { "\(size.width)" }
}

/// Three numbers with commas between them.
struct Triple: ExpressibleByArgument {
  let values: [Float]

  init(_ values: [Float]) { self.values = values }

  init?(argument: String) {
    let values = argument.split(separator: ",").compactMap { Float($0) }
    guard values.count == 3, values.allSatisfy({ $0.isFinite }) else { return nil }
    self.values = values
  }

  var defaultValueDescription: String { values.map { "\($0)" }.joined(separator: ",") }
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
