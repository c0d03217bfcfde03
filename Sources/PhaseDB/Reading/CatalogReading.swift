internal import Dispatch
internal import Synchronization

/// A folder of migrations that is being read on other threads while this one does something else.
final class CatalogReading: Sendable {
  private let group = DispatchGroup()
  private let result = Mutex<Result<Catalog, MigrationError>?>(nil)

  /// Starts to read.
  init(folder: String) {
    DispatchQueue.global().async(group: group) { [self] in
      let read = Result { () throws(MigrationError) in try Catalog(folder: folder) }
      result.withLock { $0 = read }
    }
  }

  /// What was read, as soon as it is.
  ///
  /// - Throws: what reading the folder throws.
  func catalog() throws(MigrationError) -> Catalog {
    group.wait()
    guard let result = result.withLock({ $0 }) else {
      throw MigrationError(.folderUnreadable, "the folder of migrations was not read")
    }
    return try result.get()
  }
}
