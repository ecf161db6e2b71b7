// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture
internal import LVTDraw
internal import LVTServe

/// The live page of a stream.
struct LivePage {
  let server: LiveServer
  /// The address of the page, for people.
  let text: String

  /// Starts the server that the command line asks for; nil if it asks for none.
  init?(_ arguments: Arguments, _ plan: Plan) throws(LiveError) {
    let page = arguments.page
    guard let port = page.port,
      let address = ListenAddress(host: page.address ?? ListenAddress.loopback, port: port)
    else { return nil }
    let token: String?
    if let file = page.tokenFile {
      token = try Self.token(in: file)
    } else {
      token = page.needsNoToken || address.isLoopback ? nil : try Self.randomToken()
    }
    let hostName = String(cString: lvt_host_name())
    server = try LiveServer(
      at: address,
      access: Access(token: token, names: [hostName, hostName + ".local"] + page.names),
      description: Self.description(arguments, plan))
    let shown = address.isEverywhere ? "\(hostName):\(port)" : address.text
    // A token that somebody wrote down is not printed.
    let query = page.tokenFile == nil ? token.map { "?token=" + $0 } ?? "" : "?token=..."
    text = "http://\(shown)/\(token == nil ? "" : query)"
  }

  private static func description(_ arguments: Arguments, _ plan: Plan) -> LiveDescription {
    let name = String(
      decoding: arguments.model.utf8.split(separator: UInt8(ascii: "/")).last ?? [], as: UTF8.self)
    let colours = (0..<Palette.count).map { "\"\(Palette.colour(of: $0).hexadecimalText)\"" }
    let orientation = arguments.orientation ?? .exif
    return LiveDescription(
      plan: "{\"model\":\(jsonText(name)),\"task\":\"\(plan.task.name)\","
        + "\"threshold\":\(fixed(Double(arguments.threshold ?? ResultFilter.shownScore), 6)),"
        + "\"orientation\":\"\(orientation.rawValue)\",\"colours\":[\(colours.joined(separator: ","))]}",
      labels: "version=\"\(lvtVersionNumber)\",model=\(jsonText(terminalText(name))),"
        + "plan=\"\(plan.hashText)\"")
  }

  /// 128 bits that nobody can guess, in hexadecimal digits.
  private static func randomToken() throws(LiveError) -> String {
    var bytes = [UInt8](repeating: 0, count: 16)
    let status = bytes.withUnsafeMutableBytes { lvt_random($0.baseAddress, $0.count) }
    guard status == 0 else { throw .system(reason: String(cString: lvt_error_text(status))) }
    return hexadecimal(bytes)
  }

  /// The first line of a file.
  private static func token(in file: String) throws(LiveError) -> String {
    var bytes = [UInt8](repeating: 0, count: 257)
    let count = bytes.withUnsafeMutableBytes { lvt_read_start(file, $0.baseAddress, $0.count) }
    guard count >= 0 else {
      throw .token(file: file, reason: String(cString: lvt_error_text(Int32(count))))
    }
    let line = bytes.prefix(count).prefix { $0 != 0x0A && $0 != 0x0D }
    let isPlain = line.allSatisfy { byte in
      let isDigit = (0x30...0x39).contains(byte)
      let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      return isDigit || isLetter || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }
    guard isPlain, (16...256).contains(line.count) else {
      throw .token(
        file: file,
        reason: "expected a first line of 16 to 256 letters, digits, - and _")
    }
    return String(decoding: line, as: UTF8.self)
  }
}
