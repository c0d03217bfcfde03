#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Notices whether a file is read while another program runs. Opening it does not count, because a connection without
/// a query does not read the schema. SQLite reads the header of a file first, even if it maps the file into memory.
///
/// On Linux the kernel reports it (inotify(7)). Elsewhere, and without a watch, the time of the last access tells, on
/// file systems that record it. That time is set back first, because some file systems update it only when it is older
/// than the last change. It has unsafe expressions because these calls take C strings and pointers.
struct OpenWatch: ~Copyable {
  private let path: String
  /// A descriptor of inotify, nil without one.
  private let events: Int32?
  private let canTellByTime: Bool

  init(_ path: String) {
    self.path = path
    events = Self.watch(path)
    canTellByTime = events == nil && AccessTime.isKept(besides: path) && AccessTime.setBack(path)
  }

  deinit {
    if let events { close(events) }
  }

  /// Whether the file was read since the watch began; nil when that is unknown.
  func wasOpened() -> Bool? {
    if let events {
      var bytes = [UInt8](repeating: 0, count: 4_096)
      return unsafe read(events, &bytes, bytes.count) > 0
    }
    return canTellByTime ? !AccessTime.isSetBack(path) : nil
  }

  private static func watch(_ path: String) -> Int32? {
    #if canImport(Glibc)
      let events = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
      guard events >= 0 else { return nil }
      guard unsafe inotify_add_watch(events, path, UInt32(IN_ACCESS)) >= 0 else {
        close(events)
        return nil
      }
      return events
    #else
      return nil
    #endif
  }
}

/// The time of the last access to a file.
private enum AccessTime {
  /// Before every change of any file.
  private static let longAgo = 1

  /// Whether the file system updates an access time that was set back, tried with a file in the same folder.
  static func isKept(besides path: String) -> Bool {
    let probe = "\(path).probe"
    let file = unsafe open(probe, O_RDWR | O_CREAT | O_EXCL, 0o600)
    guard file >= 0 else { return false }
    defer {
      close(file)
      unsafe unlink(probe)
    }
    var byte: UInt8 = 0
    guard unsafe write(file, &byte, 1) == 1, setBack(probe) else { return false }
    return unsafe pread(file, &byte, 1, 0) == 1 && !isSetBack(probe)
  }

  /// Sets the time of the last access back, and keeps that of the last change.
  static func setBack(_ path: String) -> Bool {
    guard let (_, changed) = times(of: path) else { return false }
    let times = [timespec(tv_sec: longAgo, tv_nsec: 0), changed]
    return unsafe utimensat(AT_FDCWD, path, times, 0) == 0
  }

  static func isSetBack(_ path: String) -> Bool { times(of: path)?.accessed.tv_sec == longAgo }

  private static func times(of path: String) -> (accessed: timespec, changed: timespec)? {
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { return nil }
    #if canImport(Darwin)
      return (status.st_atimespec, status.st_mtimespec)
    #else
      return (status.st_atim, status.st_mtim)
    #endif
  }
}
