//! What goes into statements and comes out of them, held against both engines.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod common;

use certhold_store::{Error, Options, Store, Value, params};
use common::Database;
use common::people::{SCHEMA, insert, names};

on_both_engines!(
    every_kind_of_value_comes_back,
    placeholders_are_numbered_by_name,
    cells_of_another_kind_are_refused,
    hostile_texts_are_only_texts,
    texts_are_ordered_bytewise,
    conflicts_say_what_conflicts,
    a_read_cannot_write,
    streaming_stops_when_told,
    executed_texts_are_remembered,
    many_lists_of_parameters_run_in_order,
    the_first_error_among_many_is_told,
    what_is_sent_happens_in_order,
    what_is_sent_and_fails_undoes_its_closure,
    numbers_are_passed_over,
);

fn every_kind_of_value_comes_back(database: Database) {
    let store = database.open(SCHEMA);
    type Person = (i64, String, Option<String>, Option<Vec<u8>>, Option<bool>, Option<i64>);
    let kept: Vec<Person> = store
        .write_blocking(|tx| {
            let sql = "INSERT INTO person (name, realm, key, alive, born) VALUES ($1, $2, $3, $4, $5)";
            assert_eq!(tx.execute(sql, params!["Ada", "x", [0_u8, 255], true, i64::MAX])?, 1);
            assert_eq!(
                tx.execute(sql, params!["Émile \u{202e}🦀", None::<&str>, None::<Vec<u8>>, None::<bool>, None::<i64>])?,
                1
            );
            assert_eq!(tx.execute(sql, params!["", "", Vec::new(), false, 1])?, 1);
            tx.rows("SELECT id, name, realm, key, alive, born FROM person ORDER BY id", params![], |row| {
                assert_eq!(row.text(1)?, row.get::<String>(1)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            })
        })
        .unwrap_or_else(|error: Error| panic!("{error}"));
    let expected = [
        (1, "Ada".to_owned(), Some("x".to_owned()), Some(vec![0, 255]), Some(true), Some(i64::MAX)),
        (2, "Émile \u{202e}🦀".to_owned(), None, None, None, None),
        (3, String::new(), Some(String::new()), Some(vec![]), Some(false), Some(1)),
    ];
    assert_eq!(kept, expected);
    let fixed: Option<[u8; 2]> = store
        .read_blocking(|tx| tx.one("SELECT key FROM person WHERE born = $1", params![i64::MAX], |row| row.get(0)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    assert_eq!(fixed, Some([0, 255]));
    let sums: Result<_, Error> = store.read_blocking(|tx| {
        tx.one("SELECT count(*), sum(id), max(id), EXISTS (SELECT 1 FROM pet), 7 FROM person", params![], |row| {
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?, row.get::<bool>(3)?, row.get::<i64>(4)?))
        })
    });
    assert_eq!(sums.unwrap(), Some((3, 6, 3, false, 7)));
}

fn placeholders_are_numbered_by_name(database: Database) {
    let store = database.open(SCHEMA);
    let found: Result<_, Error> = store.write_blocking(|tx| {
        tx.execute("INSERT INTO person (realm, name, born) VALUES ($2, $1, $3)", params!["Ada", "x", 1815])?;
        tx.execute("INSERT INTO person (name, realm, born) VALUES ($1, $1, $2)", params!["twice", 2])?;
        tx.execute("UPDATE person SET born = $2 WHERE name = $1 AND realm = $1", params!["twice", 3])?;
        tx.rows(
            "SELECT name, realm, born FROM person WHERE born <= $2 AND born >= $1 ORDER BY born LIMIT $3",
            params![3, 1815, 10],
            |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?)),
        )
    });
    assert_eq!(found.unwrap(), [("twice".into(), "twice".into(), 3), ("Ada".into(), "x".into(), 1815)]);
    for wrong in [params![1], params![1, 2, 3]] {
        let wrong: Vec<i64> = (0..wrong.len() as i64).collect();
        let refused: Result<Option<i64>, Error> = store.read_blocking(move |tx| {
            let values: Vec<_> = wrong.iter().map(Into::into).collect();
            tx.one("SELECT id FROM person WHERE id = $1 OR born = $2", &values, |row| row.get(0))
        });
        assert!(matches!(refused, Err(Error::Type { .. })), "{refused:?}");
    }
}

