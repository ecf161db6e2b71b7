// SPDX-License-Identifier: Apache-2.0
import Foundation
import LVTTestSupport
import Testing

/// Where output goes: places that cannot take it, and what is said of it.
@Suite(.serialized) struct OutputTests {
  private let shell: Shell

  init() throws { shell = try Shell() }

  private static let compile =
    "lvt-plan $demo/model.safetensors --calibrate $demo/calibration --pictures 1 --input 64 --residual int8"

  /// Everything that prints.
  static let commands = [
    "lvt-plan --help", "lvt-plan --version", "lvt-plan compile --help", "lvt-plan families",
    "lvt-plan inspect $tiny", "lvt-plan inspect --labels $tiny",
    "lvt-plan inspect $tiny --board $demo/../../boards/raspberry-pi-5/board.json",
    "lvt-plan predict $demo/model.safetensors --input 64 $jpeg",
    "lvt-plan --generate-completion-script bash", compile + " -o -",
    "lvt-infer --help", "lvt-infer --version", "lvt-infer --cpu-info", "lvt-infer $tiny $jpeg",
    "lvt-infer $tiny $jpeg --json", "lvt-infer $tiny --bench 1", "lvt-infer $tiny --profile",
    "lvt-infer $tiny --verify", "lvt-infer $tiny - < $jpeg",
    "lvt-infer $tiny - --save-frame - < $jpeg", "lvt-infer $tiny --bench 1 --board-report -",
  ]

