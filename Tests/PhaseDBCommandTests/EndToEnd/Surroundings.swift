import Foundation

/// What the machine that runs the tests can do for them.
enum Surroundings {
  /// Whether a file can be made so that this user cannot write it.
  static let canProtect: Bool = {
    guard let site = try? Site(), (try? site.write("x", to: "file")) != nil else { return false }
    site.protect("file")
    return FileHandle(forWritingAtPath: site.path("file")) == nil
  }()

  /// Whether a file system in memory, with a size of its own, can be mounted.
  static let canMount: Bool = {
    guard let site = try? Site() else { return false }
    return (try? site.mount("disk", kilobytes: 64)) != nil
  }()

  /// Whether a folder can be mounted so that nobody can write in it.
  static let canMountReadOnly: Bool = {
    guard let site = try? Site(), (try? site.makeFolder("closed")) != nil else { return false }
    return (try? site.mountReadOnly("closed")) != nil
  }()

  /// Whether a library can be built and put before others.
  static let canPreload: Bool = {
    #if os(Linux)
      (try? Site().run("cc", "--version").code) == 0
    #else
      false
    #endif
  }()

  /// Whether `script` can give a program a terminal, in the way of util-linux.
  static let canGiveTerminal: Bool = {
    #if os(Linux)
      (try? Site().run("script", "--version").code) == 0
    #else
      false
    #endif
  }()
}

extension Site {
  /// Takes away the right to write a file or folder. For root, to whom permissions do not apply, it is made immutable,
  /// where the file system knows that.
  func protect(_ name: String) {
    let path = path(name)
    if geteuid() == 0 {
      _ = try? run("chattr", "+i", path)
      whenDone { Self.runAnywhere("chattr", "-i", path) }
    } else {
      let isFolder = (try? FileManager.default.contentsOfDirectory(atPath: path)) != nil
      try? FileManager.default.setAttributes(
        [.posixPermissions: isFolder ? 0o500 : 0o400], ofItemAtPath: path)
      whenDone { try? FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path) }
    }
  }

  private static func runAnywhere(_ words: String...) {
    _ = try? RunningProgram("/usr/bin/env", words, in: "/", environment: environment).outcome()
  }

  /// Mounts a file system of a size on a new folder.
  func mount(_ name: String, kilobytes: Int) throws {
    try makeFolder(name)
    let path = path(name)
    let outcome = try run("mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k", "tmpfs", path)
    guard outcome.code == 0 else { throw CocoaError(.featureUnsupported) }
    whenDone { Self.runAnywhere("umount", path) }
  }

  /// Lets nothing be written in a folder, also by root.
  func mountReadOnly(_ name: String) throws {
    let path = path(name)
    guard try run("mount", "--bind", path, path).code == 0 else { throw CocoaError(.featureUnsupported) }
    whenDone { Self.runAnywhere("umount", path) }
    guard try run("mount", "-o", "remount,bind,ro", path).code == 0 else {
      throw CocoaError(.featureUnsupported)
    }
  }

  /// Holds the lock of a database in a process of its own, until its input is closed.
  func holdLock(of database: String = "shop.db") throws -> RunningProgram {
    let holder = try RunningProgram(
      "/usr/bin/env", ["sqlite3", "-batch", "-bail", database], in: path(""),
      environment: Self.environment, takesInput: true)
    try holder.type("BEGIN EXCLUSIVE;")
    try holder.type(".system touch held")
    guard holder.reaches({ exists("held") }) else { throw CocoaError(.fileLocking) }
    try remove("held")
    return holder
  }
}
