// SPDX-License-Identifier: Apache-2.0
internal import LVTServe

/// What the command line says about the live page.
struct PageArguments: Equatable {
  /// Nil: there is none.
  var port: Int?
  /// Nil: this machine's own programs alone can connect.
  var address: String?
  var tokenFile: String?
  var needsNoToken = false
  var names: [String] = []

  func check() throws(UsageError) {
    guard let port else {
      if self != PageArguments() {
        throw UsageError("--listen, --token-file, --no-token and --host are for --serve")
      }
      return
    }
    if let address, ListenAddress(host: address, port: port) == nil {
      throw UsageError(
        "--listen: expected a numeric address of this machine, as in 192.168.1.20 or 0.0.0.0, "
          + "found '\(address)'")
    }
    if needsNoToken, tokenFile != nil {
      throw UsageError("expected one of --token-file and --no-token")
    }
  }
}
