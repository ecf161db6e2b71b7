// SPDX-License-Identifier: Apache-2.0
import Foundation
import FoundationXML
import LVT
import LVTTestSupport
import Testing

@testable import LVTPlanner

/// The page about a plan, read as XML.
@Suite struct ReportTests {
  /// A plan, and its page.
  private struct Made: Sendable {
    let compiled: CompiledPlan
    let comparison: LayerComparison
    let html: String

    init(_ tiny: TinyNetwork, pictures: [[UInt8]], names: [String]? = nil) throws {
      var options = Planner.Options()
      options.residual = tiny.residual
      options.labels = tiny.labels
      let network = try tiny.network()
      compiled = try Planner(options: options).compile(network, pictures: pictures)
      comparison = try LayerComparison(network: network, plan: compiled.plan, pictures: pictures)
      html =
        PlanReport(
          compiled, plan: compiled.plan, comparison: comparison, pictures: pictures,
          names: names ?? pictures.indices.map { "\($0).jpg" }, board: try ReportTests.board.get()
        ).html
    }
  }

  private static let board = Result {
    try KnownBoards.board("raspberry-pi-5")
  }

  static let networks: [TinyNetwork] = [
    TinyNetwork(), .swin.wide, .detector, .segmenter, features, .rcnn(),
  ]
  private static let made = networks.map { tiny in
    Result { try Made(tiny, pictures: tiny.pictures(10)) }
  }
  private static var features: TinyNetwork {
    var tiny = TinyNetwork()
    tiny.features = true
    return tiny
  }

  private struct Page {
    let compiled: CompiledPlan
    let comparison: LayerComparison
    let document: XMLDocument

    init(_ made: Made) throws {
      compiled = made.compiled
      comparison = made.comparison
      document = try XMLDocument(xmlString: made.html)
    }

    init(network: Int) throws { try self.init(ReportTests.made[network].get()) }

    /// Elements whose names, and those of the elements around them, end as a path does.
    func elements(_ path: String) throws -> [XMLElement] {
      // A name without a prefix would be one without a namespace.
      let steps = path.split(separator: "/", omittingEmptySubsequences: false).map { step in
        let parts = step.split(separator: "[", maxSplits: 1)
        guard let name = parts.first else { return "" }
        return "*[local-name()='\(name)']" + (parts.count > 1 ? "[" + parts[1] : "")
      }
      return try document.nodes(forXPath: "//" + steps.joined(separator: "/"))
        .compactMap { $0 as? XMLElement }
    }

    func texts(_ path: String) throws -> [String] {
      try elements(path).map { $0.stringValue ?? "" }
    }
  }

  private static func attribute(_ name: String, of element: XMLElement) -> String {
    element.attributes?.first { $0.name == name }?.stringValue ?? ""
  }

