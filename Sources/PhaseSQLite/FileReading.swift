#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Reads folders and whole files by POSIX alone: every command reads the whole folder of migrations, and Foundation
/// takes several times as long for that.
package enum FileReading {
  package struct Entry: Sendable, Hashable {
    package enum Kind: Sendable { case folder, file, other }

    package let name: String
    /// What the entry is, with links followed.
    package let kind: Kind
    /// Whether it is a symbolic link.
    package let isLink: Bool
  }

  package enum Failure: Error, Hashable {
    /// The system's error number and its words.
    case system(Int32, String)
    case notAFile
    case tooLarge(bytes: Int)
    /// A folder has more entries than were asked for.
    case tooMany

    /// Whether nothing is at the path.
    package var isMissing: Bool {
      if case .system(ENOENT, _) = self { true } else { false }
    }

    /// Whether something else than a folder is at the path.
    package var isNoFolder: Bool {
      if case .system(ENOTDIR, _) = self { true } else { false }
    }

    static var current: Failure {
      let number = errno
      let words = unsafe strerror(number).map { unsafe String(cString: $0) } ?? "error \(number)"
      return .system(number, words)
    }
  }

  /// The entries of a folder, in the order of their names' bytes.
  ///
  /// - Parameter limit: a folder of more entries is given up, before all of them are read.
  package static func entries(of path: String, limit: Int = .max) throws(Failure) -> [Entry] {
    guard let folder = unsafe opendir(path) else { throw .current }
    defer { unsafe closedir(folder) }
    var entries: [Entry] = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
        unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
      }
      if name == "." || name == ".." { continue }
      guard entries.count < limit else { throw .tooMany }
      let type = unsafe Int32(entry.pointee.d_type)
      let kind: Entry.Kind? =
        switch type {
        case Int32(DT_DIR): .folder
        case Int32(DT_REG): .file
        case Int32(DT_LNK), Int32(DT_UNKNOWN): nil
        default: .other
        }
      let isLink =
        type == Int32(DT_LNK) || type == Int32(DT_UNKNOWN) && linkTarget(of: "\(path)/\(name)") != nil
      entries.append(Entry(name: name, kind: kind ?? self.kind(of: "\(path)/\(name)"), isLink: isLink))
    }
    return entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The bytes of a file that one read returns whole; nil for a longer one.
  private static func wholeOfSmallFile(_ file: Int32, limit: Int) -> [UInt8]? {
    return unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 16) { buffer in
      // Does not move on in the file, and fails on a pipe.
      let count = unsafe pread(file, buffer.baseAddress, buffer.count, 0)
      return unsafe count >= 0 && count < buffer.count && count <= limit ? Array(buffer[..<count]) : nil
    }
  }

  /// The bytes of a file.
  ///
  /// - Parameter limit: a file of more bytes is refused before any of it is read.
  package static func bytes(of path: String, limit: Int) throws(Failure) -> [UInt8] {
    // Without O_NONBLOCK opening a named pipe would wait for a writer.
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw .current }
    defer { close(file) }
    // Nearly every file of a folder of migrations fits into one read, and needs no question about its size first.
    if let whole = wholeOfSmallFile(file, limit: limit) { return whole }
    var status = stat()
    guard unsafe fstat(file, &status) == 0 else { throw .current }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    let size = Int(status.st_size)
    guard size <= limit else { throw .tooLarge(bytes: size) }
    var failure: Failure?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      while filled < size, let base = buffer.baseAddress {
        let count = unsafe read(file, base + filled, size - filled)
        if count < 0, errno == EINTR { continue }
        if count < 0 { failure = .current }
        if count <= 0 { break }
        filled += count
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// How many bytes a user may still write to the file system of a path; nil when the system does not say (statvfs(3)).
  package static func freeBytes(at path: String) -> Int64? {
    var system = statvfs()
    guard unsafe statvfs(path, &system) == 0 else { return nil }
    return Int64(clamping: UInt64(system.f_bavail) * UInt64(system.f_frsize))
  }

  /// How long ago a file was written, by the system's clock; nil when there is no file.
  package static func age(of path: String) -> Duration? {
    var (status, now) = (stat(), timespec())
    guard unsafe stat(path, &status) == 0, unsafe clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
    let written = status.written
    let age =
      Duration.seconds(now.tv_sec - written.tv_sec) + .nanoseconds(now.tv_nsec - written.tv_nsec)
    return max(.zero, age)
  }

  /// Whether anything is at the path, a link to a missing file included.
  package static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  /// Where a symbolic link leads; nil for anything else.
  package static func linkTarget(of path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe buffer.withUnsafeMutableBytes { bytes in
      unsafe bytes.withMemoryRebound(to: CChar.self) {
        unsafe $0.baseAddress.map { unsafe readlink(path, $0, bytes.count) } ?? -1
      }
    }
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }

  /// Whether this process may write to a file or into a folder, as far as the system says beforehand.
  package static func mayWrite(_ path: String) -> Bool {
    unsafe faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0
  }

  /// Whether this process may read a file.
  package static func mayRead(_ path: String) -> Bool {
    unsafe faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0
  }

  /// Identifies a file and its state: another file, or the same one after a write, has another mark.
  package struct Mark: Sendable, Hashable {
    package let device: UInt64
    package let inode: UInt64
    package let bytes: Int
    private let seconds: Int
    private let nanoseconds: Int

    fileprivate init(_ status: stat) {
      device = UInt64(truncatingIfNeeded: status.st_dev)
      inode = UInt64(truncatingIfNeeded: status.st_ino)
      bytes = Int(status.st_size)
      (seconds, nanoseconds) = (Int(status.written.tv_sec), Int(status.written.tv_nsec))
    }
  }

  /// The mark of a regular file; nil for anything else, a symbolic link included.
  package static func mark(of path: String) -> Mark? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Mark(status)
  }

  private static func kind(of path: String) -> Entry.Kind {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return .other }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .folder
    case S_IFREG: return .file
    default: return .other
    }
  }
}

extension stat {
  /// When the file was last written.
  var written: timespec {
    #if canImport(Darwin)
      st_mtimespec
    #else
      st_mtim
    #endif
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

  /// Reads a whole file without holding all of it in memory.
  ///
  /// - Parameter take: gets a buffer and the number of bytes in it; false ends the reading.
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
  /// The system's error message.
  package var reason: String {
    switch self {
    case .system(_, let words): words
    case .notAFile: "it is not a file"
    case .tooLarge: "it is too large"
    case .tooMany: "it has too many entries"
    }
  }

  /// Whether something is under the name already.
  package var isTaken: Bool { if case .system(EEXIST, _) = self { true } else { false } }
}
