import Foundation

@testable import PhaseDBCommand

extension Shell {
  /// Where the shell is installed, nil when it is not.
  var path: String? {
    ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"].map { "\($0)/\(rawValue)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  var isInstalled: Bool { path != nil }

  /// Runs commands in the shell, without the user's own start-up files.
  ///
  /// - Returns: the lines of standard output, those of standard error, and the exit status.
  func run(_ commands: String, options: [String] = [], in folder: URL? = nil) throws -> ShellResult {
    let quiet =
      switch self {
      case .bash: ["--noprofile", "--norc"]
      case .zsh: ["-f"]
      case .fish: ["--no-config"]
      }
    let outcome = try RunningProgram(
      path ?? rawValue, quiet + options + ["-c", commands],
      in: (folder ?? FileManager.default.temporaryDirectory).path(percentEncoded: false),
      environment: ProcessInfo.processInfo.environment
    ).outcome()
    let lines = { (text: String) in text.split(separator: "\n").map(String.init) }
    return ShellResult(output: lines(outcome.output), error: lines(outcome.errors), status: outcome.code)
  }
}

struct ShellResult: Hashable {
  let output: [String]
  let error: [String]
  let status: Int32
}

/// Makes a folder with these files (a trailing slash makes a folder) for as long as the body runs.
func withFolder<Result>(_ files: [String: String], _ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "phasedb-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  for (name, text) in files {
    let url = folder.appending(path: name)
    if name.hasSuffix("/") {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } else {
      try Data(text.utf8).write(to: url)
    }
  }
  return try body(folder)
}
