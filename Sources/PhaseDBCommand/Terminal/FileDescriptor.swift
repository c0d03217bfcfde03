internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A file descriptor of this process, 1 for data and 2 for everything else.
///
/// It has unsafe expressions because write(2) and ioctl(2) take pointers. Foundation's file handles neither distinguish
/// a closed pipe from a full disk nor know how wide a terminal is.
struct FileDescriptor: Sendable, Hashable {
  let number: Int32

  static let output = FileDescriptor(number: 1)
  static let error = FileDescriptor(number: 2)

  /// Makes writing to a closed pipe an error (EPIPE) instead of the end of the process. To be called at start.
  static func ignoreClosedPipes() { _ = signal(SIGPIPE, SIG_IGN) }

  /// An error number of errno(3).
  struct Failure: Error, Hashable {
    let code: Int32
    var isClosedPipe: Bool { code == EPIPE }
    var message: String { unsafe String(cString: strerror(code)) }
  }

  /// Writes all the bytes, however many calls it takes.
  func write(_ bytes: [UInt8]) throws(Failure) {
    var start = 0
    while start < bytes.count {
      let (count, code) = unsafe bytes[start...].withUnsafeBytes { rest in
        unsafe (systemWrite(number, rest.baseAddress, rest.count), errno)
      }
      if count >= 0 {
        start += count
      } else if code == EAGAIN {
        // The descriptor is shared with a process that made it non-blocking: wait until it takes more.
        var wanted = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
        _ = unsafe poll(&wanted, 1, -1)
      } else if code != EINTR {
        throw Failure(code: code)
      }
    }
  }

  /// Whether reading would return at once, because bytes are there or the other end is closed.
  ///
  /// - Parameter milliseconds: how long to wait for that; less than 0 waits as long as it takes.
  func isReady(within milliseconds: Int32) -> Bool {
    var wanted = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    while true {
      let count = unsafe poll(&wanted, 1, milliseconds)
      if count >= 0 { return count > 0 }
      // A signal that asks for a stop is looked at by the caller.
      guard errno == EINTR, milliseconds < 0 else { return false }
    }
  }

  /// Reads once; nothing at the end or after a failure.
  func read(upTo limit: Int) -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: limit)
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe systemRead(number, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      return Array(buffer.prefix(max(0, count)))
    }
  }

  func close() { _ = systemClose(number) }

  var isTerminal: Bool { isatty(number) == 1 }

  /// How many columns the terminal has; nil when it is no terminal or the number is unknown.
  var columns: Int? {
    var size = winsize()
    guard unsafe ioctl(number, .init(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
    return Int(size.ws_col)
  }
}

/// Not shadowed by the methods of the same names.
private let systemWrite = unsafe write
private let systemRead = unsafe read
private let systemClose = close

/// Writes text to standard output or standard error, and remembers the first failure.
///
/// It accepts only `Prose`, so that text from outside is always escaped.
final class Output {
  private let descriptor: FileDescriptor?
  /// All that was written, if there is no descriptor.
  private(set) var kept = Prose()
  /// The first failure; nothing is written after it.
  private(set) var failure: FileDescriptor.Failure?

  /// - Parameter descriptor: nil to keep the text.
  init(_ descriptor: FileDescriptor?) { self.descriptor = descriptor }

  /// Whether the reader has closed the pipe, as `head` does. That is no error: it has read what it wanted.
  var isClosed: Bool { failure?.isClosedPipe ?? false }

  /// Whether output was lost, as on a full disk.
  var hasFailed: Bool { failure != nil && !isClosed }

  func write(_ text: Prose) {
    guard failure == nil else { return }
    guard let descriptor else {
      kept += text
      return
    }
    do throws(FileDescriptor.Failure) {
      try descriptor.write(Array(text.description.utf8))
    } catch {
      failure = error
    }
  }

  /// Writes the text and a line end.
  func line(_ text: Prose = "") { write(text + "\n") }
}
