import PhaseSQLite
import Testing

@testable import PhaseDB

/// Phases up and down again whose ways down say too much, too little or something else: rows that nobody touched since are
/// what they were, whatever the SQL says.
struct WayBackRowTests {
  static let rows = [
    WayBackRow(
      "a value that the way down cannot tell from one that was there comes back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,r); INSERT INTO t VALUES(1,NULL),(2,0),(3,5);",
      [
        WayBackRow.Step(.migrate, "UPDATE t SET r=0 WHERE r IS NULL;", down: "UPDATE t SET r=NULL WHERE r=0;")
      ],
      ask: "SELECT * FROM t",
      ["1|", "2|0", "3|5"]),
    WayBackRow(
      "rows that the way down deletes by chance come back, whichever it deletes",
      """
      CREATE TABLE t(id INTEGER PRIMARY KEY,r); WITH RECURSIVE i(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM i WHERE x<40)
      INSERT INTO t SELECT x,x FROM i;
      """,
      [WayBackRow.Step(.migrate, "UPDATE t SET r=r;", down: "DELETE FROM t WHERE abs(random())%2;")],
      ask: "SELECT count(*),sum(id),sum(r) FROM t",
      ["40|820|820"], seen: .chance),
    WayBackRow(
      "so do those of a table without a key",
      "CREATE TABLE t(r); INSERT INTO t VALUES(1),(2),(3),(4),(5),(6),(7),(8);",
      [WayBackRow.Step(.migrate, "UPDATE t SET r=r;", down: "DELETE FROM t WHERE abs(random())%2;")],
      ask: "SELECT count(*),sum(r) FROM t", ["8|36"], seen: .chance),
    WayBackRow(
      "and those to which a default of chance or of the clock is given",
      """
      CREATE TABLE t(id INTEGER PRIMARY KEY,r DEFAULT(random()),s DEFAULT CURRENT_TIMESTAMP);
      INSERT INTO t VALUES(1,1,'a'),(2,2,'b');
      """,
      [
        WayBackRow.Step(
          .contract, "UPDATE t SET r=r;",
          down: """
            CREATE TABLE n(id INTEGER PRIMARY KEY,r DEFAULT(random()),s DEFAULT CURRENT_TIMESTAMP);
            INSERT INTO n(id) SELECT id FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;
            """
        )
      ],
      ask: "SELECT * FROM t", ["1|1|a", "2|2|b"], seen: .chance),
    WayBackRow(
      "a missing row comes back beside one that changed, whichever rowids they had",
      "CREATE TABLE t(code TEXT NOT NULL PRIMARY KEY,r); INSERT INTO t VALUES('a',1),('b',2);",
      [
        WayBackRow.Step(.migrate, "UPDATE t SET r=r;", down: "DELETE FROM t WHERE code='a';UPDATE t SET r=5;")
      ],
      ask: "SELECT * FROM t ORDER BY code", ["a|1", "b|2"]),
    WayBackRow(
      "a row that had no parent before is no obstacle where the way back restores the reference",
      """
      CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY,p REFERENCES p);
      PRAGMA foreign_keys=OFF; INSERT INTO t VALUES(1,9);
      """,
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,p); INSERT INTO n SELECT * FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
          down: """
            CREATE TABLE n(id INTEGER PRIMARY KEY,p REFERENCES p); INSERT INTO n SELECT * FROM t; DROP TABLE t;
            ALTER TABLE n RENAME TO t;
            """)
      ], since: "DELETE FROM t; INSERT INTO t VALUES(1,9)",
      ask: "SELECT * FROM t; SELECT count(*) FROM pragma_foreign_key_list('t')", ["1|9", "1"]),
    WayBackRow(
      "a retired column outlives a later rebuild that does not name it, both ways",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,s,x); INSERT INTO t VALUES(1,'a',1),(2,'b',2);",
      [
        WayBackRow.Step(.contract, "SELECT 1;", down: "SELECT 1;", retiring: "s"),
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,x);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,x);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        ),
      ],
      ask: "SELECT id,s,x FROM t",
      ["1|a|1", "2|b|2"]),
    WayBackRow(
      "so does one with an index",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,s,x);CREATE INDEX ts ON t(s); INSERT INTO t VALUES(1,'a',1),(2,'b',2);",
      [
        WayBackRow.Step(.contract, "DROP INDEX ts;", down: "CREATE INDEX ts ON t(s);", retiring: "s"),
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,x);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,x);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        ),
      ],
      ask: "SELECT id,s,x FROM t",
      ["1|a|1", "2|b|2"]),
    WayBackRow(
      "a dropped column comes back through a later rebuild",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,s,x); INSERT INTO t VALUES(1,'a',1),(2,'b',2);",
      [
        WayBackRow.Step(.contract, "ALTER TABLE t DROP s;", down: "ALTER TABLE t ADD s;"),
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,x INTEGER);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,x);INSERT INTO n SELECT id,x FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        ),
      ],
      ask: "SELECT id,s,x FROM t",
      ["1|a|1", "2|b|2"]),
    WayBackRow(
      "an expand whose down overwrites a column that was there loses nothing",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'P'),(2,'q');",
      [
        WayBackRow.Step(
          .expand, "ALTER TABLE t ADD low;UPDATE t SET low=lower(a);",
          down: "UPDATE t SET a=low;ALTER TABLE t DROP low;")
      ],
      ask: "SELECT * FROM t",
      ["1|P", "2|q"]),
    WayBackRow(
      "an expand whose down overwrites another table loses nothing",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a);CREATE TABLE other(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'P');INSERT INTO other VALUES(7,'keep');",
      [
        WayBackRow.Step(
          .expand, "ALTER TABLE t ADD low;", down: "UPDATE other SET a=NULL;ALTER TABLE t DROP low;")
      ],
      ask: "SELECT * FROM other",
      ["7|keep"]),
    WayBackRow(
      "a down that deletes every row deletes none that was there",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'P'),(2,'q');",
      [WayBackRow.Step(.migrate, "UPDATE t SET a=a||'!' WHERE id=1;", down: "DELETE FROM t;")],
      ask: "SELECT * FROM t",
      ["1|P", "2|q"]),
    WayBackRow(
      "a down whose rebuild copies no row loses none",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'P'),(2,'q');",
      [
        WayBackRow.Step(
          .expand, "ALTER TABLE t ADD b;",
          down: "CREATE TABLE n(id INTEGER PRIMARY KEY,a);DROP TABLE t;ALTER TABLE n RENAME TO t;")
      ],
      ask: "SELECT * FROM t",
      ["1|P", "2|q"]),
    WayBackRow(
      "an expand whose down deletes every row deletes none",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'P'),(2,'q');",
      [WayBackRow.Step(.expand, "ALTER TABLE t ADD b;", down: "DELETE FROM t;ALTER TABLE t DROP b;")],
      ask: "SELECT * FROM t",
      ["1|P", "2|q"]),
    WayBackRow(
      "a seed that was there before stays when the expand comes down",
      "CREATE TABLE s(code TEXT PRIMARY KEY, n); INSERT INTO s VALUES('a',1);",
      [
        WayBackRow.Step(
          .expand, "INSERT OR IGNORE INTO s VALUES('a',2),('b',2);",
          down: "DELETE FROM s WHERE code IN ('a','b');")
      ],
      ask: "SELECT * FROM s",
      ["a|1"]),
    WayBackRow(
      "a seed that was there before stays when the migrate comes down",
      "CREATE TABLE s(code TEXT PRIMARY KEY); INSERT INTO s VALUES('a');",
      [
        WayBackRow.Step(
          .migrate, "INSERT OR IGNORE INTO s VALUES('a');", down: "DELETE FROM s WHERE code='a';")
      ],
      ask: "SELECT * FROM s",
      ["a"]),
    WayBackRow(
      "a row that the up inserts and the down leaves is counted as a loss",
      "CREATE TABLE t(a); INSERT INTO t VALUES('old');",
      [WayBackRow.Step(.migrate, "INSERT INTO t VALUES('born');", down: "SELECT 1;")],
      ask: "SELECT * FROM t",
      ["old", "born"], seen: .lossy),
    WayBackRow(
      "a down that does not run is recorded as blocked",
      "CREATE TABLE t(a); INSERT INTO t VALUES('old');",
      [WayBackRow.Step(.expand, "CREATE TABLE u(a);", down: "DROP TABLE nothere;")],
      ask: "SELECT * FROM t",
      ["old"], seen: .blocked),
    WayBackRow(
      "an FTS5 index over another table agrees with rows that came back without triggers",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts5(b,content=d,content_rowid=id);CREATE TRIGGER d1 AFTER INSERT ON d BEGIN INSERT INTO f(rowid,b) VALUES(new.id,new.b);END;CREATE TRIGGER d2 AFTER DELETE ON d BEGIN INSERT INTO f(f,rowid,b) VALUES('delete',old.id,old.b);END;CREATE TRIGGER d3 AFTER UPDATE ON d BEGIN INSERT INTO f(f,rowid,b) VALUES('delete',old.id,old.b);INSERT INTO f(rowid,b) VALUES(new.id,new.b);END; INSERT INTO d VALUES(1,'alpha'),(2,'beta');",
      [WayBackRow.Step(.migrate, "UPDATE d SET b='gamma' WHERE id=1;", down: "SELECT 1;")],
      ask:
        "SELECT rowid FROM f WHERE f MATCH 'alpha';SELECT count(*) FROM f WHERE f MATCH 'gamma';INSERT INTO f(f,rank) VALUES('integrity-check',1);SELECT * FROM d;",
      ["1", "0", "1|alpha", "2|beta"]),
    WayBackRow(
      "so does an FTS4 index",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts4(b,content=d);CREATE TRIGGER d1 AFTER INSERT ON d BEGIN INSERT INTO f(docid,b) VALUES(new.id,new.b);END;CREATE TRIGGER d2 BEFORE DELETE ON d BEGIN DELETE FROM f WHERE docid=old.id;END;CREATE TRIGGER d3 BEFORE UPDATE ON d BEGIN DELETE FROM f WHERE docid=old.id;END;CREATE TRIGGER d4 AFTER UPDATE ON d BEGIN INSERT INTO f(docid,b) VALUES(new.id,new.b);END; INSERT INTO d VALUES(1,'alpha'),(2,'beta');",
      [WayBackRow.Step(.migrate, "UPDATE d SET b='gamma' WHERE id=1;", down: "SELECT 1;")],
      ask:
        "SELECT rowid FROM f WHERE f MATCH 'alpha';SELECT count(*) FROM f WHERE f MATCH 'gamma';SELECT * FROM d;",
      ["1", "0", "1|alpha", "2|beta"]),
    WayBackRow(
      "the languages of a dropped FTS4 table are counted as a loss",
      "CREATE VIRTUAL TABLE f USING fts4(b,languageid=lid); INSERT INTO f(docid,b,lid) VALUES(1,'alpha',0),(2,'beta',5);",
      [
        WayBackRow.Step(
          .contract, "DROP TABLE f;", down: "CREATE VIRTUAL TABLE f USING fts4(b,languageid=lid);")
      ],
      ask: "SELECT docid,b,lid FROM f",
      ["1|alpha|0", "2|beta|0"], seen: .lossy),
    WayBackRow(
      "those of one that stays are as they were",
      "CREATE VIRTUAL TABLE f USING fts4(b,languageid=lid); INSERT INTO f(docid,b,lid) VALUES(1,'alpha',0),(2,'beta',5);",
      [
        WayBackRow.Step(
          .migrate, "UPDATE f SET b='gamma' WHERE docid=1;", down: "UPDATE f SET b='alpha' WHERE docid=1;")
      ],
      ask: "SELECT docid,b,lid FROM f",
      ["1|alpha|0", "2|beta|5"]),
    WayBackRow(
      "the settings of a dropped FTS5 table are counted as a loss",
      "CREATE VIRTUAL TABLE f USING fts5(b); INSERT INTO f(f,rank) VALUES('rank','bm25(10.0)');INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [WayBackRow.Step(.contract, "DROP TABLE f;", down: "CREATE VIRTUAL TABLE f USING fts5(b);")],
      ask: "SELECT rowid,b FROM f;SELECT k FROM f_config", ["1|alpha", "version"], seen: .lossy),
    WayBackRow(
      "so are those of one over another table",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts5(b,content=d,content_rowid=id); INSERT INTO f(f,rank) VALUES('rank','bm25(10.0)');",
      [
        WayBackRow.Step(
          .contract, "DROP TABLE f;",
          down: "CREATE VIRTUAL TABLE f USING fts5(b,content=d,content_rowid=id);")
      ],
      ask: "SELECT k FROM f_config", ["version"], seen: .lossy),
    WayBackRow(
      "and a setting that the way up made",
      "CREATE VIRTUAL TABLE f USING fts5(b); INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [WayBackRow.Step(.migrate, "INSERT INTO f(f,rank) VALUES('rank','bm25(10.0)');", down: "SELECT 1;")],
      ask: "SELECT rowid,b FROM f;SELECT k FROM f_config", ["1|alpha", "rank", "version"], seen: .lossy),
    WayBackRow(
      "an FTS5 table without settings loses nothing",
      "CREATE VIRTUAL TABLE f USING fts5(b); INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [WayBackRow.Step(.contract, "DROP TABLE f;", down: "CREATE VIRTUAL TABLE f USING fts5(b);")],
      ask: "SELECT rowid,b FROM f WHERE f MATCH 'alpha'", ["1|alpha"]),
    WayBackRow(
      "what a full-text table without content held is counted as a loss",
      "CREATE VIRTUAL TABLE f USING fts5(b,content=''); INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [WayBackRow.Step(.contract, "DROP TABLE f;", down: "CREATE VIRTUAL TABLE f USING fts5(b,content='');")],
      ask: "SELECT count(*) FROM f WHERE f MATCH 'alpha'", ["0"], seen: .lossy),
    WayBackRow(
      "so is what triggers write to it when values go up, which come back without them",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts5(b,content='');CREATE TRIGGER d1 AFTER UPDATE ON d BEGIN INSERT INTO f(f,rowid,b) VALUES('delete',old.id,old.b);INSERT INTO f(rowid,b) VALUES(new.id,new.b);END; INSERT INTO d VALUES(1,'alpha');INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [WayBackRow.Step(.migrate, "UPDATE d SET b='gamma';", down: "SELECT 1;")],
      ask: "SELECT b FROM d;SELECT count(*) FROM f WHERE f MATCH 'alpha'", ["alpha", "0"], seen: .lossy),
    WayBackRow(
      "one that is filled and emptied again loses nothing",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts5(b,content=''); INSERT INTO d VALUES(1,'alpha');",
      [
        WayBackRow.Step(
          .migrate, "INSERT INTO f(rowid,b) SELECT id,b FROM d;",
          down: "INSERT INTO f(f) VALUES('delete-all');"
        )
      ],
      ask: "SELECT count(*) FROM f", ["0"]),
    WayBackRow(
      "a table of the words of another one holds nothing itself",
      "CREATE VIRTUAL TABLE f USING fts5(b);CREATE VIRTUAL TABLE v USING fts5vocab(f,'row'); INSERT INTO f(rowid,b) VALUES(1,'alpha');",
      [
        WayBackRow.Step(.contract, "DROP TABLE v;", down: "CREATE VIRTUAL TABLE v USING fts5vocab(f,'row');")
      ],
      ask: "SELECT term FROM v", ["alpha"]),
    WayBackRow(
      "an index whose table a contract dropped finds its rows when they are back",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIRTUAL TABLE f USING fts5(b,content=d,content_rowid=id); INSERT INTO d VALUES(1,'alpha');INSERT INTO f(f) VALUES('rebuild');CREATE TABLE e(x); INSERT INTO e VALUES(1);",
      [
        WayBackRow.Step(
          .contract, "DROP TABLE d;", down: "CREATE TABLE d(id INTEGER PRIMARY KEY,b);UPDATE e SET x=2;")
      ],
      ask:
        "SELECT rowid FROM f WHERE f MATCH 'alpha';INSERT INTO f(f,rank) VALUES('integrity-check',1);SELECT x FROM e",
      ["1", "1"]),
    WayBackRow(
      "so does one over a view of a table that changed",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,b);CREATE VIEW v AS SELECT id,b FROM d;CREATE VIRTUAL TABLE f USING fts5(b,content=v,content_rowid=id);CREATE TRIGGER d1 AFTER UPDATE ON d BEGIN INSERT INTO f(f,rowid,b) VALUES('delete',old.id,old.b);INSERT INTO f(rowid,b) VALUES(new.id,new.b);END; INSERT INTO d VALUES(1,'alpha');INSERT INTO f(f) VALUES('rebuild');",
      [WayBackRow.Step(.migrate, "UPDATE d SET b='gamma';", down: "SELECT 1;")],
      ask: "SELECT rowid FROM f WHERE f MATCH 'alpha';SELECT count(*) FROM f WHERE f MATCH 'gamma'",
      ["1", "0"]),
    WayBackRow(
      "an R-tree that triggers keep comes back with its rows",
      "CREATE TABLE d(id INTEGER PRIMARY KEY,x0,x1);CREATE VIRTUAL TABLE g USING rtree(id,x0,x1);CREATE TRIGGER d1 AFTER INSERT ON d BEGIN INSERT INTO g VALUES(new.id,new.x0,new.x1);END;CREATE TRIGGER d3 AFTER UPDATE ON d BEGIN UPDATE g SET x0=new.x0,x1=new.x1 WHERE id=new.id;END; INSERT INTO d VALUES(1,1,2),(2,3,4);",
      [WayBackRow.Step(.migrate, "UPDATE d SET x0=10,x1=20 WHERE id=1;", down: "SELECT 1;")],
      ask: "SELECT * FROM d;SELECT * FROM g ORDER BY id;",
      ["1|1|2", "2|3|4", "1|1.0|2.0", "2|3.0|4.0"]),
    WayBackRow(
      "a row born under a key that is never given out twice has no value of another row",
      "CREATE TABLE p(id INTEGER PRIMARY KEY AUTOINCREMENT,name,ssn); INSERT INTO p VALUES(1,'Ann','11'),(2,'Bob','22');",
      [WayBackRow.Step(.contract, "ALTER TABLE p DROP ssn;", down: "ALTER TABLE p ADD ssn;")],
      since: "DELETE FROM p WHERE id=2;INSERT INTO p(name) VALUES('Eve')",
      ask: "SELECT * FROM p",
      ["1|Ann|11", "3|Eve|"]),
    WayBackRow(
      "a row born under the key of a deleted one keeps it",
      "CREATE TABLE p(id INTEGER PRIMARY KEY,name); INSERT INTO p VALUES(1,'Ann'),(2,'Bob');",
      [WayBackRow.Step(.migrate, "DELETE FROM p WHERE id=2;", down: "SELECT 1;")],
      since: "INSERT INTO p(name) VALUES('Eve')",
      ask: "SELECT * FROM p",
      ["1|Ann", "2|Eve"]),
    WayBackRow(
      "a dropped value follows its row to another key",
      "CREATE TABLE p(id INTEGER PRIMARY KEY,name,ssn); INSERT INTO p VALUES(1,'Ann','11'),(2,'Bob','22');",
      [WayBackRow.Step(.contract, "ALTER TABLE p DROP ssn;", down: "ALTER TABLE p ADD ssn;")],
      since: "UPDATE p SET id=100 WHERE id=2",
      ask: "SELECT * FROM p",
      ["1|Ann|11", "100|Bob|22"]),
    WayBackRow(
      "dropped values follow rows that swapped their keys",
      "CREATE TABLE p(id INTEGER PRIMARY KEY,name,ssn); INSERT INTO p VALUES(1,'Ann','11'),(2,'Bob','22');",
      [WayBackRow.Step(.contract, "ALTER TABLE p DROP ssn;", down: "ALTER TABLE p ADD ssn;")],
      since: "UPDATE p SET id=-1 WHERE id=2;UPDATE p SET id=2 WHERE id=1;UPDATE p SET id=1 WHERE id=-1",
      ask: "SELECT * FROM p",
      ["1|Bob|22", "2|Ann|11"]),
    WayBackRow(
      "dropped values find the rows of a table without a key after VACUUM",
      "CREATE TABLE p(name,ssn); INSERT INTO p VALUES('Zed','0'),('Ann','11'),('Bob','22');DELETE FROM p WHERE name='Zed';",
      [WayBackRow.Step(.contract, "ALTER TABLE p DROP ssn;", down: "ALTER TABLE p ADD ssn;")],
      since: "VACUUM",
      ask: "SELECT * FROM p ORDER BY 1",
      ["Ann|11", "Bob|22"]),
    WayBackRow(
      "so do overwritten ones",
      "CREATE TABLE p(name,ssn); INSERT INTO p VALUES('Zed','0'),('Ann','aa'),('Bob','bb');DELETE FROM p WHERE name='Zed';",
      [WayBackRow.Step(.migrate, "UPDATE p SET ssn=upper(ssn);", down: "SELECT 1;")],
      since: "VACUUM",
      ask: "SELECT * FROM p ORDER BY 1",
      ["Ann|aa", "Bob|bb"]),
    WayBackRow(
      "rows that audit triggers write on both ways are counted as a loss",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a);CREATE TABLE log(what);CREATE TRIGGER tr AFTER UPDATE ON t BEGIN INSERT INTO log VALUES(old.a);END; INSERT INTO t VALUES(1,'x');",
      [WayBackRow.Step(.migrate, "UPDATE t SET a=upper(a);", down: "UPDATE t SET a=lower(a);")],
      ask: "SELECT * FROM t;SELECT * FROM log",
      ["1|x", "x", "X"], seen: .lossy),
    WayBackRow(
      "rows that a contract merged come back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,b); INSERT INTO t VALUES(1,'x'),(2,'x'),(3,'x'),(4,'y');",
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,b);INSERT INTO n SELECT min(id),b FROM t GROUP BY b;DROP TABLE t;ALTER TABLE n RENAME TO t;CREATE UNIQUE INDEX tb ON t(b);",
          down: "DROP INDEX tb;")
      ],
      ask: "SELECT * FROM t",
      ["1|x", "2|x", "3|x", "4|y"]),
    WayBackRow(
      "rows that a contract merged under another key come back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,b); INSERT INTO t VALUES(1,'x'),(2,'x'),(3,'x'),(4,'y');",
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(b TEXT PRIMARY KEY);INSERT INTO n SELECT b FROM t GROUP BY b;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,b);INSERT INTO n(b) SELECT b FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        )
      ],
      ask: "SELECT * FROM t",
      ["1|x", "2|x", "3|x", "4|y"]),
    WayBackRow(
      "rows without a parent from before go through a rename",
      "CREATE TABLE p(id INTEGER PRIMARY KEY);CREATE TABLE c(a,p REFERENCES p(id)); INSERT INTO c VALUES('x',99),('y',98);DELETE FROM c WHERE a='nope';",
      [WayBackRow.Step(.contract, "ALTER TABLE c RENAME TO k;", down: "ALTER TABLE k RENAME TO c;")],
      ask: "SELECT * FROM c",
      ["x|99", "y|98"]),
    WayBackRow(
      "and through a rebuild that numbers rows anew",
      "CREATE TABLE p(id INTEGER PRIMARY KEY);CREATE TABLE c(a,p REFERENCES p(id)); INSERT INTO c VALUES('z',1),('x',99),('y',98);DELETE FROM c WHERE a='z';",
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(a TEXT,p REFERENCES p(id));INSERT INTO n SELECT a,p FROM c;DROP TABLE c;ALTER TABLE n RENAME TO c;",
          down:
            "CREATE TABLE n(a,p REFERENCES p(id));INSERT INTO n SELECT a,p FROM c;DROP TABLE c;ALTER TABLE n RENAME TO c;"
        )
      ],
      ask: "SELECT * FROM c",
      ["x|99", "y|98"]),
    WayBackRow(
      "a merged child whose parent was deleted since stays away",
      "CREATE TABLE p(id INTEGER PRIMARY KEY,notes);CREATE TABLE c(id INTEGER PRIMARY KEY,p REFERENCES p(id),note); INSERT INTO p VALUES(1,NULL),(2,NULL);INSERT INTO c VALUES(1,1,'a'),(2,2,'b');",
      [
        WayBackRow.Step(
          .contract, "UPDATE p SET notes=(SELECT note FROM c WHERE c.p=p.id);DROP TABLE c;",
          down: "CREATE TABLE c(id INTEGER PRIMARY KEY,p REFERENCES p(id),note);")
      ],
      since: "DELETE FROM p WHERE id=1",
      ask: "SELECT * FROM c;SELECT * FROM p",
      ["2|2|b", "2|"]),
    WayBackRow(
      "values that a rebuild makes of NULL are NULL again",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,r); INSERT INTO t VALUES(1,NULL),(2,5);",
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,r NOT NULL);INSERT INTO n SELECT id,coalesce(r,0) FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,r);INSERT INTO n SELECT id,r FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        )
      ],
      ask: "SELECT * FROM t",
      ["1|", "2|5"]),
    WayBackRow(
      "a bare NULL in a down computes nothing, so a row that changed since gets its dropped value",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a,b); INSERT INTO t VALUES(1,'x','bx'),(2,'y','by');",
      [
        WayBackRow.Step(
          .contract,
          "CREATE TABLE n(id INTEGER PRIMARY KEY,a);INSERT INTO n SELECT id,a FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(id INTEGER PRIMARY KEY,a,b);INSERT INTO n SELECT id,a,NULL FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        )
      ],
      since: "UPDATE t SET a='z' WHERE id=1",
      ask: "SELECT * FROM t",
      ["1|z|bx", "2|y|by"]),
    WayBackRow(
      "a row whose TEXT key is NULL comes back over two phases",
      "CREATE TABLE t(k TEXT PRIMARY KEY,v); INSERT INTO t VALUES('x',1),('y',2),(NULL,3);",
      [
        WayBackRow.Step(.migrate, "DELETE FROM t WHERE k IS NULL;", down: "SELECT 1;"),
        WayBackRow.Step(.migrate, "DELETE FROM t WHERE v=1;", down: "SELECT 1;"),
      ],
      ask: "SELECT * FROM t ORDER BY v",
      ["x|1", "y|2", "|3"]),
    WayBackRow(
      "rows that OR REPLACE deletes come back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,mail UNIQUE); INSERT INTO t VALUES(1,'A'),(2,'a'),(3,'B');",
      [WayBackRow.Step(.migrate, "UPDATE OR REPLACE t SET mail=lower(mail);", down: "SELECT 1;")],
      ask: "SELECT * FROM t",
      ["1|A", "2|a", "3|B"]),
    WayBackRow(
      "a down that replaces every row replaces none that was there",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'A'),(2,'a'),(3,'B');",
      [
        WayBackRow.Step(
          .migrate, "UPDATE t SET a='z' WHERE id=3;",
          down: "INSERT OR REPLACE INTO t SELECT id,'wrong' FROM t;")
      ],
      ask: "SELECT * FROM t",
      ["1|A", "2|a", "3|B"]),
    WayBackRow(
      "unique values that a wrong down swaps come back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a UNIQUE); INSERT INTO t VALUES(1,1),(2,2),(3,3);",
      [
        WayBackRow.Step(
          .migrate, "SELECT 1;", down: "UPDATE t SET a=a+10;UPDATE t SET a=34-a;UPDATE t SET a=a-20;")
      ],
      ask: "SELECT * FROM t",
      ["1|1", "2|2", "3|3"]),
    WayBackRow(
      "keys that a wrong down shifts come back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a); INSERT INTO t VALUES(1,'a'),(2,'b'),(3,'c');",
      [WayBackRow.Step(.migrate, "UPDATE t SET id=id+10;", down: "UPDATE t SET id=id-9;")],
      ask: "SELECT * FROM t",
      ["1|a", "2|b", "3|c"]),
    WayBackRow(
      "a table without a key that a wrong down rebuilds is what it was",
      "CREATE TABLE t(a,r); INSERT INTO t VALUES('x',NULL),('y',1);",
      [
        WayBackRow.Step(
          .expand,
          "CREATE TABLE n(a,r,z);INSERT INTO n(a,r) SELECT a,r FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;",
          down:
            "CREATE TABLE n(a,r);INSERT INTO n SELECT a,coalesce(r,0) FROM t;DROP TABLE t;ALTER TABLE n RENAME TO t;"
        )
      ],
      ask: "SELECT * FROM t",
      ["x|", "y|1"]),
    WayBackRow(
      "what a trigger counts on both ways is taken back",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a);CREATE TABLE o(id INTEGER PRIMARY KEY,n);CREATE TRIGGER tr AFTER UPDATE ON t BEGIN UPDATE o SET n=n+1;END; INSERT INTO t VALUES(1,'P');INSERT INTO o VALUES(7,1);",
      [
        WayBackRow.Step(
          .expand, "ALTER TABLE t ADD low;UPDATE t SET low=lower(a);",
          down: "UPDATE t SET low=NULL;ALTER TABLE t DROP low;")
      ],
      ask: "SELECT * FROM t;SELECT * FROM o",
      ["1|P", "7|1"]),
    WayBackRow(
      "rows and unique values come back, although constraints say REPLACE and IGNORE",
      """
      CREATE TABLE t(k TEXT PRIMARY KEY ON CONFLICT REPLACE,a UNIQUE ON CONFLICT IGNORE,b);
      INSERT INTO t VALUES('p','x',1),('q','y',2),('r','w',3);
      """,
      [
        WayBackRow.Step(
          .migrate,
          "DELETE FROM t WHERE k='p';UPDATE t SET a='x' WHERE k='q';UPDATE t SET a='y' WHERE k='r';",
          down: "SELECT 1;")
      ],
      ask: "SELECT * FROM t ORDER BY k", ["p|x|1", "q|y|2", "r|w|3"]),
  ]

  static let conflicts = ["IGNORE", "REPLACE", "FAIL", "ROLLBACK"].map { conflict in
    WayBackRow(
      "a unique value comes back although another row has it until then, with ON CONFLICT \(conflict)",
      "CREATE TABLE t(id INTEGER PRIMARY KEY,a UNIQUE ON CONFLICT \(conflict)); INSERT INTO t VALUES(1,'x'),(2,'y');",
      [
        WayBackRow.Step(
          .migrate, "UPDATE t SET a='z' WHERE id=1;UPDATE t SET a='x' WHERE id=2;", down: "SELECT 1;")
      ],
      ask: "SELECT * FROM t", ["1|x", "2|y"])
  }

  @Test("rows come back, whatever the SQL of the way down says", arguments: rows + conflicts)
  func comesBack(_ row: WayBackRow) throws { try row.check() }
}

