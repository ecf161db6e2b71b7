// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
internal import LVTModel

/// A comparison layer by layer as lines of at most 80 columns, and as JSON.
public struct CompareTable {
  private let comparison: LayerComparison
  private static let nameWidth = 28

  /// A table of a comparison.
  public init(_ comparison: LayerComparison) { self.comparison = comparison }

  /// A line for each step, and what the columns mean.
  public var text: String {
    var lines = [row("step", "layer", "SQNR", "shift", "clipped", "worst channels")]
    for layer in comparison.layers {
      let figures = layer.figures
      let worst = figures?.worst.prefix(2).map { "\($0.index):\(fixed(100 * $0.share, 0))%" } ?? []
      lines.append(
        row(
          "\(layer.step)", layer.name, figures.map { fixed($0.decibels, 1) } ?? "–",
          figures.map { percent($0.meanShift) } ?? "–", figures.map { percent($0.clipped) } ?? "–",
          worst.joined(separator: " ")))
    }
    lines.append(
      """
      SQNR     float² over (int8 − float)², in dB; of a layer with all those before it
      shift    how far the channels' means are off, as a share of the layer's values
      clipped  float values outside the range of the integers
      worst    channel : its part of (int8 − float)²
      """)
    if let worst = comparison.greatestLoss, let loss = worst.figures?.loss {
      lines.append(
        "most is lost in step \(worst.step), \(fixed(loss, 1)) dB below what it reads")
    }
    return lines.joined(separator: "\n")
  }

  private func row(
    _ step: String, _ layer: String, _ decibels: String, _ shift: String, _ clipped: String,
    _ worst: String
  ) -> String {
    func right(_ text: String, _ width: Int) -> String {
      String(repeating: " ", count: max(0, width - text.count)) + text
    }
    // The end of a layer's name says more than its start.
    var name = terminalText(layer)
    if name.count > Self.nameWidth { name = "…" + name.suffix(Self.nameWidth - 1) }
    var line =
      right(step, 4) + " " + name + String(repeating: " ", count: Self.nameWidth - name.count)
      + right(decibels, 6) + right(shift, 9) + right(clipped, 9) + "  " + worst
    while line.hasSuffix(" ") { line.removeLast() }
    return String(line.prefix(80))
  }

  private func percent(_ share: Double) -> String { fixed(100 * share, 2) + " %" }

  /// One JSON object: `{"pictures":…,"layers":[{"step":…,"layer":…,"operation":…,"shape":[…],"type":…,
  /// "sqnr_db":…,"mean_shift":…,"clipped":…,"worst":[{"channel":…,"share":…,"sqnr_db":…,"mean_shift":…}]}]}`.
  ///
  /// Shapes are height, width, channels; shares are 0 … 1. A step that only names what others say has no figures.
  public var json: String {
    let layers = comparison.layers.map { layer in
      "{\"step\":\(layer.step),\"layer\":\(jsonText(layer.name)),"
        + "\"operation\":\(jsonText(layer.operation)),\"shape\":\(layer.shape.json),"
        + "\"type\":\(jsonText(layer.type.name))" + (layer.figures.map { "," + json($0) } ?? "")
        + "}"
    }
    return "{\"pictures\":\(comparison.pictures),\"layers\":[\(layers.joined(separator: ","))]}"
  }

  private func json(_ figures: LayerComparison.Figures) -> String {
    let worst = figures.worst.map { channel in
      "{\"channel\":\(channel.index),\"share\":\(fixed(channel.share, 6)),"
        + "\"sqnr_db\":\(fixed(channel.decibels, 3)),\"mean_shift\":\(Float(channel.meanShift))}"
    }
    return
      "\"sqnr_db\":\(fixed(figures.decibels, 3)),\"mean_shift\":\(fixed(figures.meanShift, 6)),"
      + "\"clipped\":\(fixed(figures.clipped, 6)),\"worst\":[\(worst.joined(separator: ","))]"
  }
}

extension Shape {
  /// `[height,width,channels]`.
  var json: String { "[\(height),\(width),\(channels)]" }
}

extension LayerComparison {
  /// The layer that is furthest below what it reads, if that is worth a word.
  var greatestLoss: Layer? {
    let worst = layers.max { ($0.figures?.loss ?? 0) < ($1.figures?.loss ?? 0) }
    return worst.flatMap { ($0.figures?.loss ?? 0) >= Self.notableLoss ? $0 : nil }
  }

  /// A loss in one layer, in decibels, that is more than layers have.
  static let notableLoss = 6.0
}
