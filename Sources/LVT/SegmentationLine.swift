// SPDX-License-Identifier: Apache-2.0
internal import LVTImage

/// The classes of a picture's pixels as one line of text, for people or as JSON.
public struct SegmentationLine: Sendable {
  /// The picture's path, or another name for it.
  public let file: String
  /// The class of every pixel of the picture.
  public let map: LabelMap
  /// Names of the classes; none, or one for each class.
  public let labels: [String]
  /// Which classes are named.
  public let filter: ResultFilter
  /// How long the network ran.
  public let milliseconds: Double

  /// A line about one picture.
  public init(
    file: String, map: LabelMap, labels: [String], filter: ResultFilter = ResultFilter(),
    milliseconds: Double
  ) {
    self.file = file
    self.map = map
    self.labels = labels
    self.filter = filter
    self.milliseconds = milliseconds
  }

  /// For people: `road.jpg: Road 41.2 %, Sky 22.0 % (network 0.41 ms)`; file and labels as
  /// ``terminalText(_:limit:)``.
  public var text: String {
    "\(terminalText(file)): \(map.text(labels: labels, filter: filter)) "
      + "(network \(fixed(milliseconds, 2)) ms)"
  }

  /// One JSON object: `{"file":…,"size":[…],"classes":[…],"milliseconds":…}`.
  public var json: String {
    "{\"file\":\(jsonText(file)),\(map.json(labels: labels, filter: filter)),"
      + "\"milliseconds\":\(fixed(milliseconds, 4))}"
  }
}

extension LabelMap {
  /// `Road 41.2 %, Sky 22.0 %`: the share of all pixels that each class has, greatest first, or `no classes`.
  ///
  /// Classes without pixels are left out, and so is ``LVTImage/PictureMapping/unknownLabel``.
  public func text(labels: [String], filter: ResultFilter) -> String {
    let shares = shares(filter)
    guard !shares.isEmpty else { return "no classes" }
    return shares.map { entry in
      "\(terminalText(className(entry.classIndex, labels))) \(fixed(entry.share * 100, 1)) %"
    }.joined(separator: ", ")
  }

  /// `"size":[height,width],"classes":[{"class":0,"label":…,"share":…,"counts":"…"}]`, members of a JSON
  /// object.
  ///
  /// Size and counts together are what `pycocotools.mask.decode` takes. Classes are in the order of their
  /// indices, without those that ``text(labels:filter:)`` leaves out.
  public func json(labels: [String], filter: ResultFilter) -> String {
    let classes = RunLengths.all(of: self).enumerated().filter { isNamed($0, $1.area, filter) }
    let entries = classes.map { classIndex, runs in
      "{\"class\":\(classIndex),\"label\":\(jsonText(className(classIndex, labels))),"
        + "\"share\":\(shortest(Float(share(runs.area)))),\"counts\":\(jsonText(runs.packed))}"
    }
    return "\"size\":[\(height),\(width)],\"classes\":[\(entries.joined(separator: ","))]"
  }

  /// The classes that have pixels and are wanted, that of most pixels first; of equals the one with the
  /// lower index.
  public func shares(
    _ filter: ResultFilter = ResultFilter()
  ) -> [(classIndex: Int, share: Double)] {
    var areas = [Int](repeating: 0, count: 256)
    for label in labels { areas[Int(label)] += 1 }
    return areas.indices.filter { isNamed($0, areas[$0], filter) }
      .sorted { areas[$0] > areas[$1] || (areas[$0] == areas[$1] && $0 < $1) }
      .map { (classIndex: $0, share: share(areas[$0])) }
  }

  private func isNamed(_ classIndex: Int, _ area: Int, _ filter: ResultFilter) -> Bool {
    area > 0 && classIndex != Int(PictureMapping.unknownLabel)
      && filter.keeps(classIndex: classIndex)
  }

  private func share(_ area: Int) -> Double { Double(area) / Double(max(1, width * height)) }
}
