//! Tests of how rows and texts become objects.

use super::*;

const MARIADB: &str = "10.11.14-MariaDB-0+deb12u2";

fn row(values: &[&str]) -> TextRow {
    values.iter().map(|it| (*it != "-").then(|| (*it).to_owned())).collect()
}

/// The catalog of one table whose collation is MariaDB's usual one.
fn table(version: &str, text: &str) -> Catalog {
    let mut assembly = Assembly::new(Server::of(version), "app");
    assembly.push(row(&["database", "utf8mb4", "utf8mb4_general_ci", "-", "-"])).unwrap();
    assembly.push(row(&["table", "t", "BASE TABLE", "utf8mb4_general_ci"])).unwrap();
    assembly.push(row(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`"])).unwrap();
    assert_eq!(assembly.statements(), ["show create table `t`"]);
    assembly.push_text(0, row(&["t", text]));
    assembly.finish(&[])
}

#[test]
fn a_version_tells_the_flavour() {
    let of = |text: &str| {
        let server = Server::of(text);
        (server.flavour, server.version, server.is_supported())
    };
    assert_eq!(of("8.0.46-0ubuntu0.22.04.3"), (Flavour::MySql, [8, 0, 46], true));
    assert_eq!(of("9.7.4-2"), (Flavour::MySql, [9, 7, 4], true));
    assert_eq!(of(MARIADB), (Flavour::MariaDb, [10, 11, 14], true));
    assert_eq!(of("5.5.5-10.6.1-MariaDB"), (Flavour::MariaDb, [10, 6, 1], true));
    assert_eq!(of("5.7.44"), (Flavour::MySql, [5, 7, 44], false));
    assert_eq!(of("10.4.2-MariaDB"), (Flavour::MariaDb, [10, 4, 2], false));
}

#[test]
fn a_statement_that_is_understood_is_in_parts() {
    let text = "CREATE TABLE `t` (\n  `a` int(11) DEFAULT NULL,\n  KEY `i` (`a`)\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci";
    let catalog = table(MARIADB, text);
    let ids: Vec<_> = catalog.objects().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, ["table t", "column t.a", "index t.i"]);
    assert_eq!(not_understood(&catalog).count(), 0);
    assert_eq!(create_table(&catalog, &ObjectId::new(Kind::Table, ["t"])).as_deref(), Some(text));
    assert_eq!(catalog.unseen, []);
}

#[test]
fn a_hidden_column_is_said_as_each_release_prints_it_and_is_the_same() {
    // MariaDB 11.4 and 11.8.
    let columns = [
        "`w` int(11) INVISIBLE DEFAULT 3 COMMENT 'x',\n  `n` datetime INVISIBLE DEFAULT current_timestamp() ON UPDATE current_timestamp()",
        "`w` int(11) DEFAULT 3 INVISIBLE COMMENT 'x',\n  `n` datetime DEFAULT current_timestamp() ON UPDATE current_timestamp() INVISIBLE",
    ];
    let [one, other] = columns.map(|columns| {
        let text = format!("CREATE TABLE `t` (\n  `a` int(11) DEFAULT NULL,\n  {columns}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci");
        let catalog = table(MARIADB, &text);
        assert_eq!(not_understood(&catalog).count(), 0, "{text}");
        let said = create_table(&catalog, &ObjectId::new(Kind::Table, ["t"]));
        assert_eq!(said, Some(text));
        catalog
    });
    assert_eq!(one.fingerprint(), other.fingerprint());
}

#[test]
fn a_statement_that_is_not_understood_is_kept_whole_and_named() {
    for text in [
        "CREATE TABLE `t` (\n  `a` int(11) FROBNICATED\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `a` int(11)\n) ENGINE=InnoDB COLLATE=utf8mb4_general_ci FROB=1 AAA=2",
        "CREATE TABLE `t` (\n  `a` int(11),\n  FROB KEY `x` (`a`)\n) ENGINE=InnoDB",
        "CREATE TABLE `t` (\n  `a` int(11) DEFAULT 'x",
        "",
    ] {
        let catalog = table(MARIADB, text);
        assert_eq!(not_understood(&catalog).count(), 1, "{text}");
        let found = catalog.of_kind(Kind::Table).next().unwrap().get("definition");
        assert_eq!(found, Some(text));
    }
}

#[test]
fn the_counter_is_in_no_definition() {
    let text = |n: u32| {
        format!("CREATE TABLE `t` (\n  `a` int(11)\n) ENGINE=InnoDB AUTO_INCREMENT={n} FROB=1")
    };
    let [one, other] = [1, 2].map(|n| table(MARIADB, &text(n)));
    assert_eq!(not_understood(&one).count(), 1);
    assert_eq!(one.fingerprint(), other.fingerprint());
}

#[test]
fn a_row_of_another_query_is_refused_without_its_content() {
    let mut assembly = Assembly::new(Server::of(MARIADB), "app");
    let error = assembly.push(row(&["what is this, a password?"])).unwrap_err();
    assert!(!error.to_string().contains("password"));
}
