// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

@Suite struct ClassificationTests {
  @Test func probabilitiesAddUpToOne() {
    let result = Classification(logits: [3, -1, 1000, 998], labels: ["a", "b", "c", "d"])
    let all = result.top(10)
    #expect(all.map { $0.label } == ["c", "d", "a", "b"])
    #expect(abs(all.reduce(0) { $0 + $1.probability } - 1) < 1e-6)
    #expect(abs(all[0].probability - 0.880797) < 1e-5)
  }

  @Test func equalScoresKeepTheirOrder() {
    let result = Classification(logits: [1, 2, 2], labels: [])
    #expect(result.top(3).map { $0.index } == [1, 2, 0])
    #expect(result.top(1).map { $0.label } == ["1"])
    #expect(result.top(0).isEmpty)
  }

  /// σ(x) = 1 / (1 + e⁻ˣ).
  @Test(
    arguments: [(0, 0.5), (-0.15, 0.4625702), (3, 0.9525741), (-200, 0), (200, 1)]
      as [(Float, Float)])
  func onlyScoreIsOneOfTwoClasses(logit: Float, probability: Float) {
    let top = Classification(logits: [logit], labels: ["there"]).top(3)
    #expect(top.map { $0.label } == ["there"])
    #expect(abs(top[0].probability - probability) < 1e-6)
  }

  @Test func manyAreRankedAsFewAre() {
    let logits = (0..<21841).map { Float($0 * 7919 % 1000) }
    let result = Classification(logits: logits, labels: [])
    #expect(result.top(17).prefix(16).map { $0.index } == result.top(16).map { $0.index })
    #expect(result.top(30000).count == 21841)
  }

  @Test func nothingIsRankedWhereThereAreNoClasses() {
    let line = ResultLine(
      file: "a", classification: Classification(logits: [], labels: []), milliseconds: 1)
    #expect(line.classification.top(3).isEmpty && line.classification.top(30).isEmpty)
    #expect(
      line.json(top: 3, logits: true)
        == #"{"file":"a","top":[],"milliseconds":1.0000,"logits":[]}"#)
    Array<Float>().withUnsafeBufferPointer { #expect(Ranking($0).next(after: nil) == nil) }
  }

  @Test func featuresAreShownByTheirFirstValues() {
    [Float](arrayLiteral: 0.5, -1, 0.25, 4).withUnsafeBytes { bytes in
      func line(_ height: Int, _ channels: Int) -> FeatureLine {
        let shape = Shape(height: height, width: 1, channels: channels)
        let output = EngineOutput(floats: bytes, name: "e\u{1b}\"", shape: shape)
        return FeatureLine(file: "a\n", outputs: [output], milliseconds: 2)
      }
      #expect(line(1, 4).text == #"a\u{a}  e\u{1b}" 1×1×4: 0.500 -1.000 0.250 …"#)
      #expect(line(1, 3).text == #"a\u{a}  e\u{1b}" 1×1×3: 0.500 -1.000 0.250"#)
      #expect(line(1, 1).text == #"a\u{a}  e\u{1b}" 1×1×1: 0.500"#)
      #expect(line(2, 2).text == #"a\u{a}  e\u{1b}" 2×1×2"#)
      #expect(
        line(2, 2).json
          == #"{"file":"a\u000a","outputs":[{"name":"e\u001b\"","height":2,"width":1,"channels":2,"#
          + #""type":"float32","values":[0.5,-1,0.25,4]}],"milliseconds":2.0000}"#)
    }
  }

  @Test func linesEscapeWhatTheyQuote() {
    let line = ResultLine(
      file: "a \"b\"\n.jpg", classification: Classification(logits: [0], labels: ["x\\y"]),
      milliseconds: 1.5)
    #expect(
      line.json(top: 1, logits: true)
        == #"{"file":"a \"b\"\u000a.jpg","top":[{"index":0,"label":"x\\y","probability":0.5}],"#
        + #""milliseconds":1.5000,"logits":[0]}"#)
    #expect(line.text(top: 1) == #"a "b"\u{a}.jpg: x\y 50.0 % (network 1.50 ms)"#)
  }
}
