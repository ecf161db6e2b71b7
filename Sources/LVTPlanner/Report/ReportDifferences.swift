// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import LVT
internal import LVTCapture
internal import LVTDraw
internal import LVTImage
internal import LVTModel

// The pictures on which float and int8 differ most, as the network sees them, with both answers.

extension PlanReport {
  /// The longest side of a picture in the page.
  private static let longestSide = 320

  var differences: Markup {
    let kind = plan.outputs[0].kind
    let hasPair = kind == .detections || kind == .pixelClasses
    return """
      <h2>Where float and int8 differ most</h2>
      <p class="note">Of \(comparison.pictures) calibration pictures, as the network sees them.</p>
      <div id="differences"\(hasPair ? " class=\"pairs\"" as Markup : "")>\
      \(comparison.outcomes.map { figure($0, kind) })</div>

      """
  }

  private func figure(_ outcome: LayerComparison.Outcome, _ kind: PlanOutput.Kind) -> Markup {
    let name = names[outcome.picture].split(separator: "/").last.map(String.init) ?? ""
    let body: Markup
    var caption = "\(name): \(fixed(outcome.decibels, 1)) dB"
    switch kind {
    case .classes:
      body = "\(picture(outcome, name) { _ in })\(candidates(outcome))"
    case .map, .masks:
      body = picture(outcome, name) { _ in }
    case .detections:
      func drawn(_ results: [[Float]], _ kind: String) -> Markup {
        picture(outcome, "\(name), \(kind)") {
          $0.draw(Detection.found(results[0]), masks: masks(results), labels: plan.labels)
        }
      }
      func count(_ results: [[Float]]) -> String {
        "\(Detection.found(results[0]).count) objects"
      }
      body = pair(
        drawn(outcome.float, "float"), count(outcome.float), drawn(outcome.int8, "int8"),
        count(outcome.int8))
      caption += ", \(percent(outcome.agreement, 1)) of the boxes are the same"
    case .pixelClasses:
      let maps = (map(outcome.float[0]), map(outcome.int8[0]))
      func shares(_ map: LVT.LabelMap) -> String {
        map.text(labels: plan.labels, filter: ResultFilter())
      }
      body = pair(
        picture(outcome, "\(name), float") { $0.overlay(maps.0, labels: plan.labels) },
        shares(maps.0),
        picture(outcome, "\(name), int8") { $0.overlay(maps.1, labels: plan.labels) },
        shares(maps.1))
      caption += ", \(percent(outcome.agreement, 1)) of the pixels are the same"
    }
    return "<figure>\(body)<figcaption>\(caption)</figcaption></figure>\n"
  }

  private func pair(_ float: Markup, _ floatText: String, _ int8: Markup, _ int8Text: String)
    -> Markup
  {
    """
    <div class="pictures"><div>\(float)<figcaption>float: \(floatText)</figcaption></div>\
    <div>\(int8)<figcaption>int8: \(int8Text)</figcaption></div></div>
    """
  }

  /// The likeliest classes of each.
  private func candidates(_ outcome: LayerComparison.Outcome) -> Markup {
    func top(_ logits: [Float]) -> [Markup] {
      Classification(logits: logits, labels: plan.labels).top(3).map {
        "\($0.label) \(percent(Double($0.probability), 1))"
      }
    }
    let rows = zip(top(outcome.float[0]), top(outcome.int8[0])).map {
      "<tr><td>\($0)</td><td>\($1)</td></tr>\n" as Markup
    }
    return """
      <table><thead><tr><th>float</th><th>int8</th></tr></thead><tbody>\(rows)</tbody></table>
      """
  }

  /// The pixels of the objects that are shown; none of a plan without masks.
  private func masks(_ results: [[Float]]) -> [RunLengths] {
    // The picture is the input, as it is.
    let spec = InputSpec(width: plan.input.width, height: plan.input.height)
    guard let index = plan.outputs.firstIndex(where: { $0.kind == .masks }),
      let mapping = try? PictureMapping(width: spec.width, height: spec.height, spec: spec)
    else { return [] }
    // Those with the greatest scores are shown, which come first.
    let rows = Array(Detection.found(results[0]).indices)
    return mapping.masks(results[0], results[index], rows: rows).runs
  }

  private func map(_ values: [Float]) -> LVT.LabelMap {
    LVT.LabelMap(
      width: plan.input.width, height: plan.input.height, labels: values.map { UInt8($0) })
  }

  /// A picture of the calibration as JPEG in the page.
  ///
  /// - Parameter draw: Draws on the picture, which has the input's size.
  private func picture(
    _ outcome: LayerComparison.Outcome, _ text: String, _ draw: (Image) -> Void
  ) -> Markup {
    let width = plan.input.width, height = plan.input.height
    do {
      let image = try Image(width: width, height: height)
      image.withPixels { $0.copyBytes(from: pictures[outcome.picture]) }
      draw(image)
      let shown = try image.shrunk(to: Self.longestSide)
      let data = Data(try JPEGOutput.bytes(of: shown, .photograph)).base64EncodedString()
      let kind: Markup = max(width, height) < 160 ? " class=\"small\"" : ""
      return """
        <img\(kind) alt="\(text)" width="\(shown.width)" height="\(shown.height)" \
        src="data:image/jpeg;base64,\(data)"/>
        """
    } catch {
      // There is no memory for it; the page is of use without it.
      return "<p>\(text): \("\(error)")</p>"
    }
  }
}

extension Image {
  /// The picture, or a smaller one of its proportions whose longer side is so long.
  fileprivate func shrunk(to side: Int) throws(ImageError) -> Image {
    let longest = max(width, height)
    guard longest > side else { return self }
    let size = (max(1, width * side / longest), max(1, height * side / longest))
    let resizer = try Resizer(spec: InputSpec(width: size.0, height: size.1))
    let image = try Image(width: size.0, height: size.1)
    try image.withPixels { pixels throws(ImageError) in try resizer.resize(self, into: pixels) }
    return image
  }
}
