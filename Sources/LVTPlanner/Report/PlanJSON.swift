// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
public import LVTModel

/// A plan as one JSON object, for programs: what ``PlanTable`` and ``PredictionTable`` show.
public struct PlanJSON {
  private let plan: Plan
  private let prediction: Prediction?
  private let names: [String]

  /// - Parameter board: Whose times are predicted.
  public init(_ plan: Plan, on board: Board? = nil) {
    self.plan = plan
    names = plan.layerNames
    prediction = board.map { Prediction(plan, on: $0) }
  }

  /// The object, in a line.
  ///
  /// Shapes are height, width, channels. Keys of the provenance may occur more than once.
  public var text: String {
    let input = plan.input
    var members = [
      "\"input\":{\"width\":\(input.width),\"height\":\(input.height),"
        + "\"interpolation\":\"\(input.interpolation == .bilinear ? "bilinear" : "bicubic")\","
        + "\(fit)}",
      "\"outputs\":[\(plan.outputs.map(json).joined(separator: ","))]",
      "\"classes\":\(plan.classCount)", "\"labels\":\(Self.list(plan.labels))",
      "\"multiplications\":\(plan.multiplications)", "\"work\":\(plan.work)",
      "\"plan_bytes\":\(plan.fileBytes.count)", "\"constant_bytes\":\(plan.constants.count)",
      "\"arena_bytes\":\(plan.arenaBytes)", "\"scratch_bytes\":\(plan.scratchBytes)",
    ]
    if let bound = plan.arenaLowerBound { members.append("\"arena_lower_bound\":\(bound)") }
    if let threads = plan.threads { members.append("\"threads\":\(threads)") }
    if let prediction {
      members.append("\"predicted_ms\":\(fixed(prediction.total, 4))")
      members.append("\"predicted_threads\":\(prediction.threads)")
    }
    let steps = plan.steps.indices.map(step)
    members.append("\"steps\":[\(steps.joined(separator: ","))]")
    let entries = plan.shownProvenance.map {
      "{\"key\":\(jsonText($0.key)),\"value\":\(jsonText($0.value))}"
    }
    members.append("\"provenance\":[\(entries.joined(separator: ","))]")
    members.append("\"sha256\":\"\(plan.hashText)\"")
    return "{\(members.joined(separator: ","))}"
  }

  /// Texts as a JSON array.
  public static func list(_ texts: [String]) -> String {
    "[\(texts.map { jsonText($0) }.joined(separator: ","))]"
  }

  private var fit: String {
    switch plan.input.fit {
    case .stretch: "\"fit\":\"stretch\""
    case .crop(let fraction): "\"fit\":\"crop\",\"crop\":\(fraction)"
    case .letterbox(let padding):
      "\"fit\":\"letterbox\",\"padding\":[\(padding.red),\(padding.green),\(padding.blue)]"
    }
  }

  private func json(_ output: PlanOutput) -> String {
    let kind =
      switch output.kind {
      case .classes: "classes"
      case .map: "map"
      case .pixelClasses: "pixels"
      case .detections: "boxes"
      case .masks: "masks"
      }
    return
      "{\"name\":\(jsonText(output.name)),\"kind\":\"\(kind)\",\(json(plan.tensors[output.tensor]))}"
  }

  private func json(_ tensor: Tensor) -> String {
    "\"shape\":\(tensor.shape.json),\"type\":\(jsonText(tensor.type.name)),"
      + "\"scale\":\(tensor.quantization.scale),\"zero_point\":\(tensor.quantization.zeroPoint)"
  }

  private func step(_ index: Int) -> String {
    let step = plan.steps[index], operands = plan.operands(of: step)
    let inputs = operands.inputs.map { "{\(json($0))}" }
    return "{\"step\":\(index),\"layer\":\(jsonText(names[index])),"
      + "\"operation\":\(jsonText(step.operation.name)),"
      + "\"kernels\":\(Self.list(step.operation.kernels)),"
      + "\"inputs\":[\(inputs.joined(separator: ","))],\"output\":{\(json(operands.output))},"
      + "\"multiplications\":\(step.operation.work(operands).multiplications),"
      + "\"weight_bytes\":\(step.operation.constantBytes),\"live_bytes\":\(plan.liveBytes(at: index))"
      + (prediction.map { ",\"predicted_ms\":\(fixed($0.steps[index].total, 4))" } ?? "") + "}"
  }
}
