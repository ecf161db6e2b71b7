// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture
internal import LVTServe

// lvt-infer: runs a plan on pictures. From here: Engine.run → Workspace.run → a step in
// LVTRuntime/Steps → one kernel of CSupport/CLVTKernels → its scalar twin.

enum Program {
  static func main() {
    lvt_hold_standard_descriptors()
    do throws(UsageError) {
      let arguments = try Arguments()
      lvt_exit(run(arguments) && !Console.hasLostReports ? 0 : 1)
    } catch {
      Console.report(error.message)
      Console.report("try 'lvt-infer --help'")
      lvt_exit(64)
    }
  }

  /// Whether everything worked.
  private static func run(_ arguments: Arguments) -> Bool {
    switch arguments.mode {
    case .help:
      Console.print(Arguments.usage)
      return true
    case .version:
      Console.print(lvtVersion)
      return true
    case .cpuInfo:
      CPUInfo.print(arguments)
      return true
    case .listCameras:
      listCameras(arguments)
      return true
    case .pictures, .stream, .benchmark, .profile, .evaluate, .verify:
      guard canWrite(arguments.outputs, keeping: [arguments.model, "-"]),
        let engine = engine(arguments)
      else { return false }
      let task = engine.plan.task
      if let option = arguments.uselessOption(for: task) {
        Console.report("\(arguments.model): \(option) is of no use for \(task.text)")
        return false
      }
      // A stream does it once its source has a thread, which need not be where the network runs.
      if arguments.mode != .stream, !place(engine) { return false }
      switch arguments.mode {
      case .benchmark(let runs):
        do throws(ImageError) { return try Benchmark(engine).run(runs, arguments) } catch {
          Console.report(error.description)
          return false
        }
      case .stream: return stream(engine, arguments)
      case .evaluate(let folder): return evaluate(engine, folder, arguments)
      case .profile: Profile(engine).run(arguments)
      case .verify: return verify(engine, arguments)
      default: return runOnPictures(engine, arguments)
      }
      return true
    }
  }

  /// Whether there is a place for the files that are asked for, before the work starts; it may be none of
  /// those that are read.
  private static func canWrite(_ paths: [String], keeping inputs: [String]) -> Bool {
    for path in paths {
      let status = lvt_check_output(path)
      if status != 0 {
        Console.report(
          "\(Console.name(path)): cannot be written: \(String(cString: lvt_error_text(status)))")
        return false
      }
      if inputs.contains(where: { lvt_is_same_file($0, path) }) {
        Console.report("\(Console.name(path)): is an input; expected another file to write")
        return false
      }
      if lvt_is_standard_output(path) { Console.giveOutputAway() }
    }
    return true
  }

  /// What runs the plan and the files that it fills; nil, and a report, if something is wrong.
  private static func prepare(
    _ engine: Engine, _ arguments: Arguments
  ) -> (finder: Finder, files: ResultFiles)? {
    let filter: ResultFilter
    do throws(UsageError) { filter = try arguments.filter(of: engine.plan) } catch {
      Console.report("\(arguments.model): \(error.message)")
      return nil
    }
    do throws(ResultError) {
      let finder = try Finder(engine, filter)
      return ResultFiles(arguments).map { (finder, $0) }
    } catch {
      Console.report("\(arguments.model): \(error.description)")
      return nil
    }
  }

  private static func runOnPictures(_ engine: Engine, _ arguments: Arguments) -> Bool {
    guard let (finder, files) = prepare(engine, arguments) else { return false }
    do throws(CaptureError) {
      let decoder = try PictureDecoder(orientation: arguments.orientation ?? .exif)
      return PictureRun(finder, decoder, files, arguments).run()
    } catch { Console.report(error.description) }
    return false
  }

