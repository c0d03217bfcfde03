internal import CSQLite

/// One thing a statement would do, as SQLite's authorizer reports it while the statement is compiled
/// (sqlite.org/c3ref/c_alter_table.html).
package struct AuthorizedAction: Hashable, Sendable {
  package let code: Code
  /// The two details, whose meaning depends on `code`.
  package let first: String?
  package let second: String?
  package let database: String?
  /// The innermost trigger or view that does it; nil when the statement itself does.
  package let origin: String?

  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let createIndex = Code(rawValue: SQLITE_CREATE_INDEX)
    package static let createTable = Code(rawValue: SQLITE_CREATE_TABLE)
    package static let createTrigger = Code(rawValue: SQLITE_CREATE_TRIGGER)
    package static let createView = Code(rawValue: SQLITE_CREATE_VIEW)
    package static let createVirtualTable = Code(rawValue: SQLITE_CREATE_VTABLE)
    package static let pragma = Code(rawValue: SQLITE_PRAGMA)
    package static let transaction = Code(rawValue: SQLITE_TRANSACTION)
    package static let savepoint = Code(rawValue: SQLITE_SAVEPOINT)
    package static let attach = Code(rawValue: SQLITE_ATTACH)
    package static let detach = Code(rawValue: SQLITE_DETACH)
    package static let function = Code(rawValue: SQLITE_FUNCTION)
    package static let alterTable = Code(rawValue: SQLITE_ALTER_TABLE)
    package static let insert = Code(rawValue: SQLITE_INSERT)
    package static let update = Code(rawValue: SQLITE_UPDATE)
    package static let delete = Code(rawValue: SQLITE_DELETE)
    package static let dropTable = Code(rawValue: SQLITE_DROP_TABLE)
    package static let dropView = Code(rawValue: SQLITE_DROP_VIEW)
    package static let dropVirtualTable = Code(rawValue: SQLITE_DROP_VTABLE)
    package static let dropIndex = Code(rawValue: SQLITE_DROP_INDEX)
    package static let analyze = Code(rawValue: SQLITE_ANALYZE)
    package static let reindex = Code(rawValue: SQLITE_REINDEX)
    package static let select = Code(rawValue: SQLITE_SELECT)
    package static let read = Code(rawValue: SQLITE_READ)
  }
}

final class AuthorizerBox {
  let allows: (AuthorizedAction) -> Bool
  init(_ allows: @escaping (AuthorizedAction) -> Bool) { self.allows = allows }
}

extension Connection {
  /// Asks `allows` about everything that is compiled from now on; a statement that it refuses fails with SQLITE_AUTH.
  ///
  /// The closure must not use the connection.
  package func setAuthorizer(_ allows: @escaping (AuthorizedAction) -> Bool) {
    removeAuthorizer()
    let box = unsafe Unmanaged.passRetained(AuthorizerBox(allows))
    unsafe authorizer = box
    unsafe sqlite3_set_authorizer(
      handle,
      { context, code, first, second, database, origin in
        guard let context = unsafe context else { return SQLITE_DENY }
        let action = AuthorizedAction(
          code: AuthorizedAction.Code(rawValue: code),
          first: unsafe first.map { unsafe String(cString: $0) },
          second: unsafe second.map { unsafe String(cString: $0) },
          database: unsafe database.map { unsafe String(cString: $0) },
          origin: unsafe origin.map { unsafe String(cString: $0) })
        let box = unsafe Unmanaged<AuthorizerBox>.fromOpaque(context).takeUnretainedValue()
        return box.allows(action) ? SQLITE_OK : SQLITE_DENY
      }, box.toOpaque())
  }

  package func removeAuthorizer() {
    guard let box = unsafe authorizer else { return }
    unsafe sqlite3_set_authorizer(handle, nil, nil)
    unsafe box.release()
    unsafe authorizer = nil
  }
}
