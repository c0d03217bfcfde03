import Foundation

@testable import PhaseDB

/// Whether inputs change a database that the reading commands are given, instead of being a text for a reader.
private let isDatabase = ProcessInfo.processInfo.environment["PHASEDB_FUZZ"] == "database"

/// libFuzzer's entry (llvm.org/docs/LibFuzzer.html): the first byte chooses the reader, the rest is its text.
///
/// `Scripts/fuzz` builds it together with the readers that the tests use.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 0 else { return 0 }
  if isDatabase {
    let input = UnsafeBufferPointer(start: bytes, count: count)
    guard let trouble = HostileDatabase.trouble(Array(input)[...]) else { return 0 }
    print("hostile database: \(trouble)")
    fatalError("a database that is neither read nor refused as it must be")
  }
  let readers = ByteReader.ofLibrary
  let reader = readers[Int(bytes[0]) % readers.count]
  // As the reader of files does, which refuses what is not UTF-8 and NUL before anything else sees it.
  guard
    let text = String(validating: UnsafeBufferPointer(start: bytes + 1, count: count - 1), as: UTF8.self),
    !text.utf8.contains(0)
  else { return -1 }
  if let trouble = reader.trouble(text) {
    print("\(reader.name): \(trouble)\n\(text.debugDescription)")
    fatalError("an input that is neither read nor refused as it must be")
  }
  return 0
}
