// SPDX-License-Identifier: Apache-2.0
//
// The kernel check (dav1d's checkasm): every kernel against its definition, bit for bit, between
// inaccessible pages. What is compared with what is at Checker.

/// Runs all cases of a row that this CPU can run.
///
/// - Returns: How many cases there were; each ran in three placements.
public func checkKernel(
  _ row: KernelRow, seed: UInt64, isQuick: Bool = false
) throws(CheckFailure) -> Int {
  guard row.isSelected else { throw .notSelected(row.name) }
  let checker = Checker(row, seed: seed, isQuick: isQuick)
  switch Operation(rawValue: row.operation) {
  case .gemm: try checker.checkGemm()
  case .dwconv: try checker.checkDwconv()
  case .packDwconv: try checker.checkPackDwconv()
  case .pairPixels: try checker.checkPairPixels()
  case .posconv: try checker.checkPosconv()
  case .layerNorm: try checker.checkLayerNorm()
  case .table: try checker.checkTable()
  case .columnSums: try checker.checkColumnSums()
  case .centre: try checker.checkCentre()
  case .attention: try checker.checkAttention()
  case .narrow: try checker.checkNarrow()
  case .dilatedAttention: try checker.checkDilatedAttention()
  case .depthwiseSoftmax: try checker.checkDepthwiseAttention(isSoftmax: true)
  case .depthwiseLayerNorm: try checker.checkDepthwiseAttention(isSoftmax: false)
  case .taps: try checker.checkTaps()
  case .pixels: try checker.checkPixels(isPicture: false)
  case .picturePixels: try checker.checkPixels(isPicture: true)
  case .yuv: try checker.checkYUV()
  case .packed: try checker.checkPacked()
  case .resampleRow: try checker.checkResampleRow()
  case .resampleRows: try checker.checkResampleRows()
  case .resample: try checker.checkResample()
  case .regionRow: try checker.checkRegionRow()
  case .greatest: try checker.checkGreatest()
  case .labelRow: try checker.checkLabelRow()
  case nil: throw .unknownOperation(row.name)
  }
  return checker.caseCount
}

/// Operations of the list that have no scalar row, which would leave them without a definition.
public func operationsWithoutDefinition() -> [String] {
  let rows = KernelRow.all
  return rows.map { $0.operation }.filter { operation in
    !rows.contains { $0.operation == operation && $0.isa == "scalar" && $0.isScalar }
  }
}

/// The instruction sets of the list that this CPU runs, and those that it does not.
public func instructionSets() -> (executed: [String], skipped: [String]) {
  var executed: [String] = [], skipped: [String] = []
  for row in KernelRow.all {
    if row.isRunnable {
      if !executed.contains(row.isa) { executed.append(row.isa) }
    } else if !skipped.contains(row.isa) {
      skipped.append(row.isa)
    }
  }
  return (executed, skipped)
}