  private static func evaluate(
    _ engine: Engine, _ folder: String, _ arguments: Arguments
  ) -> Bool {
    guard engine.plan.task == .classes else {
      Console.report(
        "\(arguments.model): --evaluate is of no use for \(engine.plan.task.text); lvt-plan --evaluate "
          + "compares boxes and pixels")
      return false
    }
    do throws(ImageError) {
      let classifier = try Classifier(engine: engine)
      do throws(CaptureError) {
        let decoder = try PictureDecoder(orientation: arguments.orientation ?? .exif)
        return Evaluation(classifier, decoder, arguments).run(folder)
      } catch { Console.report(error.description) }
    } catch { Console.report("\(arguments.model): \(error.description)") }
    return false
  }

  private static func stream(_ engine: Engine, _ arguments: Arguments) -> Bool {
    guard let (finder, files) = prepare(engine, arguments) else { return false }
    do throws(CaptureError) {
      let stop = try StopEvent()
      stop.raiseOnSignals()
      let source = try FrameSource(arguments, stop)
      if let text = source.text { Console.report(text) }
      let page: LivePage?
      do throws(LiveError) { page = try LivePage(arguments, engine.plan) } catch {
        Console.report(error.description)
        return false
      }
      if let page { Console.report("live page: \(page.text)") }
      guard place(engine) else { return false }
      let decoder = try JPEGDecoder(orientation: arguments.orientation ?? .exif)
      let run = StreamRun(finder, decoder, files, page?.server, arguments, stop)
      return withExtendedLifetime(stop) { run.run(source) }
    } catch { Console.report("\(arguments.camera ?? "standard input"): \(error.advised)") }
    return false
  }

  private static func listCameras(_ arguments: Arguments) {
    let cameras = CameraListing.all()
    if cameras.isEmpty { Console.report("no camera in /dev") }
    for camera in cameras {
      if arguments.json {
        let formats = camera.formats.map { jsonText($0) }.joined(separator: ",")
        Console.print(
          "{\"path\":\(jsonText(camera.path)),\"name\":\(jsonText(camera.name)),"
            + "\"formats\":[\(formats)]}")
        continue
      }
      Console.print("\(camera.path): \(terminalText(camera.name))")
      for format in camera.formats { Console.print("  \(terminalText(format))") }
    }
  }

  private static func engine(_ arguments: Arguments) -> Engine? {
    let plan: Plan
    do throws(PlanError) {
      plan = try Plan(path: arguments.model, limits: arguments.limits)
    } catch {
      var advice = ""
      if case .tooMuchWork(let needed, _) = error {
        advice = " (--max-work \((needed + 999_999_999) / 1_000_000_000))"
      }
      Console.report("\(arguments.model): \(error.description)\(advice)")
      return nil
    }
    // First of all, since threads inherit it.
    if let niceness = arguments.niceness {
      let status = lvt_set_niceness(Int32(niceness))
      if status != 0 {
        Console.report(
          "cannot set the niceness to \(niceness): \(String(cString: lvt_error_text(status)))")
        return nil
      }
    }
    let (threads, isAdaptive, affinity) = arguments.placement(of: plan, on: ProcessorTopology())
    do throws(EngineError) {
      return try Engine(
        plan: plan, threads: threads, isAdaptive: isAdaptive, isa: arguments.isa,
        affinity: affinity)
    } catch {
      Console.report(error.description)
      return nil
    }
  }

  /// Puts this thread where the engine's first one belongs; whether that worked.
  private static func place(_ engine: Engine) -> Bool {
    do throws(EngineError) { try engine.placeCallingThread() } catch {
      Console.report(error.description)
      return false
    }
    return true
  }

  private static func verify(_ engine: Engine, _ arguments: Arguments) -> Bool {
    do throws(VerificationError) { try engine.verify() } catch {
      Console.report(error.description)
      return false
    }
    if arguments.json {
      Console.print(
        "{\"verified\":true,\"steps\":\(engine.plan.steps.count),\"isa\":\"\(engine.isa.name)\","
          + "\"threads\":\(engine.threads),\"plan\":\"\(engine.plan.hashText)\"}")
      return true
    }
    Console.print(
      "verified: \(engine.plan.steps.count) steps, \(engine.isa.name), \(engine.threads) threads, "
        + "plan \(engine.plan.hashText)")
    return true
  }
}

Program.main()
