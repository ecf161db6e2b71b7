// SPDX-License-Identifier: Apache-2.0
import LVTKernelCheck
import Testing

/// Every kernel of the list against its definition; run with `-c release`.
@Suite struct KernelTests {
  private static let seed: UInt64 = 1
  private static let runnable = KernelRow.all.filter(\.isRunnable)

  @Test("kernel matches its definition", arguments: runnable.map(\.name))
  func kernelMatchesDefinition(name: String) throws {
    let row = try #require(Self.runnable.first { $0.name == name })
    do throws(CheckFailure) {
      #expect(try checkKernel(row, seed: Self.seed) > 0)
    } catch {
      Issue.record("\(error.text)")
    }
  }

  @Test func everyOperationHasAScalarRow() {
    #expect(operationsWithoutDefinition() == [])
  }

  @Test func scalarRowsAreExecuted() {
    let sets = instructionSets()
    print("executed: \(sets.executed); skipped: \(sets.skipped); seed \(Self.seed)")
    #expect(sets.executed.contains("scalar"))
  }
}
