// SPDX-License-Identifier: Apache-2.0
import LVTModel

extension Fuzzer {
  /// The input's bytes are the choices of ``PlanMaker``.
  static let madePlans = Fuzzer(
    name: "made-plans", summary: "valid plans of extreme content, on all kernels", longest: 512,
    run: { input in
      let maker = PlanMaker(Entropy(input))
      let file = maker.contents().encoded(constants: maker.constants.bytes, hashed: false)
      try file.withUnsafeBytes { bytes in
        let plan: Plan
        do throws(PlanError) {
          plan = try Plan(copying: bytes, limits: PlanTrial.limits)
        } catch .tooMuchWork {
          return
        } catch {
          throw Finding(description: "a valid plan was refused: \(error)")
        }
        try PlanTrial(plan: plan).run()
      }
    })
}
