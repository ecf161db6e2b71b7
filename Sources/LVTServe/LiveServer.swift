// SPDX-License-Identifier: Apache-2.0
internal import CLVTSystem
public import LVTCapture

/// Shows the frames of a stream, and what was found in them, to browsers and other programs.
///
/// | path | what |
/// |---|---|
/// | `/` | a page with the live picture, over which it draws the results |
/// | `/stream.mjpg` | the pictures, one JPEG after the other (`multipart/x-mixed-replace`) |
/// | `/snapshot.jpg` | the next picture |
/// | `/events` | the lines of results, as server-sent events |
/// | `/events/all` | the same with objects of any score, which the page reads |
/// | `/metrics` | counts and times in Prometheus' text form |
///
/// A thread of its own does all the work, on the newest frame that there is: who publishes frames never
/// waits for it, nor does it for a viewer. JPEGs are handed on as they came; pixels are encoded once for
/// all viewers, while there are any.
public final class LiveServer {
  private let channel: LiveChannel
  private let service: LiveService
  private var thread: OpaquePointer?
  private var spare = Publication()

  /// A server, which listens from now on.
  ///
  /// - Throws: ``LiveError``
  public init(
    at address: ListenAddress, access: Access, description: LiveDescription
  ) throws(LiveError) {
    do throws(CaptureError) { channel = try LiveChannel() } catch {
      throw .system(reason: error.description)
    }
    service = try LiveService(channel, address, access, description)
    let status = lvt_thread_start(
      { context in
        guard let context else { return }
        Unmanaged<LiveService>.fromOpaque(context).takeUnretainedValue().run()
      }, Unmanaged.passUnretained(service).toOpaque(), &thread)
    guard status == 0 else {
      throw .system(reason: String(cString: lvt_thread_error_text(status)))
    }
  }

  /// Ends all answers.
  deinit {
    channel.end.raise()
    lvt_thread_join(thread)
  }

  /// What somebody reads now; only that has to be published.
  public var wishes: LiveWishes { channel.currentWishes }

  /// Shows a frame.
  ///
  /// - Parameters:
  ///   - picture: A copy of it is taken; nil where nobody looks.
  ///   - line: A JSON object in one line; nil where nobody reads it.
  ///   - everything: The same with all that was found.
  ///   - seconds: When the frame was taken, since 1970.
  ///   - totals: Counts and times of all frames up to this one.
  public func publish(
    _ picture: Frame.Content?, line: String?, everything: String?, seconds: String,
    totals: LiveTotals
  ) {
    spare.copy(picture)
    spare.line = line
    spare.everything = everything
    spare.seconds = seconds
    spare.totals = totals
    spare = channel.mailbox.exchange(spare)
    lvt_event_raise(channel.news)
  }
}

/// What a server tells of the plan.
public struct LiveDescription: Sendable {
  /// A JSON object in one line, for the page: `"model"`, `"task"` (`classes`, `objects`, `pixels` or `features`),
  /// `"threshold"`, `"orientation"` (`exif` or `ignore`) and `"colours"`, of classes.
  public var plan: String
  /// The labels of `lvt_info`, as in `version="1.0",model="m.lvt"`.
  public var labels: String

  /// A description.
  public init(plan: String, labels: String) {
    self.plan = plan
    self.labels = labels
  }
}

/// Why there is no server.
public enum LiveError: Error, Equatable, CustomStringConvertible {
  /// The address is none of this machine's, or taken.
  case listen(address: String, reason: String)
  /// A file that should hold a token.
  case token(file: String, reason: String)
  /// There is not the memory, or no thread.
  case system(reason: String)

  /// What could not be done, in a line.
  public var description: String {
    switch self {
    case .listen(let address, let reason): "cannot listen on \(address): \(reason)"
    case .token(let file, let reason): "\(file): \(reason)"
    case .system(let reason): "cannot serve: \(reason)"
    }
  }
}
