#if canImport(Darwin)
  internal import Darwin
#elseif canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A new folder of mode 0700 for copies of real data, removed with everything in it when it goes out of scope.
///
/// A process that is killed leaves its folder behind. The folder's name says from the start which process owns it, and
/// ``removeAbandoned(in:settle:)`` removes it once that process has provably ended. A signpost in the temporary folder
/// leads to folders in places that later commands do not know.
@safe package final class PrivateFolder: Sendable {
  /// From the root.
  package let path: String
  private let descriptor: Int32
  private let signpost: PrivateFolder?

  /// - Parameters:
  ///   - parent: the folder to make it in.
  ///   - isKnown: whether later commands look into `parent` anyway. If not, a signpost leads there.
  package convenience init(in parent: String, isKnown: Bool) throws(FileReading.Failure) {
    let parent = try FileReading.absolute(parent)
    let name = Owner.current.newFolderName
    let path = (parent == "/" ? "" : parent) + "/" + name
    let temporary = PrivateFolder.temporary
    var signpost: PrivateFolder?
    // Made before the folder itself. Without a temporary folder there is no signpost, and the folder is found in its place.
    if !isKnown, parent != (try? FileReading.absolute(temporary)),
      let post = try? PrivateFolder(in: temporary, isKnown: true)
    {
      try? PrivateFolder.write(path, to: "\(post.path)/\(PrivateFolder.signpostName)")
      signpost = post
    }
    try self.init(path, signpost)
  }

  private init(_ path: String, _ signpost: PrivateFolder?) throws(FileReading.Failure) {
    guard unsafe mkdir(path, 0o700) == 0 else { throw .current }
    self.path = path
    self.signpost = signpost
    descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    // Goes with the process, however that ends (man 2 flock). Waits for one that looks whether it is abandoned.
    if descriptor >= 0 { _ = flock(descriptor, LOCK_EX) }
  }

  deinit {
    if let parent = Folder(FileDurability.folder(of: path)) {
      parent.remove(Array(FileDurability.name(of: path).utf8CString))
    }
    if descriptor >= 0 { close(descriptor) }
  }

  /// The folder for copies that need no particular place.
  package static var temporary: String {
    guard let value = unsafe getenv("TMPDIR"), unsafe value.pointee != 0 else { return "/tmp" }
    return unsafe String(cString: value)
  }

  /// Makes an empty file with mode 0600, whatever the umask is.
  ///
  /// - Returns: its path.
  package func makeFile(_ name: String) throws(FileReading.Failure) -> String {
    let file = "\(path)/\(name)"
    let descriptor = unsafe open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .current }
    close(descriptor)
    return file
  }

  /// The bytes of a file in it, 0 when there is no such file.
  package func size(of name: String) -> Int { FileReading.mark(of: "\(path)/\(name)")?.bytes ?? 0 }

  /// Writes a file that only its owner may read. It replaces an existing file, as a whole or not at all.
  package static func write(_ text: String, to path: String) throws(FileReading.Failure) {
    let file = try PrivateFile(path)
    try file.write(text)
    try file.finish()
  }
}

// MARK: - Abandoned folders

extension PrivateFolder {
  private static let signpostName = "elsewhere"

  /// Removes the folders in a place whose owners have ended. It removes only those of this user, none that may be in
  /// use, and follows no symbolic link. When there are none, it only reads the names in the place.
  ///
  /// - Parameter settle: gets the path of each before it is removed; false keeps it.
  package static func removeAbandoned(in parent: String, settle: (String) -> Bool = { _ in true }) {
    guard let place = Folder(parent) else { return }
    let names = place.names(beginning: Owner.prefix)
    guard !names.isEmpty else { return }
    let observer = Owner.current
    for name in names.map(Folder.text) {
      let path = (parent == "/" ? "" : parent) + "/" + name
      guard let found = place.abandoned(name, seenFrom: observer), follow(path, observer, settle),
        settle(path)
      else { continue }
      withExtendedLifetime(found) { place.remove(Array(name.utf8CString)) }
    }
  }

  /// Removes what a signpost leads to.
  ///
  /// - Returns: false while that is still there.
  private static func follow(_ post: String, _ observer: Owner, _ settle: (String) -> Bool) -> Bool {
    guard let bytes = try? FileReading.bytes(of: "\(post)/\(signpostName)", limit: 16_384) else {
      return true
    }
    let path = String(decoding: bytes, as: UTF8.self)
    let name = FileDurability.name(of: path)
    guard path.hasPrefix("/"), Owner(ofFolder: name) != nil,
      let place = Folder(FileDurability.folder(of: path))
    else { return true }
    if let found = place.abandoned(name, seenFrom: observer), settle(path) {
      withExtendedLifetime(found) { place.remove(Array(name.utf8CString)) }
    }
    return !FileReading.exists(path)
  }

  /// The owner of a folder, as its name gives it.
  private struct Owner {
    /// A folder on a network file system may belong to another host. A hash, because a host's name can be long and hold
    /// any character.
    let host: String
    let process: ProcessIdentity

    static let prefix = ".phasedb-copy-"

    static var current: Owner {
      let process = ProcessIdentity.current
      return Owner(
        host: hostMark,
        process: ProcessIdentity(
          id: process.id, boot: process.boot.filter { $0.isHexDigit },
          space: process.space.filter(\.isNumber),
          start: process.start))
    }

