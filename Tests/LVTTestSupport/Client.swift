// SPDX-License-Identifier: Apache-2.0
internal import Foundation
internal import Glibc

/// A connection to a port of this machine, which reads no more than it is asked to.
public final class Client {
  private let descriptor: Int32
  /// All that has come.
  public private(set) var received: [UInt8] = []

  /// Connects; nil if nobody listens.
  public init?(port: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    // A server that does not answer fails a test, and does not hold it up for ever.
    var patience = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if status != 0 {
      close(descriptor)
      return nil
    }
  }

  deinit { close(descriptor) }

  /// Sends a request for a path.
  public func ask(_ path: String, _ headers: [String] = ["Host: localhost"]) {
    let lines = ["GET \(path) HTTP/1.1"] + headers + ["", ""]
    send(lines.joined(separator: "\r\n"))
  }

  /// Sends text as it is.
  public func send(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  /// Reads until what came satisfies a condition; whether it did before the end.
  @discardableResult
  public func read(until isEnough: (Client) -> Bool) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while !isEnough(self) {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return false }
      received += buffer[..<count]
    }
    return true
  }

  /// Whether bytes have come; it waits for none.
  public func reads(_ bytes: [UInt8]) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count > 0 else { break }
      received += buffer[..<count]
    }
    return received.suffix(65536).firstRange(of: bytes) != nil
  }

  /// Whether a text has come.
  public func has(_ text: String) -> Bool { received.firstRange(of: Array(text.utf8)) != nil }

  /// What has come, as text.
  public var text: String { String(decoding: received, as: UTF8.self) }

  /// The status of an answer, whose head has come.
  public var status: Int? {
    let line = text.prefix { !$0.isNewline }.split(separator: " ")
    return line.count > 1 ? Int(line[1]) : nil
  }

  /// All of an answer that says how long it is, and its body.
  public func answer() -> (status: Int?, head: String, body: [UInt8]) {
    let blank = Array("\r\n\r\n".utf8)
    read { $0.received.firstRange(of: blank) != nil }
    guard let end = received.firstRange(of: blank) else { return (status, text, []) }
    let head = String(decoding: received[..<end.lowerBound], as: UTF8.self)
    let length =
      head.components(separatedBy: "\r\n").compactMap { line in
        line.lowercased().hasPrefix("content-length:")
          ? Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) : nil
      }.first ?? 0
    read { $0.received.count >= end.upperBound + length }
    return (status, head, Array(received[end.upperBound...]))
  }
}
