internal import Dispatch
internal import Synchronization

/// Reads a folder of migrations on other threads, while the calling thread works on.
final class CatalogReading: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<(catalog: Catalog?, problems: [MigrationError])>((nil, []))

  /// Starts to read.
  init(folder: String) {
    DispatchQueue.global().async(group: group) { [self] in
      let read = Catalog.readable(folder: folder)
      result.withLock { $0 = read }
    }
  }

  /// What could be read, and what is wrong with the rest, as soon as it is known.
  func finish() -> (catalog: Catalog?, problems: [MigrationError]) {
    group.wait()
    return result.withLock { $0 }
  }
}
