// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import LVT
internal import LVTCapture
internal import LVTPlanner

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a plan with its checkpoint on pictures, layer by layer.",
    discussion: """
      Options that say what the checkpoint does not (--mean, --heads, …) are to be those with which it was \
      compiled. The input's size and how pictures become it are the plan's.
      """)

  @Argument(help: "The checkpoint that the plan was made from.")
  var checkpoint: String

  @Argument(help: "The plan.")
  var plan: String

  @Argument(
    help: "Picture files or folders; of more than \(mostPictures) pictures so many are taken.")
  var pictures: [String]

  /// All inputs are in memory at once.
  private static let mostPictures = 1000

  @Flag(help: "One JSON object.")
  var json = false

  @OptionGroup var options: NetworkOptions

  func run() throws {
    let plan = try Inspect.read(self.plan)
    var options = options
    if options.input == nil { options.input = InputSize(plan.input) }
    if let made = plan.provenance.first(where: { $0.key == "checkpoint.sha256" })?.value {
      let found = try Terminal.sha256(ofFile: checkpoint)
      guard made == found else {
        throw Failure(
          "\(checkpoint): expected the checkpoint of \(self.plan), SHA-256 \(terminalText(made)), "
            + "found \(found)")
      }
    }
    let (network, _, notes) = try options.network(checkpoint)
    for note in notes { Terminal.report(note) }
    let loader = try PictureLoader(plan.input, orientation: options.orientation)
    var paths: [String] = [], inputs: [[UInt8]] = []
    var failed = false
    for argument in pictures {
      do throws(CaptureError) {
        let found = try PictureFiles(at: argument, kinds: .withPNG)
        Terminal.report(passedOver: found.passedOver, in: argument)
        paths += found.paths
      } catch {
        Terminal.report("\(argument): \(error)")
        failed = true
      }
    }
    let all = paths.count
    if all > Self.mostPictures {
      paths = (0..<Self.mostPictures).map { paths[$0 * all / Self.mostPictures] }
      Terminal.report("takes \(paths.count) of \(all) pictures, evenly spaced")
    }
    for path in paths {
      do throws(PictureError) { inputs.append(try loader.load(path: path)) } catch {
        Terminal.report("\(error)")
        failed = true
      }
    }
    guard !inputs.isEmpty else { throw Failure("expected pictures, found none that can be read") }
    let bar = ProgressBar(), count = inputs.count
    let comparison: LayerComparison
    do throws(ComparisonError) {
      comparison = try LayerComparison(network: network, plan: plan, pictures: inputs) {
        bar.show("comparing", $0, count)
      }
    } catch { throw Failure("\(self.plan): \(error)") }
    bar.finish()
    let table = CompareTable(comparison)
    Terminal.print(json ? table.json : table.text)
    if failed { throw ExitCode.failure }
  }
}
