import FaultVFS
import TestDice

/// A disk to which some of what was done has come, and some has not yet.
///
/// What is synced stays. Of what is not, a power cut leaves any part: a write may be there or not, or some of its
/// sectors; so may a truncation. Files that came and went since the folder was last synced did so in order, so that of
/// these a cut leaves the first few (sqlite.org/atomiccommit.html#hardware).
struct Disk {
  /// The smallest piece that a disk writes wholly or not at all.
  static let sector = 512

  private struct File {
    var bytes: [UInt8]
    var pending: [Change] = []
  }

  fileprivate enum Change {
    case write(offset: Int, [UInt8])
    case truncate(Int)
  }

  private enum Entry {
    case appears(String, inode: Int)
    case goes(String)
  }

  private var files: [Int: File]
  private var folder: [String: Int]
  private var entries: [Entry] = []
  var honesty = Honesty.honest

  /// What a disk does of what it says it has done, for the control.
  enum Honesty: CaseIterable {
    case honest
    /// Folders are never synced: a file that came or went may not have.
    case forgetsNames
    /// Nothing is ever synced.
    case forgetsEverything
  }

  /// - Parameter files: those that are there, in the order in which they will be opened.
  init(_ files: [(name: String, bytes: [UInt8])]) {
    self.files = [:]
    folder = [:]
    for (inode, file) in files.enumerated() {
      self.files[inode] = File(bytes: file.bytes)
      folder[file.name] = inode
    }
  }

  /// Does what was done.
  ///
  /// - Returns: false when nothing can have changed.
  mutating func apply(_ operation: Operation) -> Bool {
    switch operation {
    case .create(let name, let inode):
      files[inode] = File(bytes: [])
      entries.append(.appears(name, inode: inode))
    case .write(let inode, let offset, let bytes): files[inode]?.pending.append(.write(offset: offset, bytes))
    case .truncate(let inode, let size): files[inode]?.pending.append(.truncate(size))
    case .delete(let name, let isSynced):
      entries.append(.goes(name))
      if isSynced { settleFolder() }
    case .sync(let inode, let isFolder):
      guard honesty != .forgetsEverything else { return false }
      if let file = files[inode] {
        files[inode] = File(bytes: Self.bytes(of: file) { _ in true })
      }
      if isFolder { settleFolder() }
    case .acknowledged: break
    }
    return true
  }

  private mutating func settleFolder() {
    guard honesty == .honest else { return }
    folder = entries(first: entries.count)
    entries = []
  }

  private func entries(first count: Int) -> [String: Int] {
    var folder = folder
    for entry in entries.prefix(count) {
      switch entry {
      case .appears(let name, let inode): folder[name] = inode
      case .goes(let name): folder[name] = nil
      }
    }
    return folder
  }
}

// MARK: - Images

/// The files that a cut leaves.
struct Image {
  let files: [(name: String, bytes: [UInt8])]

  /// Tells images apart.
  var hash: UInt64 {
    var hash: UInt64 = 1
    for file in files {
      hash = unsafe fault_hash(hash, file.name, file.name.utf8.count)
      hash = unsafe file.bytes.withUnsafeBytes { unsafe fault_hash(hash, $0.baseAddress, $0.count) }
    }
    return hash
  }

  func write(to folder: MemoryFolder) throws {
    try folder.empty()
    for file in files { try folder.write(file.bytes, to: file.name) }
  }
}

extension Disk {
  /// How much of what is not synced a cut leaves.
  enum Rest: CaseIterable {
    case nothing, everything
    /// The bytes of files, but nothing of which files there are; and the other way round.
    case bytesOnly, namesOnly
    /// Each write or not.
    case some
    /// Each sector of each write or not.
    case torn
  }

  /// What a cut leaves now.
  func image(_ rest: Rest, _ dice: inout Dice) -> Image {
    let count =
      switch rest {
      case .nothing, .bytesOnly: 0
      case .everything, .namesOnly: entries.count
      case .some, .torn: dice.below(entries.count + 1)
      }
    let names = entries(first: count).sorted { $0.key < $1.key }
    let odds = [10, 50, 90][dice.below(3)] as UInt64
    let files = names.map { name, inode in
      let file = self.files[inode] ?? File(bytes: [])
      let bytes: [UInt8] =
        switch rest {
        case .nothing, .namesOnly: file.bytes
        case .everything, .bytesOnly: Self.bytes(of: file) { _ in true }
        case .some: Self.bytes(of: file) { _ in dice.falls(odds) }
        case .torn: Self.tornBytes(of: file, odds, &dice)
        }
      return (name: name, bytes: bytes)
    }
    return Image(files: files)
  }

  private static func bytes(of file: File, _ isThere: (Change) -> Bool) -> [UInt8] {
    var bytes = file.bytes
    for change in file.pending where isThere(change) { change.apply(to: &bytes) }
    return bytes
  }

  private static func tornBytes(of file: File, _ odds: UInt64, _ dice: inout Dice) -> [UInt8] {
    var bytes = file.bytes
    for change in file.pending {
      guard case .write(let offset, let written) = change else {
        if dice.falls(odds) { change.apply(to: &bytes) }
        continue
      }
      var start = 0
      while start < written.count {
        let end = min(written.count, ((offset + start) / sector + 1) * sector - offset)
        if dice.falls(odds) {
          Change.write(offset: offset + start, Array(written[start..<end])).apply(to: &bytes)
        }
        start = end
      }
    }
    return bytes
  }
}

extension Disk.Change {
  fileprivate func apply(to bytes: inout [UInt8]) {
    switch self {
    case .truncate(let size):
      if size < bytes.count { bytes.removeLast(bytes.count - size) } else { Self.grow(&bytes, to: size) }
    case .write(let offset, let written):
      Self.grow(&bytes, to: offset + written.count)
      unsafe bytes.withUnsafeMutableBytes { target in
        unsafe written.withUnsafeBytes { source in
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + source.count])
            .copyMemory(from: source)
        }
      }
    }
  }

  /// What nobody wrote reads as zeros.
  private static func grow(_ bytes: inout [UInt8], to size: Int) {
    if size > bytes.count { bytes += [UInt8](repeating: 0, count: size - bytes.count) }
  }
}
