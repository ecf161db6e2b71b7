// SPDX-License-Identifier: Apache-2.0
import LVT
import Testing

@Suite struct RunLengthTests {
  private static let whole = Box(x: 0, y: 0, width: 4, height: 3)

  /// Rows of a picture, `#` for each pixel that is among them.
  private func rows(_ runs: RunLengths, height: Int) -> [String] {
    let width = runs.pixels / height
    var bytes = [UInt8](repeating: 7, count: (width + 2) * height)
    bytes.withUnsafeMutableBufferPointer {
      runs.write(
        to: UnsafeMutableBufferPointer(rebasing: $0.dropLast(2)), height: height, stride: width + 2)
    }
    return (0..<height).map { y in
      let row = bytes[y * (width + 2)..<(y + 1) * (width + 2)]
      #expect(row.suffix(2).allSatisfy { $0 == 7 }, "bytes between rows are written")
      return String(row.prefix(width).map { $0 == 1 ? "#" : $0 == 0 ? "." : "?" })
    }
  }

  private func pasted(
    _ map: [Float], side: Int, _ box: Box, threshold: Float = 0.5
  ) -> RunLengths {
    RunLengths(pasting: map, side: side, box: box, width: 4, height: 3, threshold: threshold)
  }

  @Test func aMapIsStretchedOverItsBox() {
    let map: [Float] = [1, 0, 0, 1]
    let runs = pasted(map, side: 2, Box(x: 0, y: 0, width: 4, height: 2))
    #expect(rows(runs, height: 3) == ["##..", "..##", "...."])
    #expect(runs.counts == [0, 1, 2, 1, 3, 1, 2, 1, 1] && runs.area == 4)
  }

  @Test func theThresholdItselfIsReached() {
    // Over the whole box a map of one element is flat at the centre and falls to half at the edges.
    #expect(pasted([0.5], side: 1, Box(x: 1, y: 1, width: 1, height: 1)).counts == [4, 1, 7])
    #expect(pasted([0.49999997], side: 1, Box(x: 1, y: 1, width: 1, height: 1)).counts == [12])
    // At 0.25 pixels count whose centres are outside.
    let low = pasted([1], side: 1, Box(x: 1.1, y: 1, width: 1, height: 1), threshold: 0.05)
    #expect(rows(low, height: 3) == ["....", ".##.", "...."])
  }

  @Test func columnsThatTouchAreOneRun() {
    let runs = pasted([1], side: 1, Box(x: -4, y: -3, width: 12, height: 9))
    #expect(runs.counts == [0, 12] && runs.area == 12)
  }

  @Test(arguments: [
    Box(x: .nan, y: 0, width: 1, height: 1), Box(x: 0, y: .infinity, width: 1, height: 1),
    Box(x: 0, y: 0, width: .infinity, height: 1), Box(x: 0, y: 0, width: 1, height: .nan),
    Box(x: 1, y: 1, width: 0, height: 2), Box(x: 1, y: 1, width: -2, height: 2),
    Box(x: 1e30, y: 0, width: 1, height: 1), Box(x: -1e30, y: 0, width: 1, height: 1),
    Box(x: 0, y: -3e38, width: 1, height: 1),
    Box(x: 1, y: 1, width: .leastNonzeroMagnitude, height: 1),
  ])
  func aBoxWithoutPixelsHasNone(box: Box) {
    let runs = pasted([1, 1, 1, 1], side: 2, box)
    #expect(runs.area == 0 && runs.counts == [12] && runs.pixels == 12)
  }

  @Test func aHugeBoxAndStrangeValuesAreSafe() {
    let huge = Box(x: -3e38, y: -3e38, width: .greatestFiniteMagnitude, height: 3.2e38)
    #expect(pasted([1, 1, 1, 1], side: 2, huge).pixels == 12)
    #expect(pasted([.nan, .nan, .nan, .nan], side: 2, Self.whole).area == 0)
    #expect(pasted([.infinity, -.infinity, .nan, 1], side: 2, Self.whole).pixels == 12)
    let none = RunLengths(pasting: [1], side: 1, box: Self.whole, width: 0, height: 3)
    #expect(none.counts == [] && none.pixels == 0)
  }

  @Test func overlapsAreCountedAsPixels() throws {
    let a = try RunLengths(counts: [2, 4, 3, 3], pixels: 12)
    let b = try RunLengths(counts: [0, 3, 2, 7], pixels: 12)
    let empty = try RunLengths(counts: [12], pixels: 12)
    #expect(a.intersectionArea(b) == 5 && b.intersectionArea(a) == 5)
    #expect(a.unionArea(b) == 12 && a.overlap(b) == 5.0 / 12)
    #expect(a.overlap(a) == 1 && a.overlap(empty) == 0 && empty.overlap(empty) == 0)
  }

  @Test func countsAreMadeAsShortAsTheyCanBe() throws {
    let runs = try RunLengths(counts: [1, 2, 0, 3, 4, 0, 2, 0], pixels: 12)
    #expect(runs.counts == [1, 5, 6] && runs.area == 5)
    #expect(try RunLengths(packed: runs.packed.utf8, pixels: 12) == runs)
    #expect(try RunLengths(counts: [], pixels: 0).counts == [])
  }

  @Test func longCountsArePackedAndUnpacked() throws {
    let counts = [70_000, 1, 69_000, 40, 31, 16, 5_000_000, 15]
    let pixels = counts.reduce(0, +)
    let runs = try RunLengths(counts: counts, pixels: pixels)
    #expect(runs.counts == counts)
    #expect(try RunLengths(packed: runs.packed.utf8, pixels: pixels) == runs)
  }

  @Test func faultyCountsAreRefused() {
    func fault(_ counts: [Int]) -> RunLengthError? {
      do throws(RunLengthError) { _ = try RunLengths(counts: counts, pixels: 12) } catch {
        return error
      }
      return nil
    }
    #expect(fault([1, -1, 12]) == .count(index: 1, found: -1))
    #expect(fault([1, .max]) == .count(index: 1, found: .max))
    #expect(fault([6, 7]) == .sum(found: 13, expected: 12))
    #expect(fault([6, 5]) == .sum(found: 11, expected: 12))
    #expect(fault([]) == .sum(found: 0, expected: 12))
  }

  @Test func faultyPackedCountsAreRefused() {
    func fault(_ text: String) -> RunLengthError? {
      do throws(RunLengthError) {
        _ = try RunLengths(packed: text.utf8, pixels: 12)
      } catch { return error }
      return nil
    }
    #expect(fault("6 ") == .byte(offset: 1, found: 32))
    #expect(fault("6ä") == .byte(offset: 1, found: 195))
    #expect(fault("6P") == .digits(offset: 1))
    #expect(fault(String(repeating: "o", count: 20)) == .digits(offset: 0))
    #expect(fault("O") == .count(index: 0, found: -1))
    #expect(fault("=") == .count(index: 0, found: 13))
    #expect(fault("111O") == .sum(found: 3, expected: 12))
    #expect(fault("") == .sum(found: 0, expected: 12))
  }
}
