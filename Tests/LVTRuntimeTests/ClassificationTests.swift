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

  @Test func linesEscapeWhatTheyQuote() {
    let line = ResultLine(
      file: "a \"b\"\n.jpg", classification: Classification(logits: [0], labels: ["x\\y"]),
      milliseconds: 1.5)
    #expect(
      line.json(top: 1, logits: true)
        == #"{"file":"a \"b\"\u000a.jpg","top":[{"index":0,"label":"x\\y","probability":1}],"#
        + #""milliseconds":1.5000,"logits":[0]}"#)
    #expect(line.text(top: 1) == #"a "b"\u{a}.jpg: x\y 100.0 % (1.50 ms)"#)
  }
}