    init(host: String, process: ProcessIdentity) { (self.host, self.process) = (host, process) }

    init?(ofFolder name: String) {
      guard name.hasPrefix(Self.prefix) else { return nil }
      let parts = name.dropFirst(Self.prefix.count).split(separator: "-", omittingEmptySubsequences: false)
        .map { $0 == "0" ? "" : String($0) }
      guard parts.count == 6, let id = Int32(parts[3]), id > 0 else { return nil }
      host = parts[0]
      process = ProcessIdentity(id: id, boot: parts[1], space: parts[2], start: parts[4])
    }

    var newFolderName: String {
      let parts = [host, process.boot, process.space, String(process.id), process.start].map {
        $0.isEmpty ? "0" : $0
      }
      return Self.prefix + parts.joined(separator: "-") + "-"
        + String(UInt32.random(in: .min ... .max), radix: 16)
    }

    /// FNV-1a over the host's name (isthe.com/chongo/tech/comp/fnv).
    private static var hostMark: String {
      var name = [CChar](repeating: 0, count: 256)
      guard unsafe gethostname(&name, name.count - 1) == 0 else { return "" }
      var hash = UInt32(2_166_136_261)
      for byte in name.prefix(while: { $0 != 0 }) {
        hash = (hash ^ UInt32(UInt8(bitPattern: byte))) &* 16_777_619
      }
      return String(hash, radix: 16)
    }
  }

  /// An open folder: names in it stay valid even if somebody moves it.
  @safe private final class Folder {
    private let descriptor: Int32
    private static let itself = Array(".".utf8CString)
    private static let parent = Array("..".utf8CString)

    init?(_ path: String) {
      descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard descriptor >= 0 else { return nil }
    }

    /// - Parameter name: the name of a folder in the parent, not of a link to one.
    private init?(_ name: [CChar], in parent: Folder) {
      let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
      var found = unsafe openat(parent.descriptor, name, flags)
      if found < 0, errno == EACCES, unsafe fchmodat(parent.descriptor, name, 0o700, 0) == 0 {
        found = unsafe openat(parent.descriptor, name, flags)
      }
      descriptor = found
      guard descriptor >= 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Names as bytes that end with a 0, because a name need not be in any encoding.
    func names(beginning prefix: String = "") -> [[CChar]] {
      let copy = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      guard copy >= 0 else { return [] }
      guard let stream = unsafe fdopendir(copy) else {
        close(copy)
        return []
      }
      defer { unsafe closedir(stream) }
      var names: [[CChar]] = []
      while let entry = unsafe readdir(stream) {
        let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name -> [CChar]? in
          let bytes = unsafe UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self)
          guard unsafe strncmp(bytes, prefix, prefix.utf8.count) == 0 else { return nil }
          return unsafe Array(UnsafeBufferPointer(start: bytes, count: strlen(bytes) + 1))
        }
        if let name, name != Self.itself, name != Self.parent { names.append(name) }
      }
      return names
    }

    static func text(_ name: [CChar]) -> String {
      String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// A folder whose owner is dead, held so that no other process removes it at the same time.
    func abandoned(_ name: String, seenFrom observer: Owner) -> Folder? {
      guard let owner = Owner(ofFolder: name) else { return nil }
      let isSameBoot = !owner.process.boot.isEmpty && owner.process.boot == observer.process.boot
      let life = owner.process.life(seenFrom: observer.process)
      guard isSameBoot || owner.host == observer.host, life != .running else { return nil }
      guard let folder = Folder(Array(name.utf8CString), in: self), folder.isPrivate else { return nil }
      // Held by its owner, or by another that removes it.
      let isLocked = flock(folder.descriptor, LOCK_EX | LOCK_NB) == 0
      guard isLocked || errno != EWOULDBLOCK else { return nil }
      // A process that cannot be seen, in another container, has locked its folder unless it was made just now.
      return life == .ended || isLocked && isSameBoot && folder.age > 60 ? folder : nil
    }

    private var isPrivate: Bool {
      var status = stat()
      return unsafe fstat(descriptor, &status) == 0 && status.st_uid == geteuid()
        && status.st_mode & 0o077 == 0
    }

    /// Seconds since something in it was made or removed.
    private var age: Int {
      var status = stat()
      return unsafe fstat(descriptor, &status) == 0 ? time(nil) - Int(status.written.tv_sec) : 0
    }

    /// Removes a folder and what is in it, without following a link, on this file system.
    ///
    /// - Parameter tries: how often to try, in case something is made in it meanwhile.
    func remove(_ name: [CChar], tries: Int = 20) {
      for _ in 0..<tries {
        if unsafe unlinkat(descriptor, name, AT_REMOVEDIR) == 0 || errno != ENOTEMPTY && errno != EEXIST {
          return
        }
        guard let folder = Folder(name, in: self), folder.device == device else { return }
        _ = fchmod(folder.descriptor, 0o700)
        for entry in folder.names() where unsafe unlinkat(folder.descriptor, entry, 0) != 0 {
          folder.remove(entry, tries: 2)
        }
      }
    }

    private var device: dev_t {
      var status = stat()
      return unsafe fstat(descriptor, &status) == 0 ? status.st_dev : 0
    }
  }
}
