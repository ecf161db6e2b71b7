// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT

/// What of a plan and its calibration should make one think, in plain words.
enum ReportWarnings {
  /// Fewer pictures show too little of what the network will see.
  static let fewPictures = 16
  /// Pictures that differ less from their mean are all alike: an empty room through the day differs more.
  static let leastDeviation = 16.0
  /// The share of a layer's values that may be cut off.
  static let mostClipped = 0.01
  /// Of decisions that are the same.
  static let leastAgreement = 0.95
  /// What int8 may lose of the first figure of an evaluation.
  static let mostLoss = 0.01

  /// - Parameter skipped: Files of the calibration folder that could not be read.
  static func list(
    _ compiled: CompiledPlan, _ comparison: LayerComparison, pictures: [[UInt8]], skipped: Int,
    evaluation: (any Evaluation)?
  ) -> [String] {
    var lines = calibration(pictures, skipped: skipped)
    let agreement = compiled.agreement
    if agreement.hasDecisions, agreement.share < leastAgreement {
      lines.append(
        "On \(percent(1 - agreement.share, 1)) of what is decided about the calibration pictures int8 differs from "
          + "float.")
    }
    let clipped = comparison.layers.filter { ($0.figures?.clipped ?? 0) > mostClipped }
      .sorted { ($0.figures?.clipped ?? 0) > ($1.figures?.clipped ?? 0) }
    for layer in clipped.prefix(3) {
      lines.append(
        "Step \(layer.step), \(layer.name), cuts off \(percent(layer.figures?.clipped, 1)) of its values: they "
          + "are outside its int8 range.")
    }
    if let layer = comparison.greatestLoss, let figures = layer.figures, let loss = figures.loss,
      figures.decibels < ResidualChoice.goal
    {
      lines.append(
        "Step \(layer.step), \(layer.name), loses more than the rest: it is \(fixed(loss, 1)) dB below what it "
          + "reads.")
    }
    if let figure = evaluation?.summary.first, let float = figure.float, let int8 = figure.int8,
      float - int8 > mostLoss
    {
      lines.append(
        "int8 loses \(fixed(100 * (float - int8), 1)) points of \(figure.name) against float.")
    }
    if let errors = evaluation?.errors, !errors.isEmpty {
      lines.append(
        "Pictures of the evaluation were left out, \(errors.count) at least: \(errors[0]).")
    }
    return lines
  }

  private static func calibration(_ pictures: [[UInt8]], skipped: Int) -> [String] {
    var lines: [String] = []
    if pictures.count < fewPictures {
      lines.append(
        "There are few calibration pictures: \(pictures.count). Ranges are chosen from what they show; some "
          + "dozens of varied ones are better.")
    }
    let same = pictures.count - Set(pictures).count
    if same > 0 {
      lines.append(
        "Calibration pictures that are the same as another: \(same) of \(pictures.count).")
    }
    let deviation = deviation(pictures)
    if pictures.count > 1, deviation < leastDeviation {
      lines.append(
        "The calibration pictures are all alike: their pixels are within \(fixed(deviation, 1)) of 255 from the "
          + "mean picture. Ranges may be too narrow for others.")
    }
    if skipped > 0 {
      lines.append("Files of the calibration folder that could not be read: \(skipped).")
    }
    return lines
  }

  /// The root of the mean square of what pixels differ from those of the mean picture, 0 … 255.
  static func deviation(_ pictures: [[UInt8]]) -> Double {
    guard let count = pictures.first?.count, count > 0 else { return 0 }
    var sums = [Int](repeating: 0, count: count), squares = 0
    for picture in pictures {
      for (i, value) in picture.enumerated() {
        sums[i] += Int(value)
        squares += Int(value) * Int(value)
      }
    }
    let n = Double(pictures.count)
    let ofMeans = sums.reduce(0.0) { $0 + Double($1) * Double($1) } / n
    return max(0, (Double(squares) - ofMeans) / n / Double(count)).squareRoot()
  }
}
