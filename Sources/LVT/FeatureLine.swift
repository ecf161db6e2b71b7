// SPDX-License-Identifier: Apache-2.0
public import LVTRuntime

/// The results of a plan without classes as one line of text, for people or as JSON.
public struct FeatureLine {
  /// The picture's path, or another name for it.
  public let file: String
  /// What was found; valid as ``LVTRuntime/Engine/outputs`` says.
  public let outputs: [EngineOutput]
  /// How long the network ran.
  public let milliseconds: Double

  /// A line about one picture.
  public init(file: String, outputs: [EngineOutput], milliseconds: Double) {
    self.file = file
    self.outputs = outputs
    self.milliseconds = milliseconds
  }

  /// For people: `boot.jpg  embedding 1×1×768: 0.123 -0.456 0.789 …`; names as
  /// ``terminalText(_:limit:)``.
  public var text: String { "\(terminalText(file))  \(EngineOutput.text(of: outputs))" }

  /// One JSON object: `{"file":…,"outputs":[…],"milliseconds":…}`.
  public var json: String {
    "{\"file\":\(jsonText(file)),\(EngineOutput.json(of: outputs)),"
      + "\"milliseconds\":\(fixed(milliseconds, 4))}"
  }
}

extension EngineOutput {
  /// `stage0 56×56×96, stage1 28×28×192`; of what has one position the first values too.
  public static func text(of outputs: [EngineOutput]) -> String {
    outputs.map { $0.text }.joined(separator: ", ")
  }

  /// `"outputs":[{"name":…,"height":…,"width":…,"channels":…,"type":…,"values":[…]}]`, a member of a JSON
  /// object.
  ///
  /// The values are real numbers, positions in raster order, each with all its channels. Of integers
  /// `"scale"` and `"zeroPoint"` say what they were.
  public static func json(of outputs: [EngineOutput]) -> String {
    "\"outputs\":[\(outputs.map { $0.json }.joined(separator: ","))]"
  }

  private static let shownValues = 3

  private var text: String {
    let extent = "\(terminalText(name, limit: 80)) \(shape)"
    guard shape.positions == 1 else { return extent }
    let shown = (0..<min(Self.shownValues, shape.channels)).map {
      fixed(Double(value(position: 0, channel: $0)), 3)
    }
    return extent + ": " + shown.joined(separator: " ")
      + (shape.channels > Self.shownValues ? " …" : "")
  }

  private var json: String {
    var text =
      "{\"name\":\(jsonText(name)),\"height\":\(shape.height),\"width\":\(shape.width),"
      + "\"channels\":\(shape.channels),\"type\":\"\(type.name)\","
    if type != .float32 {
      text +=
        "\"scale\":\(shortest(quantization.scale)),\"zeroPoint\":\(quantization.zeroPoint),"
    }
    text += "\"values\":["
    for position in 0..<shape.positions {
      for channel in 0..<shape.channels {
        if position + channel > 0 { text += "," }
        text += shortest(value(position: position, channel: channel))
      }
    }
    return text + "]}"
  }
}
