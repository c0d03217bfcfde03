import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("A table")
struct TextTableTests {
  private var table: TextTable {
    var table = TextTable(.init("phase"), .init("rows", .right), .init("what it is for"))
    table.add("0001/expand", "7", TextTable.Cell("make the shop", .good))
    table.add("0002/名前", "1,234,567", "split the name of every customer in two")
    table.add("bad\u{1B}[2J")
    return table
  }

  @Test("aligns its columns by what they show, and leaves no space at the end of a line")
  func aligned() {
    #expect(
      table.text(paint: .none, width: nil).description == """
        phase             rows  what it is for
        0001/expand          7  make the shop
        0002/名前    1,234,567  split the name of every customer in two
        bad␛[2J

        """)
  }

  @Test("wraps the last column into the terminal")
  func wrapped() {
    #expect(
      table.text(paint: .none, width: 44).description == """
        phase             rows  what it is for
        0001/expand          7  make the shop
        0002/名前    1,234,567  split the name of
                                every customer in
                                two
        bad␛[2J

        """)
  }

  @Test("does not let colour move its columns")
  func coloured() {
    let text = table.text(paint: .ansi, width: nil)
    #expect(text.hasPrefix("\u{1B}[1mphase\u{1B}[0m             \u{1B}[1mrows\u{1B}[0m  "))
    #expect(text.contains("0001/expand          7  \u{1B}[32mmake the shop\u{1B}[0m\n"))
  }

  @Test("aligns numbers at the right end of the last column, too")
  func lastNumbers() {
    var table = TextTable(.init("table"), .init("rows", .right))
    table.add("orders", "300,000")
    table.add("customers", "5")
    #expect(
      table.text(paint: .none, width: 80) == """
        table         rows
        orders     300,000
        customers        5

        """)
  }

  @Test("without rows is nothing")
  func empty() {
    #expect(TextTable(.init("phase")).text(paint: .none, width: 80).isEmpty)
  }
}
