import FaultVFS

/// What was done to the files of a folder, in its order.
enum Operation {
  case create(name: String, inode: Int)
  case write(inode: Int, offset: Int, [UInt8])
  case truncate(inode: Int, size: Int)
  /// - Parameter folder: whether the folder was synced, too, which makes files that came and went last.
  case sync(inode: Int, folder: Bool)
  case delete(name: String, folder: Bool)
  /// The front door reported a commit; counted from 1.
  case acknowledged(Int)
}

/// Writes down, or makes fail, what the thread that made it does to the files of a folder, while it lives.
///
/// No connection to a file of the folder may outlive it.
@safe final class Watch {
  private let session: OpaquePointer

  init?(_ folder: MemoryFolder) {
    guard let session = unsafe fault_begin(folder.path) else { return nil }
    unsafe self.session = session
  }

  deinit { unsafe fault_end(session) }

  func acknowledge(_ number: Int) { unsafe fault_mark(session, Int64(number)) }

  var operations: [Operation] {
    unsafe (0..<fault_operation_count(session)).compactMap { index in
      let operation = unsafe fault_operation_at(session, index)
      let inode = unsafe Int(operation.inode)
      let size = unsafe Int(operation.size)
      func name() -> String { unsafe String(cString: fault_name(session, operation.name)) }
      switch unsafe Int(operation.kind) {
      case FAULT_CREATE: return .create(name: name(), inode: inode)
      case FAULT_WRITE:
        let bytes = unsafe [UInt8](UnsafeBufferPointer(start: operation.bytes, count: size))
        return unsafe .write(inode: inode, offset: Int(operation.offset), bytes)
      case FAULT_TRUNCATE: return .truncate(inode: inode, size: size)
      case FAULT_SYNC: return unsafe .sync(inode: inode, folder: operation.flag != 0)
      case FAULT_DELETE: return unsafe .delete(name: name(), folder: operation.flag != 0)
      case FAULT_MARK: return .acknowledged(size)
      default: return nil
      }
    }
  }
}

/// How a call of the system, or an allocation, fails.
enum Failure: String, CaseIterable, Sendable {
  case ioError = "an I/O error"
  case diskFull = "a full disk"
  case busy = "another's lock"
  case noMemory = "no memory"

  fileprivate var kind: Int32 {
    switch self {
    case .ioError: Int32(FAULT_IO)
    case .diskFull: Int32(FAULT_FULL)
    case .busy: Int32(FAULT_BUSY)
    case .noMemory: Int32(FAULT_NONE)
    }
  }
}

extension Watch {
  /// Runs a body in which the N-th call fails that can fail so.
  ///
  /// - Parameter stays: whether all calls after it fail, too.
  /// - Returns: whether there was an N-th call.
  func failing(_ failure: Failure, at number: Int, stays: Bool, _ body: () throws -> Void) rethrows -> Bool {
    guard failure != .noMemory else {
      fault_arm_memory(Int64(number), stays ? 1 : 0)
      defer { fault_disarm_memory() }
      try body()
      return fault_memory_fired() != 0
    }
    unsafe fault_arm(session, failure.kind, Int64(number), stays ? 1 : 0)
    defer { unsafe fault_disarm(session) }
    try body()
    return unsafe fault_fired(session) != 0
  }
}

extension Watch {
  /// How many calls there were that can fail in the way in which they are failing.
  var calls: Int { Int(unsafe fault_calls(session)) }
}
