import PhaseDB
import Testing

@testable import PhaseAudit

/// Checksums are compared with those that other programs compute, never with our own.
struct RecordedChecksumTests {
  @Test(
    "CRC-32 of the lines, as Java's java.util.zip.CRC32 has it for them",
    arguments: [
      ("", 0), ("123456789", -873_187_034), ("1234\n56789", -873_187_034),
      ("1234\r\n5678\r9\n", -873_187_034),
      ("\u{FEFF}123456789", -873_187_034),
    ] as [(String, Int32)])
  func crc(_ text: String, _ checksum: Int32) {
    #expect(CRC32.ofLines(text) == checksum)
  }

  @Test(
    "SHA-1, by coreutils' sha1sum",
    arguments: [
      (0, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      (3, "7e240de74fb1ed08fa08d38063f6a6a91462a815"),
      (31, "65cf771ad2cc0b1e8f89361e3b7bec2365b3ad24"),
      (32, "68f84a59a3ca2d0e5cb1646fbb164da409b5d8f2"),
      (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
      (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
      (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
      (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
      (65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
      (1000, "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
    ])
  func sha1(_ count: Int, _ digest: String) {
    #expect(SHA1.hex([UInt8](repeating: UInt8(ascii: "a"), count: count)) == digest)
  }

  @Test("the checksum of Refinery, by a second implementation that was held against Refinery's own tests")
  func refinery() throws {
    let disk = try FolderOnDisk([
      "V1__make_birds.sql": "CREATE TABLE birds (name TEXT);\n", "V7__naïve.sql": "SELECT 'ö';",
    ])
    #expect(
      try ToolFolder.read(disk.path, tool: .refinery).migrations.map(\.checksum) == [
        "14712789735198719243", "13269084145959895776",
      ])
  }

  @Test("the checksum of SQLx is of the bytes as they stand, before anything is replaced")
  func sqlx() throws {
    let disk = try FolderOnDisk(["1_a.sql": "SELECT 1;\r\n"])
    let options = ReaderOptions(replace: [ReaderOptions.Replacement("1", by: "2")])
    let migration = try ToolFolder.read(disk.path, tool: .sqlx, options: options).migrations[0]
    #expect(
      migration.checksum
        == "17397e2e60835e677161a3f8f86849089bb0b9ac29484fca0511f769d62d8c2e143ab512c903b43a60a01ad7452c86c6")
    #expect(migration.up?.text == "SELECT 2;\r\n")
  }
}
