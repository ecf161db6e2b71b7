// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

/// What pads packed weights is zero: a vector may read it where the definition does not, so that other
/// values would give other bits on other CPUs.
@Suite struct PlanPaddingTests {
  static let networks: [TinyNetwork] = [
    TinyNetwork(), TinyNetwork(isDynamic: true), .inhomogeneous, .swin, .dilateFormer,
    .depthwiseViT, TinyNetwork().wide, .detector, .segmenter,
  ]

  /// A panel's places that mean nothing: those of weights, and columns.
  private func padding(
    of matrix: PackedMatrix, _ segments: MatrixSegments, panel: Int
  ) -> (weights: [(column: Int, k: Int)], columns: Range<Int>) {
    let columns = min(16, matrix.n - 16 * panel)..<16, packed = (matrix.k + 3) / 4 * 4
    var weights: [(column: Int, k: Int)] = []
    for k in 0..<packed where !segments.means(k) { weights += [0, 15].map { ($0, k) } }
    for column in columns { weights += [(column, 0), (column, packed - 1)] }
    return (weights, columns)
  }

  private func expectRefusal(_ contents: PlanContents, _ constants: [UInt8], _ place: String) {
    let error = #expect(throws: PlanError.self, "\(place)") {
      try plan(contents.encoded(constants: constants, hashed: false))
    }
    #expect(error?.description.contains("zeros in all that pads") == true, "\(place)")
  }

  @Test(arguments: networks)
  func paddingOfEveryMatrixMustBeZero(network: TinyNetwork) throws {
    let plan = try network.compile(pictures: 1).plan
    let contents = PlanContents(plan), constants = Array(plan.constants)
    var places = 0
    for (i, step) in contents.steps.enumerated() {
      let segments = contents.segments(of: step)
      for (j, matrix) in step.operation.matrices.enumerated() {
        #expect(segments[j].k == matrix.k)
        let panel = matrix.panelCount - 1
        let base = matrix.offset + panel * matrix.panelBytes
        let (weights, columns) = padding(of: matrix, segments[j], panel: panel)
        for (column, k) in weights {
          // With the sum that belongs to it, so that it is the padding that is refused.
          let weight: Int = base + 192 + (k / 4 * 16 + column) * 4 + k % 4
          let sum: Int = base + 64 + 4 * column
          if constants[sum] == 0xFF { continue }  // a carry
          var changed = constants
          changed[weight] &+= 1
          changed[sum] &+= 1
          expectRefusal(contents, changed, "step \(i), matrix \(j), column \(column), k \(k)")
          places += 1
        }
        for column in columns {
          for field in [0, 128] {  // bias and multiplier
            var changed = constants
            changed[base + field + 4 * column] = 1
            expectRefusal(contents, changed, "step \(i), matrix \(j), column \(column), \(field)")
            places += 1
          }
        }
      }
    }
    #expect(places > 50)
  }
}
