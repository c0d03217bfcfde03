/// Why a batched phase is paused.
package struct BatchPause: Sendable, Hashable {
  package let reason: Phase.PauseReason
  /// What was found, in one sentence without a full stop.
  package let detail: Prose
  /// What makes it continue, in one sentence without a full stop.
  package let resuming: Prose
}
