internal import PhaseDB

/// Writes text to standard output or standard error, and remembers the first failure.
///
/// It accepts only `Prose`, so that text from outside is always escaped.
final class Output {
  private let descriptor: FileDescriptor?
  /// All of it, where it goes to no descriptor.
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