  @Test func labelsOfAFileCalledLikeASetAreTakenAndSaid() async throws {
    let set = try await shell.run(Self.compile + " --labels coco -o x.lvt")
    #expect(
      set.code == 1 && set.errors.contains("expected 10 labels, one for each class, found 80"))
    let file = try await shell.run(
      "cp $demo/labels.txt coco && " + Self.compile + " --labels coco -o x.lvt")
    #expect(file.code == 0 && file.errors.contains("those of the file 'coco', not of the set"))
    #expect(file.output.contains("10: T-shirt/top, Trouser"))
  }

  @Test(arguments: commands)
  func fullOrClosedStandardOutputIsOneLineAndOne(command: String) async throws {
    for (redirection, cause) in [
      (">/dev/full", "No space left on device"), (">&-", "Bad file descriptor"),
    ] {
      let outcome = try await shell.run("\(command) \(redirection)")
      #expect(outcome.code == 1, "\(redirection)")
      let lines = outcome.errors.split(separator: "\n").filter { $0.contains("standard output: ") }
      #expect(lines.count == 1 && lines.first?.hasSuffix(cause) == true, "\(outcome.errors)")
      // Nowhere to say it.
      #expect(try await shell.run("\(command) \(redirection) 2>&-").code == 1, "\(redirection)")
      #expect(
        try await shell.run("\(command) \(redirection) 2>/dev/full").code == 1, "\(redirection)")
    }
  }

  /// By another name, and through links.
  @Test func inputsAreNotWrittenOver() async throws {
    let prepare = """
      cp $demo/model.safetensors c.safetensors; ln -s c.safetensors link; ln c.safetensors hard
      cp -r $demo/calibration cal; cp $tiny t.lvt; cp $jpeg q.jpg; cp $demo/labels.txt labels
      """
    _ = try await shell.run(prepare)
    let compile =
      "lvt-plan c.safetensors --calibrate cal --labels labels --pictures 1 --input 64 --residual int8"
    for command in [
      compile + " -o c.safetensors", compile + " -o ./link", compile + " -o hard",
      compile + " -o cal/$(ls cal | head -n 1)", compile + " -o labels",
      "lvt-infer t.lvt --bench 1 --board-report t.lvt",
      "lvt-infer t.lvt - --save-frame q.jpg < q.jpg",
    ] {
      let outcome = try await shell.run(command)
      #expect(outcome.code == 1, "\(command)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("expected another file to write"), "\(outcome.errors)")
    }
    let kept = "cmp c.safetensors $demo/model.safetensors && cmp t.lvt $tiny && cmp q.jpg $jpeg"
    #expect(try await shell.run(kept + " && diff -r cal $demo/calibration").code == 0)
  }

  @Test func readerOfAFIFOThatGoesAwayIsOneLine() async throws {
    let outcome = try await shell.run(
      "mkfifo pipe; head -c 8 pipe > start & \(Self.compile) -o pipe; code=$?; wait; exit $code")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("pipe: cannot be written: Broken pipe"), "\(outcome.errors)")
  }

  @Test(arguments: [
    compile + " -o out.lvt", "lvt-infer $tiny $jpeg none.jpg", "lvt-infer $tiny - < $jpeg",
    "lvt-infer $tiny --bench 1 --board-report r.json", "lvt-infer none.lvt --verify",
    "lvt-plan inspect none.lvt", "lvt-plan predict none.pth x.jpg",
  ])
  func workGoesOnWhereNobodyReadsErrorsAndTheCodeTells(command: String) async throws {
    for redirection in ["2>&-", "2>/dev/full"] {
      #expect(try await shell.run("\(command) \(redirection)").code == 1, "\(redirection)")
    }
    if command.contains("out.lvt") {
      #expect(try await shell.run("lvt-infer out.lvt --verify").code == 0)
    }
  }

  @Test(arguments: ["lvt-plan --wrong", "lvt-infer --wrong", "lvt-plan compile x --pictures 0"])
  func wrongUsageIs64WhereverItIsSaid(command: String) async throws {
    for redirection in ["", "2>&-", "2>/dev/full", ">&- 2>&- <&-"] {
      #expect(try await shell.run("\(command) \(redirection)").code == 64, "\(redirection)")
    }
  }

  @Test func readerThatHasGoneEndsTheProgramQuietly() async throws {
    for command in ["lvt-plan inspect $tiny", "lvt-infer --help"] {
      let outcome = try await shell.run(
        // Whoever runs the tests may have the signal ignored.
        "(sleep 0.3; exec env --default-signal=PIPE \(command)) | true; echo ${PIPESTATUS[0]}")
      #expect(outcome.output == "141\n" && outcome.errors.isEmpty, "\(outcome.errors)")
    }
  }

  @Test func closedStandardInputEndsAStream() async throws {
    let outcome = try await shell.run("timeout 20 lvt-infer $tiny - <&-")
    #expect(outcome.code == 1)
    #expect(outcome.errors.contains("standard input: cannot be read: Bad file descriptor"))
    #expect(try await shell.run("timeout 20 lvt-infer $tiny - <&- >&- 2>&-").code == 1)
  }

  @Test func filesDoNotTakeClosedDescriptors() async throws {
    // Were the plan opened as descriptor 1, what is printed would go into it.
    let outcome = try await shell.run(
      "cp $tiny p.lvt; lvt-infer p.lvt --verify >&- 2>&- <&-; lvt-plan inspect p.lvt >&- <&- 2>&-; "
        + "cmp p.lvt $tiny && lvt-infer p.lvt --verify")
    #expect(outcome.code == 0)
  }

  @Test func minusAndDevStdoutAreStandardOutputAlone() async throws {
    let outcome = try await shell.run(
      """
      set -e
      \(Self.compile) -o a.lvt > tables.txt
      \(Self.compile) -o - > b.lvt 2> errors.txt
      cmp a.lvt b.lvt
      \(Self.compile) -o /dev/stdout 2> /dev/null | cmp - a.lvt
      \(Self.compile) -o /dev/stdout 2> /dev/null > c.lvt
      cmp c.lvt a.lvt
      cmp <(grep -v lvt-plan errors.txt | grep -v '^[a-z]*$') tables.txt
      test ! -e ./-
      lvt-infer $tiny - --save-frame - < $jpeg 2> lines.txt > a.ppm
      lvt-infer $tiny - --save-frame b.ppm < $jpeg
      cmp a.ppm b.ppm
      grep -q '"frame":0' lines.txt
      lvt-infer $tiny --bench 1 --board-report - 2> lines.txt | python3 -m json.tool
      grep -q '^median ' lines.txt
      """)
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  @Test(arguments: [
    compile + " -o", "lvt-infer $tiny - --save-frame", "lvt-infer $tiny --bench 1 --board-report",
  ])
  func placesAreLookedAtBeforeTheWork(command: String) async throws {
    for place in ["none/x", ".", "file/x"] {
      let outcome = try await shell.run("touch file; \(command) \(place) < /dev/null")
      // The work would have said something.
      #expect(outcome.output.isEmpty)
      #expect(outcome.code == 1, "\(place)")
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("\(place): cannot be written: "))
    }
  }

  @Test(arguments: [
    compile + " -o", "lvt-infer $tiny - < $jpeg --save-frame",
    "lvt-infer $tiny --bench 1 --board-report",
  ])
  func everyOutputFileIsWrittenTheSameWay(command: String) async throws {
    let outcome = try await shell.run(
      """
      set -e
      \(command) out 2> /dev/null
      echo old > target; ln -s target link; mkfifo pipe
      touch .lvt-0123456789abcdef.part
      \(command) link 2> /dev/null
      test -L link; test -s target; test "$(head -c 3 target)" != old
      cat pipe > piped & \(command) pipe 2> /dev/null; wait
      test -p pipe; test -s piped
      test -z "$(ls -A | grep part)"
      """)
    #expect(outcome.code == 0, "\(outcome.errors)")
  }

  private static let canMount: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "d=$(mktemp -d); mount -t tmpfs t $d 2>/dev/null && umount $d"]
    try? process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  @Test(.enabled(if: canMount, "no permission to mount a small disk"))
  func fullDiskLeavesNothing() async throws {
    let outcome = try await shell.run(
      """
      mkdir disk; mount -t tmpfs -o size=64k tmpfs disk
      \(Self.compile) -o disk/a.lvt 2> errors; echo $? $(ls -A disk | wc -l)
      mount -o remount,ro disk
      \(Self.compile) -o disk/a.lvt 2>> errors; echo $?
      umount disk; tail -n 2 errors >&2
      """)
    #expect(outcome.output.split(separator: "\n").suffix(2) == ["1 0", "1"])
    #expect(outcome.errors.contains("disk/a.lvt: cannot be written: No space left on device"))
    #expect(outcome.errors.contains("disk/a.lvt: cannot be written: Read-only file system"))
  }
}
