// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
internal import LVT
internal import LVTCapture

/// Where frames come from.
enum FrameSource {
  case pipe(FramePipe, hint: String?)
  case camera(Camera, said: String)

  /// The source that the command line asks for: a camera, or standard input.
  ///
  /// Of a pipe the newest frame counts; of a file every one does.
  init(_ arguments: Arguments, _ stop: StopEvent) throws(CaptureError) {
    guard let path = arguments.camera else {
      let isLive = !arguments.allFrames && !lvt_is_regular(0)
      self = .pipe(
        try FramePipe(
          descriptor: 0, layout: try arguments.layout(),
          colour: arguments.colour ?? ColourRequest(), isLive: isLive, stop: stop),
        hint: arguments.strideHint)
      return
    }
    var request = CameraRequest()
    if let size = arguments.size { (request.width, request.height) = size }
    request.rate = arguments.rate
    request.encoding = arguments.encoding
    if let colour = arguments.colour { request.colour = colour }
    let camera = try Camera(path: path, request: request, stop: stop)
    var said = "\(path): \(camera.name), \(camera.encoding.name) \(camera.width)×\(camera.height)"
    if camera.rate > 0 { said += ", \(camera.rate) a second" }
    let differs =
      camera.width != request.width || camera.height != request.height
      || request.encoding.map { $0 != camera.encoding } ?? false
    if differs {
      said += " (asked for \(request.encoding?.name ?? "any") \(request.width)×\(request.height))"
    }
    self = .camera(camera, said: said)
  }

  /// What was agreed with a camera.
  var text: String? {
    if case .camera(_, let said) = self { return said }
    return nil
  }

  /// What may be wrong about a pipe that has frames.
  var hint: String? {
    if case .pipe(_, let hint) = self { return hint }
    return nil
  }

  func next() throws(CaptureError) -> Frame? {
    switch self {
    case .pipe(let pipe, _): try pipe.next()
    case .camera(let camera, _): try camera.next()
    }
  }

  var losses: FrameLosses {
    switch self {
    case .pipe(let pipe, _): pipe.losses
    case .camera(let camera, _): camera.losses
    }
  }
}