fn cells_of_another_kind_are_refused(database: Database) {
    let store = database.open(SCHEMA);
    store.write_blocking(|tx| insert(tx, "Ada")).unwrap();
    fn read<T: certhold_store::FromRow + Send + 'static>(store: &Store, sql: &'static str) -> String {
        let read: Result<Option<T>, Error> = store.read_blocking(move |tx| tx.one(sql, params![], |row| row.get(0)));
        match read {
            Err(Error::Type { place, found, expected }) => format!("{place}: {found}, not {expected}"),
            other => panic!("{sql}: {:?}", other.map(drop)),
        }
    }
    assert_eq!(read::<i64>(&store, "SELECT name FROM person"), "column 0 (name): a text, not an integer");
    assert_eq!(read::<i64>(&store, "SELECT born FROM person"), "column 0 (born): NULL, not an integer");
    assert_eq!(read::<String>(&store, "SELECT id FROM person"), "column 0 (id): an integer, not a text");
    assert_eq!(read::<Vec<u8>>(&store, "SELECT name FROM person"), "column 0 (name): a text, not bytes");
    assert_eq!(read::<[u8; 3]>(&store, "SELECT key FROM person"), "column 0 (key): NULL, not bytes of a fixed length");
    let beyond: Result<Option<i64>, Error> =
        store.read_blocking(|tx| tx.one("SELECT id FROM person", params![], |row| row.get(1)));
    assert!(beyond.unwrap_err().to_string().contains("column 1 (which does not exist)"));
    let wrong_kind: Result<u64, Error> = store.write_blocking(|tx| tx.execute("UPDATE person SET born = $1", params!["old"]));
    assert!(wrong_kind.is_err(), "a text is no number on either engine");
}

fn hostile_texts_are_only_texts(database: Database) {
    let store = database.open(SCHEMA);
    let hostile = ["'; DROP TABLE person; --", "$1", "<script>", "../../etc/passwd", "\u{202e}gnp.exe", "%_\\"];
    for text in hostile {
        let back: Result<_, Error> = store.write_blocking(move |tx| {
            let id = insert(tx, text)?;
            tx.one("SELECT name FROM person WHERE id = $1 AND name = $2", params![id, text], |row| row.get::<String>(0))
        });
        assert_eq!(back.unwrap().as_deref(), Some(text));
    }
    let with_nul: Result<i64, Error> = store.write_blocking(|tx| insert(tx, "a\0b"));
    assert!(matches!(&with_nul, Err(Error::Nul { place }) if place == "parameter $1"), "{with_nul:?}");
    assert_eq!(names(&store).len(), hostile.len());
}

fn texts_are_ordered_bytewise(database: Database) {
    let store = database.open(SCHEMA);
    for name in ["b", "B", "a.b", "a/b", "ab", "é", "A", "a b", "z"] {
        store.write_blocking(move |tx| insert(tx, name)).unwrap();
    }
    let ordered: Vec<String> = store
        .read_blocking(|tx| tx.rows("SELECT name FROM person ORDER BY name", params![], |row| row.get(0)))
        .unwrap_or_else(|error: Error| panic!("{error}"));
    assert_eq!(ordered, ["A", "B", "a b", "a.b", "a/b", "ab", "b", "z", "é"]);
    let inside: Result<Vec<String>, Error> = store.read_blocking(|tx| {
        tx.rows("SELECT name FROM person WHERE name >= $1 AND name < $2", params!["a.", "a/"], |row| row.get(0))
    });
    assert_eq!(inside.unwrap(), ["a.b"]);
}

fn conflicts_say_what_conflicts(database: Database) {
    let store = database.open(SCHEMA);
    let id = store.write_blocking(|tx| insert(tx, "Ada")).unwrap();
    let again = store.write_blocking(|tx| insert(tx, "Ada")).unwrap_err();
    assert_eq!(again, Error::Unique { table: "person".into(), columns: vec!["name".into(), "realm".into()] });
    let key: Result<u64, Error> =
        store.write_blocking(|tx| tx.execute("INSERT INTO tally (name, value) VALUES ('head', 1)", params![]));
    assert_eq!(key.unwrap_err(), Error::Unique { table: "tally".into(), columns: vec!["name".into()] });
    let partial: Result<u64, Error> = store.write_blocking(move |tx| {
        tx.execute("INSERT INTO pet (owner, name) VALUES ($1, ''), ($1, ''), ($1, 'Rex')", params![id])?;
        tx.execute("INSERT INTO pet (owner, name) VALUES ($1, 'Rex')", params![id])
    });
    assert_eq!(partial.unwrap_err(), Error::Unique { table: "pet".into(), columns: vec!["owner".into(), "name".into()] });
    let stray: Result<u64, Error> =
        store.write_blocking(|tx| tx.execute("INSERT INTO pet (owner, name) VALUES (99, 'x')", params![]));
    assert_eq!(stray.unwrap_err(), Error::Foreign);
    let missing: Result<u64, Error> =
        store.write_blocking(|tx| tx.execute("INSERT INTO person (name) VALUES ($1)", params![None::<&str>]));
    assert!(matches!(missing.unwrap_err(), Error::Constraint { what } if what.contains("name")));
    let checked: Result<u64, Error> = store.write_blocking(|tx| tx.execute("UPDATE person SET born = $1", params![-1]));
    assert!(matches!(checked.unwrap_err(), Error::Constraint { what } if what.contains("born")));
    let nonsense: Result<u64, Error> = store.write_blocking(|tx| tx.execute("SELECT FROM WHERE", params![]));
    assert!(matches!(nonsense.unwrap_err(), Error::Sql { sql, .. } if sql == "SELECT FROM WHERE"));
    let upsert: Result<_, Error> = store.write_blocking(|tx| {
        let sql = "INSERT INTO tally (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = tally.value + excluded.value RETURNING value";
        tx.one(sql, params!["head", 5], |row| row.get::<i64>(0))
    });
    assert_eq!(upsert.unwrap(), Some(5));
}

