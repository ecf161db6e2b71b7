// SPDX-License-Identifier: Apache-2.0
public import ArgumentParser
internal import Foundation
internal import LVT
public import LVTCapture
public import LVTPlanner

struct Compile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compile a checkpoint (the default).")

  @Argument(help: "A checkpoint: .pth as torch.save writes it, or .safetensors.")
  var checkpoint: String

  @Option(
    help: ArgumentHelp(
      "A folder of pictures (JPEG, PNG, PPM, PGM) like those the network will see, or a folder of such folders.",
      valueName: "folder"))
  var calibrate: String

  @Option(
    name: [.short, .customLong("output")],
    help: ArgumentHelp("The plan; - is standard output.", valueName: "file"))
  var output = "model.lvt"

  @Option(help: "Use at most so many calibration pictures.")
  var pictures = 128

  @Option(
    help: ArgumentHelp(
      "Compare float and int8 on pictures with known answers. Classes: folders of pictures named by class, or an idx pair. Objects: a COCO-style JSON, with masks if the network has some, or a folder of VOC XML files. Pixels: a folder of label PNGs.",
      valueName: "path"))
  var evaluate: String?

  @Option(
    help: ArgumentHelp(
      "Where the pictures of --evaluate are, if not beside its boxes or masks.", valueName: "folder"
    ))
  var evaluatePictures: String?

  @Flag(help: "In label PNGs 0 stands for no class and k for class k − 1, as in ADE20K's.")
  var reduceZeroLabel = false

  @Option(help: "The sums that blocks add to: int8, int16, or auto: int16 in stages that need it.")
  var residual = ResidualWidth.auto

  @Option(
    help: ArgumentHelp(
      "Cut the plan for a board and predict its times: a name of 'lvt-plan boards', or a board.json.",
      valueName: "name|file"))
  var board: String?

  @Option(
    help: ArgumentHelp(
      "Write a page for a browser: how well it went, the memory, each step, the pictures that differ most.",
      valueName: "file.html"))
  var report: String?

  @OptionGroup var options: NetworkOptions

  func validate() throws {
    guard report != output else {
      throw ValidationError("--report: expected another file than the plan's, \(output)")
    }
    guard (1...1_000_000).contains(pictures) else {
      throw ValidationError("--pictures: expected a number from 1 to 1000000")
    }
    guard evaluate != nil || (evaluatePictures == nil && !reduceZeroLabel) else {
      throw ValidationError("--evaluate-pictures, --reduce-zero-label: expected --evaluate, too")
    }
  }

  func run() throws {
    let read = [calibrate, evaluate, evaluatePictures].compactMap { $0 }.flatMap {
      (try? PictureFiles(at: $0, kinds: .withPNG).paths) ?? []
    }
    for path in [output] + [report].compactMap({ $0 }) {
      try Terminal.prepareOutput(
        path, keeping: [checkpoint] + [options.labels, board].compactMap { $0 } + read)
    }
    let board = try self.board.map { try KnownBoards.board($0) }
    let (network, labels, notes) = try options.network(checkpoint)
    try options.requireClasses(network, checkpoint, evaluate: evaluate)
    let truth = try evaluate.map { try self.truth(of: network, labels, at: $0) }
    for note in notes { Terminal.report(note) }
    Terminal.report(
      "\(network.family): \(network.stepCount) steps, \(network.parameters) parameters, "
        + "\(network.macs) multiplications at \(network.inputSize)")
    let loader = try PictureLoader(options.inputSpec(network), orientation: options.orientation)
    var names: [String] = [], skipped = 0
    let photos = try loader.load(
      folder: calibrate, limit: pictures, loaded: { names.append($0) },
      passedOver: { Terminal.report(passedOver: $0, in: calibrate) },
      skipped: { error in
        skipped += 1
        Terminal.report("skipped \(error)")
      })

    var planning = Planner.Options()
    planning.fit = options.inputSpec(network).fit
    planning.interpolation = options.inputSpec(network).interpolation
    planning.residual = residual
    if let board { planning.schedule = board.schedule }
    planning.labels = labels
    planning.provenance = [
      (key: "checkpoint.sha256", value: try Terminal.sha256(ofFile: checkpoint)),
      (key: "calibration.sha256", value: Terminal.sha256(of: photos)),
    ]
    planning.provenance += options.assumptions(network).map {
      (key: "assumed", value: $0.description)
    }
    if let board { planning.provenance.append((key: "board", value: board.name)) }
    let bar = ProgressBar()
    let start = Date()
    let compiled = try Planner(options: planning) { bar.show($0.rawValue, $1, $2) }
      .compile(network, pictures: photos)
    bar.finish()

    var bytes = compiled.bytes, plan = compiled.plan
    var judged: (any Evaluation)?
    if let truth {
      let evaluation = try truth.evaluate(network, plan, options.orientation) {
        bar.show("evaluating", $0, $1)
      }
      bar.finish()
      for error in evaluation.errors { Terminal.report("skipped \(error)") }
      (bytes, plan) = try compiled.adding(evaluation)
      judged = evaluation
    }
    if let board { try check(plan, fits: board) }
    try Terminal.write(bytes, to: output)
    Terminal.print(PlanTable(plan).text(columns: Terminal.columns))
    Terminal.print(RangeTable(compiled).text)
    Terminal.print(ResidualTable(compiled).text)
    if let board { Terminal.print(PredictionTable(plan, on: board).text) }
    if let report {
      try writeReport(
        to: report, compiled, plan, photos: photos, names: names, skipped: skipped,
        evaluation: judged, board: board, bar)
    }
    Terminal.report(
      "wrote \(Terminal.name(output)) (\(fixed(Date().timeIntervalSince(start), 1)) s)")
  }
}

