//! The set-based queries. Each row begins with a tag that says what it is about.

use std::collections::BTreeMap;

use super::{Flavour, Server};
use crate::catalog::{Kind, Object};

const TABLES: &str = "
select 'table', table_name, table_type, table_collation from information_schema.tables
where table_schema = database() order by table_name";

const COLUMNS: &str = "
select 'column', table_name, column_name, character_set_name, collation_name
from information_schema.columns where table_schema = database() and collation_name is not null";

const VIEWS: &str = "
select 'view', table_name, check_option from information_schema.views where table_schema = database()";

const ROUTINES: &str = "
select 'routine', routine_name, routine_type from information_schema.routines
where routine_schema = database() order by routine_name, routine_type";

const TRIGGERS: &str = "
select 'trigger', trigger_name, event_object_table, definer, action_timing, event_manipulation,
       action_statement, sql_mode, character_set_client, collation_connection, database_collation
from information_schema.triggers where trigger_schema = database()
order by event_object_table, action_timing, event_manipulation, action_order";

const EVENTS: &str = "
select 'event', event_name, definer, event_definition, sql_mode, character_set_client,
       collation_connection, database_collation, time_zone, execute_at, interval_value, interval_field,
       starts, ends, status, on_completion, event_comment
from information_schema.events where event_schema = database()";

/// Grants whose name for the database is a pattern count as those on it.
const GRANTS: &str = "
select 'grant', 'database', null, null, grantee, privilege_type, is_grantable
from information_schema.schema_privileges where database() like table_schema
union all
select 'grant', 'table', table_name, null, grantee, privilege_type, is_grantable
from information_schema.table_privileges where table_schema = database()
union all
select 'grant', 'column', table_name, column_name, grantee, privilege_type, is_grantable
from information_schema.column_privileges where table_schema = database()";

/// The queries that read everything but the texts. They rely on the settings of the session, and on a
/// database that is in use.
pub fn script(server: Server) -> String {
    let (database, more) = match server.flavour {
        Flavour::MySql => ("null, default_encryption", None),
        Flavour::MariaDb => ("schema_comment, null", Some(SRIDS)),
    };
    let database = format!(
        "select 'database', default_character_set_name, default_collation_name, {database} \
         from information_schema.schemata where schema_name = database()"
    );
    let queries = [TABLES, COLUMNS, VIEWS, ROUTINES, TRIGGERS, EVENTS, GRANTS];
    let all = [database.as_str()].into_iter().chain(queries).chain(more);
    all.chain(["select 'role', current_user()", "show grants"]).collect::<Vec<_>>().join(";\n")
}

/// MariaDB does not print the reference system of a column.
const SRIDS: &str = "
select 'srid', g_table_name, g_geometry_column, srid from information_schema.geometry_columns
where g_table_schema = database()";

/// Privileges by what they are on and who has them. They belong to the server: they outlive the tables
/// that they are on, and another server has other accounts.
pub(super) fn grants(grants: BTreeMap<Vec<String>, Vec<String>>) -> Vec<Object> {
    let object = |(path, mut privileges): (Vec<String>, Vec<String>)| {
        privileges.sort();
        Object::new(Kind::Grant, path).with("privileges", privileges.join(", "))
    };
    grants.into_iter().map(object).collect()
}
