internal import PhaseDB

#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A folder for the output of programs. It follows no links, and overwrites only files of an earlier run.
///
/// The folder may come from another person's repository. A link in it, or in its place, would let that person choose
/// which of the user's files is overwritten.
///
/// It has unsafe expressions because openat(2) and similar calls take pointers to C strings.
struct LogFolder: Sendable {
  let path: String
  private let descriptor: FileDescriptor

  /// Makes the folder if it does not exist.
  ///
  /// - Throws: `output-failed` when something else has its name.
  init(_ path: String) throws(MigrationError) {
    self.path = path
    // With a slash at its end, the name of a link would mean the folder that it points to.
    var name = path[...]
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    let folder = String(name)
    var status = stat()
    if unsafe lstat(folder, &status) != 0, errno == ENOENT { try NewFiles.makeFolder(folder) }
    descriptor = FileDescriptor(
      number: unsafe open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
    guard descriptor.number < 0 else { return }
    let reason = FileDescriptor.Failure(code: errno).message
    let isLink = unsafe lstat(folder, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    throw Self.refused(folder, isLink ? "it is a symbolic link" : "\(reason)")
  }

  /// Refuses, before anything runs, names that something other than a file has.
  ///
  /// - Throws: `output-failed`.
  func refuseTaken(_ names: [String]) throws(MigrationError) {
    for name in names {
      var status = stat()
      guard unsafe fstatat(descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
      let what: Prose? =
        switch status.st_mode & S_IFMT {
        case S_IFREG: nil
        case S_IFLNK: "it is a symbolic link"
        case S_IFDIR: "it is a folder"
        default: "it is not a file"
        }
      if let what { throw Self.refused(Location.joined(path, name), what) }
    }
  }

  /// Makes a file of mode 0600 that replaces one of an earlier run. Other links to the old file keep its content.
  ///
  /// - Throws: `output-failed`.
  func makeFile(_ name: String) throws(MigrationError) -> FileDescriptor {
    try refuseTaken([name])
    _ = unsafe unlinkat(descriptor.number, name, 0)
    let file = FileDescriptor(
      number: unsafe openat(
        descriptor.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600))
    guard file.number >= 0 else {
      throw Self.refused(Location.joined(path, name), "\(FileDescriptor.Failure(code: errno).message)")
    }
    return file
  }

  private static func refused(_ path: String, _ why: Prose) -> MigrationError {
    MigrationError(
      .outputFailed, "the command's output cannot go to \(path): \(why)", state: "it was not changed",
      help: ["remove it, or name another folder: --logs DIR"])
  }
}
