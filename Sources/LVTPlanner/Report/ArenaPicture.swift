// SPDX-License-Identifier: Apache-2.0
internal import LVT
internal import LVTModel

/// The arena as a drawing: steps go across, offsets up, and a rectangle is what lies there.
struct ArenaPicture {
  private let plan: Plan
  private let lowerBound: Int
  private let names: [String]

  /// - Parameter lowerBound: Nothing smaller is possible.
  init(_ plan: Plan, lowerBound: Int) {
    self.plan = plan
    self.lowerBound = lowerBound
    names = plan.layerNames
  }

  private static let height = 300.0
  private static let left = 20.0, top = 24.0, bottom = 24.0

  private var stepWidth: Double { max(10, min(40, 960 / Double(plan.steps.count))) }
  private var width: Double { stepWidth * Double(plan.steps.count) }

  var markup: Markup {
    let total = (Self.left * 2 + width, Self.top + Self.height + Self.bottom)
    let marks = stride(from: 0, to: plan.steps.count, by: plan.steps.count > 24 ? 5 : 1)
    let numbers = marks.map { step -> Markup in
      """
      <text class="mark" x="\(coordinate(x(step) + stepWidth / 2))" \
      y="\(coordinate(Self.top + Self.height + 16))" text-anchor="middle">\(step)</text>

      """
    }
    return """
      <div class="wide"><svg id="arena" xmlns="http://www.w3.org/2000/svg" role="img" \
      aria-label="What lies in the arena at each step" \
      viewBox="0 0 \(coordinate(total.0)) \(coordinate(total.1))" \
      style="min-width:\(Int(total.0 * 0.75))px">
      <rect class="floor" x="\(coordinate(Self.left))" y="\(coordinate(Self.top))" \
      width="\(coordinate(width))" height="\(coordinate(Self.height))"/>
      \(plan.buffers.indices.map(buffer))\(plan.steps.indices.map(scratch))\(line)\(numbers)</svg></div>

      """
  }

  private func x(_ step: Int) -> Double { Self.left + stepWidth * Double(step) }

  private func y(_ offset: Int) -> Double {
    Self.top + Self.height * (1 - Double(offset) / Double(max(1, plan.arenaBytes)))
  }

  private func rectangle(
    _ kind: Markup, _ steps: Lifetime, _ offset: Int, _ count: Int, _ title: String
  ) -> Markup {
    let width = stepWidth * Double(steps.lastStep - steps.firstStep + 1)
    return """
      <rect class="\(kind)" x="\(coordinate(x(steps.firstStep)))" y="\(coordinate(y(offset + count)))" \
      width="\(coordinate(width))" height="\(coordinate(y(offset) - y(offset + count)))">\
      <title>\(title)</title></rect>

      """
  }

  private func buffer(_ index: Int) -> Markup {
    let buffer = plan.buffers[index]
    let held = plan.tensors.indices.filter { plan.tensors[$0].buffer == index }
    let tensors = held.map { tensor -> String in
      let maker = plan.steps.firstIndex { $0.output == tensor }
      let value = plan.tensors[tensor]
      return "\(maker.map { "\($0) \(names[$0])" } ?? "picture") \(value.shape) \(value.type.name)"
    }
    let (first, last) = (buffer.lifetime.firstStep, buffer.lifetime.lastStep)
    return rectangle(
      Markup(kind: held.first.map { plan.tensors[$0].type }), buffer.lifetime, buffer.offset,
      buffer.byteCount,
      tensors.joined(separator: ", then ")
        + ": \(bytes(buffer.byteCount)) at \(buffer.offset), steps \(first)–\(last)")
  }

  private func scratch(_ index: Int) -> Markup {
    let step = plan.steps[index]
    guard step.scratchBytes > 0 else { return "" }
    return rectangle(
      "scratch", Lifetime(firstStep: index, lastStep: index), step.scratchOffset,
      step.scratchBytes,
      "scratch of step \(index) \(names[index]): \(bytes(step.scratchBytes)) at "
        + "\(step.scratchOffset)")
  }

  /// Where the bound is.
  private var line: Markup {
    let y = coordinate(y(lowerBound))
    return """
      <line class="bound" x1="\(coordinate(Self.left))" x2="\(coordinate(Self.left + width))" \
      y1="\(y)" y2="\(y)"/>
      <text class="bound" x="\(coordinate(Self.left))" y="\(coordinate(self.y(lowerBound) - 6))">\
      lower bound \(bytes(lowerBound))</text>

      """
  }
}

extension Markup {
  /// The class of a rectangle by what it holds first.
  fileprivate init(kind: ElementType?) {
    self =
      switch kind {
      case .int8: "int8"
      case .int16: "int16"
      case .float32, .labels: "result"
      case .pictureRGB, nil: "picture"
      }
  }
}
