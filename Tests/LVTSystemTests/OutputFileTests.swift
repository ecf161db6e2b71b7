// SPDX-License-Identifier: Apache-2.0
import CLVTSystem
import Foundation
import Testing

/// What lvt_write_file does to what is there.
///
/// Devices are made by the tests: a defect would destroy
/// the machine's.
@Suite final class OutputFileTests {
  private let folder = NSTemporaryDirectory() + "lvt-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func path(_ name: String) -> String { folder + "/" + name }

  @discardableResult
  private func write(_ text: String, to path: String) -> Int32 {
    let head = Array(text.utf8.prefix(2)), body = Array(text.utf8.dropFirst(2))
    return lvt_write_file(path, head, head.count, body, body.count)
  }

  private func text(_ path: String) -> String? {
    try? String(contentsOfFile: path, encoding: .utf8)
  }

  private func status(_ path: String) -> stat {
    var status = stat()
    #expect(lstat(path, &status) == 0, "\(path)")
    return status
  }

  private var names: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  private func makeFile(_ name: String, _ text: String) throws {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
  }

  private static let canMakeDevices: Bool = {
    let path = NSTemporaryDirectory() + "lvt-" + UUID().uuidString
    defer { unlink(path) }
    guard mknod(path, S_IFCHR | 0o666, (1 << 8) | 3) == 0 else { return false }
    let file = open(path, O_WRONLY)
    defer { close(file) }
    return file >= 0
  }()

  @Test func newFileHasWhatWasWrittenAndNothingElseIsLeft() {
    let old = umask(0o027)
    defer { umask(old) }
    #expect(write("content", to: path("a")) == 0)
    #expect(text(path("a")) == "content")
    #expect(status(path("a")).st_mode & 0o777 == 0o640)
    #expect(names == ["a"])
  }

  @Test func replacedFileKeepsItsPermissionsAndOldReadersTheOldOne() throws {
    try makeFile("a", "old")
    chmod(path("a"), 0o604)
    let reader = try #require(FileHandle(forReadingAtPath: path("a")))
    #expect(write("new", to: path("a")) == 0)
    #expect(text(path("a")) == "new")
    #expect(status(path("a")).st_mode & 0o777 == 0o604)
    #expect(reader.readDataToEndOfFile() == Data("old".utf8))
    #expect(names == ["a"])
  }

  @Test func linksStayAndWhatTheyNameIsReplaced() throws {
    try FileManager.default.createDirectory(
      atPath: path("real"), withIntermediateDirectories: true)
    try makeFile("real/a", "old")
    symlink("real/a", path("near"))
    symlink(path("near"), path("far"))
    #expect(write("new", to: path("far")) == 0)
    #expect(text(path("real/a")) == "new")
    // Of a file that is not there yet.
    symlink("real/b", path("dangling"))
    #expect(lvt_check_output(path("dangling")) == 0)
    #expect(write("first", to: path("dangling")) == 0)
    #expect(text(path("real/b")) == "first")
    for link in ["near", "far", "dangling"] {
      #expect(status(path(link)).st_mode & S_IFMT == S_IFLNK, "\(link)")
    }
    #expect(status(path("real/a")).st_mode & S_IFMT == S_IFREG)
  }

  @Test func linksInACircleAreAnError() {
    symlink("b", path("a"))
    symlink("a", path("b"))
    #expect(lvt_check_output(path("a")) == -ELOOP)
    #expect(write("x", to: path("a")) == -ELOOP)
    #expect(names == ["a", "b"])
  }

  @Test(.enabled(if: canMakeDevices, "no permission to make devices"))
  func devicesAreWrittenIntoAndStay() {
    for (name, minor, expected) in [("null", 3, Int32(0)), ("full", 7, -ENOSPC)] {
      mknod(path(name), S_IFCHR | 0o666, dev_t(1 << 8 | minor))
      symlink(name, path(name + "-link"))
      for target in [name, name + "-link"] {
        #expect(lvt_check_output(path(target)) == 0)
        #expect(write("x", to: path(target)) == expected)
      }
      #expect(status(path(name)).st_mode & S_IFMT == S_IFCHR)
      #expect(status(path(name + "-link")).st_mode & S_IFMT == S_IFLNK)
    }
    #expect(names == ["full", "full-link", "null", "null-link"])
  }

