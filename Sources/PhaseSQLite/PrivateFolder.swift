#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A new folder that nobody but its owner can look into, removed with the files in it when it goes out of scope.
///
/// A process that is killed leaves its folder behind. The next one that makes one in the same place removes it: a
/// folder in use is locked, and the lock goes with the process (man 2 flock).
@safe package final class PrivateFolder {
  package let path: String
  private let descriptor: Int32

  /// - Parameters:
  ///   - parent: the folder to make it in.
  ///   - prefix: what its name begins with.
  package init(in parent: String, prefix: String) throws(FileReading.Failure) {
    PrivateFolder.removeAbandoned(in: parent, prefix: prefix)
    // Made with mode 0700, under a name that was free (man 3 mkdtemp).
    var template = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
    let made = unsafe template.withUnsafeMutableBufferPointer { buffer -> String? in
      guard let base = buffer.baseAddress, let name = unsafe mkdtemp(base) else { return nil }
      return unsafe String(cString: name)
    }
    guard let made else { throw .current }
    path = made
    descriptor = unsafe open(made, O_RDONLY | O_CLOEXEC)
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX | LOCK_NB) }
  }

  deinit {
    PrivateFolder.remove(path)
    if descriptor >= 0 { close(descriptor) }
  }

  /// Makes an empty file with mode 0600, whatever the umask says.
  ///
  /// - Returns: its path.
  package func makeFile(_ name: String) throws(FileReading.Failure) -> String {
    let file = "\(path)/\(name)"
    let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .current }
    close(descriptor)
    return file
  }

  /// The bytes of a file in it, 0 when there is no such file.
  package func size(of name: String) -> Int {
    var status = stat()
    return unsafe stat("\(path)/\(name)", &status) == 0 ? Int(status.st_size) : 0
  }

  /// Writes a file that only its owner may read, in the place of one that is there, and all of it or nothing.
  package static func write(_ text: String, to path: String) throws(FileReading.Failure) {
    let draft = path + ".partial"
    unsafe unlink(draft)
    let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .current }
    let bytes = Array(text.utf8)
    var written = 0
    while written < bytes.count {
      let count = unsafe bytes[written...].withUnsafeBytes {
        unsafe systemWrite(descriptor, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { break }
      written += count
    }
    let isSynced = written == bytes.count && fsync(descriptor) == 0
    let isDone = isSynced ? unsafe rename(draft, path) == 0 : false
    let failure: FileReading.Failure? = isDone ? nil : .current
    close(descriptor)
    guard let failure else { return }
    unsafe unlink(draft)
    throw failure
  }

  private static func remove(_ path: String) {
    for entry in (try? FileReading.entries(of: path)) ?? [] { unsafe unlink("\(path)/\(entry.name)") }
    unsafe rmdir(path)
  }

  private static func removeAbandoned(in parent: String, prefix: String) {
    for entry in (try? FileReading.entries(of: parent)) ?? []
    where entry.kind == .folder && entry.name.hasPrefix(prefix) {
      let path = "\(parent)/\(entry.name)"
      var status = stat()
      // Not one that somebody has made and not locked yet, nor anybody else's.
      guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
        time(nil) - Int(status.written.tv_sec) > 60
      else { continue }
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { continue }
      if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { remove(path) }
      close(descriptor)
    }
  }
}

/// Not shadowed by the method of the same name.
private let systemWrite = unsafe write
