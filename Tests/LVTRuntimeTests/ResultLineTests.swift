// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

/// Objects and label maps as lines of text.
@Suite struct ResultLineTests {
  private let detections = [
    Detection(
      classIndex: 1, score: 0.998, box: Box(x: 206.5, y: 93.25, width: 205.75, height: 197)),
    Detection(classIndex: 0, score: 0.25, box: Box(x: 0, y: 12, width: 0.4, height: 0)),
  ]

  private func line(_ detections: [Detection], labels: [String]) -> DetectionLine {
    DetectionLine(file: "a \"b\"\n.jpg", detections: detections, labels: labels, milliseconds: 1.5)
  }

  @Test func objectsHavePlaceAndSizeInPixels() {
    #expect(
      line(detections, labels: ["R\u{1b}", "WBC"]).text
        == #"a "b"\u{a}.jpg: WBC 99.8 % at 206,93 206×197; R\u{1b} 25.0 % at 0,12 0×0 (network 1.50 ms)"#
    )
    #expect(
      line(detections, labels: ["R\u{1b}", "WBC"]).json
        == #"{"file":"a \"b\"\u000a.jpg","boxes":["#
        + #"{"class":1,"label":"WBC","score":0.998,"x":206.5,"y":93.25,"width":205.75,"height":197},"#
        + #"{"class":0,"label":"R\u001b","score":0.25,"x":0,"y":12,"width":0.4,"height":0}"#
        + #"],"milliseconds":1.5000}"#)
  }

  @Test func pictureWithoutObjectsHasALine() {
    #expect(line([], labels: []).text == #"a "b"\u{a}.jpg: no objects (network 1.50 ms)"#)
    #expect(
      line([], labels: []).json
        == #"{"file":"a \"b\"\u000a.jpg","boxes":[],"milliseconds":1.5000}"#)
  }

  @Test func classesWithoutNamesAreNumbers() {
    #expect(
      line(detections, labels: []).text
        == #"a "b"\u{a}.jpg: 1 99.8 % at 206,93 206×197; 0 25.0 % at 0,12 0×0 (network 1.50 ms)"#)
  }

  // MARK: Label maps

  /// 0 0 1 2, 0 1 1 2, 2 2 1 0, and the strings that pycocotools makes of it.
  private let map = LabelMap(width: 4, height: 3, labels: [0, 0, 1, 2, 0, 1, 1, 2, 2, 2, 1, 0])

  @Test func classesHaveSharesAndRunLengthsOfPycocotools() {
    let line = SegmentationLine(file: "a", map: map, labels: ["x", "y\"", "z"], milliseconds: 2)
    #expect(
      line.json
        == #"{"file":"a","size":[3,4],"classes":["#
        + #"{"class":0,"label":"x","share":0.33333334,"counts":"021O60"},"#
        + #"{"class":1,"label":"y\"","share":0.33333334,"counts":"41122"},"#
        + #"{"class":2,"label":"z","share":0.33333334,"counts":"212011N"}],"milliseconds":2.0000}"#)
  }

  @Test func longRunsTakeSeveralCharacters() {
    // One column of 0, but for its start, and two with a run of 1 each, as pycocotools encodes them.
    let labels = (0..<300 * 3).map { i -> UInt8 in
      let (y, x) = (i / 3, i % 3)
      return [0..<2, 100..<137, 5..<290][x].contains(y) ? 1 : 0
    }
    let map = LabelMap(width: 3, height: 300, labels: labels)
    #expect(
      map.json(labels: [], filter: ResultFilter())
        == #""size":[300,3],"classes":["#
        + #"{"class":0,"label":"0","share":0.64,"counts":"2^<U1jHh7RK"},"#
        + #"{"class":1,"label":"1","share":0.36,"counts":"02^<S1jHh7RK"}]"#)
  }

  @Test func greatestShareComesFirstInText() {
    var map = map
    map.labels[0] = 2
    let line = SegmentationLine(file: "a", map: map, labels: ["x", "y\n", "z"], milliseconds: 2)
    #expect(line.text == #"a: z 41.7 %, y\u{a} 33.3 %, x 25.0 % (network 2.00 ms)"#)
    #expect(map.shares().map { $0.classIndex } == [2, 1, 0])
  }

  @Test func pixelsThatACropLeavesUnseenAreNoClass() {
    let map = LabelMap(width: 2, height: 2, labels: [255, 3, 255, 255])
    #expect(map.text(labels: [], filter: ResultFilter()) == "3 25.0 %")
    #expect(
      map.json(labels: [], filter: ResultFilter())
        == #""size":[2,2],"classes":[{"class":3,"label":"3","share":0.25,"counts":"211"}]"#)
    let none = LabelMap(width: 1, height: 1, labels: [255])
    #expect(none.text(labels: [], filter: ResultFilter()) == "no classes")
    #expect(none.json(labels: [], filter: ResultFilter()) == #""size":[1,1],"classes":[]"#)
  }

  // MARK: Filters

  @Test func filterKeepsWantedClassesOfEnoughScore() {
    func kept(_ filter: ResultFilter) -> [Int] {
      detections.filter { filter.keeps($0) }.map { $0.classIndex }
    }
    #expect(kept(ResultFilter()) == [1, 0])
    #expect(kept(ResultFilter(leastScore: 0.25)) == [1, 0])
    #expect(kept(ResultFilter(leastScore: 0.26)) == [1])
    #expect(kept(ResultFilter(classes: [0, 7])) == [0])
    #expect(kept(ResultFilter(leastScore: 0.5, classes: [0])) == [])
    let nan = Detection(classIndex: 0, score: .nan, box: Box(x: 0, y: 0, width: 1, height: 1))
    #expect(!ResultFilter().keeps(nan))
  }

  @Test func filterNamesOnlyWantedClassesOfAMap() {
    let filter = ResultFilter(classes: [2, 9])
    #expect(map.text(labels: [], filter: filter) == "2 33.3 %")
    #expect(
      map.json(labels: [], filter: filter)
        == #""size":[3,4],"classes":[{"class":2,"label":"2","share":0.33333334,"counts":"212011N"}]"#
    )
  }
}
