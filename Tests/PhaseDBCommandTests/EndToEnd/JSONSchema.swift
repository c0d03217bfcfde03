import Foundation

/// A schema of the DocC catalog, with as much of JSON Schema 2020-12 as the schemas use.
struct JSONSchema {
  private let root: [String: Any]

  static let output = JSONSchema("output.schema.json")
  static let errors = JSONSchema("errors.schema.json")

  private init(_ name: String) {
    let resources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/PhaseDB/PhaseDB.docc/Resources")
    let data = FileManager.default.contents(atPath: resources.appending(path: name).path) ?? Data()
    root = (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? ["type": "nothing"]
  }

  /// What of a document the schema does not allow, with its place.
  func problems(in text: String) throws -> [String] {
    Self.problems(try JSONSerialization.jsonObject(with: Data(text.utf8)), root, at: "$")
  }

  private static func problems(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
    var problems: [String] = []
    if let options = schema["oneOf"] as? [[String: Any]] {
      let found = options.map { self.problems(value, $0, at: place) }
      let matches = found.count(where: \.isEmpty)
      // The closest one says the most.
      if matches != 1 {
        problems += ["\(place): \(matches) match"] + (found.min { $0.count < $1.count } ?? [])
      }
    }
    if let constant = schema["const"], !(constant as AnyObject).isEqual(value) {
      problems.append("\(place): \(value) is not \(constant)")
    }
    if let type = schema["type"] {
      let kinds = type as? [String] ?? [type as? String ?? ""]
      if !kinds.contains(kind(value)) { problems.append("\(place): \(kind(value)) is not \(kinds)") }
    }
    if let object = value as? [String: Any] {
      let known = schema["properties"] as? [String: [String: Any]] ?? [:]
      for name in schema["required"] as? [String] ?? [] where object[name] == nil {
        problems.append("\(place): there is no \(name)")
      }
      for (name, member) in object {
        let rest = schema["additionalProperties"] as? [String: Any]
        guard let own = known[name] ?? rest else { continue }
        problems += self.problems(member, own, at: "\(place).\(name)")
      }
    }
    if let list = value as? [Any], let items = schema["items"] as? [String: Any] {
      problems += list.flatMap { self.problems($0, items, at: "\(place)[]") }
    }
    return problems
  }

  private static func kind(_ value: Any) -> String {
    switch value {
    case is [String: Any]: "object"
    case is [Any]: "array"
    case is String: "string"
    case is NSNull: "null"
    // Foundation makes numbers of both; a boolean of JSON has the type of one.
    case let number as NSNumber where CFBoolean.isBoolean(number): "boolean"
    default: "number"
    }
  }

  private enum CFBoolean {
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
  }
}
