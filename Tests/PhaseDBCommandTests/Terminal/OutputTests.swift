import Foundation
import PhaseDB
import Testing

@testable import PhaseDBCommand

@Suite("Output")
struct OutputTests {
  @Test("writes everything, also what does not fit a pipe at once")
  func everything() {
    let pipe = Pipe()
    let text = String(repeating: "0123456789äöü\n", count: 20_000)
    // A thread of its own: a full pipe holds it until the test has read.
    Thread.detachNewThread {
      let output = Output(FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor))
      output.write(Prose(unescaped: text))
      output.line("failure: \(output.hasFailed)")
      pipe.fileHandleForWriting.closeFile()
    }
    let read = pipe.fileHandleForReading.readDataToEndOfFile()
    #expect(String(decoding: read, as: UTF8.self) == text + "failure: false\n")
  }

  @Test("goes quiet when its reader has gone away")
  func closedPipe() {
    FileDescriptor.ignoreClosedPipes()
    let pipe = Pipe()
    let output = Output(FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor))
    pipe.fileHandleForReading.closeFile()
    #expect(!output.isClosed)
    output.line("nobody reads this")
    output.line("nor this")
    #expect(output.isClosed)
    #expect(!output.hasFailed)
  }

  @Test("remembers a full disk", .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
  func fullDisk() throws {
    let file = try #require(FileHandle(forWritingAtPath: "/dev/full"))
    let output = Output(FileDescriptor(number: file.fileDescriptor))
    output.line("lost")
    #expect(output.hasFailed)
    #expect(!output.isClosed)
    #expect(output.failure?.message == "No space left on device")
  }

  @Test("knows that a pipe is no terminal and has no width")
  func pipe() {
    let pipe = Pipe()
    let descriptor = FileDescriptor(number: pipe.fileHandleForWriting.fileDescriptor)
    #expect(!descriptor.isTerminal)
    #expect(descriptor.columns == nil)
  }
}
