#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Makes files that exist whole, also after a crash, or not at all.
package enum FileDurability {
  /// Gives a finished draft a second name, the final one. An existing file of that name stays.
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

  /// Makes a folder that only its owner may enter, unless there is one.
  package static func makeFolder(_ path: String) throws(FileReading.Failure) {
    guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .current }
  }

  package static func remove(_ path: String) { unsafe unlink(path) }

  /// The last part of a path.
  package static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  /// The folder of a path.
  package static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}