extension Compile {
  private func check(_ plan: Plan, fits board: Board) throws {
    let fit = MemoryFit(plan, on: board, threads: plan.threads ?? 1)
    guard fit.fits else {
      throw Failure(
        "\(board.name) has \(fit.availableBytes) bytes for programs, but plan (\(fit.planBytes)), "
          + "engine (\(fit.engineBytes)) and program (\(fit.programBytes)) need \(fit.neededBytes)")
    }
  }
}

extension ResidualWidth: ExpressibleByArgument {}
extension SwinWindows: ExpressibleByArgument {}
extension OrientationPolicy: ExpressibleByArgument {}

struct Boards: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the boards whose profiles are known.")

  func run() throws {
    Terminal.print(try BoardTable.text())
  }
}

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show what is in a plan.")

  @Flag(help: "Only the classes, one a line, as results name them.")
  var labels = false

  @Flag(help: "One JSON object; with --labels, an array of the classes.")
  var json = false

  @Argument(help: "A plan.")
  var plan: String

  @Option(
    help: ArgumentHelp("Predict the plan's times on a board.", valueName: "name|file"))
  var board: String?

  func run() throws {
    let board = try self.board.map { try KnownBoards.board($0) }
    let plan = try Self.read(self.plan)
    guard !labels else {
      let names = (0..<plan.classCount).map { plan.label(ofClass: $0) }
      if json { return Terminal.print(PlanJSON.list(names)) }
      for name in names { Terminal.print(terminalText(name)) }
      return
    }
    if json { return Terminal.print(PlanJSON(plan, on: board).text) }
    Terminal.print(PlanTable(plan).text(columns: Terminal.columns))
    Terminal.print("sha256: \(plan.hashText)")
    if let board { Terminal.print(PredictionTable(plan, on: board).text) }
  }

  /// Reads a plan that may take any time to run, and its hash.
  static func read(_ path: String) throws -> Plan {
    let plan: Plan
    do { plan = try Plan(path: path, limits: PlanLimits(work: .max)) } catch {
      throw Failure("\(path): \(error)")
    }
    guard plan.hashMatches() else {
      throw Failure("\(path): the file's SHA-256 is not the one in its header")
    }
    return plan
  }
}