fn a_read_cannot_write(database: Database) {
    let store = database.open(SCHEMA);
    let refused: Result<i64, Error> = store.read_blocking(|tx| {
        assert!(!tx.can_write());
        insert(tx, "Ada")
    });
    assert_eq!(refused.unwrap_err(), Error::ReadOnly);
    let swallowed: Result<(), Error> = store.read_blocking(|tx| {
        let _ = tx.execute("DELETE FROM tally", params![]);
        Ok(())
    });
    assert_eq!(swallowed.unwrap_err(), Error::ReadOnly);
    let table: Result<u64, Error> = store.read_blocking(|tx| tx.execute("CREATE TABLE x (y BIGINT)", params![]));
    assert_eq!(table.unwrap_err(), Error::ReadOnly);
    assert!(names(&store).is_empty());
    assert!(store.write_blocking(|tx| Ok::<_, Error>(tx.can_write())).unwrap());
}

fn streaming_stops_when_told(database: Database) {
    let store = database.open(SCHEMA);
    let filled: Result<(), Error> = store.write_blocking(|tx| {
        for number in 0..2_000 {
            insert(tx, &format!("{number:04}"))?;
        }
        Ok(())
    });
    filled.unwrap();
    let seen: Result<_, Error> = store.read_blocking(|tx| {
        let mut seen = 0;
        let stopped = tx.each("SELECT a.name FROM person a, person b ORDER BY a.id", params![], |row| {
            seen += 1;
            if row.text(0)? == "0001" { Err(Error::TimedOut) } else { Ok(()) }
        });
        assert_eq!(stopped, Err(Error::TimedOut));
        // An error of the visitor is not one of the database: the transaction goes on.
        let count = tx.one("SELECT count(*) FROM person", params![], |row| row.get::<i64>(0))?;
        Ok((seen, count))
    });
    assert_eq!(seen.unwrap(), (2_001, Some(2_000)));
}

fn executed_texts_are_remembered(database: Database) {
    let store = database.open_with(SCHEMA, Options { record_sql: true, ..Options::default() }).unwrap();
    for _ in 0..2 {
        let asked: Result<_, Error> =
            store.read_blocking(|tx| tx.one("SELECT max(value) FROM tally", params![], |row| row.get::<i64>(0)));
        asked.unwrap();
    }
    assert_eq!(store.executed_sql(), ["SELECT max(value) FROM tally"]);
}

