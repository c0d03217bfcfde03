internal import PhaseDB

/// Writes text to standard output or standard error, and remembers when that stopped to work.
///
/// It takes nothing but `Prose`, so that text from outside cannot come here without having been escaped.
final class Output {
  private let descriptor: FileDescriptor
  /// What went wrong first; nothing is written after it.
  private(set) var failure: FileDescriptor.Failure?

  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Whether the reader went away, as `head` does. No reason to complain: it has read what it wanted.
  var isClosed: Bool { failure?.isClosedPipe ?? false }

  /// Whether something was lost that somebody still wanted, as on a full disk.
  var hasFailed: Bool { failure != nil && !isClosed }

  func write(_ text: Prose) {
    guard failure == nil else { return }
    do throws(FileDescriptor.Failure) {
      try descriptor.write(Array(text.description.utf8))
    } catch {
      failure = error
    }
  }

  /// Writes the text and a line end.
  func line(_ text: Prose = "") { write(text + "\n") }
}
