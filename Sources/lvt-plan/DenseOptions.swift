// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import LVT
internal import LVTCapture
internal import LVTDraw
internal import LVTImage
internal import LVTPlanner

/// What is shown of a detector's or a segmenter's results, as `lvt-infer` has it.
struct DenseOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Of boxes: show those of at least this score, 0 to 1; by default 0.3.", valueName: "S"))
  var threshold: Float?

  @Option(
    help: ArgumentHelp(
      "Of boxes and masks: show these classes only, by names or indices.", valueName: "list"))
  var classes: String?

  @Option(
    help: ArgumentHelp(
      "Write each picture with its boxes or masks as NAME.jpg.", valueName: "folder"))
  var draw: String?

  @Option(
    help: ArgumentHelp(
      "Write label maps as NAME.pgm, a byte for each pixel.", valueName: "folder"))
  var masks: String?

  func validate() throws {
    guard threshold.map({ (0...1).contains($0) }) ?? true else {
      throw ValidationError("--threshold: expected a number from 0 to 1")
    }
  }

  /// Refuses options that say nothing of the network's results.
  func requireUse(by network: Network) throws {
    let isOfBoxes = network.kind == .detections, isOfMasks = network.kind == .pixelClasses
    for (name, isGiven, isUseful) in [
      ("--threshold", threshold != nil, isOfBoxes),
      ("--classes", classes != nil, isOfBoxes || isOfMasks),
      ("--draw", draw != nil, isOfBoxes || isOfMasks), ("--masks", masks != nil, isOfMasks),
    ] where isGiven && !isUseful {
      throw Failure("\(name) is of no use for a \(network.family)")
    }
  }

  /// What is wanted of results whose classes have these labels.
  func filter(_ network: Network, labels: [String]) throws -> ResultFilter {
    var filter = ResultFilter(leastScore: threshold ?? ResultFilter.shownScore)
    guard let classes else { return filter }
    do {
      filter.classes = try ResultFilter.classes(
        in: classes, labels: labels, count: network.classCount)
    } catch { throw Failure("--classes: \(error)") }
    return filter
  }
}

/// Lines and files about the float network's boxes and masks.
struct DenseFindings {
  private let network: Network
  private let labels: [String]
  private let filter: ResultFilter
  private let orientation: OrientationPolicy
  private var drawings, maps: OutputFolder?

  init(
    _ options: DenseOptions, _ network: Network, labels: [String], pictures: [String],
    orientation: OrientationPolicy
  ) throws {
    self.orientation = orientation
    self.network = network
    self.labels = labels
    filter = try options.filter(network, labels: labels)
    func folder(_ path: String?, _ ending: String) throws -> OutputFolder? {
      guard let path else { return nil }
      do throws(CaptureError) {
        return try OutputFolder(path: path, ending: ending, inputs: pictures)
      } catch { throw Failure("\(path): \(error)") }
    }
    drawings = try folder(options.draw, ".jpg")
    maps = try folder(options.masks, ".pgm")
  }

  /// A line about a picture, whose files are written.
  mutating func line(
    _ file: String, _ results: [[Float]], _ mapping: PictureMapping, milliseconds: Double,
    json: Bool
  ) throws -> String {
    // What closures read while the folders' lists grow.
    let (filter, labels) = (self.filter, self.labels)
    if network.kind == .detections {
      let all = Detection.list(results[0])
      let shown = all.indices.filter { filter.keeps(all[$0]) }
      let found = shown.map { i in
        Detection(
          classIndex: all[i].classIndex, score: all[i].score, box: mapping.picture(all[i].box))
      }
      let masks =
        results.count > 1 ? mapping.masks(results[0], results[1], rows: shown) : .none
      try draw(file) { $0.draw(found, masks: masks.runs, labels: labels) }
      let line = DetectionLine(
        file: file, detections: found, masks: masks, labels: labels, milliseconds: milliseconds)
      return json ? line.json : line.text
    }
    let size = network.inputSize
    let map = mapping.picture(
      LVT.LabelMap(width: size.width, height: size.height, labels: results[0].map { UInt8($0) }))
    if let path = try maps?.place(of: file) {
      try PNMFile.write(map.labels, width: map.width, height: map.height, path: path)
    }
    try draw(file) { $0.overlay(map, labels: labels, filter: filter) }
    let line = SegmentationLine(
      file: file, map: map, labels: labels, filter: filter, milliseconds: milliseconds)
    return json ? line.json : line.text
  }

  private mutating func draw(_ file: String, _ body: (Image) -> Void) throws {
    guard let path = try drawings?.place(of: file) else { return }
    let picture = try PictureDecoder(orientation: orientation, png: PNGPicture.decode).read(
      path: file)
    body(picture)
    try JPEGOutput.write(picture, path: path)
  }
}
