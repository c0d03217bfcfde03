import Foundation

/// Every file of a site with its bytes: equal before and after, nothing was written.
struct SiteFiles: Hashable {
  private let bytes: [String: Data]

  init(of site: Site) {
    // The index of a write-ahead log is memory that two processes share, and holds no data.
    let names = (FileManager.default.subpaths(atPath: site.path("")) ?? []).filter { !$0.hasSuffix("-shm") }
    bytes = Dictionary(
      uniqueKeysWithValues: names.map { ($0, FileManager.default.contents(atPath: site.path($0)) ?? Data()) })
  }
}
