@testable import PhaseDB

#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// A file of settings that is written over and over.
enum SettingsBench {
  static let name = "phasedb-fuzz-\(getpid()).json"
  private static let path = unsafe access("/dev/shm", W_OK) == 0 ? "/dev/shm/\(name)" : "/tmp/\(name)"

  /// - Returns: the file's path.
  static func file(holding text: String) throws(MigrationError) -> String {
    guard let file = unsafe fopen(path, "w") else { throw MigrationError(.fileUnreadable, "\(name)") }
    defer { unsafe fclose(file) }
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, file) }
    return path
  }

  static func remove() { _ = unsafe unlink(path) }
}
