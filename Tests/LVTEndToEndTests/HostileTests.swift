// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVT
import LVTTestSupport
import Testing

/// What files and surroundings can do to the two programs.
@Suite(.serialized) struct HostileTests {
  private let shell: Shell

  init() throws { shell = try Shell() }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: URL(filePath: shell.folder + "/" + name))
  }

  /// A plan with hostile labels and provenance.
  private func writeForgedPlan() throws {
    let plan = try Plan(path: fixtures + "/plan/tiny.lvt")
    var contents = PlanContents(plan)
    contents.labels = [
      "\u{1B}[2Jone", "two\nx.jpg: three 100 %", "\u{9B}31m", "\u{202E}four", "five\u{0}\r",
    ]
    contents.provenance = [
      (key: "arena.lowerBound", value: "-9223372036854775808"), (key: "arena.optimal", value: "no"),
      (key: "a\u{1B}[2J", value: "x\ny"), (key: "step.0", value: "\u{1B}]0;name\u{7}"),
    ]
    try write(contents.encoded(constants: Array(plan.constants)), "forged.lvt")
  }

  private func expectNoControls(_ text: String, lines: Int? = nil) {
    let harmful = text.unicodeScalars.filter {
      $0 != "\n" && ($0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x202E)
    }
    #expect(harmful.isEmpty)
    if let lines { #expect(text.split(separator: "\n").count == lines, "\(text)") }
  }

  @Test func labelsAndProvenanceAreShownEscaped() async throws {
    try writeForgedPlan()
    for (command, lines) in [
      ("lvt-infer forged.lvt $jpeg --top 5", 1), ("lvt-plan inspect --labels forged.lvt", 5),
      ("lvt-plan inspect forged.lvt", nil),
    ] {
      let outcome = try await shell.run(command)
      #expect(outcome.code == 0 && outcome.output.contains(#"\u{1b}[2J"#), "\(command)")
      expectNoControls(outcome.output, lines: lines)
    }
    let json = try await shell.run("lvt-infer forged.lvt $jpeg --top 5 --json").output
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    let top = object?["top"] as? [[String: Any]]
    #expect(top?.contains { $0["label"] as? String == "\u{1B}[2Jone" } == true)
  }

  @Test func namesOfAnyBytesAreReadAndShownEscaped() async throws {
    let outcome = try await shell.run(
      #"""
      mkdir folder
      cp $jpeg $'folder/\xff\xfe.jpg'; cp $jpeg $'folder/a\e[2J\nb.jpg'
      cp $tiny $'\xff.lvt'
      lvt-infer $'\xff.lvt' folder $'folder/\xff\xfe.jpg' && lvt-plan inspect --labels $'\xff.lvt' \
        && lvt-plan $demo/model.safetensors --calibrate folder --input 64 --residual int8 \
          -o $'\xfe.lvt' > tables && cat tables && test -e $'\xfe.lvt'
      """#)
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.output.contains(#"folder/\xff\xfe.jpg: "#))
    #expect(outcome.output.contains(#"folder/a\u{1b}[2J\u{a}b.jpg: "#))
    expectNoControls(outcome.output + outcome.errors)
    for command in [#"lvt-infer $'no\e\xff' --verify"#, #"lvt-plan inspect $'no\e\xff'"#] {
      let missing = try await shell.run(command)
      #expect(missing.code == 1 && missing.errors.contains(#"no\u{1b}\xff: cannot be read"#))
      expectNoControls(missing.errors, lines: 1)
    }
    let json = try await shell.run("lvt-infer $tiny --json folder").output
    for line in json.split(separator: "\n") {
      #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil)
    }
  }

  @Test func tensorNamesAreShownEscaped() async throws {
    // Offsets that no tensor may have.
    let tensor = #""w\n\u001b[31mforged":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}"#
    let header = Array("{\(tensor)}".utf8)
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    try write(length + header + [0, 0, 0, 0], "names.safetensors")
    let outcome = try await shell.run("lvt-plan names.safetensors --calibrate $demo/calibration")
    #expect(outcome.code == 1 && outcome.errors.contains(#"w\u{a}\u{1b}[31mforged"#))
    expectNoControls(outcome.errors, lines: 1)
  }

  @Test func memoryIsComparedBeforeItIsTouched() async throws {
    // 805 MB for the picture alone.
    let bytes = giantPlanBytes(width: 16384, height: 16384, patch: 64, mlps: 0)
    try write(bytes, "giant.lvt")
    let plan = try LVTTestSupport.plan(bytes)
    let outcome = try await shell.run("ulimit -v 600000; lvt-infer giant.lvt --bench 1 --threads 1")
    #expect(outcome.code == 1)
    #expect(
      outcome.errors.hasPrefix(
        "lvt-infer: arena and scratch need \(plan.arenaBytes) bytes of memory, found "),
      "\(outcome.errors)")
  }

  @Test func threadsThatCannotStartNameTheCause() async throws {
    let memory = try await shell.run("ulimit -v 150000; lvt-infer $tiny --verify --threads 64")
    #expect(memory.code == 1)
    #expect(memory.errors == "lvt-infer: cannot start 64 threads: no memory for a stack\n")
  }

  private static let canBecomeNobody: Bool = {
    let products = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", "setpriv --reuid 65534 --clear-groups test -x \(products)/lvt-infer 2>/dev/null",
    ]
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canBecomeNobody, "no other user without processes to become"))
  func threadsOverALimitNameTheCause() async throws {
    let outcome = try await shell.run(
      "ulimit -u 3; setpriv --reuid 65534 --clear-groups lvt-infer $tiny --verify --threads 16")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("cannot start 16 threads: as many threads as a limit"))
  }

  @Test func workOverTheLimitNeedsAnOption() async throws {
    let bytes = giantPlanBytes(width: 4096, height: 2048, patch: 1, mlps: 20)
    try write(bytes, "long.lvt")
    let refused = try await shell.run("lvt-infer long.lvt --verify")
    #expect(refused.code == 1 && refused.errors.contains("more than the limit of 100000000000"))
    #expect(refused.errors.contains("(--max-work "))
    let allowed = try await shell.run("lvt-infer long.lvt --verify --max-work 1000")
    #expect(allowed.errors == "lvt-infer: the plan has no golden hashes\n")
    let inspected = try await shell.run("lvt-plan inspect long.lvt")
    #expect(inspected.code == 0 && inspected.output.contains("runs only where work of"))
  }

  @Test(arguments: [
    "--bench 9223372036854775807", "--bench 99999999999999999999", "--bench 0", "--bench 1000001",
    "x.jpg --top 9223372036854775807", "--verify --threads 9223372036854775807",
    "- --frames 9223372036854775807", "--verify --max-work 9223372036854775807",
    "--verify --max-work 0", "--verify --max-work",
  ])
  func countsAreBounded(arguments: String) async throws {
    let outcome = try await shell.run("lvt-infer $tiny \(arguments) < /dev/null")
    #expect(outcome.code == 64 && outcome.errors.contains("expected a number from"))
  }

  @Test(arguments: ["9223372036854775807", "-1", "0", "99999999999999999999"])
  func countsOfThePlannerAreBounded(count: String) async throws {
    for command in ["compile x --calibrate y --pictures=", "predict x y --top="] {
      #expect(try await shell.run("lvt-plan \(command)\(count)").code == 64, "\(command)")
    }
  }

  @Test func packedDataThatClaimsMoreThanThereIsIsOneLine() async throws {
    let outcome = try await shell.run(
      """
      printf '\\0\\0\\10\\3\\0\\0\\47\\20\\0\\0\\0\\12\\0\\0\\0\\12' | cat - <(head -c 99999 /dev/zero) \
        | gzip > t10k-images-idx3-ubyte.gz
      printf '\\0\\0\\10\\1\\0\\0\\0\\1\\0' | gzip > t10k-labels-idx1-ubyte.gz
      lvt-plan $demo/model.safetensors --calibrate $demo/calibration --input 64 --pictures 1 \
        --residual int8 --evaluate . -o a.lvt
      """)
    #expect(outcome.code == 1)
    #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(outcome.errors.contains("t10k-images-idx3-ubyte.gz: "))
  }
}
