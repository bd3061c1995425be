//! The state of live's rows.

use raingauge_engine::data;

use crate::postgres_catalog::{read, run};
use crate::postgres_session::scratch;

#[test]
fn t31_a_sequence_behind_its_column_is_told_with_the_statement_that_helps() {
    let Some(mut scratch) = scratch() else { return };
    let mut database = scratch.create("data").unwrap();
    run(
        &mut database,
        "create table public.books (id serial primary key, title text); \
         create table public.fine (id int generated always as identity primary key); \
         insert into public.books values (1, 'a'), (7, 'b'); \
         insert into public.fine default values",
    );
    let catalog = read(&database.dsn);
    let (_, findings) = data::state(&mut database.session, &catalog).unwrap();
    let found: Vec<_> = findings.iter().map(|it| (it.code, it.next[0].as_str())).collect();
    assert_eq!(found, [("sequence-behind", "SELECT setval('public.books_id_seq', 7);")]);
}
