import Foundation

/// Any JSON.
enum JSONValue: Decodable, Sendable, Equatable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let boolean = try? value.decode(Bool.self) {
      self = .boolean(boolean)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  /// What JSON Schema calls it.
  fileprivate var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "boolean"
    case .number: "number"
    case .string: "string"
    case .array: "array"
    case .object: "object"
    }
  }

  fileprivate var strings: [String] {
    switch self {
    case .string(let string): [string]
    case .array(let values): values.flatMap(\.strings)
    default: []
    }
  }

  fileprivate subscript(_ key: String) -> JSONValue? {
    if case .object(let members) = self { members[key] } else { nil }
  }
}

/// A schema of the DocC catalog, with as much of JSON Schema 2020-12 as the schemas use.
struct JSONSchema: Sendable {
  private let root: JSONValue

  static let output = JSONSchema("output.schema.json")
  static let errors = JSONSchema("errors.schema.json")

  private init(_ name: String) {
    let resources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Sources/PhaseDB/PhaseDB.docc/Resources")
    let data = FileManager.default.contents(atPath: resources.appending(path: name).path) ?? Data()
    root = (try? JSONDecoder().decode(JSONValue.self, from: data)) ?? .object(["const": .string("no schema")])
  }

  /// What of a document the schema does not allow, with its place.
  func problems(in text: String) throws -> [String] {
    Self.problems(try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8)), root, at: "$")
  }

  private static func problems(_ value: JSONValue, _ schema: JSONValue, at place: String) -> [String] {
    var problems: [String] = []
    if case .array(let options)? = schema["oneOf"] {
      let found = options.map { self.problems(value, $0, at: place) }
      let matches = found.count(where: \.isEmpty)
      // The closest one says the most.
      if matches != 1 {
        problems += ["\(place): \(matches) match"] + (found.min { $0.count < $1.count } ?? [])
      }
    }
    if let constant = schema["const"], constant != value { problems.append("\(place) is not \(constant)") }
    if let kinds = schema["type"]?.strings, !kinds.contains(value.kind) {
      problems.append("\(place): \(value.kind) is not \(kinds)")
    }
    if case .object(let members) = value {
      for name in schema["required"]?.strings ?? [] where members[name] == nil {
        problems.append("\(place): there is no \(name)")
      }
      for (name, member) in members {
        guard let own = schema["properties"]?[name] ?? schema["additionalProperties"] else { continue }
        problems += self.problems(member, own, at: "\(place).\(name)")
      }
    }
    if case .array(let values) = value, let items = schema["items"] {
      problems += values.flatMap { self.problems($0, items, at: "\(place)[]") }
    }
    return problems
  }
}