/// Schema and rows, the phases that go over them, what an application writes in between, and what there is afterwards.
struct WayBackRow: CustomTestStringConvertible, Sendable {
  /// One phase of a migration of its own.
  struct Step: Sendable {
    let kind: Phase.Kind
    let up: String
    let down: String
    let retiring: String?

    init(_ kind: Phase.Kind, _ up: String, down: String, retiring: String? = nil) {
      self.kind = kind
      self.up = up
      self.down = down
      self.retiring = retiring
    }

    func phase() throws -> Phase {
      Phase(
        kind, windows: try Windows(Window("app", VersionRange(">=1.0"))), up: try #require(Script(up)),
        down: try #require(Script(down)),
        retirements: retiring.map { [Retirement(table: "t", column: $0)] } ?? [])
    }
  }

  let testDescription: String
  let before: String
  let steps: [Step]
  let since: String
  let question: String
  let expected: [String]
  let seen: RoundTripRecord.Verdict

  /// - Parameters:
  ///   - question: statements whose rows are put one below the other, with bars between columns.
  ///   - seen: what the last phase was seen to do when it went up.
  init(
    _ sentence: String, _ before: String, _ steps: [Step], since: String = "", ask question: String,
    _ expected: [String], seen: RoundTripRecord.Verdict = .exact
  ) {
    testDescription = sentence
    self.before = before
    self.steps = steps
    self.since = since
    self.question = question
    self.expected = expected
    self.seen = seen
  }