  @Test func pipesAreWrittenInto() throws {
    mkfifo(path("pipe"), 0o600)
    let reader = open(path("pipe"), O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    #expect(write("through", to: path("pipe")) == 0)
    var bytes = [UInt8](repeating: 0, count: 20)
    #expect(read(reader, &bytes, bytes.count) == 7)
    #expect(bytes.starts(with: "through".utf8))
    #expect(status(path("pipe")).st_mode & S_IFMT == S_IFIFO)
  }

  @Test func whatCannotBeAFileIsRefusedBeforehand() throws {
    try makeFile("a", "old")
    for (target, error) in [
      ("", -ENOENT), (folder, -EISDIR), (folder + "/", -EISDIR), (path("a/"), -ENOTDIR),
      (path("a/b"), -ENOTDIR), (path("none/b"), -ENOENT), (path("none/"), -EISDIR),
      (path(String(repeating: "x", count: 300)), -ENAMETOOLONG),
      (path(String(repeating: "x/", count: 3000)), -ENAMETOOLONG),
    ] {
      #expect(lvt_check_output(target) == error, "\(target)")
      #expect(write("x", to: target) == error, "\(target)")
    }
    #expect(names == ["a"] && text(path("a")) == "old")
  }

  @Test func checkingTouchesNothing() throws {
    try makeFile("a", "old")
    let before = status(path("a"))
    #expect(lvt_check_output(path("a")) == 0)
    #expect(lvt_check_output(path("b")) == 0)
    let after = status(path("a"))
    #expect(before.st_ino == after.st_ino && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec)
    #expect(names == ["a"])
  }

  @Test func failedWriteLeavesTheOldFileAndNoOther() throws {
    try makeFile("a", "old")
    // No memory there: the system refuses the second part.
    #expect(lvt_write_file(path("a"), "x", 1, UnsafeRawPointer(bitPattern: 8), 5) == -EFAULT)
    #expect(lvt_write_file(path("b"), "x", 1, UnsafeRawPointer(bitPattern: 8), 5) == -EFAULT)
    #expect(names == ["a"] && text(path("a")) == "old")
  }

  @Test func leftoversOfKilledProgramsGoAndThoseOfLivingOnesStay() throws {
    let stale = ".lvt-0123456789abcdef.part", living = ".lvt-fedcba9876543210.part"
    let others = [
      ".lvt-0123456789abcdeg.part", ".lvt-0123456789abcdef.part2", ".lvt-0.part", "x.part",
    ]
    for name in [stale, living] + others { try makeFile(name, "") }
    symlink("x.part", path(".lvt-0000000000000000.part"))
    let owner = open(path(living), O_WRONLY)
    defer { close(owner) }
    #expect(flock(owner, LOCK_EX) == 0)
    #expect(write("content", to: path("a")) == 0)
    #expect(names == ([".lvt-0000000000000000.part", living, "a"] + others).sorted())
  }

  @Test func temporaryNamesAreNeverUsedTwice() throws {
    // Whoever could guess a name could put a link there.
    var seen: Set<String> = []
    for _ in 0..<20 {
      let before = Set(names)
      let watcher = inotify_init1(Int32(O_NONBLOCK))
      defer { close(watcher) }
      inotify_add_watch(watcher, folder, UInt32(IN_CREATE))
      #expect(write("x", to: path("a")) == 0)
      var events = [UInt8](repeating: 0, count: 4096)
      let count = read(watcher, &events, events.count)
      let text = String(decoding: events.prefix(max(0, count)), as: UTF8.self)
      let name = try #require(text.firstMatch(of: /\.lvt-[0-9a-f]{16}\.part/)).output
      #expect(seen.insert(String(name)).inserted)
      #expect(!before.contains(String(name)))
    }
  }
}
