// SPDX-License-Identifier: Apache-2.0
internal import LVTModel

extension Engine {
  /// Runs on the picture that belongs to `seed` and returns the hash of each step's output, as
  /// ``Golden`` holds them.
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
}