fn many_lists_of_parameters_run_in_order(database: Database) {
    let store = database.open(SCHEMA);
    let ids: Result<_, Error> = store.write_blocking(|tx| {
        let lists: Vec<_> = (0..600).map(|number| [Value::from(format!("n{}", number % 500)), Value::from("r")]).collect();
        let sql = "INSERT INTO person (name, realm) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id";
        let ids = tx.one_of_each(sql, &lists, |row| row.get::<i64>(0))?;
        let changed = tx.execute_many(
            "UPDATE person SET born = $2 WHERE name = $1",
            &[params!["n7", 1], params!["nobody", 2], params!["n7", 3]],
        )?;
        assert_eq!(changed, 2);
        assert_eq!(tx.execute_many("DELETE FROM pet WHERE id = $1", &[] as &[[Value<'_>; 1]])?, 0);
        let born = tx.one("SELECT born FROM person WHERE name = $1", params!["n7"], |row| row.get::<i64>(0))?;
        assert_eq!(born, Some(3), "in their order");
        Ok(ids)
    });
    let ids = ids.unwrap();
    assert_eq!(ids.len(), 600);
    let mut handed_out: Vec<i64> = ids[..500].iter().map(|id| id.unwrap()).collect();
    assert!(handed_out.is_sorted(), "{handed_out:?}");
    handed_out.dedup();
    assert_eq!(handed_out.len(), 500);
    assert!(ids[500..].iter().all(Option::is_none), "those were there already");
}

fn the_first_error_among_many_is_told(database: Database) {
    let store = database.open(SCHEMA);
    let sql = "INSERT INTO person (name, born) VALUES ($1, $2)";
    let refused: Result<u64, Error> =
        store.write_blocking(move |tx| tx.execute_many(sql, &[params!["a", 1], params!["b", -1], params!["c", 1]]));
    assert!(matches!(refused, Err(Error::Constraint { .. })), "{refused:?}");
    assert!(names(&store).is_empty());
    let unfit: Result<u64, Error> = store.write_blocking(move |tx| tx.execute_many(sql, &[params!["a", 1], params!["b"]]));
    assert!(matches!(unfit, Err(Error::Type { .. })), "{unfit:?}");
    let mapped: Result<_, Error> = store.write_blocking(move |tx| {
        tx.one_of_each("INSERT INTO person (name) VALUES ($1) RETURNING id", &[params!["x"]], |row| row.get::<String>(0))
    });
    assert!(matches!(mapped, Err(Error::Type { .. })), "{mapped:?}");
    assert!(names(&store).is_empty());
}

fn what_is_sent_happens_in_order(database: Database) {
    let store = database.open(SCHEMA);
    let seen: Result<Vec<i64>, Error> = store.write_blocking(|tx| {
        tx.send("INSERT INTO tally (name, value) VALUES ($1, $2)", params!["sent", 1])?;
        tx.send("UPDATE tally SET value = value * 10 WHERE name = 'sent'", params![])?;
        let first = tx.one("SELECT value FROM tally WHERE name = 'sent'", params![], |row| row.get(0))?;
        tx.send("UPDATE tally SET value = value + 1 WHERE name = 'sent'", params![])?;
        let changed = tx.execute_many("UPDATE tally SET value = value * $1 WHERE name = 'sent'", &[params![2], params![3]])?;
        let second = tx.one("SELECT value FROM tally WHERE name = 'sent'", params![], |row| row.get(0))?;
        let lists = vec![[Value::from(1_i64)]; 40];
        tx.send_many("UPDATE tally SET value = value + $1 WHERE name = 'sent'", &lists[..3])?;
        tx.send_many("UPDATE tally SET value = value + $1 WHERE name = 'sent'", &lists)?;
        tx.send("UPDATE tally SET value = -value WHERE name = 'sent'", params![])?;
        Ok(vec![first.unwrap(), i64::try_from(changed).unwrap(), second.unwrap()])
    });
    assert_eq!(seen.unwrap(), [10, 2, 66]);
    let kept: Result<Option<i64>, Error> =
        store.read_blocking(|tx| tx.one("SELECT value FROM tally WHERE name = 'sent'", params![], |row| row.get(0)));
    assert_eq!(kept.unwrap(), Some(-109));
}

fn what_is_sent_and_fails_undoes_its_closure(database: Database) {
    let store = database.open(SCHEMA);
    store.write_blocking(|tx| insert(tx, "Ada")).unwrap();
    let add = "INSERT INTO person (name, realm) VALUES ($1, $2)";
    // The error comes with the next statement, or at the end.
    for ends in [true, false] {
        let refused: Result<(), Error> = store.write_blocking(move |tx| {
            tx.send(add, params!["Bea", "r"])?;
            tx.send(add, params!["Ada", "r"])?;
            tx.send("UPDATE person SET born = -1", params![])?;
            if ends {
                return Ok(());
            }
            tx.execute("DELETE FROM pet", params![]).map(drop)
        });
        assert!(matches!(&refused, Err(Error::Unique { table, .. }) if table == "person"), "{refused:?}");
    }
    let unfit: Result<(), Error> = store.write_blocking(move |tx| tx.send(add, params!["Cleo"]));
    assert!(matches!(unfit, Err(Error::Type { .. })), "{unfit:?}");
    assert_eq!(names(&store), ["Ada"]);
}

fn numbers_are_passed_over(database: Database) {
    let store = database.open(SCHEMA);
    let numbers: Result<Vec<i64>, Error> = store.write_blocking(|tx| {
        let first = insert(tx, "first")?;
        tx.execute("DELETE FROM person WHERE id = $1", params![first])?;
        tx.number_after("person", 5_000)?;
        Ok(vec![first, insert(tx, "second")?, insert(tx, "third")?])
    });
    assert_eq!(numbers.unwrap(), [1, 5_001, 5_002]);
    // Other tables number on as before.
    let pet: Result<Option<i64>, Error> = store.write_blocking(|tx| {
        tx.one("INSERT INTO pet (owner, name) VALUES (5001, 'Rex') RETURNING id", params![], |row| row.get(0))
    });
    assert_eq!(pet.unwrap(), Some(1));
}
