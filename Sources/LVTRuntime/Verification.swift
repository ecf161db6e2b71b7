// SPDX-License-Identifier: Apache-2.0
public import LVTModel

extension Engine {
  /// Runs on the picture that belongs to `seed` and returns the hash of each step's output, as
  /// ``LVTModel/Golden`` holds them.
  public func stepHashes(seed: UInt64) -> [UInt64] {
    let golden = Golden(seed: seed, stepHashes: [])
    withPicture { golden.fill($0) }
    var hashes: [UInt64] = []
    run(observing: { step in
      hashes.append(SHA256.shortHash(self.bytes(ofTensor: self.plan.steps[step].output)))
    })
    return hashes
  }

  /// The first step whose output is not what the plan's golden hashes say, or nil if all are.
  ///
  /// Also nil for a plan without golden hashes, so look at `plan.golden.stepHashes` first; it is empty
  /// only in plans that no planner finished. Uses up the picture, as any run does.
  public func firstMismatch() -> Int? {
    let hashes = stepHashes(seed: plan.golden.seed)
    return plan.golden.stepHashes.indices.first { hashes[$0] != plan.golden.stepHashes[$0] }
  }

  /// Proves that the plan's file is whole, and that this machine computes what the planner's did.
  ///
  /// Uses up the picture, as any run does.
  public func verify() throws(VerificationError) {
    guard plan.hashMatches() else { throw .file }
    guard !plan.golden.stepHashes.isEmpty else { throw .noHashes }
    if let step = firstMismatch() { throw .step(step, isa) }
  }
}

/// Why a plan was not verified.
public enum VerificationError: Error, Equatable, Sendable {
  /// The file's SHA-256 is another than its header says.
  case file
  /// The plan does not say what it computes.
  case noHashes
  /// A step's output is another than its hash says, with these kernels.
  case step(Int, ISA)
}

extension VerificationError: CustomStringConvertible {
  /// One line.
  public var description: String {
    switch self {
    case .file: "the file's SHA-256 is not the one in its header"
    case .noHashes: "the plan has no golden hashes"
    case .step(let step, let isa):
      "step \(step) differs from its golden hash with the \(isa.name) kernels"
    }
  }
}
