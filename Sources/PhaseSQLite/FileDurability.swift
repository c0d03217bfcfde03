#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Files that are there whole, after a crash too, or not at all.
package enum FileDurability {
  /// Gives a finished draft its name, beside the one that it has. What is under the name already stays.
  ///
  /// - Parameter mode: who may do what with the file, as in 0o640.
  /// - Throws: `EEXIST` as a failure of the system when the name is taken, and what else the system says.
  package static func place(
    _ draft: String, as path: String, mode: Int
  ) throws(FileReading.Failure) {
    try change(draft, mode: mode)
    // A rename would replace what another one put there.
    if unsafe link(draft, path) != 0 {
      guard errno != EEXIST else { throw .current }
      // A file system without such links: first a name that this call itself made, so that no other process has it.
      let claim = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      guard claim >= 0 else { throw .current }
      close(claim)
      guard unsafe rename(draft, path) == 0 else {
        let failure = FileReading.Failure.current
        unsafe unlink(path)
        throw failure
      }
    }
    try synchronize(folder(of: path))
  }

  private static func change(_ path: String, mode: Int) throws(FileReading.Failure) {
    let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current }
    defer { close(descriptor) }
    guard fchmod(descriptor, mode_t(mode & 0o777)) == 0, fsync(descriptor) == 0 else { throw .current }
  }

  /// A new name is durable once its folder is (man 2 fsync).
  package static func synchronize(_ folder: String) throws(FileReading.Failure) {
    let descriptor = unsafe open(folder, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .current }
    defer { close(descriptor) }
    // Some file systems cannot do that for folders, and say so.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw .current }
  }

  package static func remove(_ path: String) { unsafe unlink(path) }

  /// What a path calls the thing in its folder.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// The folder that a path is in.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension FileReading {
  /// A path from the root, without links in it.
  package static func absolute(_ path: String) throws(Failure) -> String {
    guard let resolved = unsafe realpath(path, nil) else { throw .current }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// Who may do what with a file, as in 0o640.
  package static func mode(of path: String) throws(Failure) -> Int {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw .current }
    return Int(status.st_mode & 0o777)
  }

  /// Reads a file from its beginning to its end without holding all of it.
  ///
  /// - Parameter take: gets a buffer and how many bytes at its beginning are the next ones; false ends the reading.
  /// - Returns: how many bytes there were.
  package static func pieces(
    of path: String, _ take: (_ buffer: [UInt8], _ count: Int) -> Bool
  ) throws(Failure) -> Int {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .current }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    var total = 0
    while true {
      let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .current }
      guard count > 0, take(buffer, count) else { return total }
      total += count
    }
  }
}

extension FileReading.Failure {
  /// What the system says.
  package var reason: String {
    switch self {
    case .system(_, let words): words
    case .notAFile: "it is not a file"
    case .tooLarge: "it is too large"
    }
  }

  /// Whether something is under the name already.
  package var isTaken: Bool { if case .system(EEXIST, _) = self { true } else { false } }
}
