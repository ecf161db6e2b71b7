// SPDX-License-Identifier: Apache-2.0
import CLVTGuard
import CLVTKernels

/// A call of a kernel: its operands, and what the one output must hold afterwards.
protocol KernelCase {
  /// All memory that the call may touch; exactly one is the output.
  var operands: [Operand] { get }
  /// The output by the layout-free definition, gaps included.
  func reference() -> [UInt8]
  /// Calls the operation's kernel of `kernels` on the operands' copies in `memory`.
  func call(_ kernels: lvt_kernels, _ memory: [UnsafeMutableRawPointer])
  /// Bytes from one output row to the next, for the difference map.
  var outputRowBytes: Int { get }
  /// The shape and the choices, for people.
  var text: String { get }
}

/// Runs the cases of one row of the kernel list.
///
/// Scalar rows are compared with the layout-free reference, the others with their scalar twin.
final class Checker {
  let row: KernelRow
  let seed: UInt64
  let isQuick: Bool
  var draw: Draw
  private(set) var caseCount = 0
  private let kernels: lvt_kernels
  private let scalar = lvt_kernels_select(0)
  private var fences: [Fence] = []
  private let crashName: [CChar]

  init(_ row: KernelRow, seed: UInt64, isQuick: Bool) {
    self.row = row
    self.seed = seed
    self.isQuick = isQuick
    kernels = row.kernels
    draw = Draw(seed: seed)
    crashName = row.name.utf8.map { CChar(bitPattern: $0) } + [0]
  }

  /// Runs one case in every placement.
  func check<Case: KernelCase>(_ kernelCase: Case) throws(CheckFailure) {
    caseCount += 1
    let operands = kernelCase.operands
    while fences.count < operands.count { fences.append(Fence()) }
    let expected: [UInt8]
    if row.isScalar {
      expected = kernelCase.reference()
    } else {
      try run(kernelCase, operands, scalar, .unaligned)
      expected = outputBytes(operands)
    }
    for placement in Placement.allCases {
      try run(kernelCase, operands, kernels, placement)
      for (operand, fence) in zip(operands, fences) {
        let wanted: [UInt8]
        switch operand.role {
        case .input: wanted = operand.bytes
        case .output: wanted = expected
        case .scratch: wanted = []
        }
        try compare(kernelCase, placement, operand.role, wanted, fence)
      }
    }
  }

  private func outputBytes(_ operands: [Operand]) -> [UInt8] {
    for (operand, fence) in zip(operands, fences) where operand.role == .output {
      return Array(fence.bytes)
    }
    return []
  }

  private func run<Case: KernelCase>(
    _ kernelCase: Case, _ operands: [Operand], _ kernels: lvt_kernels, _ placement: Placement
  ) throws(CheckFailure) {
    var memory: [UnsafeMutableRawPointer] = []
    for (operand, fence) in zip(operands, fences) {
      memory.append(try fence.place(operand, placement))
    }
    crashName.withUnsafeBufferPointer { name in
      lvt_note_for_crash(
        name.baseAddress, Int(truncatingIfNeeded: seed), caseCount, placement.rawValue)
      kernelCase.call(kernels, memory)
      lvt_note_for_crash(nil, 0, 0, 0)
    }
  }

  private func compare<Case: KernelCase>(
    _ kernelCase: Case, _ placement: Placement, _ role: Operand.Role, _ wanted: [UInt8],
    _ fence: Fence
  ) throws(CheckFailure) {
    let title = "\(row.name), seed \(seed), case \(caseCount), placement \(placement.rawValue): "
    if let distance = fence.brokenCanary {
      throw .mismatch(
        title + "\(kernelCase.text)\n  wrote outside an operand, at byte \(distance) of it\n")
    }
    guard role != .scratch else { return }
    let found = fence.bytes
    let difference = wanted.withUnsafeBytes { wanted -> String? in
      guard let i = (0..<wanted.count).first(where: { wanted[$0] != found[$0] }) else { return nil }
      let what = role == .input ? "an input was changed" : "the output differs"
      return "\n  \(what), first at byte \(i): expected \(wanted[i]), found \(found[i])\n"
        + differenceMap(
          expected: wanted, found: found, rowBytes: kernelCase.outputRowBytes, first: i)
    }
    if let difference { throw .mismatch(title + kernelCase.text + difference) }
  }
}
