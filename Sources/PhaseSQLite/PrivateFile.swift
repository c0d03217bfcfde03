#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A file that only its owner may read, whatever the umask is. It gets its name, in the place of a file that has it, once
/// it is whole and on the disk; until then it is beside it, and it is removed when it goes out of scope.
@safe package final class PrivateFile {
  private let path: String
  private let descriptor: Int32
  private var waiting: [UInt8] = []
  private var isDone = false

  package init(_ path: String) throws(FileReading.Failure) {
    self.path = path
    // What a run that was killed left there.
    unsafe unlink(path + Self.suffix)
    descriptor = unsafe open(path + Self.suffix, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .current }
  }

  private static let suffix = ".partial"

  package func write(_ text: String) throws(FileReading.Failure) {
    waiting += text.utf8
    if waiting.count >= 65_536 { try flush() }
  }

  private func flush() throws(FileReading.Failure) {
    var written = 0
    while written < waiting.count {
      let count = unsafe waiting[written...].withUnsafeBytes {
        unsafe systemWrite(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .current }
      written += count
    }
    waiting = []
  }

  /// Gives it its name, or another one in the same folder.
  package func finish(as name: String? = nil) throws(FileReading.Failure) {
    try flush()
    guard fsync(descriptor) == 0, unsafe rename(path + Self.suffix, name ?? path) == 0 else { throw .current }
    isDone = true
    // A folder that may be written and not read has the file all the same.
    try? FileDurability.synchronize(FileDurability.folder(of: path))
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    if !isDone { unsafe unlink(path + Self.suffix) }
  }
}

/// Not shadowed by the method of the same name.
private let systemWrite = unsafe write
