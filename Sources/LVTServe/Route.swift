// SPDX-License-Identifier: Apache-2.0

/// What can be asked of a server.
enum Route {
  case page, script, style, stream, snapshot, events, everything, metrics

  /// What a path is; nil for anything else.
  init?(path: String) {
    for (known, route) in Self.all where path.utf8.elementsEqual(known.utf8) {
      self = route
      return
    }
    return nil
  }

  private static let all: [(path: String, route: Route)] = [
    ("/", .page), ("/page.js", .script), ("/page.css", .style), ("/stream.mjpg", .stream),
    ("/snapshot.jpg", .snapshot), ("/events", .events), ("/events/all", .everything),
    ("/metrics", .metrics),
  ]

  /// Whether a token is needed: for all but what is alike everywhere, which the page loads without one.
  var isSecret: Bool { self != .script && self != .style }
}
