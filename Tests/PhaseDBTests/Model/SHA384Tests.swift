import Testing

@testable import PhaseDB

/// The examples of FIPS 180-4's validation programme (csrc.nist.gov, SHA-384 examples), and the edges of a block: digests by
/// coreutils' sha384sum.
@Suite struct SHA384Tests {
  @Test(arguments: [
    ("", "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b"),
    (
      "abc",
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712fcc7c71a557e2db966c3e9fa91746039"
    ),
  ])
  func examples(_ text: String, _ digest: String) {
    #expect(SHA384.hex(Array(text.utf8)) == digest)
  }

  @Test(arguments: [
    (31, "3fa2651d583df501f36f68e0cb54c71838b6d8bcd95ffe537f08fb40242c42bb84dfd9b2b4d5e0f80fe24dcf01bb2f23"),
    (32, "da1a8a9e3db0707d42def9074ccd9c7ad6866778201c3e584ee110e3252ac5766084a8bc637a2ba9913c9e16e2f1166b"),
    (111, "3c37955051cb5c3026f94d551d5b5e2ac38d572ae4e07172085fed81f8466b8f90dc23a8ffcdea0b8d8e58e8fdacc80a"),
    (112, "187d4e07cb306103c69967bf544d0dfbe9042577599c73c330abc0cb64c61236d5ed565ee19119d8c31779a38f791fcd"),
    (127, "9bd06b1763c2cf7aef40e795dc65bc96d59c41b537f3ad72ebdefd485476b5717c1aeb37c327fe9c1831b12b9efd08ae"),
    (128, "edb12730a366098b3b2beac75a3bef1b0969b15c48e2163c23d96994f8d1bef760c7e27f3c464d3829f56c0d53808b0b"),
    (129, "39b6f5a7b0e781dbc419f72e49b30eaac10f2c98c4403bc610da31067fd1b48f324138c8615d2b496d08d73d5e865326"),
    (
      1000, "f54480689c6b0b11d0303285d9a81b21a93bca6ba5a1b4472765dca4da45ee328082d469c650cd3b61b16d3266ab8ced"
    ),
  ])
  func edgesOfABlock(_ count: Int, _ digest: String) {
    #expect(SHA384.hex([UInt8](repeating: UInt8(ascii: "a"), count: count)) == digest)
  }
}