  @Test(arguments: networks.indices)
  func numbersOfThePageAreThePlans(index: Int) throws {
    let board = try Self.board.get(), page = try Page(network: index), plan = page.compiled.plan
    let headings = try page.texts("table[@id='steps']/thead/tr/th")
    let rows = try page.elements("table[@id='steps']/tbody/tr").map { row in
      (row.children ?? []).map { $0.stringValue ?? "" }
    }
    #expect(rows.count == plan.steps.count)
    func column(_ name: String) throws -> [String] {
      let index = try #require(headings.firstIndex(of: name))
      return rows.map { $0[index] }
    }
    let prediction = Prediction(plan, on: board)
    #expect(try column("layer") == plan.layerNames)
    #expect(
      try column("MMAC")
        == plan.steps.map {
          String(
            format: "%.2f", Double($0.operation.work(plan.operands(of: $0)).multiplications) / 1e6)
        })
    #expect(try column("ms") == prediction.steps.map { String(format: "%.3f", $0.total) })
    #expect(
      try column("SQNR, dB")
        == page.comparison.layers.map {
          $0.figures.map { String(format: "%.1f", $0.decibels) } ?? "–"
        })
    #expect(
      try column("output")
        == plan.steps.map {
          "\(plan.tensors[$0.output].shape) \(plan.tensors[$0.output].type.name)"
        })
    let cards = try page.texts("dl[@id='cards']/div/dd")
    for figure in [plan.arenaBytes, plan.fileBytes.count] {
      #expect(cards.contains(bytes(figure)))
    }
    #expect(cards.contains(String(format: "%.1f dB", page.compiled.agreement.decibels)))
    #expect(try page.texts("dl[@class='facts']/dd").contains(plan.hashText))
  }

  @Test(arguments: networks.indices)
  func theArenaIsDrawnToScale(index: Int) throws {
    let page = try Page(network: index), plan = page.compiled.plan
    let rectangles = try page.elements("svg/rect").map { rectangle in
      ["x", "y", "width", "height"].map {
        Double(Self.attribute($0, of: rectangle)) ?? -1
      }
    }
    let floor = rectangles[0], stepWidth = floor[2] / Double(plan.steps.count)
    let buffers = plan.buffers.map { ($0.lifetime, $0.offset, $0.byteCount) }
    let scratch = plan.steps.enumerated().filter { $0.element.scratchBytes > 0 }.map {
      (
        Lifetime(firstStep: $0.offset, lastStep: $0.offset), $0.element.scratchOffset,
        $0.element.scratchBytes
      )
    }
    #expect(rectangles.count == 1 + buffers.count + scratch.count)
    let scale = floor[3] / Double(plan.arenaBytes)
    for (drawn, (steps, offset, count)) in zip(rectangles.dropFirst(), buffers + scratch) {
      let bottom = floor[1] + floor[3] - scale * Double(offset)
      for (found, expected) in zip(
        drawn,
        [
          floor[0] + stepWidth * Double(steps.firstStep), bottom - scale * Double(count),
          stepWidth * Double(steps.lastStep - steps.firstStep + 1), scale * Double(count),
        ])
      { #expect(abs(found - expected) < 0.02) }
    }
    let titles = try page.texts("svg/rect/title")
    #expect(titles.count == rectangles.count - 1)
    #expect(titles[0].hasPrefix("picture \(plan.tensors[0].shape) RGB"))
    for name in plan.layerNames { #expect(titles.contains { $0.contains(name) }) }
    let line = try #require(try page.elements("svg/line").first)
    let y = Double(Self.attribute("y1", of: line)) ?? 0
    #expect(
      abs(y - (floor[1] + floor[3] - scale * Double(page.compiled.arenaLowerBound))) < 0.02)
  }

  @Test(arguments: networks.indices)
  func picturesThatDifferAreShownWithBothAnswers(index: Int) throws {
    let page = try Page(network: index), kind = page.compiled.plan.outputs[0].kind
    let isPair = kind == .detections || kind == .pixelClasses
    let images = try page.elements("figure//img")
    #expect(images.count == 8 * (isPair ? 2 : 1))
    for image in images {
      let source = Self.attribute("src", of: image)
      let data = Data(base64Encoded: String(source.dropFirst("data:image/jpeg;base64,".count)))
      #expect(data?.starts(with: [0xFF, 0xD8]) == true)
    }
    let captions = try page.texts("figure/figcaption")
    #expect(captions.count == 8)
    for outcome in page.comparison.outcomes {
      #expect(
        captions.contains {
          $0.hasPrefix(String(format: "%d.jpg: %.1f dB", outcome.picture, outcome.decibels))
        })
    }
    if kind == .classes {
      let outcome = page.comparison.outcomes[0]
      let cells = try page.texts("figure[1]/table/tbody/tr[1]/td")
      #expect(
        cells.map { $0.split(separator: " ").first.map(String.init) }
          == [outcome.float[0], outcome.int8[0]].map {
            page.compiled.plan.label(ofClass: decision($0))
          })
    }
  }

  @Test func thePageAsksForNothingAndRunsNothing() throws {
    let page = try Page(network: 2)
    let elements = try page.document.nodes(forXPath: "//*").compactMap { $0 as? XMLElement }
    #expect(elements.count > 500)
    for element in elements {
      #expect(!["script", "link", "iframe", "object", "form"].contains(element.localName ?? ""))
      for attribute in element.attributes ?? [] {
        let name = attribute.name ?? "", value = attribute.stringValue ?? ""
        #expect(!name.hasPrefix("on"))
        if name == "src" || name == "href" { #expect(value.hasPrefix("data:")) }
      }
    }
  }

  @Test func namesFromFilesAreText() throws {
    var tiny = TinyNetwork()
    let evil = "</td><script>alert(1)</script>&amp;'\"\u{1B}[31m\u{202E}"
    tiny.labels = (0..<5).map { "\($0)" + evil }
    let page = try Page(
      Made(
        tiny, pictures: tiny.pictures(10),
        names: (0..<10).map { "folder/\($0)<img src=x>&.jpg" }))
    #expect(try page.elements("script").isEmpty)
    let cells = try page.texts("figure/table/tbody/tr/td")
    #expect(
      cells.contains { $0.contains("</td><script>alert(1)</script>&amp;'\"\\u{1b}[31m\\u{202e}") })
    #expect(try page.texts("figure/figcaption").contains { $0.contains("<img src=x>&.jpg: ") })
  }

  @Test func warningsSayWhatIsWrongWithTheCalibration() throws {
    let tiny = TinyNetwork()
    func warnings(_ pictures: [[UInt8]]) throws -> [String] {
      try Page(Made(tiny, pictures: pictures)).texts("ul[@id='warnings']/li")
    }
    #expect(try warnings(tiny.pictures(20)).isEmpty)
    let few = tiny.pictures(3)
    let same = try warnings(few + [few[0]])
    #expect(same.contains { $0.hasPrefix("There are few calibration pictures: 4.") })
    #expect(same.contains("Calibration pictures that are the same as another: 1 of 4."))
    let alike = try warnings((0..<20).map { n in few[0].map { $0 &+ UInt8(n % 2) } })
    #expect(alike.contains { $0.contains("all alike: their pixels are within 0.5 of 255") })
    #expect(alike.contains("Calibration pictures that are the same as another: 18 of 20."))
  }

  @Test func deviationIsFromTheMeanPicture() {
    #expect(ReportWarnings.deviation([[0, 100], [20, 100]]) == 50.squareRoot())
    #expect(ReportWarnings.deviation([[7, 9]]) == 0)
  }
}
