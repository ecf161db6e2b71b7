// SPDX-License-Identifier: Apache-2.0
import LVTTestSupport
import Testing

@testable import LVTModel

extension PlanCheckerTests {
  /// Header and section table.
  @Suite struct HeaderTests {
    static let plan = OutputTests.plan

    private func expectInvalid(_ words: String, _ change: (inout [UInt8]) -> Void) {
      Self.plan.expectInvalidBytes(words, change)
    }

    @Test func fileIsAsLongAsItsHeaderSays() {
      let count = Self.plan.bytes.count
      expectInvalid("the plan is cut short: expected \(count + 1) bytes, found \(count)") {
        $0.store(UInt64(count + 1), at: PlanFormat.Header.fileBytes)
      }
      expectInvalid("the plan is cut short") {
        $0.store(UInt64.max, at: PlanFormat.Header.fileBytes)
      }
      expectInvalid("the file: expected \(count) bytes, found \(count + 1)") { $0.append(0) }
      expectInvalid("end of the plan: expected \(count) bytes, found \(count + 1)") {
        $0.append(0)
        $0.store(UInt64(count + 1), at: PlanFormat.Header.fileBytes)
      }
    }

    @Test func everySectionIsInItsPlace() {
      expectInvalid("header: expected 9 sections, found 8") {
        $0.store(UInt32(8), at: PlanFormat.Header.sectionCount)
      }
      for section in PlanFormat.Section.allCases {
        expectInvalid("section table: expected kind \(section.rawValue), found 10") {
          $0.store(UInt32(10), at: section.record)
        }
        let start = section.range(in: Self.plan.bytes).lowerBound
        for offset in [start - 64, start + 1, start + 64] {
          expectInvalid("\(section.name): expected offset \(start), found \(offset)") {
            $0.store(UInt64(offset), at: section.record + 8)
          }
        }
        for size in [UInt64(Self.plan.bytes.count - start + 1), .max, 1 << 63] {
          expectInvalid("\(section.name) is cut short") { $0.store(size, at: section.record + 16) }
        }
      }
    }

    @Test func zerosLieBetweenSections() {
      var end = PlanFormat.headerBytes + 9 * PlanFormat.sectionRecordBytes, gaps = 0
      for section in PlanFormat.Section.allCases {
        let range = section.range(in: Self.plan.bytes)
        if end < range.lowerBound {
          let last = range.lowerBound - 1
          expectInvalid("before the \(section.name): expected zeros") { $0[last] = 1 }
          gaps += 1
        }
        end = range.upperBound
      }
      #expect(gaps > 0)
    }

    @Test func checksumsAreOfTheBytes() {
      for section in PlanFormat.Section.allCases {
        var changed = Self.plan.bytes
        changed[section.range(in: changed).lowerBound] ^= 1
        expectRefusal("damaged: the checksum of the \(section.name)", changed)
      }
      var changed = Self.plan.bytes
      changed[PlanFormat.headerBytes + 4] ^= 1
      expectRefusal("damaged: the checksum of the header", changed)
    }

    @Test func olderPlanIsToBeCompiledAgain() {
      expectInvalid("plan format version 4, but this runtime reads version 5: compile the network")
      {
        $0.store(UInt32(4), at: PlanFormat.Header.version)
      }
      expectInvalid("plan format version 6, but this runtime reads version 5: update lvt") {
        $0.store(UInt32(6), at: PlanFormat.Header.version)
      }
    }

    @Test func shortFilesAreCutPlans() {
      let bytes = Self.plan.bytes
      let table = PlanFormat.headerBytes + 9 * PlanFormat.sectionRecordBytes
      for (count, expected) in [(1, 68), (8, 68), (67, 68), (68, table), (table - 1, table)] {
        expectRefusal(
          "the plan is cut short: expected \(expected) bytes, found \(count)",
          Array(bytes[..<count]))
      }
    }
  }
}
