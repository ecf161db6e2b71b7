// SPDX-License-Identifier: Apache-2.0
import LVTModel
import LVTTestSupport
import Testing

extension PlanCheckerTests {
  /// What a plan gives its caller.
  @Suite struct OutputTests {
    /// Map 1, an MLP in its place, 2, logits 3 and features 4 of it; the map 2 is a result too.
    static let plan: HandmadePlan = {
      var plan = HandmadePlan(height: 4, width: 4)
      let map = plan.addMap(channels: 8), shape = plan.contents.tensors[map].shape
      var step = MLP()
      step.expand = plan.matrix(k: 8, n: 8)
      step.tableOffset = plan.reserve(256)
      step.project = plan.matrix(k: 8, n: 8)
      let last = plan.add(.mlp(step), inputs: [map], shape, inBufferOf: map)
      plan.addHead(last, classes: 5)
      plan.addHead(last, classes: nil, name: "features")
      plan.addOutput("map", .map, last)
      plan.contents.labels = ["a", "b", "c", "d", "e"]
      return plan.placed()
    }()

    @Test func unchangedPlanIsRead() throws {
      Self.plan.expectValid()
      let plan = try LVTTestSupport.plan(Self.plan.bytes)
      #expect(plan.outputs.map(\.name) == ["classes", "features", "map"])
      #expect(plan.outputs.map(\.kind) == [.classes, .map, .map])
      #expect(plan.outputs.map(\.tensor) == [3, 4, 2])
      #expect(plan.classCount == 5)
    }

    @Test func planHasAResult() {
      Self.plan.expectInvalid("outputs: expected at least one") { $0.contents.outputs = [] }
    }

    @Test func namesDiffer() {
      Self.plan.expectInvalid("output 2: expected a name of its own, found 'classes' again") {
        $0.contents.outputs[2].name = "classes"
      }
    }

    @Test func resultIsATensor() {
      Self.plan.expectInvalid("expected tensors 0 ..< 5, found 5") {
        $0.contents.outputs[1].tensor = 5
      }
    }

    @Test func resultIsHeldAtTheEnd() {
      // The MLP has written over tensor 1.
      Self.plan.expectInvalid("output 2: expected tensor 1 in its buffer") {
        $0.contents.outputs[2].tensor = 1
      }
    }

    @Test func buffersOfResultsLiveToTheEnd() {
      Self.plan.expectInvalid("step 3: expected a live buffer under tensor 3") {
        $0.contents.buffers[2].lifetime.lastStep = 2
      }
    }

    @Test func classesAreLogits() {
      Self.plan.expectInvalid("output 2: expected logits") {
        $0.contents.outputs[2].kind = .classes
      }
    }

    @Test func pictureIsNoResult() {
      for (kind, words) in [(PlanOutput.Kind.classes, "logits"), (.map, "features")] {
        Self.plan.expectInvalid("output 3: expected \(words)") {
          $0.addOutput("picture", kind, 0)
          $0.place()
        }
      }
    }

    @Test func logitsMayBeCalledFeatures() {
      Self.plan.expectValid {
        $0.contents.outputs[0].kind = .map
        $0.contents.labels = []
      }
    }

    @Test func labelsAreOnePerClass() {
      let words = "labels: expected 5"
      Self.plan.expectInvalid(words) { $0.contents.labels = ["only one"] }
      Self.plan.expectInvalid(words) { $0.contents.labels.append("f") }
      // Without classes there is nothing to label.
      Self.plan.expectInvalid("labels: expected 0, found 5") {
        $0.contents.outputs[0].kind = .map
      }
    }
  }
}
