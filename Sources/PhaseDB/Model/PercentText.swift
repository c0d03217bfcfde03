/// Parts of a whole as a person reads them.
package enum PercentText {
  /// `0 %`, `63.2 %`, `100 %`; never 100 before the end.
  package static func text(_ part: Double) -> String {
    let tenths = part >= 1 ? 1000 : min(999, Int((part * 1000).rounded(.down)))
    return tenths % 10 == 0 ? "\(tenths / 10) %" : "\(tenths / 10).\(tenths % 10) %"
  }
}