  /// Checks it twice: the second time, the trial of the way back is undone with its whole transaction, as that of a large
  /// table is, and the same is seen.
  func check() throws {
    let (first, second) = (try check(undoingAll: false), try check(undoingAll: true))
    #expect(first == second || seen == .chance)
  }

  private func check(undoingAll: Bool) throws -> RoundTripRecord? {
    let database = try TemporaryDatabase((undoingAll ? "PRAGMA journal_mode = WAL; " : "") + before)
    var options = Options.test
    if undoingAll { options.mostBytesUndone = -1 }
    let catalog = try Catalog(
      steps.enumerated().map { number, step in
        try Migration(MigrationName("000\(number + 1)-m"), phases: [step.phase()])
      })
    try database.run(.upAll, catalog, options)
    let sequence = try #require(
      try database.value("SELECT max(sequence) FROM phasedb_phase")?.integer)
    let seen = try Ledger(connection: database.connect(.readOnly)).roundTrips.read(of: sequence)
    #expect(seen?.verdict == self.seen, "\(String(describing: seen))")
    try database.run("PRAGMA foreign_keys = ON; " + since)
    if self.seen == .blocked {
      #expect(throws: MigrationError.self) { try database.run(.down(steps.count), catalog) }
    } else {
      try database.run(.down(steps.count), catalog)
    }
    #expect(try answer(of: database) == expected)
    #expect(database.integrity() == "ok")
    return seen
  }

  private func answer(of database: TemporaryDatabase) throws -> [String] {
    let connection = try database.connect()
    return try question.split(separator: ";").flatMap { statement in
      try connection.rows(String(statement)).map { row in
        row.map { $0.isNull ? "" : $0.text ?? $0.description }.joined(separator: "|")
      }
    }
  }
}
