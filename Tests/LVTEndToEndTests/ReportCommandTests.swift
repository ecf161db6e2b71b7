// SPDX-License-Identifier: Apache-2.0
import Foundation
import FoundationXML
import LVTTestSupport
import Testing

/// The page, the comparison and the JSON that `lvt-plan` writes about a plan.
extension CommandLineTests {
  private func compile(_ arguments: [String]) throws -> Outcome {
    try run(
      "lvt-plan",
      [
        demo + "/model.safetensors", "--calibrate", demo + "/calibration", "--input", "64",
        "--pictures", "9", "--residual", "int8", "--labels", demo + "/labels.txt", "-o",
        folder + "/x.lvt",
      ] + arguments)
  }

  @Test func theReportHasWhatWasEvaluated() throws {
    for (label, picture) in [("Bag", "bag-1"), ("Trouser", "trouser-1"), ("Trouser", "trouser-2")] {
      let set = "\(folder)/set/\(label)"
      try FileManager.default.createDirectory(atPath: set, withIntermediateDirectories: true)
      try FileManager.default.copyItem(
        atPath: "\(demo)/pictures/\(picture).jpg", toPath: "\(set)/\(picture).jpg")
    }
    let page = folder + "/report.html"
    let outcome = try compile(["--evaluate", folder + "/set", "--report", page])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for line in [
      "evaluation.float.top5: 100.00 %", "evaluation.int8.top5: 100.00 %",
      "evaluation.recall.Trouser: 100.00 % → 100.00 %, 2 pictures",
    ] {
      #expect(outcome.output.contains(line + "\n"), "\(outcome.output)")
    }
    let document = try XMLDocument(contentsOf: URL(filePath: page))
    func texts(_ table: String, _ cells: String) throws -> [String] {
      try document.nodes(
        forXPath: "//*[local-name()='table'][@id='\(table)']/*[local-name()='tbody']\(cells)"
      ).map { $0.stringValue ?? "" }
    }
    let counts = try texts("confusion", "/*/*[local-name()='td']").compactMap { Int($0) }
    #expect(counts.count == 100 && counts.reduce(0, +) == 3)
    // Trouser is class 1, Bag class 8.
    #expect(counts[1 * 10 + 1] == 2 && counts[8 * 10 + 8] == 1)
    #expect(try texts("classes", "/*/*[1]") == ["Trouser", "Bag"])
    #expect(try texts("evaluation", "/*/*[1]") == ["top-1", "top-5"])
  }

  @Test func theReportIsNeitherThePlanNorAnInput() throws {
    let plan = folder + "/x.lvt"
    let same = try compile(["--report", plan])
    #expect(same.code == 64 && same.errors.first?.contains("another file than the plan's") == true)
    let input = try compile(["--report", demo + "/labels.txt"])
    #expect(input.code == 1 && input.errors.last?.contains("is the input") == true)
    #expect(!FileManager.default.fileExists(atPath: plan))
  }

  @Test func aPlanIsComparedWithItsCheckpoint() throws {
    #expect(try compile([]).code == 0)
    let plan = folder + "/x.lvt", model = demo + "/model.safetensors"
    let outcome = try run("lvt-plan", ["compare", model, plan, demo + "/pictures"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count >= 45 && lines.allSatisfy { $0.count <= 80 })
    let json = try run("lvt-plan", ["compare", model, plan, picture, "--json"]).output
    let layers = try #require(try object(json[...])["layers"] as? [[String: Any]])
    #expect(layers.count == 45)
    #expect(layers.allSatisfy { ($0["sqnr_db"] as? Double ?? 0) > 15 })

    let inspected = try run("lvt-plan", ["inspect", plan, "--json"]).output
    let steps = try #require(try object(inspected[...])["steps"] as? [[String: Any]])
    #expect(steps.map { $0["layer"] as? String } == layers.map { $0["layer"] as? String })
    let labels = try run("lvt-plan", ["inspect", plan, "--json", "--labels"]).output
    #expect(
      (try JSONSerialization.jsonObject(with: Data(labels.utf8)) as? [String])?.last
        == "Ankle boot")
  }

  @Test func anotherCheckpointIsRefused() throws {
    #expect(try compile([]).code == 0)
    let other = try run(
      "lvt-plan",
      ["compare", demo + "/detector.safetensors", folder + "/x.lvt", demo + "/pictures"])
    #expect(other.code == 1 && other.output.isEmpty)
    #expect(other.errors.last?.contains("expected the checkpoint of") == true)
  }
}
